/* softmax, log_softmax: over the last axis, the largest element subtracted first so that nothing overflows.
 * y = exp(x - m) / sum exp(x - m);  y = x - m - log(sum exp(x - m)). */
#include "emit/vector_math.h"
#include "ops/parts/channel_rows.h"
#include "ops/parts/elementwise_op.h"

#include <math.h>

typedef struct RowWork {
    const Shape *shape;
    RowRegister body;
    LLVMValueRef largest, scalar; /* of the row */
    LLVMValueRef sum;             /* variable */
} RowWork;

static void softmax_register(KernelCode *code, const Position *position, Register reg, void *user) {
    RowWork *work = user;
    LLVMValueRef x = load_operand(code, 0, position, reg);
    LLVMValueRef y = math_exp(code, code_fsub(code, x, code_splat(code, work->largest, reg.width)));
    code_finish(code, code_fmul(code, y, code_splat(code, work->scalar, reg.width)), position, reg);
}

static void log_softmax_register(KernelCode *code, const Position *position, Register reg, void *user) {
    RowWork *work = user;
    LLVMValueRef x = load_operand(code, 0, position, reg);
    x = code_fsub(code, x, code_splat(code, work->largest, reg.width));
    code_finish(code, code_fsub(code, x, code_splat(code, work->scalar, reg.width)), position, reg);
}

static void softmax_row(KernelCode *code, const Position *position, LLVMValueRef row, void *user) {
    (void)row;
    RowWork *work = user;
    int64_t channels = shape_channels(work->shape);
    work->largest = row_largest(code, position, channels);
    LLVMValueRef sum = row_exp_sum(code, position, channels, work->largest);
    work->scalar =
        work->body == softmax_register ? code_fdiv(code, code_real(code, 1), sum) : math_log(code, sum);
    loop_row_registers(code, position, channels, work->body, work);
}

static void product_sum_register(KernelCode *code, const Position *position, Register reg, void *user) {
    RowWork *work = user;
    LLVMValueRef dy = load_operand(code, 0, position, reg), y = load_operand(code, 1, position, reg);
    add_to_sum(code, work->sum, code_fmul(code, dy, y), reg);
}

static void softmax_grad_register(KernelCode *code, const Position *position, Register reg, void *user) {
    RowWork *work = user;
    LLVMValueRef dy = load_operand(code, 0, position, reg), y = load_operand(code, 1, position, reg);
    LLVMValueRef rest = code_fsub(code, dy, code_splat(code, work->scalar, reg.width));
    code_finish(code, code_fmul(code, y, rest), position, reg);
}

static void sum_register(KernelCode *code, const Position *position, Register reg, void *user) {
    RowWork *work = user;
    add_to_sum(code, work->sum, load_operand(code, 0, position, reg), reg);
}

static void log_softmax_grad_register(KernelCode *code, const Position *position, Register reg, void *user) {
    RowWork *work = user;
    LLVMValueRef dy = load_operand(code, 0, position, reg), y = load_operand(code, 1, position, reg);
    LLVMValueRef share = code_fmul(code, math_exp(code, y), code_splat(code, work->scalar, reg.width));
    code_finish(code, code_fsub(code, dy, share), position, reg);
}

static void grad_row(KernelCode *code, const Position *position, LLVMValueRef row, void *user) {
    (void)row;
    RowWork *work = user;
    int64_t channels = shape_channels(work->shape);
    work->sum = code_variable(code, code->real, code_real(code, 0));
    loop_row_registers(code, position, channels,
                       work->body == softmax_grad_register ? product_sum_register : sum_register, work);
    work->scalar = code_get(code, work->sum);
    loop_row_registers(code, position, channels, work->body, work);
}

static void emit_rows(KernelCode *code, RowBody row, RowRegister body) {
    RowWork work = {.shape = &code_output(code, 0)->shape, .body = body};
    loop_all_rows(code, work.shape, row, &work);
}

static void softmax_emit(KernelCode *code) {
    emit_rows(code, softmax_row, softmax_register);
}
static void log_softmax_emit(KernelCode *code) {
    emit_rows(code, softmax_row, log_softmax_register);
}
static void softmax_grad_emit(KernelCode *code) {
    emit_rows(code, grad_row, softmax_grad_register);
}
static void log_softmax_grad_emit(KernelCode *code) {
    emit_rows(code, grad_row, log_softmax_grad_register);
}

/* Some 40 instructions a register: two exponentials and three passes. */
static double rows_cost(const KernelCall *call) {
    const Shape *shape = &graph_value(call->graph, call->node->outputs.items[0])->shape;
    double rows = (double)(shape_elements(shape) / shape_channels(shape));
    return 40 * rows * ceil((double)shape_channels(shape) / call->machine->vector_floats);
}

#define ROW_KERNEL                                                                                           \
    .name = "rows", .elements = ELEMENT_F32, .cost = rows_cost, .epilogue = true, .in_place = true

static const Kernel softmax_kernel = {ROW_KERNEL, .emit = softmax_emit};
static const Kernel log_softmax_kernel = {ROW_KERNEL, .emit = log_softmax_emit};
static const Kernel softmax_grad_kernel = {ROW_KERNEL, .emit = softmax_grad_emit};
static const Kernel log_softmax_grad_kernel = {ROW_KERNEL, .emit = log_softmax_grad_emit};

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
    .kernels = KERNELS(&softmax_kernel),
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
    .kernels = KERNELS(&log_softmax_kernel),
};

const Op op_softmax_grad = {
    .name = "softmax_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of softmax from its output",
    .formula = "dx = y*(dy - sum of dy*y)",
    .min_inputs = 2,
    .max_inputs = 2,
    .kernels = KERNELS(&softmax_grad_kernel),
};

const Op op_log_softmax_grad = {
    .name = "log_softmax_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of log_softmax from its output",
    .formula = "dx = dy - exp(y)*sum of dy",
    .min_inputs = 2,
    .max_inputs = 2,
    .kernels = KERNELS(&log_softmax_grad_kernel),
};
