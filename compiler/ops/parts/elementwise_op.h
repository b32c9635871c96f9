/* What rows of elementwise operators share. */
#ifndef CNNC_OPS_ELEMENTWISE_OP_H
#define CNNC_OPS_ELEMENTWISE_OP_H

#include "emit/kernel_code.h"
#include "graph/backward.h"

/* Fields of a row with that many operands, parameters counted. */
#define ELEMENTWISE_ROW .domain = DOMAIN_SAMPLE, .elementwise = true, .kernels = KERNELS(&elementwise_kernel)
#define ACTIVATION_ROW  .kind = OPK_ACTIVATION, .min_inputs = 1, .max_inputs = 1, ELEMENTWISE_ROW
#define GRADIENT_ROW                                                                                         \
    .kind = OPK_INTERNAL, .min_inputs = 2, .max_inputs = 2, .keeps_zeros = true, ELEMENTWISE_ROW

/* A map's body: LLVM builders are bound to `code`, operands to `in`. */
#define MAP(name)                                                                                            \
    static LLVMValueRef name(KernelCode *code, const Op *op, const Attr *attrs, const LLVMValueRef *in)

/* The gradient of input 0 is op(dy, input 0) or op(dy, output), with the node's own arguments. */
void gradient_from_input(Backward *b, const Node *node, const char *op);
void gradient_from_output(Backward *b, const Node *node, const char *op);

/* condition ? a : b with a number for b. */
LLVMValueRef select_number(KernelCode *code, LLVMValueRef condition, LLVMValueRef a, double b);
/* x > number, x < number. */
LLVMValueRef is_above(KernelCode *code, LLVMValueRef x, double number);
LLVMValueRef is_below(KernelCode *code, LLVMValueRef x, double number);
/* x * number, x + number. */
LLVMValueRef times(KernelCode *code, LLVMValueRef x, double number);
LLVMValueRef plus(KernelCode *code, LLVMValueRef x, double number);
/* x limited to [low, high]; NaN stays NaN. */
LLVMValueRef limit(KernelCode *code, LLVMValueRef x, double low, double high);

#endif
