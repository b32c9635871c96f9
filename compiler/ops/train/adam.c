/* adam, adamw: Kingma and Ba, arXiv:1412.6980, algorithm 1; Loshchilov and Hutter, arXiv:1711.05101, as
 * torch.optim computes them. m and v are running means of g and g*g; in step t w -= lr/(1 - beta1^t) * m /
 * (sqrt(v)/sqrt(1 - beta2^t) + epsilon) Weight decay is added to the gradient (adam) or taken from the
 * weight, times lr, before the step (adamw). */
#include "emit/kernel_code.h"
#include "emit/vector_math.h"

#include <math.h>

#define ADAM_PARAMS(decay_default, decay_help)                                                               \
    {                                                                                                        \
        {.name = "lr",                                                                                       \
         .type = PARAM_REAL,                                                                                 \
         .fallback = "0.001",                                                                                \
         .help = "learning rate",                                                                            \
         .max = HUGE_VAL,                                                                                    \
         .above = true},                                                                                     \
        {.name = "beta1",                                                                                    \
         .type = PARAM_REAL,                                                                                 \
         .fallback = "0.9",                                                                                  \
         .help = "share of the gradient's running mean that a step keeps",                                   \
         .max = 1,                                                                                           \
         .below = true},                                                                                     \
        {.name = "beta2",                                                                                    \
         .type = PARAM_REAL,                                                                                 \
         .fallback = "0.999",                                                                                \
         .help = "the same of the squared gradient",                                                         \
         .max = 1,                                                                                           \
         .below = true},                                                                                     \
        {.name = "epsilon",                                                                                  \
         .type = PARAM_REAL,                                                                                 \
         .fallback = "1e-8",                                                                                 \
         .help = "added to the root",                                                                        \
         .max = HUGE_VAL,                                                                                    \
         .above = true},                                                                                     \
        {.name = "weight_decay",                                                                             \
         .type = PARAM_REAL,                                                                                 \
         .fallback = decay_default,                                                                          \
         .help = decay_help,                                                                                 \
         .max = HUGE_VAL},                                                                                   \
}

static const Param adam_params[] =
    ADAM_PARAMS("0", "times the weight, added to the gradient of kernels and dense weights");
static const Param adamw_params[] =
    ADAM_PARAMS("0.01", "times lr, the share of kernels and dense weights that a step takes off");

enum { STEP_SIZE, ROOT_FACTOR }; /* of UpdateStep.factors */

static double argument(const Op *op, const Attr *attrs, const char *name) {
    return attr_find(op, attrs, name)->real;
}

/* 1 - beta^t, a scalar double. */
static LLVMValueRef correction(KernelCode *code, double beta, LLVMValueRef t) {
    LLVMTypeRef f64 = code->emit->f64;
    LLVMValueRef power = code_intrinsic(code, "llvm.pow", (LLVMValueRef[]){LLVMConstReal(f64, beta), t}, 2);
    return code_fsub(code, LLVMConstReal(f64, 1), power);
}

static void adam_begin(KernelCode *code, const Op *op, const Attr *attrs, UpdateStep *step) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMTypeRef f64 = code->emit->f64;
    LLVMValueRef first = correction(code, argument(op, attrs, "beta1"), step->number);
    LLVMValueRef second = correction(code, argument(op, attrs, "beta2"), step->number);
    LLVMValueRef rate = LLVMBuildFPExt(b, step->rate, f64, "");
    LLVMValueRef factors[2] = {
        [STEP_SIZE] = code_fdiv(code, rate, first),
        [ROOT_FACTOR] = code_fdiv(code, LLVMConstReal(f64, 1), math_sqrt(code, second)),
    };
    step->factors = ARENA_ARRAY(code->emit->cx->arena, LLVMValueRef, COUNT(factors));
    for (int i = 0; i < COUNT(factors); i++)
        step->factors[i] = code_splat(code, LLVMBuildFPTrunc(b, factors[i], code->real, ""), code->width);
}

/* kept*s + (1 - kept)*x */
static LLVMValueRef running_mean(KernelCode *code, double kept, LLVMValueRef s, LLVMValueRef x) {
    return code_fma(code, code_constant_like(code, kept, s), s,
                    code_fmul(code, code_constant_like(code, 1 - kept, x), x));
}

static void adam_step(KernelCode *code, const Op *op, const Attr *attrs, UpdateStep *step, LLVMValueRef g) {
    LLVMValueRef m = running_mean(code, argument(op, attrs, "beta1"), step->slots[0], g);
    LLVMValueRef v = running_mean(code, argument(op, attrs, "beta2"), step->slots[1], code_fmul(code, g, g));
    LLVMValueRef root = code_fma(code, math_sqrt(code, v), step->factors[ROOT_FACTOR],
                                 code_constant_like(code, argument(op, attrs, "epsilon"), v));
    LLVMValueRef move = code_fdiv(code, code_fmul(code, step->factors[STEP_SIZE], m), root);
    step->slots[0] = m;
    step->slots[1] = v;
    step->w = code_fsub(code, step->w, move);
}

static void adam_update(KernelCode *code, const Op *op, const Attr *attrs, UpdateStep *step) {
    double decay = argument(op, attrs, "weight_decay");
    LLVMValueRef g = step->g;
    if (step->decay && decay != 0) g = code_fma(code, code_constant_like(code, decay, g), step->w, g);
    adam_step(code, op, attrs, step, g);
}

static void adamw_update(KernelCode *code, const Op *op, const Attr *attrs, UpdateStep *step) {
    double decay = argument(op, attrs, "weight_decay");
    if (step->decay && decay != 0) {
        LLVMValueRef share =
            code_fmul(code, step->learning_rate, code_constant_like(code, decay, step->learning_rate));
        step->w = code_fma(code, code_fneg(code, share), step->w, step->w);
    }
    adam_step(code, op, attrs, step, step->g);
}

const Op op_adam = {
    .name = "adam",
    .kind = OPK_OPTIMIZER,
    .summary =
        "steps of about lr in every weight: the gradient's running mean over the root of its square's, "
        "both corrected for their start at zero",
    .formula = "m = beta1*m + (1-beta1)*g; v = beta2*v + (1-beta2)*g*g; "
               "w -= lr * m/(1-beta1^t) / (sqrt(v/(1-beta2^t)) + epsilon)",
    .example = "adam(lr=0.001)",
    .params = adam_params,
    .param_count = COUNT(adam_params),
    .slots = 2,
    .update_begin = adam_begin,
    .update = adam_update,
};

const Op op_adamw = {
    .name = "adamw",
    .kind = OPK_OPTIMIZER,
    .summary = "adam with a weight decay of its own, apart from the gradient",
    .formula = "w -= lr*weight_decay*w; then as adam without weight decay",
    .example = "adamw(lr=0.001, weight_decay=0.05)",
    .params = adamw_params,
    .param_count = COUNT(adamw_params),
    .slots = 2,
    .update_begin = adam_begin,
    .update = adamw_update,
};
