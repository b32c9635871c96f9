/* rmsprop: steps in the gradient's direction over the root of its square's running mean, as
 * torch.optim.RMSprop and Keras compute it, without momentum: s = decay*s + (1-decay)*g*g; w -= lr*g/(sqrt(s)
 * + epsilon). */
#include "emit/kernel_code.h"
#include "emit/vector_math.h"

#include <math.h>

static const Param params[] = {
    {.name = "lr",
     .type = PARAM_REAL,
     .fallback = "0.001",
     .help = "learning rate",
     .max = HUGE_VAL,
     .above = true},
    {.name = "decay",
     .type = PARAM_REAL,
     .fallback = "0.9",
     .help = "share of the squared gradient's running mean that a step keeps",
     .max = 1,
     .below = true},
    {.name = "epsilon",
     .type = PARAM_REAL,
     .fallback = "1e-7",
     .help = "added to the root",
     .max = HUGE_VAL,
     .above = true},
};

static void rmsprop_update(KernelCode *code, const Op *op, const Attr *attrs, UpdateStep *step) {
    double kept = attr_find(op, attrs, "decay")->real, epsilon = attr_find(op, attrs, "epsilon")->real;
    LLVMValueRef g = step->g, s = step->slots[0];
    LLVMValueRef share = code_fmul(code, code_constant_like(code, 1 - kept, g), g);
    s = code_fma(code, code_constant_like(code, kept, g), s, code_fmul(code, share, g));
    LLVMValueRef root = code_fadd(code, math_sqrt(code, s), code_constant_like(code, epsilon, g));
    step->slots[0] = s;
    step->w = code_fsub(code, step->w, code_fdiv(code, code_fmul(code, step->learning_rate, g), root));
}

const Op op_rmsprop = {
    .name = "rmsprop",
    .kind = OPK_OPTIMIZER,
    .summary = "the gradient over the root of its square's running mean",
    .formula = "s = decay*s + (1-decay)*g*g; w -= lr*g/(sqrt(s) + epsilon)",
    .example = "rmsprop(lr=0.001, decay=0.9)",
    .params = params,
    .param_count = COUNT(params),
    .slots = 1,
    .update = rmsprop_update,
};
