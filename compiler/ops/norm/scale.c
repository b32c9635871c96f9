/* scale: a trained factor a channel, and perhaps a summand; what norms apply to what they have normalised. */
#include "graph/shape_call.h"
#include "ops/parts/elementwise_op.h"

static const Param params[] = {
    {.name = "bias", .type = PARAM_BOOL, .fallback = "false", .help = "a trained summand a channel too"},
    {.name = "init", .type = PARAM_INIT, .fallback = "ones",  .help = "how the factors start"          },
};

static bool scale_shape(ShapeCall *call) {
    call->output = *shape_input(call, 0);
    int64_t channels = shape_channels(&call->output);
    const Shape vector = {.rank = 1, .dim = {channels}};
    shape_add_parameter(call, (ParameterInfo){.name = "weight",
                                              .shape = vector,
                                              .init = shape_attr(call, "init")->init,
                                              .fan_in = 1,
                                              .fan_out = 1,
                                              .trainable = true});
    if (shape_attr(call, "bias")->boolean)
        shape_add_parameter(call,
                            (ParameterInfo){.name = "bias", .shape = vector, .fan_in = 1, .trainable = true});
    return true;
}

MAP(map_scale) {
    bool bias = attr_find(op, attrs, "bias")->boolean;
    return bias ? code_fma(code, in[0], in[1], in[2]) : code_fmul(code, in[0], in[1]);
}

static void scale_gradient(Backward *b, const Node *node) {
    const ValueId *in = node->inputs.items;
    ValueId x = in[0], weight = in[1], dy = backward_of_output(b, node, 0);
    if (dy < 0) return;
    if (backward_wants(b, weight)) backward_accumulate(b, "scale_grad", NULL, (ValueId[]){dy, x}, 2, weight);
    if (node_bool(node, "bias") && backward_wants(b, in[2]))
        backward_accumulate(b, "bias_grad", NULL, &dy, 1, in[2]);
    if (!backward_wants(b, x)) return;
    Shape shape = graph_value(backward_graph(b), x)->shape;
    ValueId operands[] = {dy, weight};
    backward_contribute(b, x, backward_append(b, "multiply", NULL, operands, 2, ROLE_ACTIVATION, shape));
}

const Op op_scale = {
    .name = "scale",
    .kind = OPK_LAYER,
    .min_inputs = 1,
    .max_inputs = 1,
    ELEMENTWISE_ROW,
    .summary = "times a trained factor a channel, 1 at first",
    .formula = "y = x*weight[c] + bias[c]",
    .gives = "that of the input",
    .example = "conv(32, 3) -> scale(bias=true)",
    .params = params,
    .param_count = COUNT(params),
    .shape = scale_shape,
    .map = map_scale,
    .gradient = scale_gradient,
};
