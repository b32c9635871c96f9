/* adagrad: Duchi, Hazan and Singer, JMLR 12 (2011), as torch.optim.Adagrad computes it: the gradient over the
 * root of the sum of all squares so far, s += g*g; w -= lr*g/(sqrt(s) + 1e-10). */
#include "emit/kernel_code.h"
#include "emit/vector_math.h"

#include <math.h>

static const double epsilon = 1e-10;

static const Param params[] = {
    {.name = "lr",
     .type = PARAM_REAL,
     .fallback = "0.01",
     .help = "learning rate",
     .max = HUGE_VAL,
     .above = true},
};

static void adagrad_update(KernelCode *code, const Op *op, const Attr *attrs, UpdateStep *step) {
    (void)op, (void)attrs;
    LLVMValueRef g = step->g, s = code_fma(code, g, g, step->slots[0]);
    LLVMValueRef root = code_fadd(code, math_sqrt(code, s), code_constant_like(code, epsilon, g));
    step->slots[0] = s;
    step->w = code_fsub(code, step->w, code_fdiv(code, code_fmul(code, step->learning_rate, g), root));
}

const Op op_adagrad = {
    .name = "adagrad",
    .kind = OPK_OPTIMIZER,
    .summary = "the gradient over the root of the sum of its squares so far",
    .formula = "s += g*g; w -= lr*g/(sqrt(s) + 1e-10)",
    .example = "adagrad(lr=0.01)",
    .params = params,
    .param_count = COUNT(params),
    .slots = 1,
    .update = adagrad_update,
};
