/* What the operators of batch normalisation share: arguments, the order of a node's vectors, double-precision
 * registers. */
#ifndef CNNC_OPS_BATCHNORM_H
#define CNNC_OPS_BATCHNORM_H

#include "emit/kernel_code.h"

enum { BATCHNORM_MOMENTUM, BATCHNORM_EPSILON, BATCHNORM_SCALE, BATCHNORM_SHIFT, BATCHNORM_PARAMS };
extern const Param batchnorm_params[BATCHNORM_PARAMS];
void batchnorm_apply_gradient(Backward *b, const Node *node);

/* Indices of the optional vectors among a node's inputs, which follow one another from `from`; -1 where the
 * arguments leave one out. */
typedef struct ChannelInputs {
    int weight, bias, rest;
} ChannelInputs;
ChannelInputs batchnorm_inputs(const Attr *attrs, int from);

/* What the normalisation makes of x - mean: by a factor made of `inverse` and the weight, and the bias; NULL
 * where there is none. */
LLVMValueRef batchnorm_factor(KernelCode *code, LLVMValueRef inverse, LLVMValueRef weight);
LLVMValueRef batchnorm_result(KernelCode *code, LLVMValueRef centred, LLVMValueRef factor, LLVMValueRef bias);

/* Arguments of the nodes that divide by the elements of a channel: momentum, epsilon, positions of a sample.
 */
enum { STATISTICS_PARAMS = 3 };
extern const Param statistics_params[STATISTICS_PARAMS];
Attr *statistics_attrs(Arena *arena, const Attr *batchnorm, const Shape *x);

/* A vector a channel that a batch or parameter node makes. */
ValueId add_channel_output(Graph *graph, NodeId node, Role role, int64_t elements);

/* The same kernel, computing with doubles; and a register widened to them or narrowed to code->real. */
KernelCode code_in_doubles(const KernelCode *code);
LLVMValueRef code_widen(KernelCode *code, LLVMValueRef x, int width);
LLVMValueRef code_narrow(KernelCode *code, LLVMValueRef x, int width);

#endif
