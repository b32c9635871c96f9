/* softmax, log_softmax: over the last axis, the largest element subtracted first so that nothing overflows.
 * y = exp(x - m) / sum exp(x - m);  y = x - m - log(sum exp(x - m)). */
#include "emit/vector_math.h"
#include "ops/parts/channel_rows.h"
#include "ops/parts/elementwise_op.h"

#include <math.h>

typedef struct RowWork {
    const Shape *shape;
    RowLanes lanes;
    LLVMValueRef largest, scalar; /* of the row */
    LLVMValueRef sum;             /* variable */
} RowWork;

static void softmax_lanes(KernelCode *code, const Position *position, Lanes lanes, void *user) {
    RowWork *work = user;
    LLVMValueRef x = load_operand(code, 0, position, lanes);
    LLVMValueRef y = math_exp(code, code_fsub(code, x, code_splat(code, work->largest, lanes.width)));
    code_finish(code, code_fmul(code, y, code_splat(code, work->scalar, lanes.width)), position, lanes);
}

static void log_softmax_lanes(KernelCode *code, const Position *position, Lanes lanes, void *user) {
    RowWork *work = user;
    LLVMValueRef x = load_operand(code, 0, position, lanes);
    x = code_fsub(code, x, code_splat(code, work->largest, lanes.width));
    code_finish(code, code_fsub(code, x, code_splat(code, work->scalar, lanes.width)), position, lanes);
}

static void softmax_row(KernelCode *code, const Position *position, LLVMValueRef row, void *user) {
    (void)row;
    RowWork *work = user;
    int64_t channels = shape_channels(work->shape);
    work->largest = row_largest(code, position, channels);
    LLVMValueRef sum = row_exp_sum(code, position, channels, work->largest);
    work->scalar =
        work->lanes == softmax_lanes ? code_fdiv(code, code_real(code, 1), sum) : math_log(code, sum);
    loop_row_lanes(code, position, channels, work->lanes, work);
}

static void product_sum_lanes(KernelCode *code, const Position *position, Lanes lanes, void *user) {
    RowWork *work = user;
    LLVMValueRef dy = load_operand(code, 0, position, lanes), y = load_operand(code, 1, position, lanes);
    add_to_sum(code, work->sum, code_fmul(code, dy, y), lanes);
}

static void softmax_grad_lanes(KernelCode *code, const Position *position, Lanes lanes, void *user) {
    RowWork *work = user;
    LLVMValueRef dy = load_operand(code, 0, position, lanes), y = load_operand(code, 1, position, lanes);
    LLVMValueRef rest = code_fsub(code, dy, code_splat(code, work->scalar, lanes.width));
    code_finish(code, code_fmul(code, y, rest), position, lanes);
}

static void sum_lanes(KernelCode *code, const Position *position, Lanes lanes, void *user) {
    RowWork *work = user;
    add_to_sum(code, work->sum, load_operand(code, 0, position, lanes), lanes);
}

static void log_softmax_grad_lanes(KernelCode *code, const Position *position, Lanes lanes, void *user) {
    RowWork *work = user;
    LLVMValueRef dy = load_operand(code, 0, position, lanes), y = load_operand(code, 1, position, lanes);
    LLVMValueRef share = code_fmul(code, math_exp(code, y), code_splat(code, work->scalar, lanes.width));
    code_finish(code, code_fsub(code, dy, share), position, lanes);
}

static void grad_row(KernelCode *code, const Position *position, LLVMValueRef row, void *user) {
    (void)row;
    RowWork *work = user;
    int64_t channels = shape_channels(work->shape);
    work->sum = code_variable(code, code->real, code_real(code, 0));
    loop_row_lanes(code, position, channels,
                   work->lanes == softmax_grad_lanes ? product_sum_lanes : sum_lanes, work);
    work->scalar = code_get(code, work->sum);
    loop_row_lanes(code, position, channels, work->lanes, work);
}

static void emit_rows(KernelCode *code, RowBody row, RowLanes lanes) {
    RowWork work = {.shape = &code_output(code, 0)->shape, .lanes = lanes};
    loop_all_rows(code, work.shape, row, &work);
}

static void softmax_emit(KernelCode *code) {
    emit_rows(code, softmax_row, softmax_lanes);
}
static void log_softmax_emit(KernelCode *code) {
    emit_rows(code, softmax_row, log_softmax_lanes);
}
static void softmax_grad_emit(KernelCode *code) {
    emit_rows(code, grad_row, softmax_grad_lanes);
}
static void log_softmax_grad_emit(KernelCode *code) {
    emit_rows(code, grad_row, log_softmax_grad_lanes);
}

/* Some 40 instructions a register: two exponentials and three passes. */
static double rows_cost(const Machine *machine, const Graph *graph, const Node *node) {
    const Shape *shape = &graph_value(graph, node->outputs.items[0])->shape;
    double rows = (double)(shape_elements(shape) / shape_channels(shape));
    return 40 * rows * ceil((double)shape_channels(shape) / machine->vector_floats);
}

#define ROW_KERNELS(rule)                                                                                    \
    static const Kernel rule##_kernels[] = {                                                                 \
        {.name = "rows", .cost = rows_cost, .emit = rule##_emit, .epilogue = true, .in_place = true},        \
    }

ROW_KERNELS(softmax);
ROW_KERNELS(log_softmax);
ROW_KERNELS(softmax_grad);
ROW_KERNELS(log_softmax_grad);

static void softmax_gradient(Backward *b, const Node *node) {
    gradient_from_output(b, node, "softmax_grad");
}
static void log_softmax_gradient(Backward *b, const Node *node) {
    gradient_from_output(b, node, "log_softmax_grad");
}

const Op op_softmax = {
    .name = "softmax",
    .kind = OPK_ACTIVATION,
    .meaning = MEANING_PROBABILITIES,
    .summary = "exponentials over their sum, along the last axis: probabilities of classes",
    .formula = "y[c] = exp(x[c]) / sum over k of exp(x[k])",
    .example = "dense(10, activation=softmax)",
    .min_inputs = 1,
    .max_inputs = 1,
    .gradient = softmax_gradient,
    .kernels = softmax_kernels,
    .kernel_count = COUNT(softmax_kernels),
};

const Op op_log_softmax = {
    .name = "log_softmax",
    .kind = OPK_ACTIVATION,
    .meaning = MEANING_LOG_PROBABILITIES,
    .summary = "logarithm of softmax, along the last axis",
    .formula = "y[c] = x[c] - log(sum over k of exp(x[k]))",
    .example = "dense(10) -> log_softmax",
    .min_inputs = 1,
    .max_inputs = 1,
    .gradient = log_softmax_gradient,
    .kernels = log_softmax_kernels,
    .kernel_count = COUNT(log_softmax_kernels),
};

const Op op_softmax_grad = {
    .name = "softmax_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of softmax from its output",
    .formula = "dx = y*(dy - sum of dy*y)",
    .min_inputs = 2,
    .max_inputs = 2,
    .kernels = softmax_grad_kernels,
    .kernel_count = COUNT(softmax_grad_kernels),
};

const Op op_log_softmax_grad = {
    .name = "log_softmax_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of log_softmax from its output",
    .formula = "dx = dy - exp(y)*sum of dy",
    .min_inputs = 2,
    .max_inputs = 2,
    .kernels = log_softmax_grad_kernels,
    .kernel_count = COUNT(log_softmax_grad_kernels),
};
