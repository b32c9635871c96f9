/* cross_entropy: of logits along the last axis against a class index for each position.
 * loss = log(sum exp(z - m)) - (1-e)*(z[t] - m) - e/C * sum(z - m), e the label smoothing, m the largest
 * logit, as PyTorch's CrossEntropyLoss; gradient = softmax(z) - (1-e)*[c == t] - e/C, over samples and
 * positions. The metric of a position is how many classes score above the target, equal ones before it
 * included: 0 where the first largest logit is the target's. */
#include "emit/vector_math.h"
#include "graph/op.h"
#include "ops/parts/channel_rows.h"
#include "ops/parts/sample_frame.h"
#include "runtime/abi.h"

#include <math.h>

static const Param params[] = {
    {.name = "label_smoothing",
     .type = PARAM_REAL,
     .fallback = "0",
     .help = "share of the target that is spread evenly over all classes",
     .min = 0,
     .max = 1,
     .below = true},
};

typedef struct LossWork {
    int64_t classes, positions;
    double smoothing;
    LLVMValueRef sample, targets; /* address of the sample's class indices */
    LLVMValueRef loss;            /* variable: the sample's sum, double */
    LLVMValueRef target, score;   /* of the row: class, and its logit */
    LLVMValueRef largest, inverse, factor;
    LLVMValueRef above, sum; /* variables of the row */
} LossWork;

static void judge_register(KernelCode *code, const Position *position, Register reg, void *user) {
    LossWork *work = user;
    LLVMBuilderRef b = code->emit->builder;
    int width = reg.width;
    LLVMValueRef z = load_operand(code, 0, position, reg), score = code_splat(code, work->score, width);
    LLVMValueRef numbers = channel_numbers(code, position->channel, width);
    LLVMValueRef before = LLVMBuildICmp(b, LLVMIntSLT, numbers, code_splat(code, work->target, width), "");
    LLVMValueRef equal = LLVMBuildAnd(b, code_compare(code, LLVMRealOEQ, z, score), before, "");
    /* A logit that is no number is never right. */
    LLVMValueRef above = LLVMBuildOr(b, code_compare(code, LLVMRealUGT, z, score), equal, "");
    LLVMValueRef one = code_constant(code, 1, width);
    add_to_sum(code, work->above, code_select(code, above, one, code_constant(code, 0, width)), reg);
    if (work->smoothing <= 0) return;
    add_to_sum(code, work->sum, code_fsub(code, z, code_splat(code, work->largest, width)), reg);
}

static void gradient_register(KernelCode *code, const Position *position, Register reg, void *user) {
    LossWork *work = user;
    int width = reg.width;
    LLVMValueRef z = load_operand(code, 0, position, reg);
    LLVMValueRef p = math_exp(code, code_fsub(code, z, code_splat(code, work->largest, width)));
    p = code_fmul(code, p, code_splat(code, work->inverse, width));
    LLVMValueRef numbers = channel_numbers(code, position->channel, width);
    LLVMValueRef hit =
        LLVMBuildICmp(code->emit->builder, LLVMIntEQ, numbers, code_splat(code, work->target, width), "");
    double even = work->smoothing / (double)work->classes;
    LLVMValueRef wanted = code_select(code, hit, code_constant(code, 1 - work->smoothing + even, width),
                                      code_constant(code, even, width));
    LLVMValueRef gradient =
        code_fmul(code, code_fsub(code, p, wanted), code_splat(code, work->factor, width));
    code_finish(code, gradient, position, reg);
}

static void read_target(KernelCode *code, LossWork *work, const Position *position, LLVMValueRef row) {
    Emit *e = code->emit;
    LLVMValueRef target =
        LLVMBuildLoad2(e->builder, e->i32, code_at_type(code, e->i32, work->targets, row), "");
    work->target = LLVMBuildSExt(e->builder, target, e->i64, "");
    Position place = *position;
    place.channel = work->target;
    work->score = load_operand(code, 0, &place, (Register){1, 1});
}

static void loss_row(KernelCode *code, const Position *position, LLVMValueRef row, void *user) {
    LossWork *work = user;
    read_target(code, work, position, row);
    work->largest = row_largest(code, position, work->classes);
    LLVMValueRef sum = row_exp_sum(code, position, work->classes, work->largest);
    work->inverse = code_fdiv(code, code_real(code, 1), sum);
    work->above = code_variable(code, code->real, code_real(code, 0));
    work->sum = code_variable(code, code->real, code_real(code, 0));
    loop_row_registers(code, position, work->classes, judge_register, work);
    LLVMValueRef right =
        code_fmul(code, code_real(code, 1 - work->smoothing), code_fsub(code, work->score, work->largest));
    LLVMValueRef loss = code_fsub(code, math_log(code, sum), right);
    if (work->smoothing > 0) {
        LLVMValueRef even = code_real(code, work->smoothing / (double)work->classes);
        loss = code_fsub(code, loss, code_fmul(code, even, code_get(code, work->sum)));
    }
    KernelCode wide = *code;
    wide.real = code->emit->f64;
    code_set(code, work->loss, code_fadd(&wide, code_get(code, work->loss), scalar_as_double(code, loss)));
    store_metric(code, work->sample, work->positions, row, code_get(code, work->above));
    if (code->node->outputs.count) loop_row_registers(code, position, work->classes, gradient_register, work);
}

static void cross_entropy_emit(KernelCode *code) {
    Emit *e = code->emit;
    const Shape *shape = &code_input(code, 0)->shape;
    LossWork work = {.classes = shape_channels(shape), .smoothing = node_real(code->node, "label_smoothing")};
    work.positions = shape_elements(shape) / work.classes;
    work.factor = mean_gradient_factor(code, work.positions);
    Loop loop = loop_begin(code, code_int(code, 0), code->count, 1);
    work.sample = loop.index;
    LLVMValueRef from = code_mul_const(code, data_set_index(code, loop.index), work.positions);
    work.targets = code_at_type(code, e->i32, code_frame(code, ABI_frame_targets), from);
    work.loss = code_variable(code, e->f64, LLVMConstReal(e->f64, 0));
    loop_rows(code, shape, loop.index, loss_row, &work);
    LLVMValueRef positions = LLVMConstReal(e->f64, (double)work.positions);
    store_loss(code, loop.index, LLVMBuildFDiv(e->builder, code_get(code, work.loss), positions, ""));
    loop_end(code, &loop);
}

static double cross_entropy_cost(const KernelCall *call) {
    const Shape *shape = &graph_value(call->graph, call->node->inputs.items[0])->shape;
    double rows = (double)(shape_elements(shape) / shape_channels(shape));
    return rows * (60 + 60 * ceil((double)shape_channels(shape) / call->machine->vector_floats));
}

static const Kernel kernel = {.name = "rows",
                              .elements = ELEMENT_F32,
                              .cost = cross_entropy_cost,
                              .emit = cross_entropy_emit,
                              .epilogue = true};

const Op op_cross_entropy = {
    .name = "cross_entropy",
    .kind = OPK_LOSS,
    .code = CNN_CROSS_ENTROPY,
    .effect = true,
    .judges = true,
    .predicts = MEANING_PROBABILITIES,
    .absorbs = 1u << MEANING_PROBABILITIES | 1u << MEANING_LOG_PROBABILITIES,
    .summary = "for classes: minus the logarithm of the target's softmax, of logits along the last axis",
    .formula = "loss = log(sum over k of exp(z[k])) - (1-e)*z[target] - e/classes * sum over k of z[k], e "
               "the smoothing",
    .example = "cross_entropy(label_smoothing=0.1)",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .kernels = KERNELS(&kernel),
};
