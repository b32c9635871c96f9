/* sgd: stochastic gradient descent with momentum, as torch.optim.SGD computes it.
 * g += weight_decay*w; v = momentum*v + g; w -= lr*v, or with nesterov w -= lr*(g + momentum*v). The learning
 * rate is the step's. */
#include "emit/kernel_code.h"

#include <math.h>

static const Param params[] = {
    {.name = "lr",
     .type = PARAM_REAL,
     .fallback = "0.01",
     .help = "learning rate",
     .min = 0,
     .max = HUGE_VAL,
     .above = true},
    {.name = "momentum",
     .type = PARAM_REAL,
     .fallback = "0",
     .help = "share of the last step that is kept",
     .min = 0,
     .max = 1,
     .below = true},
    {.name = "nesterov", .type = PARAM_BOOL, .fallback = "false", .help = "look one step of momentum ahead"},
    {.name = "weight_decay",
     .type = PARAM_REAL,
     .fallback = "0",
     .help = "times the weight, added to the gradient of kernels and dense weights",
     .min = 0,
     .max = HUGE_VAL},
};

extern const Op op_sgd;

static double argument(const Attr *attrs, const char *name) {
    return attr_find(&op_sgd, attrs, name)->real;
}

static bool has_no_momentum(const Attr *attrs) {
    return argument(attrs, "momentum") == 0;
}

static void sgd_update(KernelCode *code, const Op *op, const Attr *attrs, UpdateStep *step) {
    double decay = argument(attrs, "weight_decay"), momentum = argument(attrs, "momentum");
    LLVMValueRef g = step->g;
    if (step->decay && decay != 0) g = code_fma(code, code_constant_like(code, decay, g), step->w, g);
    if (momentum != 0) {
        LLVMValueRef kept = code_constant_like(code, momentum, g);
        LLVMValueRef v = code_fma(code, kept, step->slots[0], g);
        step->slots[0] = v;
        g = attr_find(op, attrs, "nesterov")->boolean ? code_fma(code, kept, v, g) : v;
    }
    step->w = code_fma(code, code_fneg(code, step->learning_rate), g, step->w);
}

const Op op_sgd = {
    .name = "sgd",
    .kind = OPK_OPTIMIZER,
    .summary = "stochastic gradient descent, with momentum where asked for",
    .formula = "v = momentum*v + g; w -= lr*v; nesterov: w -= lr*(g + momentum*v)",
    .example = "sgd(lr=0.05, momentum=0.9)",
    .params = params,
    .param_count = COUNT(params),
    .slots = 1,
    .stateless = has_no_momentum,
    .update = sgd_update,
};
