/* binary_cross_entropy, mse, mae, huber: losses of single elements against targets of the output's shape, the
 * mean over a sample's elements. A loss is three numbers of an output z and its target t: the loss, its
 * derivative by z, and the metric. */
#include "emit/vector_math.h"
#include "graph/op.h"
#include "ops/parts/channel_rows.h"
#include "ops/parts/sample_frame.h"
#include "runtime/abi.h"

#include <math.h>

typedef struct Terms {
    LLVMValueRef loss, slope, metric;
} Terms;

typedef Terms (*TermRule)(KernelCode *code, LLVMValueRef z, LLVMValueRef t);

static LLVMValueRef number(KernelCode *code, double value, LLVMValueRef like) {
    return code_constant_like(code, value, like);
}

/* 1, 0 or -1; 0 for what is no number. */
static LLVMValueRef sign_of(KernelCode *code, LLVMValueRef x) {
    LLVMValueRef zero = number(code, 0, x);
    LLVMValueRef below =
        code_select(code, code_compare(code, LLVMRealOLT, x, zero), number(code, -1, x), zero);
    return code_select(code, code_compare(code, LLVMRealOGT, x, zero), number(code, 1, x), below);
}

static Terms mse_terms(KernelCode *code, LLVMValueRef z, LLVMValueRef t) {
    LLVMValueRef d = code_fsub(code, z, t);
    return (Terms){code_fmul(code, d, d), code_fadd(code, d, d), math_abs(code, d)};
}

static Terms mae_terms(KernelCode *code, LLVMValueRef z, LLVMValueRef t) {
    LLVMValueRef d = code_fsub(code, z, t), size = math_abs(code, d);
    return (Terms){size, sign_of(code, d), size};
}

static Terms huber_terms(KernelCode *code, LLVMValueRef z, LLVMValueRef t) {
    LLVMValueRef d = code_fsub(code, z, t), size = math_abs(code, d);
    double delta = node_real(code->node, "delta");
    LLVMValueRef near = code_compare(code, LLVMRealOLE, size, number(code, delta, d));
    LLVMValueRef square = code_fmul(code, code_fmul(code, d, d), number(code, 0.5, d));
    LLVMValueRef line =
        code_fmul(code, code_fsub(code, size, number(code, delta / 2, d)), number(code, delta, d));
    LLVMValueRef slope = code_fmul(code, sign_of(code, d), number(code, delta, d));
    return (Terms){code_select(code, near, square, line), code_select(code, near, d, slope), size};
}

/* -t*log(s) - (1-t)*log(1-s) with s = sigmoid(z) is log(1 + exp(z)) - z*t; neither overflows. */
static Terms binary_terms(KernelCode *code, LLVMValueRef z, LLVMValueRef t) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef above = code_compare(code, LLVMRealOGT, z, number(code, 0, z));
    LLVMValueRef yes = code_compare(code, LLVMRealOGT, t, number(code, 0.5, t));
    LLVMValueRef wrong = LLVMBuildXor(b, above, yes, "");
    return (Terms){code_fsub(code, math_softplus(code, z), code_fmul(code, z, t)),
                   code_fsub(code, math_sigmoid(code, z), t),
                   code_select(code, wrong, number(code, 0, z), number(code, 1, z))};
}

typedef struct LossWork {
    TermRule rule;
    bool measures_error; /* of a loss whose slope is what is predicted minus the target */
    int64_t channels;
    LLVMValueRef targets; /* address of the sample's floats */
    LLVMValueRef row, factor;
    LLVMValueRef loss, metric, error; /* variables: the sample's sums, doubles */
} LossWork;

/* Targets are floats in a program of doubles, too. */
static LLVMValueRef load_target(KernelCode *code, const LossWork *work, LLVMValueRef channel, Register reg) {
    KernelCode narrow = *code;
    narrow.real = code->emit->f32;
    LLVMValueRef index = code_add(code, code_mul_const(code, work->row, work->channels), channel);
    LLVMValueRef t = code_load(&narrow, code_at(&narrow, work->targets, index), reg);
    bool same = code->real == narrow.real;
    return same ? t : LLVMBuildFPExt(code->emit->builder, t, code_type(code, reg.width), "");
}

static void add_register(KernelCode *code, LLVMValueRef variable, LLVMValueRef x, Register reg) {
    KernelCode wide = *code;
    wide.real = code->emit->f64;
    LLVMValueRef sum = scalar_as_double(code, code_reduce_add(code, x, reg));
    code_set(code, variable, code_fadd(&wide, code_get(code, variable), sum));
}

static void loss_register(KernelCode *code, const Position *position, Register reg, void *user) {
    LossWork *work = user;
    LLVMValueRef z = load_operand(code, 0, position, reg);
    Terms terms = work->rule(code, z, load_target(code, work, position->channel, reg));
    add_register(code, work->loss, terms.loss, reg);
    add_register(code, work->metric, terms.metric, reg);
    if (work->measures_error) add_register(code, work->error, math_abs(code, terms.slope), reg);
    if (!code->node->outputs.count) return;
    LLVMValueRef gradient = code_fmul(code, terms.slope, code_splat(code, work->factor, reg.width));
    code_finish(code, gradient, position, reg);
}

static void loss_row(KernelCode *code, const Position *position, LLVMValueRef row, void *user) {
    LossWork *work = user;
    work->row = row;
    loop_row_registers(code, position, work->channels, loss_register, work);
}

static void store_mean(KernelCode *code, LLVMValueRef sample, int64_t metrics, int which, LLVMValueRef sum,
                       LLVMValueRef count) {
    LLVMValueRef mean = LLVMBuildFDiv(code->emit->builder, code_get(code, sum), count, "");
    store_metric(code, sample, metrics, code_int(code, which), mean);
}

static void emit_terms(KernelCode *code, TermRule rule, bool measures_error) {
    Emit *e = code->emit;
    const Shape *shape = &code_input(code, 0)->shape;
    int64_t elements = shape_elements(shape);
    LossWork work = {.rule = rule, .measures_error = measures_error, .channels = shape_channels(shape)};
    int64_t metrics = measures_error ? 2 : 1;
    work.factor = mean_gradient_factor(code, elements);
    Loop loop = loop_begin(code, code_int(code, 0), code->count, 1);
    LLVMValueRef from = code_mul_const(code, data_set_index(code, loop.index), elements);
    work.targets = code_at_type(code, e->f32, code_frame(code, ABI_frame_targets), from);
    work.loss = code_variable(code, e->f64, LLVMConstReal(e->f64, 0));
    work.metric = code_variable(code, e->f64, LLVMConstReal(e->f64, 0));
    if (measures_error) work.error = code_variable(code, e->f64, LLVMConstReal(e->f64, 0));
    loop_rows(code, shape, loop.index, loss_row, &work);
    LLVMValueRef count = LLVMConstReal(e->f64, (double)elements);
    store_loss(code, loop.index, LLVMBuildFDiv(e->builder, code_get(code, work.loss), count, ""));
    store_mean(code, loop.index, metrics, 0, work.metric, count);
    if (measures_error) store_mean(code, loop.index, metrics, 1, work.error, count);
    loop_end(code, &loop);
}

static void emit_loss(KernelCode *code, TermRule rule) {
    emit_terms(code, rule, false);
}

static void binary_emit(KernelCode *code) {
    emit_loss(code, binary_terms);
}
static void binary_error_emit(KernelCode *code) {
    emit_terms(code, binary_terms, true);
}
static void mse_emit(KernelCode *code) {
    emit_loss(code, mse_terms);
}
static void mae_emit(KernelCode *code) {
    emit_loss(code, mae_terms);
}
static void huber_emit(KernelCode *code) {
    emit_loss(code, huber_terms);
}

static double loss_cost(const KernelCall *call) {
    const Shape *shape = &graph_value(call->graph, call->node->inputs.items[0])->shape;
    double rows = (double)(shape_elements(shape) / shape_channels(shape));
    return 40 * rows * ceil((double)shape_channels(shape) / call->machine->vector_floats);
}

#define LOSS_KERNEL      .name = "rows", .elements = ELEMENT_F32, .cost = loss_cost, .epilogue = true
#define LOSS_ROW(kernel) .kind = OPK_LOSS, LOSS_RULES(kernel)
#define LOSS_RULES(kernel)                                                                                   \
    .effect = true, .judges = true, .min_inputs = 1, .max_inputs = 1, .kernels = KERNELS(kernel)

static const Kernel binary_kernel = {LOSS_KERNEL, .emit = binary_emit};
static const Kernel binary_error_kernel = {LOSS_KERNEL, .emit = binary_error_emit};
static const Kernel mse_kernel = {LOSS_KERNEL, .emit = mse_emit};
static const Kernel mae_kernel = {LOSS_KERNEL, .emit = mae_emit};
static const Kernel huber_kernel = {LOSS_KERNEL, .emit = huber_emit};

static const Param huber_params[] = {
    {.name = "delta",
     .type = PARAM_REAL,
     .fallback = "1",
     .help = "the distance at which the square becomes a line",
     .min = 0,
     .max = HUGE_VAL,
     .above = true},
};

const Op op_binary_cross_entropy_error = {
    .name = "binary_cross_entropy_error",
    .kind = OPK_INTERNAL,
    LOSS_RULES(&binary_error_kernel),
    .summary = "binary_cross_entropy that also measures the absolute error of the probabilities",
    .formula = "loss = log(1 + exp(z)) - z*t, error = |sigmoid(z) - t|, the means over the elements",
};

const Op op_binary_cross_entropy = {
    .name = "binary_cross_entropy",
    LOSS_ROW(&binary_kernel),
    .code = CNN_BINARY_CROSS_ENTROPY,
    .predicts = MEANING_PROBABILITY,
    .absorbs = 1u << MEANING_PROBABILITY,
    .with_error = &op_binary_cross_entropy_error,
    .summary =
        "for yes or no, several at once: of logits against targets from 0 to 1; a final sigmoid is taken in",
    .formula = "loss = log(1 + exp(z)) - z*t, the mean over the elements",
    .example = "binary_cross_entropy",
};

const Op op_mse = {
    .name = "mse",
    LOSS_ROW(&mse_kernel),
    .code = CNN_MSE,
    .summary = "mean squared error",
    .formula = "loss = (y - t)^2, the mean over the elements",
    .example = "mse",
};

const Op op_mae = {
    .name = "mae",
    LOSS_ROW(&mae_kernel),
    .code = CNN_MAE,
    .summary = "mean absolute error; its derivative at 0 is 0",
    .formula = "loss = |y - t|, the mean over the elements",
    .example = "mae",
};

const Op op_huber = {
    .name = "huber",
    LOSS_ROW(&huber_kernel),
    .code = CNN_HUBER,
    .summary = "squared near the target, a straight line further off",
    .formula = "loss = (y - t)^2 / 2 where |y - t| <= delta, else delta*(|y - t| - delta/2), the mean over "
               "the elements",
    .example = "huber(delta=0.5)",
    .params = huber_params,
    .param_count = COUNT(huber_params),
};
