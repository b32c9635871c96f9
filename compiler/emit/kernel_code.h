/* Helpers over the LLVM C API for writing one kernel: a function
 *     void kernel(frame, count, first, inputs..., outputs...)
 * that works on samples 0 .. count-1 of a micro-batch. Pointers are to element (0, 0, ...) of sample 0; the
 * next sample lies code_sample_stride elements further. In the batch and parameter domains count is 1.
 *
 * Registers: a `Register` says how many elements a register has and how many of them are alive; width 1 is a
 * plain scalar, so a reference kernel is a vector kernel of width 1. Integers are i64. */
#ifndef CNNC_EMIT_KERNEL_CODE_H
#define CNNC_EMIT_KERNEL_CODE_H

#include "emit/abi_layout.h"
#include "emit/machine.h"
#include "graph/op.h"

#include <llvm-c/Core.h>

/* One LLVM module under construction. */
typedef struct Emit {
    Context *cx;
    const Machine *machine;
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMTypeRef void_type, pointer, i1, i8, i32, i64, f32, f64;
} Emit;

struct KernelCode {
    Emit *emit;
    const Graph *graph;
    const Node *node;
    bool compact;     /* it runs seldom: short code is better than fast code */
    LLVMTypeRef real; /* float, or double in a double-precision program */
    int width; /* elements in a vector register; 1 in a double-precision program, unless the kernel is made
                  for it */
    LLVMValueRef function, frame, count, first;
    LLVMValueRef *inputs, *outputs; /* pointers */
    LLVMValueRef packed;            /* pointer to what Kernel.prepare makes; NULL where the kernel has none */
};

/* What is asked about the kernel that is being written. */
static inline KernelCall code_call(const KernelCode *code) {
    return kernel_call(code->node->kernel, code->emit->machine, code->graph, code->node);
}

/* How a vector register is filled: its elements, and how many of the first ones are alive. (Lanes are the
 * blocks that a step's gradients add up in.) */
typedef struct Register {
    int width, live; /* live < width: the rest is neither read nor written */
} Register;

/* A field of cnn_frame, ABI_frame_..., as abi.def has it: a pointer, i64, i32 or float. */
LLVMValueRef code_frame(KernelCode *code, AbiField field);

/* The worker's room for single kernels, as large as Kernel.workspace asked for: behind the samples of a full
 * micro-batch. Its contents are undefined when the kernel begins. */
LLVMValueRef code_workspace(KernelCode *code);

/* The pieces [begin, end) of n pieces of work that this call has to do. Where a step is split among threads,
 * each call does a share; only a kernel with Kernel.splits asks. */
typedef struct Share {
    LLVMValueRef begin, end;
} Share;
Share code_share(KernelCode *code, LLVMValueRef n);

/* Values of the kernel's node. */
const Value *code_input(const KernelCode *code, int index);
const Value *code_output(const KernelCode *code, int index);

/* Constants; a real is a scalar of code->real, splat makes a register of it (width 1: itself). */
LLVMValueRef code_int(KernelCode *code, int64_t value);
LLVMValueRef code_i32(KernelCode *code, int32_t value);
LLVMValueRef code_real(KernelCode *code, double value);
LLVMValueRef code_splat(KernelCode *code, LLVMValueRef scalar, int width);
LLVMValueRef code_constant(KernelCode *code, double value, int width);
/* A register-wide (or scalar) constant of the same type as `like`. */
LLVMValueRef code_constant_like(KernelCode *code, double value, LLVMValueRef like);

/* Integer arithmetic, constants folded. */
LLVMValueRef code_add(KernelCode *code, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef code_add_const(KernelCode *code, LLVMValueRef a, int64_t b);
LLVMValueRef code_mul(KernelCode *code, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef code_mul_const(KernelCode *code, LLVMValueRef a, int64_t b);
LLVMValueRef code_min(KernelCode *code, LLVMValueRef a, LLVMValueRef b); /* signed */
LLVMValueRef code_max(KernelCode *code, LLVMValueRef a, LLVMValueRef b);
/* How many of `count` are left from `index` on, at most `most`. */
LLVMValueRef code_left(KernelCode *code, LLVMValueRef count, LLVMValueRef index, int64_t most);

/* Arithmetic on registers or scalars; fma contracts to one instruction where the target has it. select takes
 * an i1 or a vector of them. Comparisons by LLVMRealPredicate. */
LLVMValueRef code_fadd(KernelCode *code, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef code_fsub(KernelCode *code, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef code_fmul(KernelCode *code, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef code_fdiv(KernelCode *code, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef code_fneg(KernelCode *code, LLVMValueRef a);
LLVMValueRef code_fma(KernelCode *code, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c); /* a*b + c */
LLVMValueRef code_fmax(KernelCode *code, LLVMValueRef a, LLVMValueRef b);                /* a > b ? a : b */
LLVMValueRef code_fmin(KernelCode *code, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef code_compare(KernelCode *code, LLVMRealPredicate predicate, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef code_select(KernelCode *code, LLVMValueRef condition, LLVMValueRef a, LLVMValueRef b);

/* n registers of n elements, n a power of two (or 1): element j of out[i] is element i of in[j]. */
void code_transpose(KernelCode *code, const LLVMValueRef *in, LLVMValueRef *out, int n);

/* An intrinsic overloaded on the type of its first argument: code_intrinsic(code, "llvm.fabs", &x, 1). */
LLVMValueRef code_intrinsic(KernelCode *code, const char *name, LLVMValueRef *arguments, int count);
/* Sum or maximum over the live elements of a register, in a fixed order (pairs). */
LLVMValueRef code_reduce_add(KernelCode *code, LLVMValueRef x, Register reg);
LLVMValueRef code_reduce_max(KernelCode *code, LLVMValueRef x, Register reg);

/* Addresses: base + index elements of code->real. */
LLVMValueRef code_at(KernelCode *code, LLVMValueRef base, LLVMValueRef index);
LLVMValueRef code_at_const(KernelCode *code, LLVMValueRef base, int64_t index);
LLVMValueRef code_at_type(KernelCode *code, LLVMTypeRef element, LLVMValueRef base, LLVMValueRef index);

/* Loads and stores of scalars (width 1) or registers, masked where live < width; dead elements load as 0. */
LLVMValueRef code_load(KernelCode *code, LLVMValueRef pointer, Register reg);
void code_store(KernelCode *code, LLVMValueRef value, LLVMValueRef pointer, Register reg);
LLVMTypeRef code_type(KernelCode *code, int width);
/* Asks for the line in that level's cache, 1 or 2; any address will do. */
void code_prefetch(KernelCode *code, LLVMValueRef pointer, int level);

/* The same address, hidden from LLVM's analysis: what is read there is loaded again, and not kept in
 * registers that are needed otherwise. Loads have ports of their own. */
LLVMValueRef code_unknown_address(const KernelCode *code, LLVMValueRef address);

/* A local variable (promoted to a register): reductions across loops. */
LLVMValueRef code_variable(KernelCode *code, LLVMTypeRef type, LLVMValueRef initial);
LLVMValueRef code_get(KernelCode *code, LLVMValueRef variable);
void code_set(KernelCode *code, LLVMValueRef variable, LLVMValueRef value);

/* for (index = from; index < to; index += step). An empty range has no turn. Nothing is emitted around a
 * body that runs exactly once with constant bounds. */
typedef struct Loop {
    LLVMValueRef index;
    LLVMBasicBlockRef header, exit;
    LLVMValueRef phi, to;
    int64_t step;
} Loop;
Loop loop_begin(KernelCode *code, LLVMValueRef from, LLVMValueRef to, int64_t step);
Loop loop_begin_const(KernelCode *code, int64_t from, int64_t to, int64_t step);
void loop_end(KernelCode *code, Loop *loop);

/* while (condition) { ... }: between begin and test the condition is computed, anew each time. */
typedef struct While {
    LLVMBasicBlockRef head, exit;
} While;
While while_begin(KernelCode *code);
void while_test(KernelCode *code, While *loop, LLVMValueRef condition);
void while_end(KernelCode *code, While *loop);

/* if (condition) { ... } */
typedef struct Branch {
    LLVMBasicBlockRef then, otherwise, join;
} Branch;
Branch branch_begin(KernelCode *code, LLVMValueRef condition);
void branch_else(KernelCode *code, Branch *branch); /* at most once */
void branch_end(KernelCode *code, Branch *branch);

/* Calls body for 0, width, 2*width, ... below extent: a loop over the full registers and one masked call for
 * the rest. `index` is i64, the first element's number. */
typedef void (*RegisterBody)(KernelCode *code, LLVMValueRef index, Register reg, void *user);
void loop_registers(KernelCode *code, int64_t extent, RegisterBody body, void *user);
/* The same for this call's share of the registers, taken before any loop around. */
Share share_of_registers(KernelCode *code, int64_t extent);
void loop_shared_registers(KernelCode *code, int64_t extent, const Share *share, RegisterBody body,
                           void *user);

/* A position in a per-sample value: indices are i64; spatial ones beyond the value's rank are ignored. */
typedef struct Position {
    LLVMValueRef sample, spatial[SHAPE_MAX_RANK], channel;
    int64_t delta[SHAPE_MAX_RANK]; /* added to spatial */
} Position;

/* Elements from one sample of the value to the next (0 for a value that all samples share). */
int64_t code_sample_stride(const KernelCode *code, const Value *value);
/* Address of the value at that position, base being its pointer. A value of rank 1 in a node of a higher rank
 * is per channel: only sample and channel count. */
LLVMValueRef code_position(KernelCode *code, const Value *value, LLVMValueRef base, const Position *position);

/* Loops over every position of a value of that shape: samples, spatial axes, then body a register of channels
 * at a time. Where `flat` values (NULL-ended) all lie without gaps, longer runs are made of a row or a
 * sample. */
typedef void (*PositionBody)(KernelCode *code, const Position *position, Register reg, void *user);
void loop_positions(KernelCode *code, const Shape *shape, PositionBody body, void *user);

/* The node's input at the position: a register of elements, or of channels where it is a vector with one
 * value per channel. */
LLVMValueRef code_load_input(KernelCode *code, int input, const Position *position, Register reg);
/* The same, and prefetches what the walk reads later, which an earlier stage may have left in a far cache or
 * in memory. */
LLVMValueRef code_load_far(KernelCode *code, int input, const Position *position, Register reg);

/* The node's epilogue applied to the register; and a store to output 0. A kernel that pools calls the first
 * at the place where the register was made, the second with the maximum. */
LLVMValueRef code_epilogue(KernelCode *code, LLVMValueRef result, const Position *position, Register reg);
void code_store_result(KernelCode *code, LLVMValueRef result, const Position *position, Register reg);
/* A store to any of the node's outputs. */
void code_store_output(KernelCode *code, int output, LLVMValueRef value, const Position *position,
                       Register reg);

/* The maximum of a window as its places are visited, and which of them was the first to have it, where the
 * node keeps that: output 1, as a number. A visit says whether the place is above all before it. */
typedef struct Maximum {
    LLVMValueRef best, winner; /* winner: NULL where nobody keeps it */
} Maximum;
Maximum maximum_begin(KernelCode *code, int width);
LLVMValueRef maximum_visit(KernelCode *code, Maximum *maximum, LLVMValueRef x, int place);
void maximum_store(KernelCode *code, const Maximum *maximum, const Position *window, Register reg);

/* An elementwise node's own result at the position, before its epilogue. */
LLVMValueRef code_map(KernelCode *code, const Position *position, Register reg);

/* code_epilogue and code_store_result at one position: the only way in which a kernel that does not pool may
 * write its result. */
void code_finish(KernelCode *code, LLVMValueRef result, const Position *position, Register reg);

/* The kernel of every elementwise operator: map over all positions, epilogue included (emit/elementwise.c).
 */
void elementwise_emit(KernelCode *code);
extern const Kernel elementwise_kernel;

#endif
