/* lrn: local response normalisation across channels, y = x / d^beta with d = k + alpha/size * the sum of x*x
 * over a window of `size` channels, zeros outside (Krizhevsky et al., 2012; the window of an even size
 * reaches one further down, as PyTorch's). dx = dy/d^beta - 2*alpha*beta/size * x * the sum of dy*y/d over
 * the mirrored window. Rows that a window slides over lie in the workspace between zeros, so that a step of
 * it is a load one element on. */
#include "emit/vector_math.h"
#include "graph/shape_call.h"
#include "ops/parts/channel_rows.h"
#include "ops/parts/elementwise_op.h"

#include <math.h>

static const Param params[] = {
    {.name = "size",
     .type = PARAM_INT,
     .fallback = "5",
     .min = 1,
     .max = HUGE_VAL,
     .help = "channels of the window"       },
    {.name = "alpha",
     .type = PARAM_REAL,
     .fallback = "1e-4",
     .min = 0,
     .max = HUGE_VAL,
     .help = "factor of the mean of squares"},
    {.name = "beta",
     .type = PARAM_REAL,
     .fallback = "0.75",
     .min = 0,
     .max = HUGE_VAL,
     .help = "power of the divisor"         },
    {.name = "k",
     .type = PARAM_REAL,
     .fallback = "1",
     .min = 0,
     .max = HUGE_VAL,
     .help = "added to the squares"         },
};

static bool lrn_shape(ShapeCall *call) {
    if (!shape_call_rank(call, 1, 1 + SPATIAL_MAX)) return false;
    call->output = *shape_input(call, 0);
    return true;
}

/* Reach of the window below and above its channel; beyond all channels there is nothing. */
typedef struct Reach {
    int64_t channels, below, above;
} Reach;

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static Reach reach_of(const Graph *graph, const Node *node) {
    int64_t channels = shape_channels(&graph_value(graph, node->outputs.items[0])->shape);
    int64_t size = node_int(node, "size");
    return (Reach){channels, smaller(size / 2, channels - 1), smaller((size - 1) / 2, channels - 1)};
}

static int64_t padded(const Reach *reach) {
    return reach->below + reach->channels + reach->above;
}

typedef struct LrnWork {
    Reach reach;
    LLVMValueRef squares, products; /* rows between zeros: of x*x, and of dy*y/d */
    LLVMValueRef factors;           /* 1/d^beta */
} LrnWork;

static void zero_register(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    const LLVMValueRef *row = user;
    code_store(code, code_constant(code, 0, reg.width), code_at(code, *row, index), reg);
}

static LLVMValueRef row_place(KernelCode *code, LLVMValueRef row, int64_t before, LLVMValueRef channel) {
    return code_at_const(code, code_at(code, row, channel), before);
}

/* Sum of the row's elements from `channel` on, the window long. */
static LLVMValueRef window_sum(KernelCode *code, LLVMValueRef row, const Reach *reach, LLVMValueRef channel,
                               Register reg) {
    LLVMValueRef place = code_at(code, row, channel);
    LLVMValueRef sum = code_variable(code, code_type(code, reg.width), code_constant(code, 0, reg.width));
    Loop loop = loop_begin_const(code, 0, reach->below + reach->above + 1, 1);
    LLVMValueRef x = code_load(code, code_at(code, place, loop.index), reg);
    code_set(code, sum, code_fadd(code, code_get(code, sum), x));
    loop_end(code, &loop);
    return code_get(code, sum);
}

static void square_register(KernelCode *code, const Position *position, Register reg, void *user) {
    const LrnWork *work = user;
    LLVMValueRef x = load_operand(code, code->node->op->min_inputs - 1, position, reg);
    code_store(code, code_fmul(code, x, x),
               row_place(code, work->squares, work->reach.below, position->channel), reg);
}

static LLVMValueRef divisor(KernelCode *code, const LrnWork *work, LLVMValueRef channel, Register reg) {
    double factor = node_real(code->node, "alpha") / (double)node_int(code->node, "size");
    LLVMValueRef sum = window_sum(code, work->squares, &work->reach, channel, reg);
    return code_fma(code, sum, code_constant(code, factor, reg.width),
                    code_constant(code, node_real(code->node, "k"), reg.width));
}

/* d^-beta; the powers that are usual by roots. */
static LLVMValueRef inverse_power(KernelCode *code, LLVMValueRef d, double beta) {
    LLVMValueRef one = code_constant_like(code, 1, d);
    if (beta == 1) return code_fdiv(code, one, d);
    if (beta == 0.5) return code_fdiv(code, one, math_sqrt(code, d));
    if (beta == 0.75) {
        LLVMValueRef root = math_sqrt(code, d);
        return code_fdiv(code, one, code_fmul(code, root, math_sqrt(code, root)));
    }
    return math_exp(code, times(code, math_log(code, d), -beta));
}

static void lrn_register(KernelCode *code, const Position *position, Register reg, void *user) {
    const LrnWork *work = user;
    LLVMValueRef d = divisor(code, work, position->channel, reg);
    LLVMValueRef factor = inverse_power(code, d, node_real(code->node, "beta"));
    code_finish(code, code_fmul(code, load_operand(code, 0, position, reg), factor), position, reg);
}

static void lrn_row(KernelCode *code, const Position *position, LLVMValueRef row, void *user) {
    (void)row;
    const LrnWork *work = user;
    loop_row_registers(code, position, work->reach.channels, square_register, user);
    loop_row_registers(code, position, work->reach.channels, lrn_register, user);
}

/* Zeros everywhere: a row writes only what lies between the borders. */
static LrnWork work_begin(KernelCode *code, int rows) {
    LrnWork work = {.reach = reach_of(code->graph, code->node), .squares = code_workspace(code)};
    work.products = code_at_const(code, work.squares, padded(&work.reach));
    work.factors = code_at_const(code, work.products, padded(&work.reach));
    loop_registers(code, rows * padded(&work.reach), zero_register, &work.squares);
    return work;
}

static void lrn_emit(KernelCode *code) {
    LrnWork work = work_begin(code, 1);
    loop_all_rows(code, &code_output(code, 0)->shape, lrn_row, &work);
}

static void product_register(KernelCode *code, const Position *position, Register reg, void *user) {
    const LrnWork *work = user;
    LLVMValueRef d = divisor(code, work, position->channel, reg);
    LLVMValueRef factor = inverse_power(code, d, node_real(code->node, "beta"));
    code_store(code, factor, code_at(code, work->factors, position->channel), reg);
    LLVMValueRef dy = load_operand(code, 0, position, reg), x = load_operand(code, 1, position, reg);
    LLVMValueRef product = code_fdiv(code, code_fmul(code, code_fmul(code, dy, x), factor), d);
    code_store(code, product, row_place(code, work->products, work->reach.above, position->channel), reg);
}

static void grad_register(KernelCode *code, const Position *position, Register reg, void *user) {
    const LrnWork *work = user;
    const Node *node = code->node;
    double share = -2 * node_real(node, "alpha") * node_real(node, "beta") / (double)node_int(node, "size");
    LLVMValueRef sum = window_sum(code, work->products, &work->reach, position->channel, reg);
    LLVMValueRef x = load_operand(code, 1, position, reg), dy = load_operand(code, 0, position, reg);
    LLVMValueRef own =
        code_fmul(code, dy, code_load(code, code_at(code, work->factors, position->channel), reg));
    code_finish(code, code_fma(code, times(code, x, share), sum, own), position, reg);
}

static void grad_row(KernelCode *code, const Position *position, LLVMValueRef row, void *user) {
    (void)row;
    const LrnWork *work = user;
    loop_row_registers(code, position, work->reach.channels, square_register, user);
    loop_row_registers(code, position, work->reach.channels, product_register, user);
    loop_row_registers(code, position, work->reach.channels, grad_register, user);
}

static void grad_emit(KernelCode *code) {
    LrnWork work = work_begin(code, 2);
    loop_all_rows(code, &code_output(code, 0)->shape, grad_row, &work);
}

static void lrn_gradient(Backward *b, const Node *node) {
    gradient_from_input(b, node, "lrn_grad");
}

static int64_t row_workspace(const KernelCall *call) {
    Reach reach = reach_of(call->graph, call->node);
    return padded(&reach);
}

static int64_t grad_workspace(const KernelCall *call) {
    return 3 * row_workspace(call);
}

/* The window's loads, roots and a division a register. */
static double rows_cost(const KernelCall *call) {
    const Shape *shape = &graph_value(call->graph, call->node->outputs.items[0])->shape;
    Reach reach = reach_of(call->graph, call->node);
    double rows = (double)(shape_elements(shape) / shape_channels(shape));
    double registers = ceil((double)shape_channels(shape) / call->machine->vector_floats);
    return call->node->op->min_inputs * rows * registers * (40 + (double)(reach.below + reach.above + 1));
}

static const Kernel lrn_kernel = {.name = "rows",
                                  .elements = ELEMENT_F32,
                                  .cost = rows_cost,
                                  .emit = lrn_emit,
                                  .workspace = row_workspace,
                                  .epilogue = true,
                                  .in_place = true};
static const Kernel grad_kernel = {.name = "rows",
                                   .elements = ELEMENT_F32,
                                   .cost = rows_cost,
                                   .emit = grad_emit,
                                   .workspace = grad_workspace,
                                   .epilogue = true,
                                   .in_place = true};

const Op op_lrn = {
    .name = "lrn",
    .kind = OPK_LAYER,
    .summary = "divides each element by the squares of the channels about it",
    .formula = "y[c] = x[c] / (k + alpha/size * sum of x[j]^2)^beta, j from c - size//2 to c + (size-1)//2",
    .gives = "that of the input",
    .example = "conv(64, 5, activation=relu) -> lrn(5, k=2)",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = lrn_shape,
    .gradient = lrn_gradient,
    .kernels = KERNELS(&lrn_kernel),
};

const Op op_lrn_grad = {
    .name = "lrn_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of lrn from its input",
    .formula = "dx[c] = dy[c]/d[c]^beta - 2*alpha*beta/size * x[c] * sum of dy[j]*y[j]/d[j]",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 2,
    .max_inputs = 2,
    .kernels = KERNELS(&grad_kernel),
};
