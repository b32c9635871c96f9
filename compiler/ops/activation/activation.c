/* Activations made of straight pieces: relu, relu6, leaky_relu, prelu, hard_sigmoid, hard_swish, and
 * activation(kind), which elaboration replaces by the operator that the word names. Gradients come from the
 * output where it tells the piece, so that the input need not be kept. At a corner the derivative is the left
 * piece's, as in PyTorch: relu'(0) = 0. */
#include "emit/signature.h"
#include "graph/shape_call.h"
#include "ops/parts/elementwise_op.h"

#define UNUSED_ARGUMENTS ((void)op, (void)attrs)

MAP(map_relu) {
    UNUSED_ARGUMENTS;
    code_fold_signature(code, is_above(code, in[0], 0));
    return code_fmax(code, code_constant_like(code, 0, in[0]), in[0]);
}

MAP(map_relu_grad) {
    UNUSED_ARGUMENTS;
    return select_number(code, is_above(code, in[1], 0), in[0], 0);
}

static void relu_gradient(Backward *b, const Node *node) {
    gradient_from_output(b, node, "relu_grad");
}

const Op op_relu = {
    .name = "relu",
    ACTIVATION_ROW,
    .keeps_winners = true,
    .summary = "negative elements become 0",
    .formula = "y = max(x, 0)",
    .example = "conv(32, 3) -> relu",
    .map = map_relu,
    .gradient = relu_gradient,
};

/* What a relu leaves alive. */
static double relu_density(const Op *op, const Attr *attrs) {
    UNUSED_ARGUMENTS;
    return 0.6;
}

const Op op_relu_grad = {
    .name = "relu_grad",
    GRADIENT_ROW,
    .reads_sign = true,
    .density = relu_density,
    .summary = "gradient of relu from its output",
    .formula = "dx = dy if y > 0 else 0",
    .map = map_relu_grad,
};

/* Which of three pieces x is on, told to the signature. */
static void fold_three_pieces(KernelCode *code, LLVMValueRef x, double low, double high) {
    code_fold_signature(code, is_above(code, x, low));
    code_fold_signature(code, is_below(code, x, high));
}

static LLVMValueRef is_between(KernelCode *code, LLVMValueRef x, double low, double high) {
    return LLVMBuildAnd(code->emit->builder, is_above(code, x, low), is_below(code, x, high), "");
}

MAP(map_relu6) {
    UNUSED_ARGUMENTS;
    fold_three_pieces(code, in[0], 0, 6);
    return limit(code, in[0], 0, 6);
}

MAP(map_relu6_grad) {
    UNUSED_ARGUMENTS;
    return select_number(code, is_between(code, in[1], 0, 6), in[0], 0);
}

static void relu6_gradient(Backward *b, const Node *node) {
    gradient_from_output(b, node, "relu6_grad");
}

const Op op_relu6 = {
    .name = "relu6",
    ACTIVATION_ROW,
    .keeps_winners = true,
    .summary = "relu that stops at 6",
    .formula = "y = min(max(x, 0), 6)",
    .example = "conv(32, 3) -> relu6",
    .map = map_relu6,
    .gradient = relu6_gradient,
};

const Op op_relu6_grad = {
    .name = "relu6_grad",
    GRADIENT_ROW,
    .summary = "gradient of relu6 from its output",
    .formula = "dx = dy if 0 < y < 6 else 0",
    .map = map_relu6_grad,
};

static const Param leaky_params[] = {
    {.name = "slope", .type = PARAM_REAL, .fallback = "0.01", .help = "factor of negative elements"},
};

MAP(map_leaky_relu) {
    LLVMValueRef positive = is_above(code, in[0], 0);
    code_fold_signature(code, positive);
    return code_select(code, positive, in[0], times(code, in[0], attr_find(op, attrs, "slope")->real));
}

/* in[1] has the input's sign: the input itself, or the output where the slope keeps the sign. */
MAP(map_leaky_relu_grad) {
    LLVMValueRef scaled = times(code, in[0], attr_find(op, attrs, "slope")->real);
    return code_select(code, is_above(code, in[1], 0), in[0], scaled);
}

static void leaky_relu_gradient(Backward *b, const Node *node) {
    if (node_real(node, "slope") >= 0)
        gradient_from_output(b, node, "leaky_relu_grad");
    else
        gradient_from_input(b, node, "leaky_relu_grad");
}

const Op op_leaky_relu = {
    .name = "leaky_relu",
    ACTIVATION_ROW,
    .unlimited = true,
    .summary = "negative elements are scaled down",
    .formula = "y = x if x > 0 else slope*x",
    .example = "conv(32, 3) -> leaky_relu(slope=0.1)",
    .params = leaky_params,
    .param_count = COUNT(leaky_params),
    .map = map_leaky_relu,
    .gradient = leaky_relu_gradient,
};

const Op op_leaky_relu_grad = {
    .name = "leaky_relu_grad",
    GRADIENT_ROW,
    .summary = "gradient of leaky_relu from a value of its input's sign",
    .formula = "dx = dy if x > 0 else slope*dy",
    .params = leaky_params,
    .param_count = COUNT(leaky_params),
    .map = map_leaky_relu_grad,
};

static bool prelu_shape(ShapeCall *call) {
    call->output = *shape_input(call, 0);
    shape_add_parameter(call, (ParameterInfo){
                                  .name = "weight",
                                  .shape = {.rank = 1,             .dim = {shape_channels(&call->output)}},
                                  .init = {.kind = INIT_CONSTANT, .value = 0.25                         },
                                  .trainable = true
    });
    return true;
}

MAP(map_prelu) {
    UNUSED_ARGUMENTS;
    LLVMValueRef positive = is_above(code, in[0], 0);
    code_fold_signature(code, positive);
    return code_select(code, positive, in[0], code_fmul(code, in[1], in[0]));
}

MAP(map_prelu_grad) {
    UNUSED_ARGUMENTS;
    return code_select(code, is_above(code, in[1], 0), in[0], code_fmul(code, in[2], in[0]));
}

MAP(map_prelu_weight_grad) {
    UNUSED_ARGUMENTS;
    LLVMValueRef zero = code_constant_like(code, 0, in[0]);
    return code_select(code, is_above(code, in[1], 0), zero, code_fmul(code, in[1], in[0]));
}

static void prelu_gradient(Backward *b, const Node *node) {
    ValueId x = node->inputs.items[0], weight = node->inputs.items[1], dy = backward_of_output(b, node, 0);
    if (dy < 0) return;
    Shape shape = graph_value(backward_graph(b), x)->shape;
    if (backward_wants(b, weight)) {
        ValueId share =
            backward_append(b, "prelu_weight_grad", NULL, (ValueId[]){dy, x}, 2, ROLE_ACTIVATION, shape);
        backward_accumulate(b, "bias_grad", NULL, &share, 1, weight);
    }
    if (backward_wants(b, x)) {
        ValueId operands[] = {dy, x, weight};
        backward_contribute(b, x,
                            backward_append(b, "prelu_grad", NULL, operands, 3, ROLE_ACTIVATION, shape));
    }
}

const Op op_prelu = {
    .name = "prelu",
    ACTIVATION_ROW,
    .unlimited = true,
    .summary = "leaky_relu with a trained slope for each channel, 0.25 at first",
    .formula = "y = x if x > 0 else weight[c]*x",
    .example = "conv(32, 3) -> prelu",
    .gives = "that of the input",
    .shape = prelu_shape,
    .map = map_prelu,
    .gradient = prelu_gradient,
};

const Op op_prelu_grad = {
    .name = "prelu_grad",
    .kind = OPK_INTERNAL,
    .min_inputs = 2,
    .max_inputs = 3,
    ELEMENTWISE_ROW,
    .summary = "gradient of prelu's input from input and slopes",
    .formula = "dx = dy if x > 0 else weight[c]*dy",
    .map = map_prelu_grad,
};

const Op op_prelu_weight_grad = {
    .name = "prelu_weight_grad",
    GRADIENT_ROW,
    .summary = "what each element adds to the gradient of prelu's slopes",
    .formula = "s = 0 if x > 0 else x*dy",
    .map = map_prelu_weight_grad,
};

MAP(map_hard_sigmoid) {
    UNUSED_ARGUMENTS;
    fold_three_pieces(code, in[0], -3, 3);
    LLVMValueRef limited = limit(code, plus(code, in[0], 3), 0, 6);
    return code_fdiv(code, limited, code_constant_like(code, 6, limited));
}

MAP(map_hard_sigmoid_grad) {
    UNUSED_ARGUMENTS;
    return select_number(code, is_between(code, in[1], 0, 1), times(code, in[0], 1.0 / 6), 0);
}

static void hard_sigmoid_gradient(Backward *b, const Node *node) {
    gradient_from_output(b, node, "hard_sigmoid_grad");
}

const Op op_hard_sigmoid = {
    .name = "hard_sigmoid",
    ACTIVATION_ROW,
    .summary = "sigmoid made of three straight lines",
    .formula = "y = min(max(x + 3, 0), 6) / 6",
    .example = "dense(16) -> hard_sigmoid",
    .map = map_hard_sigmoid,
    .gradient = hard_sigmoid_gradient,
};

const Op op_hard_sigmoid_grad = {
    .name = "hard_sigmoid_grad",
    GRADIENT_ROW,
    .summary = "gradient of hard_sigmoid from its output",
    .formula = "dx = dy/6 if 0 < y < 1 else 0",
    .map = map_hard_sigmoid_grad,
};

MAP(map_hard_swish) {
    UNUSED_ARGUMENTS;
    fold_three_pieces(code, in[0], -3, 3);
    LLVMValueRef limited = limit(code, plus(code, in[0], 3), 0, 6);
    return code_fdiv(code, code_fmul(code, in[0], limited), code_constant_like(code, 6, limited));
}

MAP(map_hard_swish_grad) {
    UNUSED_ARGUMENTS;
    LLVMValueRef x = in[1], slope = plus(code, times(code, x, 1.0 / 3), 0.5);
    LLVMValueRef inner = code_fmul(code, in[0], slope);
    LLVMValueRef right = code_select(code, is_below(code, x, 3), inner, in[0]);
    return select_number(code, is_above(code, x, -3), right, 0);
}

static void hard_swish_gradient(Backward *b, const Node *node) {
    gradient_from_input(b, node, "hard_swish_grad");
}

const Op op_hard_swish = {
    .name = "hard_swish",
    ACTIVATION_ROW,
    .summary = "the element times its hard_sigmoid",
    .formula = "y = x * min(max(x + 3, 0), 6) / 6",
    .example = "conv(32, 3) -> hard_swish",
    .map = map_hard_swish,
    .gradient = hard_swish_gradient,
};

const Op op_hard_swish_grad = {
    .name = "hard_swish_grad",
    GRADIENT_ROW,
    .summary = "gradient of hard_swish from its input",
    .formula = "dx = 0 if x <= -3, dy*(x/3 + 1/2) if x < 3, else dy",
    .map = map_hard_swish_grad,
};

/* The words are the names of all activations, so the table of operators has them. */
static const Param activation_params[] = {
    {.name = "kind", .type = PARAM_WORD, .help = "name of the activation"},
};

const Op op_activation = {
    .name = "activation",
    .kind = OPK_LAYER,
    .stands_for = true,
    .domain = DOMAIN_SAMPLE,
    .summary = "the activation that a word names, with its defaults",
    .formula = "y = kind(x)",
    .example = "conv(32, 3) -> activation(relu)",
    .params = activation_params,
    .param_count = COUNT(activation_params),
    .min_inputs = 1,
    .max_inputs = 1,
};
