/* Activations made of exponentials: elu, selu, gelu, silu, sigmoid, tanh, softplus, mish. Gradients come from
 * the output where the derivative can be had from it (sigmoid, tanh, softplus, elu, selu), so that the input
 * need not be kept. */
#include "emit/signature.h"
#include "emit/vector_math.h"
#include "ops/parts/elementwise_op.h"

#define UNUSED_ARGUMENTS ((void)op, (void)attrs)

static const Param elu_params[] = {
    {.name = "alpha", .type = PARAM_REAL, .fallback = "1", .help = "minus the value far to the left"},
};

/* positive*x on the right, negative*(exp(x) - 1) on the left. */
static LLVMValueRef exponential_unit(KernelCode *code, LLVMValueRef x, double positive, double negative) {
    LLVMValueRef right = is_above(code, x, 0);
    if (positive != negative) code_fold_signature(code, right);
    LLVMValueRef left = times(code, math_expm1(code, x), negative);
    return code_select(code, right, positive == 1 ? x : times(code, x, positive), left);
}

/* The derivative on the left is negative*exp(x) = y + negative. */
static LLVMValueRef exponential_unit_grad(KernelCode *code, LLVMValueRef dy, LLVMValueRef y, double positive,
                                          double negative) {
    LLVMValueRef left = code_fmul(code, dy, plus(code, y, negative));
    return code_select(code, is_above(code, y, 0), positive == 1 ? dy : times(code, dy, positive), left);
}

MAP(map_elu) {
    return exponential_unit(code, in[0], 1, attr_find(op, attrs, "alpha")->real);
}

MAP(map_elu_grad) {
    double alpha = attr_find(op, attrs, "alpha")->real;
    if (alpha >= 0) return exponential_unit_grad(code, in[0], in[1], 1, alpha);
    /* The output's sign does not tell the piece: in[1] is the input. */
    LLVMValueRef left = code_fmul(code, in[0], times(code, math_exp(code, in[1]), alpha));
    return code_select(code, is_above(code, in[1], 0), in[0], left);
}

static void elu_gradient(Backward *b, const Node *node) {
    if (node_real(node, "alpha") >= 0)
        gradient_from_output(b, node, "elu_grad");
    else
        gradient_from_input(b, node, "elu_grad");
}

const Op op_elu = {
    .name = "elu",
    ACTIVATION_ROW,
    .summary = "negative elements fade to -alpha",
    .formula = "y = x if x > 0 else alpha*(exp(x) - 1)",
    .example = "conv(32, 3) -> elu(alpha=0.5)",
    .params = elu_params,
    .param_count = COUNT(elu_params),
    .map = map_elu,
    .gradient = elu_gradient,
};

const Op op_elu_grad = {
    .name = "elu_grad",
    GRADIENT_ROW,
    .summary = "gradient of elu from its output (from its input where alpha is negative)",
    .formula = "dx = dy if y > 0 else dy*(y + alpha)",
    .params = elu_params,
    .param_count = COUNT(elu_params),
    .map = map_elu_grad,
};

/* Klambauer et al., Self-Normalizing Neural Networks. */
static const double SELU_SCALE = 1.0507009873554804934193349852946;
static const double SELU_ALPHA = 1.6732632423543772848170429916717;

MAP(map_selu) {
    UNUSED_ARGUMENTS;
    return exponential_unit(code, in[0], SELU_SCALE, SELU_SCALE * SELU_ALPHA);
}

MAP(map_selu_grad) {
    UNUSED_ARGUMENTS;
    return exponential_unit_grad(code, in[0], in[1], SELU_SCALE, SELU_SCALE * SELU_ALPHA);
}

static void selu_gradient(Backward *b, const Node *node) {
    gradient_from_output(b, node, "selu_grad");
}

const Op op_selu = {
    .name = "selu",
    ACTIVATION_ROW,
    .summary = "elu scaled so that mean 0 and variance 1 are kept",
    .formula = "y = 1.0507 * (x if x > 0 else 1.67326*(exp(x) - 1))",
    .example = "dense(64) -> selu",
    .map = map_selu,
    .gradient = selu_gradient,
};

const Op op_selu_grad = {
    .name = "selu_grad",
    GRADIENT_ROW,
    .summary = "gradient of selu from its output",
    .formula = "dx = dy*(1.0507 if y > 0 else y + 1.75810)",
    .map = map_selu_grad,
};

/* The normal distribution's function of x. */
static LLVMValueRef normal_below(KernelCode *code, LLVMValueRef x) {
    LLVMValueRef erf = math_erf(code, times(code, x, 0.70710678118654752440));
    return times(code, plus(code, erf, 1), 0.5);
}

MAP(map_gelu) {
    UNUSED_ARGUMENTS;
    return code_fmul(code, in[0], normal_below(code, in[0]));
}

MAP(map_gelu_grad) {
    UNUSED_ARGUMENTS;
    LLVMValueRef x = in[1];
    LLVMValueRef density = math_exp(code, code_fmul(code, x, times(code, x, -0.5)));
    density = times(code, density, 0.39894228040143267794);
    /* Far out the density is 0, and 0 times infinity must not become NaN. */
    LLVMValueRef near = limit(code, x, -100, 100);
    return code_fmul(code, in[0], code_fma(code, near, density, normal_below(code, x)));
}

static void gelu_gradient(Backward *b, const Node *node) {
    gradient_from_input(b, node, "gelu_grad");
}

const Op op_gelu = {
    .name = "gelu",
    ACTIVATION_ROW,
    .summary = "the element times the normal distribution's function of it, exactly",
    .formula = "y = x/2 * (1 + erf(x/sqrt(2)))",
    .example = "conv(32, 3) -> gelu",
    .map = map_gelu,
    .gradient = gelu_gradient,
};

const Op op_gelu_grad = {
    .name = "gelu_grad",
    GRADIENT_ROW,
    .summary = "gradient of gelu from its input",
    .formula = "dx = dy*((1 + erf(x/sqrt(2)))/2 + x*exp(-x^2/2)/sqrt(2*pi))",
    .map = map_gelu_grad,
};

MAP(map_silu) {
    UNUSED_ARGUMENTS;
    return code_fmul(code, in[0], math_sigmoid(code, in[0]));
}

/* sigmoid(x)*(1 + x*sigmoid(-x)), the second sigmoid exact where 1 - sigmoid(x) would cancel. */
MAP(map_silu_grad) {
    UNUSED_ARGUMENTS;
    LLVMValueRef x = limit(code, in[1], -100, 100), one = code_constant_like(code, 1, x);
    LLVMValueRef power = math_exp(code, code_fneg(code, math_abs(code, x)));
    LLVMValueRef large = code_fdiv(code, one, plus(code, power, 1)), small = code_fmul(code, power, large);
    LLVMValueRef right = is_above(code, x, 0);
    LLVMValueRef below = code_select(code, right, large, small),
                 above = code_select(code, right, small, large);
    return code_fmul(code, in[0], code_fmul(code, below, code_fma(code, x, above, one)));
}

static void silu_gradient(Backward *b, const Node *node) {
    gradient_from_input(b, node, "silu_grad");
}

const Op op_silu = {
    .name = "silu",
    ACTIVATION_ROW,
    .summary = "the element times its sigmoid (swish)",
    .formula = "y = x / (1 + exp(-x))",
    .example = "conv(32, 3) -> silu",
    .map = map_silu,
    .gradient = silu_gradient,
};

const Op op_silu_grad = {
    .name = "silu_grad",
    GRADIENT_ROW,
    .summary = "gradient of silu from its input",
    .formula = "dx = dy*s*(1 + x*(1 - s)), s = 1/(1 + exp(-x))",
    .map = map_silu_grad,
};

MAP(map_sigmoid) {
    UNUSED_ARGUMENTS;
    return math_sigmoid(code, in[0]);
}

MAP(map_sigmoid_grad) {
    UNUSED_ARGUMENTS;
    LLVMValueRef y = in[1], rest = code_fsub(code, code_constant_like(code, 1, y), y);
    return code_fmul(code, in[0], code_fmul(code, y, rest));
}

static void sigmoid_gradient(Backward *b, const Node *node) {
    gradient_from_output(b, node, "sigmoid_grad");
}

const Op op_sigmoid = {
    .name = "sigmoid",
    ACTIVATION_ROW,
    .meaning = MEANING_PROBABILITY,
    .summary = "squeezes every element into 0 to 1",
    .formula = "y = 1 / (1 + exp(-x))",
    .example = "dense(1) -> sigmoid",
    .map = map_sigmoid,
    .gradient = sigmoid_gradient,
};

const Op op_sigmoid_grad = {
    .name = "sigmoid_grad",
    GRADIENT_ROW,
    .summary = "gradient of sigmoid from its output",
    .formula = "dx = dy*y*(1 - y)",
    .map = map_sigmoid_grad,
};

MAP(map_tanh) {
    UNUSED_ARGUMENTS;
    return math_tanh(code, in[0]);
}

MAP(map_tanh_grad) {
    UNUSED_ARGUMENTS;
    LLVMValueRef y = in[1], one = code_constant_like(code, 1, y);
    LLVMValueRef slope = code_fma(code, code_fneg(code, y), y, one);
    return code_fmul(code, in[0], slope);
}

static void tanh_gradient(Backward *b, const Node *node) {
    gradient_from_output(b, node, "tanh_grad");
}

const Op op_tanh = {
    .name = "tanh",
    ACTIVATION_ROW,
    .summary = "squeezes every element into -1 to 1",
    .formula = "y = tanh(x)",
    .example = "dense(64) -> tanh",
    .map = map_tanh,
    .gradient = tanh_gradient,
};

const Op op_tanh_grad = {
    .name = "tanh_grad",
    GRADIENT_ROW,
    .summary = "gradient of tanh from its output",
    .formula = "dx = dy*(1 - y^2)",
    .map = map_tanh_grad,
};

MAP(map_softplus) {
    UNUSED_ARGUMENTS;
    return math_softplus(code, in[0]);
}

/* sigmoid(x) = 1 - exp(-y). */
MAP(map_softplus_grad) {
    UNUSED_ARGUMENTS;
    LLVMValueRef slope = code_fneg(code, math_expm1(code, code_fneg(code, in[1])));
    return code_fmul(code, in[0], slope);
}

static void softplus_gradient(Backward *b, const Node *node) {
    gradient_from_output(b, node, "softplus_grad");
}

const Op op_softplus = {
    .name = "softplus",
    ACTIVATION_ROW,
    .summary = "relu with a rounded corner",
    .formula = "y = log(1 + exp(x))",
    .example = "dense(1) -> softplus",
    .map = map_softplus,
    .gradient = softplus_gradient,
};

const Op op_softplus_grad = {
    .name = "softplus_grad",
    GRADIENT_ROW,
    .summary = "gradient of softplus from its output",
    .formula = "dx = dy*(1 - exp(-y))",
    .map = map_softplus_grad,
};

/* tanh(log(1 + w)) = n/(n + 2) with w = exp(x), n = w*(w + 2); beyond 20 it is 1. */
typedef struct MishParts {
    LLVMValueRef w, n, divisor, tanh;
} MishParts;

static MishParts mish_parts(KernelCode *code, LLVMValueRef x) {
    MishParts parts;
    parts.w = math_exp(code, code_fmin(code, code_constant_like(code, 20, x), x));
    parts.n = code_fmul(code, parts.w, plus(code, parts.w, 2));
    parts.divisor = plus(code, parts.n, 2);
    parts.tanh = code_fdiv(code, parts.n, parts.divisor);
    return parts;
}

MAP(map_mish) {
    UNUSED_ARGUMENTS;
    return code_fmul(code, in[0], mish_parts(code, in[0]).tanh);
}

/* tanh' = 4(n + 1)/(n + 2)^2 and softplus' = w/(w + 1), where n + 1 = (w + 1)^2. */
MAP(map_mish_grad) {
    UNUSED_ARGUMENTS;
    LLVMValueRef x = limit(code, in[1], -100, 100);
    MishParts parts = mish_parts(code, x);
    LLVMValueRef slope = code_fmul(code, times(code, parts.w, 4), plus(code, parts.w, 1));
    slope = code_fdiv(code, code_fdiv(code, slope, parts.divisor), parts.divisor);
    return code_fmul(code, in[0], code_fma(code, x, slope, parts.tanh));
}

static void mish_gradient(Backward *b, const Node *node) {
    gradient_from_input(b, node, "mish_grad");
}

const Op op_mish = {
    .name = "mish",
    ACTIVATION_ROW,
    .summary = "the element times the tanh of its softplus",
    .formula = "y = x * tanh(log(1 + exp(x)))",
    .example = "conv(32, 3) -> mish",
    .map = map_mish,
    .gradient = mish_gradient,
};

const Op op_mish_grad = {
    .name = "mish_grad",
    GRADIENT_ROW,
    .summary = "gradient of mish from its input",
    .formula = "dx = dy*(t + x*(1 - t^2)/(1 + exp(-x))), t = tanh(log(1 + exp(x)))",
    .map = map_mish_grad,
};
