/* Sums of a value's channels over its positions. bias_grad: over the micro-batch's samples as well, added to
 * the accumulator of a parameter; scale_grad: the same of the product of two values. sum_positions: a vector
 * a sample, the gradient of a vector that was spread over space. Each row (of samples, for a vector) is
 * summed by itself and then added, which keeps the rounding errors of long sums small. */
#include "emit/kernel_code.h"
#include "graph/backward.h"

#include <math.h>

enum { ACCUMULATORS = 8 };

/* The registers of channels that are summed together, and the loops over what they are summed over. */
typedef struct ChannelSum {
    const Value *value;
    LLVMValueRef base;   /* of the value */
    const Value *factor; /* what it is multiplied by; NULL: nothing */
    LLVMValueRef factor_base;
    LLVMValueRef channel; /* first channel */
    Register reg;         /* of the last register; the others are full */
    int registers;
    LLVMValueRef sums[ACCUMULATORS]; /* variables */
} ChannelSum;

static Register register_of(const ChannelSum *sum, int i) {
    return i == sum->registers - 1 ? sum->reg : (Register){sum->reg.width, sum->reg.width};
}

static void clear(KernelCode *code, LLVMValueRef *variables, int count, int width) {
    for (int i = 0; i < count; i++) code_set(code, variables[i], code_constant(code, 0, width));
}

/* Adds one position's channels to `partial`. */
static void add_position(KernelCode *code, const ChannelSum *sum, const Position *position,
                         LLVMValueRef *partial) {
    LLVMValueRef address = code_position(code, sum->value, sum->base, position);
    LLVMValueRef factors = sum->factor ? code_position(code, sum->factor, sum->factor_base, position) : NULL;
    for (int i = 0; i < sum->registers; i++) {
        int64_t at = (int64_t)i * code->width;
        LLVMValueRef x = code_load(code, code_at_const(code, address, at), register_of(sum, i));
        LLVMValueRef before = code_get(code, partial[i]);
        if (factors) {
            LLVMValueRef factor = code_load(code, code_at_const(code, factors, at), register_of(sum, i));
            code_set(code, partial[i], code_fma(code, x, factor, before));
        } else {
            code_set(code, partial[i], code_fadd(code, before, x));
        }
    }
}

/* The innermost axis: as many positions at once as there are accumulators left, each with its own partial
 * sums. */
static void sum_row(KernelCode *code, const ChannelSum *sum, Position position, int axis,
                    LLVMValueRef *partial) {
    int64_t extent = sum->value->shape.dim[axis];
    int64_t ways = ACCUMULATORS / sum->registers;
    if (ways > extent) ways = extent;
    int64_t even = extent / ways * ways;
    Loop row = loop_begin_const(code, 0, even, ways);
    position.spatial[axis] = row.index;
    for (int64_t way = 0; way < ways; way++) {
        position.delta[axis] = way;
        add_position(code, sum, &position, partial + way * sum->registers);
    }
    loop_end(code, &row);
    position.spatial[axis] = code_int(code, even);
    for (int64_t rest = 0; rest < extent - even; rest++) {
        position.delta[axis] = rest;
        add_position(code, sum, &position, partial + rest * sum->registers);
    }
}

/* Adds the partial sums, pairwise, to the sums and clears them. */
static void gather(KernelCode *code, const ChannelSum *sum, LLVMValueRef *partial) {
    for (int i = 0; i < sum->registers; i++) {
        LLVMValueRef terms[ACCUMULATORS];
        int count = 0;
        for (int k = i; k < ACCUMULATORS / sum->registers * sum->registers; k += sum->registers)
            terms[count++] = code_get(code, partial[k]);
        for (; count > 1; count = (count + 1) / 2)
            for (int k = 0; k < count / 2; k++) terms[k] = code_fadd(code, terms[k], terms[count - 1 - k]);
        code_set(code, sum->sums[i], code_fadd(code, code_get(code, sum->sums[i]), terms[0]));
    }
    clear(code, partial, ACCUMULATORS, code->width);
}

/* Adds every position of one sample. */
static void sum_sample(KernelCode *code, const ChannelSum *sum, LLVMValueRef sample, LLVMValueRef *partial) {
    int spatial = shape_spatial(&sum->value->shape);
    Position position = {.sample = sample, .channel = sum->channel};
    if (!spatial) {
        add_position(code, sum, &position, (LLVMValueRef *)sum->sums);
        return;
    }
    Loop loops[SHAPE_MAX_RANK];
    for (int axis = 0; axis < spatial - 1; axis++) {
        loops[axis] = loop_begin_const(code, 0, sum->value->shape.dim[axis], 1);
        position.spatial[axis] = loops[axis].index;
    }
    sum_row(code, sum, position, spatial - 1, partial);
    gather(code, sum, partial);
    for (int axis = spatial - 2; axis >= 0; axis--) loop_end(code, &loops[axis]);
}

/* One group of channels of a kernel: made by for_groups, which calls `body` for each. */
typedef void (*GroupBody)(KernelCode *code, ChannelSum *sum, LLVMValueRef *partial);

static void emit_group(KernelCode *code, LLVMValueRef channel, int registers, int last_live, GroupBody body) {
    LLVMTypeRef type = code_type(code, code->width);
    LLVMValueRef zero = code_constant(code, 0, code->width), partial[ACCUMULATORS];
    ChannelSum sum = {
        .value = code_input(code, 0),
        .base = code->inputs[0],
        .channel = channel,
        .registers = registers,
        .reg = {code->width, last_live}
    };
    if (code->node->op->min_inputs == 2) {
        sum.factor = code_input(code, 1);
        sum.factor_base = code->inputs[1];
    }
    for (int i = 0; i < ACCUMULATORS; i++) partial[i] = code_variable(code, type, zero);
    for (int i = 0; i < registers; i++) sum.sums[i] = code_variable(code, type, zero);
    body(code, &sum, partial);
}

/* Groups of four registers, and the rest. */
static void for_groups(KernelCode *code, GroupBody body) {
    enum { GROUP = 4 };
    int64_t channels = shape_channels(&code_input(code, 0)->shape), wide = (int64_t)GROUP * code->width;
    int64_t full = channels / wide * wide;
    if (full > 0) {
        Loop groups = loop_begin_const(code, 0, full, wide);
        emit_group(code, groups.index, GROUP, code->width, body);
        loop_end(code, &groups);
    }
    int64_t rest = channels - full;
    if (!rest) return;
    int registers = (int)((rest + code->width - 1) / code->width);
    emit_group(code, code_int(code, full), registers, (int)(rest - (int64_t)(registers - 1) * code->width),
               body);
}

static void add_to_accumulator(KernelCode *code, ChannelSum *sum, LLVMValueRef *partial) {
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    sum_sample(code, sum, samples.index, partial);
    loop_end(code, &samples);
    for (int i = 0; i < sum->registers; i++) {
        LLVMValueRef place =
            code_at(code, code->outputs[0], code_add_const(code, sum->channel, (int64_t)i * code->width));
        LLVMValueRef before = code_load(code, place, register_of(sum, i));
        code_store(code, code_fadd(code, before, code_get(code, sum->sums[i])), place, register_of(sum, i));
    }
}

static void store_each_sample(KernelCode *code, ChannelSum *sum, LLVMValueRef *partial) {
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    clear(code, sum->sums, sum->registers, code->width);
    sum_sample(code, sum, samples.index, partial);
    for (int i = 0; i < sum->registers; i++) {
        LLVMValueRef channel = code_add_const(code, sum->channel, (int64_t)i * code->width);
        code_finish(code, code_get(code, sum->sums[i]),
                    &(Position){.sample = samples.index, .channel = channel}, register_of(sum, i));
    }
    loop_end(code, &samples);
}

static void bias_grad_emit(KernelCode *code) {
    for_groups(code, add_to_accumulator);
}
static void sum_positions_emit(KernelCode *code) {
    for_groups(code, store_each_sample);
}

/* Memory traffic: a register a cycle. */
static double sum_cost(const KernelCall *call) {
    const Shape *shape = &graph_value(call->graph, call->node->inputs.items[0])->shape;
    double channels = (double)shape_channels(shape), positions = (double)shape_elements(shape) / channels;
    return positions * ceil(channels / call->machine->vector_floats);
}

static const Kernel bias_grad_kernel = {
    .name = "vector", .elements = ELEMENT_F32, .cost = sum_cost, .emit = bias_grad_emit};

const Op op_bias_grad = {
    .name = "bias_grad",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_SAMPLE,
    .summary = "gradient of a number a channel: the sum over samples and positions",
    .formula = "db[c] += sum over n, i of dz[n, i, c]",
    .min_inputs = 1,
    .max_inputs = 1,
    .kernels = KERNELS(&bias_grad_kernel),
};

static const Kernel scale_grad_kernel = {
    .name = "vector", .elements = ELEMENT_F32, .cost = sum_cost, .emit = bias_grad_emit};

const Op op_scale_grad = {
    .name = "scale_grad",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_SAMPLE,
    .summary = "gradient of a factor a channel: the products summed over samples and positions",
    .formula = "dw[c] += sum over n, i of dy[n, i, c] * x[n, i, c]",
    .min_inputs = 2,
    .max_inputs = 2,
    .kernels = KERNELS(&scale_grad_kernel),
};

static const Kernel sum_positions_kernel = {.name = "vector",
                                            .elements = ELEMENT_F32,
                                            .cost = sum_cost,
                                            .emit = sum_positions_emit,
                                            .epilogue = true};

const Op op_sum_positions = {
    .name = "sum_positions",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_SAMPLE,
    .summary = "each channel summed over the positions of a sample",
    .formula = "y[c] = sum over i of x[i, c]",
    .min_inputs = 1,
    .max_inputs = 1,
    .kernels = KERNELS(&sum_positions_kernel),
};
