/* The target, as the kernels see it. The one place where numbers of a machine stand. */
#ifndef CNNC_EMIT_MACHINE_H
#define CNNC_EMIT_MACHINE_H

#include "diag/context.h"

#include <llvm-c/TargetMachine.h>

struct Machine {
    const char *triple, *cpu, *features;
    int pointer_bytes;
    int vector_floats; /* floats in a register: 16 AVX-512, 8 AVX2, 4 SSE and NEON, 1 scalar */
    int registers;     /* vector registers */
    int fma_ports;
    bool native;       /* code for the machine that compiles it */
    bool chosen;       /* the user named the target, the CPU or features */
    const char *asked; /* features that the user named; "" */
    int64_t l1_bytes, l2_bytes;
    LLVMTargetMachineRef llvm;
};
typedef struct Machine Machine;

/* From the options' target, cpu and features. NULL after a message on standard error (exit 2 then). Freed by
 * machine_destroy. */
Machine *machine_create(Context *cx);
void machine_destroy(Machine *machine);

/* What a worker keeps near: its share of the last cache. */
int64_t machine_near_bytes(const Machine *machine);
/* Cycles that moving so many bytes takes when a thread has touched `reach` bytes since it last touched them.
 */
double machine_traffic(const Machine *machine, double bytes, double reach);

#endif
