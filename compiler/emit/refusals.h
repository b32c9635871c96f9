/* What LLVM cannot make code for: a processor without the registers that floats need, features that do not go
 * together, a target that is no general-purpose processor. */
#ifndef CNNC_EMIT_REFUSALS_H
#define CNNC_EMIT_REFUSALS_H

#include "emit/machine.h"

/* From here on a refusal of LLVM's, be it an error of the context or one after which LLVM ends the process,
 * leaves the compiler with a line and status 2 where the user chose the target, the CPU or features; else it
 * is a fault of the compiler. The machine must outlive the watch. */
void refusals_watch(const Machine *machine, LLVMContextRef context);
void refusals_end(void);

#endif
