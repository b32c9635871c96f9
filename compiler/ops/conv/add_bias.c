/* add_bias: a trained number a channel, added by itself where the layer's kernel does not. */
#include "ops/parts/elementwise_op.h"

MAP(map_add_bias) {
    (void)op, (void)attrs;
    return code_fadd(code, in[0], in[1]);
}

static void add_bias_gradient(Backward *b, const Node *node) {
    ValueId dy = backward_of_output(b, node, 0);
    backward_accumulate(b, "bias_grad", NULL, &dy, 1, node->inputs.items[1]);
    backward_contribute(b, node->inputs.items[0], dy);
}

const Op op_add_bias = {
    .name = "add_bias",
    .kind = OPK_INTERNAL,
    .min_inputs = 2,
    .max_inputs = 2,
    ELEMENTWISE_ROW,
    .summary = "adds a number a channel",
    .formula = "y = x + b[c]",
    .map = map_add_bias,
    .gradient = add_bias_gradient,
};
