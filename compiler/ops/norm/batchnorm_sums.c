/* The sums of batch normalisation: a lane adds up two doubles a channel over its samples, forward of x and
 * x*x, backward of dy and dy*(x - mean). Between two stages they are summed in lane order, cleared for the
 * next batch, and turned into what the next stage needs. Doubles hold the variance of data whose mean is a
 * thousand deviations off. */
#include "ops/norm/batchnorm.h"
#include "ops/norm/batchnorm_windows.h"

#include <math.h>

enum {
    BLOCK_VECTORS = 4, /* of channels that one pass over the places takes: places may lie far apart */
    MOST_SUMS = 2
};

/* The two sums of some registers of channels over all places of the micro-batch. What is added at a place are
 * floats or doubles; a row of floats at most is added up before the sum goes on in doubles. */
typedef struct SumWork {
    KernelCode wide;
    bool floats;
    int vectors;
    Register reg[BLOCK_VECTORS];
    LLVMValueRef channel;
    LLVMValueRef sums[BLOCK_VECTORS][MOST_SUMS]; /* variables, doubles */
    LLVMValueRef rows[BLOCK_VECTORS][MOST_SUMS]; /* variables, floats */
} SumWork;

/* Adds the place's register v to both variables. */
typedef void (*AddPosition)(KernelCode *code, const Position *position, SumWork *work, int v);

static void accumulate(KernelCode *wide, LLVMValueRef place, LLVMValueRef sum, Register reg) {
    code_store(wide, code_fadd(wide, code_load(wide, place, reg), sum), place, reg);
}

static void sum_row(KernelCode *code, Position *position, SumWork *work, AddPosition add) {
    int last = shape_spatial(&code_input(code, 0)->shape) - 1;
    LLVMValueRef channel = work->channel;
    for (int v = 0; v < work->vectors && work->floats; v++)
        for (int k = 0; k < MOST_SUMS; k++)
            code_set(code, work->rows[v][k], code_constant(code, 0, work->reg[v].width));
    Loop loop = {0};
    if (last >= 0) {
        loop = loop_begin_const(code, 0, code_input(code, 0)->shape.dim[last], 1);
        position->spatial[last] = loop.index;
    }
    for (int v = 0; v < work->vectors; v++) {
        position->channel = code_add_const(code, channel, (int64_t)v * code->width);
        add(code, position, work, v);
    }
    if (last >= 0) loop_end(code, &loop);
    for (int v = 0; v < work->vectors && work->floats; v++)
        for (int k = 0; k < MOST_SUMS; k++) {
            LLVMValueRef row = code_widen(code, code_get(code, work->rows[v][k]), work->reg[v].width);
            code_set(code, work->sums[v][k], code_fadd(&work->wide, code_get(code, work->sums[v][k]), row));
        }
}

static void sum_block(KernelCode *code, SumWork *work, AddPosition add) {
    const Shape *shape = &code_input(code, 0)->shape;
    for (int v = 0; v < work->vectors; v++)
        for (int k = 0; k < MOST_SUMS; k++) {
            int width = work->reg[v].width;
            work->sums[v][k] =
                code_variable(code, code_type(&work->wide, width), code_constant(&work->wide, 0, width));
            if (work->floats)
                work->rows[v][k] = code_variable(code, code_type(code, width), code_constant(code, 0, width));
        }
    int outer = shape_spatial(shape) - 1;
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1), loops[SPATIAL_MAX];
    Position position = {.sample = samples.index};
    for (int i = 0; i < outer; i++) {
        loops[i] = loop_begin_const(code, 0, shape->dim[i], 1);
        position.spatial[i] = loops[i].index;
    }
    sum_row(code, &position, work, add);
    for (int i = outer - 1; i >= 0; i--) loop_end(code, &loops[i]);
    loop_end(code, &samples);
    for (int v = 0; v < work->vectors; v++)
        for (int k = 0; k < MOST_SUMS; k++) {
            LLVMValueRef at =
                code_add_const(code, work->channel, (int64_t)v * code->width + k * shape_channels(shape));
            accumulate(&work->wide, code_at(&work->wide, code->outputs[0], at),
                       code_get(code, work->sums[v][k]), work->reg[v]);
        }
}

/* All channels: blocks of several registers, then what is left. */
static void emit_sums(KernelCode *code, AddPosition add, bool floats) {
    int64_t channels = shape_channels(&code_input(code, 0)->shape), width = code->width;
    int64_t block = BLOCK_VECTORS * width, full = channels / block * block;
    SumWork work = {.wide = code_in_doubles(code), .floats = floats, .vectors = BLOCK_VECTORS};
    for (int v = 0; v < BLOCK_VECTORS; v++) work.reg[v] = (Register){code->width, code->width};
    if (full) {
        Loop loop = loop_begin_const(code, 0, full, block);
        work.channel = loop.index;
        sum_block(code, &work, add);
        loop_end(code, &loop);
    }
    if (full == channels) return;
    work.vectors = (int)((channels - full + width - 1) / width);
    work.reg[work.vectors - 1].live = (int)(channels - full - (work.vectors - 1) * width);
    work.channel = code_int(code, full);
    sum_block(code, &work, add);
}

/* Squares in doubles: the mean is still in them. */
static void add_square(KernelCode *code, const Position *position, SumWork *work, int v) {
    LLVMValueRef x = code_widen(code, code_load_input(code, 0, position, work->reg[v]), work->reg[v].width);
    code_set(code, work->sums[v][0], code_fadd(&work->wide, code_get(code, work->sums[v][0]), x));
    code_set(code, work->sums[v][1], code_fma(&work->wide, x, x, code_get(code, work->sums[v][1])));
}

static void add_product_of(KernelCode *code, SumWork *work, int v, LLVMValueRef dy, LLVMValueRef centred) {
    code_set(code, work->rows[v][0], code_fadd(code, code_get(code, work->rows[v][0]), dy));
    code_set(code, work->rows[v][1], code_fma(code, dy, centred, code_get(code, work->rows[v][1])));
}

static void add_product(KernelCode *code, const Position *position, SumWork *work, int v) {
    LLVMValueRef dy = code_load_input(code, 0, position, work->reg[v]);
    LLVMValueRef centred = code_fsub(code, code_load_far(code, 1, position, work->reg[v]),
                                     code_load_input(code, 2, position, work->reg[v]));
    add_product_of(code, work, v, dy, centred);
}

/* The place that won the window has its gradient, the others none. */
static void add_window(KernelCode *code, const Position *position, SumWork *work, int v) {
    Register reg = work->reg[v];
    Pool pool = pool_read(code->node, &code_input(code, 1)->shape);
    LLVMValueRef mean = code_load_input(code, 2, position, reg), factor = NULL;
    if (!node_bool(code->node, "winners")) {
        LLVMValueRef inverse = code_load_input(code, 3, position, reg);
        bool scaled = node_bool(code->node, "scale");
        factor = batchnorm_factor(code, inverse, scaled ? code_load_input(code, 4, position, reg) : NULL);
    }
    WindowPlaces places = batchnorm_window_places(code, &pool, position, mean, factor, reg);
    LLVMValueRef centred = places.centred[0];
    for (int k = 1; k < places.count; k++)
        centred = code_select(code, places.above[k], places.centred[k], centred);
    add_product_of(code, work, v, code_load_input(code, 0, position, reg), centred);
}

static void squares_emit(KernelCode *code) {
    emit_sums(code, add_square, false);
}
static void products_emit(KernelCode *code) {
    emit_sums(code, add_product, true);
}
static void windows_emit(KernelCode *code) {
    emit_sums(code, add_window, true);
}

/* The lanes' sum of input 0 from that element on, in lane order; leaves zeros. */
static LLVMValueRef gather(KernelCode *code, KernelCode *wide, LLVMValueRef element, Register reg) {
    LLVMValueRef zero = code_constant(wide, 0, reg.width);
    LLVMValueRef sum = code_variable(code, code_type(wide, reg.width), zero);
    LLVMValueRef stride = code_frame(code, ABI_frame_lane_stride);
    Loop loop = loop_begin(code, code_int(code, 0), code_frame(code, ABI_frame_lane_count), 1);
    LLVMValueRef lane = code_at(code, code->inputs[0], code_mul(code, loop.index, stride));
    LLVMValueRef place = code_at(wide, lane, element);
    code_set(code, sum, code_fadd(wide, code_get(code, sum), code_load(wide, place, reg)));
    code_store(wide, zero, place, reg);
    loop_end(code, &loop);
    return code_get(code, sum);
}

/* Elements of a channel in the batch, a double. */
static LLVMValueRef batch_elements(KernelCode *code, KernelCode *wide) {
    LLVMValueRef count =
        code_mul_const(code, code_frame(code, ABI_frame_batch_size), node_int(code->node, "positions"));
    return LLVMBuildSIToFP(code->emit->builder, count, wide->real, "");
}

static LLVMValueRef mean_factor(KernelCode *code, KernelCode *wide, int width) {
    return code_splat(wide, code_fdiv(wide, code_real(wide, 1), batch_elements(code, wide)), width);
}

/* running = momentum*running + (1 - momentum)*batch, in the parameter block itself. */
static void move_running(KernelCode *code, KernelCode *wide, int input, LLVMValueRef batch,
                         LLVMValueRef channel, Register reg) {
    double momentum = node_real(code->node, "momentum");
    LLVMValueRef place = code_at(code, code->inputs[input], channel);
    LLVMValueRef running = code_widen(code, code_load(code, place, reg), reg.width);
    LLVMValueRef kept = code_fmul(wide, code_constant(wide, momentum, reg.width), running);
    running = code_fma(wide, code_constant(wide, 1 - momentum, reg.width), batch, kept);
    code_store(code, code_narrow(code, running, reg.width), place, reg);
}

static void store_vector(KernelCode *code, int output, LLVMValueRef x, LLVMValueRef channel, Register reg) {
    code_store(code, code_narrow(code, x, reg.width), code_at(code, code->outputs[output], channel), reg);
}

static int64_t half_of_sums(const KernelCode *code) {
    return shape_channels(&code_input(code, 0)->shape) / 2;
}

static void statistics_register(KernelCode *code, LLVMValueRef channel, Register reg, void *user) {
    (void)user;
    KernelCode wide = code_in_doubles(code);
    int width = reg.width;
    LLVMValueRef factor = mean_factor(code, &wide, width), zero = code_constant(&wide, 0, width);
    LLVMValueRef sum = gather(code, &wide, channel, reg);
    LLVMValueRef squares = gather(code, &wide, code_add_const(code, channel, half_of_sums(code)), reg);
    LLVMValueRef mean = code_fmul(&wide, sum, factor);
    LLVMValueRef variance = code_fsub(&wide, code_fmul(&wide, squares, factor), code_fmul(&wide, mean, mean));
    /* Rounding may leave a constant channel below zero; a value that is not a number stays one. */
    variance = code_select(&wide, code_compare(&wide, LLVMRealOLT, variance, zero), zero, variance);
    LLVMValueRef epsilon = code_constant(&wide, node_real(code->node, "epsilon"), width);
    LLVMValueRef spread = code_fadd(&wide, variance, epsilon);
    LLVMValueRef root = code_intrinsic(&wide, "llvm.sqrt", &spread, 1);
    store_vector(code, 0, mean, channel, reg);
    store_vector(code, 1, code_fdiv(&wide, code_constant(&wide, 1, width), root), channel, reg);
    LLVMValueRef one = code_real(&wide, 1), count = batch_elements(code, &wide);
    LLVMValueRef others = code_fmax(&wide, code_fsub(&wide, count, one), one);
    LLVMValueRef several = code_compare(&wide, LLVMRealOGT, count, one);
    LLVMValueRef correction = code_select(&wide, several, code_fdiv(&wide, count, others), one);
    move_running(code, &wide, 1, mean, channel, reg);
    move_running(code, &wide, 2, code_fmul(&wide, variance, code_splat(&wide, correction, width)), channel,
                 reg);
}

static void grad_register(KernelCode *code, LLVMValueRef channel, Register reg, void *user) {
    (void)user;
    KernelCode wide = code_in_doubles(code);
    LLVMValueRef factor = mean_factor(code, &wide, reg.width);
    LLVMValueRef inverse = code_load(code, code_at(code, code->inputs[1], channel), reg);
    LLVMValueRef bias = gather(code, &wide, channel, reg);
    LLVMValueRef weight = gather(code, &wide, code_add_const(code, channel, half_of_sums(code)), reg);
    weight = code_fmul(&wide, weight, code_widen(code, inverse, reg.width));
    store_vector(code, 0, code_fmul(&wide, bias, factor), channel, reg);
    store_vector(code, 1, code_fmul(&wide, weight, factor), channel, reg);
    store_vector(code, 2, bias, channel, reg);
    store_vector(code, 3, weight, channel, reg);
}

static void statistics_emit(KernelCode *code) {
    loop_registers(code, half_of_sums(code), statistics_register, NULL);
}
static void grad_emit(KernelCode *code) {
    loop_registers(code, half_of_sums(code), grad_register, NULL);
}

static double sums_cost(const KernelCall *call) {
    const Shape *x = &graph_value(call->graph, call->node->inputs.items[0])->shape;
    return 4 * ceil((double)shape_channels(x) / call->machine->vector_floats) *
           (double)(shape_elements(x) / shape_channels(x));
}

static void read_windows(const Graph *graph, Node *node, const Node *placing) {
    batchnorm_read_windows(graph, node, placing, "batchnorm_window_sums");
}

static const Kernel squares_kernel = {
    .name = "vector", .elements = ELEMENT_F32, .cost = sums_cost, .emit = squares_emit};
static const Kernel products_kernel = {
    .name = "vector", .elements = ELEMENT_F32, .cost = sums_cost, .emit = products_emit};
static const Kernel windows_kernel = {
    .name = "vector", .elements = ELEMENT_F32, .cost = sums_cost, .emit = windows_emit};
static const Kernel statistics_kernel = {.name = "vector", .elements = ELEMENT_F32, .emit = statistics_emit};
static const Kernel grad_kernel = {.name = "vector", .elements = ELEMENT_F32, .emit = grad_emit};

const Op op_batchnorm_sums = {
    .name = "batchnorm_sums",
    .kind = OPK_INTERNAL,
    .summary = "sums of x and x*x a channel, in doubles",
    .formula = "sums[c] = sum of x; sums[channels + c] = sum of x*x",
    .min_inputs = 1,
    .max_inputs = 1,
    .kernels = KERNELS(&squares_kernel),
};

const Op op_batchnorm_statistics = {
    .name = "batchnorm_statistics",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_BATCH,
    .summary = "the batch's mean and inverse deviation; moves the running statistics",
    .formula = "mean = sum/n; inverse = 1/sqrt(squares/n - mean^2 + epsilon)",
    .params = statistics_params,
    .param_count = STATISTICS_PARAMS,
    .min_inputs = 3,
    .max_inputs = 3,
    .kernels = KERNELS(&statistics_kernel),
};

const Op op_batchnorm_grad_sums = {
    .name = "batchnorm_grad_sums",
    .kind = OPK_INTERNAL,
    .summary = "sums of dy and dy*(x - mean) a channel, in doubles",
    .formula = "sums[c] = sum of dy; sums[channels + c] = sum of dy*(x - mean[c])",
    .min_inputs = 3,
    .max_inputs = 3,
    .read_windows = read_windows,
    .kernels = KERNELS(&products_kernel),
};

const Op op_batchnorm_window_sums = {
    .name = "batchnorm_window_sums",
    .kind = OPK_INTERNAL,
    .summary = "batchnorm_grad_sums where dy is that of a maximum pool's windows, which their winners get",
    .formula = "sums[c] = sum of dy; sums[channels + c] = sum of dy*(x of the winner - mean[c])",
    .params = batchnorm_window_params,
    .param_count = BATCHNORM_WINDOW_PARAMS,
    .min_inputs = 4,
    .max_inputs = 6,
    .kernels = KERNELS(&windows_kernel),
};

const Op op_batchnorm_grad_finish = {
    .name = "batchnorm_grad_finish",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_BATCH,
    .summary = "means over the batch of dy and dy*xhat, then their sums: the gradients of bias and weight",
    .formula = "xhat = (x - mean)*inverse",
    .params = statistics_params,
    .param_count = STATISTICS_PARAMS,
    .min_inputs = 2,
    .max_inputs = 2,
    .kernels = KERNELS(&grad_kernel),
};
