/* groupnorm: over space and the channels of a group, y = (x - mean) / sqrt(variance + epsilon) * weight +
 * bias, with the biased variance. groupnorm_statistics gives every sample's mean and inverse deviation,
 * repeated for each channel of the group, so that all else is elementwise with a vector a sample. Backward,
 * sums a channel of dy and of dy*xhat are both the parameters' gradients and, over a group, what the input's
 * wants (Wu and He, 2018): dx = inverse * (weight*dy - mean(weight*dy) - xhat*mean(weight*dy*xhat)). */
#include "emit/vector_math.h"
#include "graph/shape_call.h"
#include "ops/parts/attrs.h"
#include "ops/parts/channel_rows.h"
#include "ops/parts/elementwise_op.h"

#include <inttypes.h>
#include <math.h>

static const Param params[] = {
    {.name = "groups",
     .type = PARAM_INT,
     .min = 1,
     .max = HUGE_VAL,
     .help = "groups that the channels are split into"},
    {.name = "epsilon",
     .type = PARAM_REAL,
     .fallback = "1e-5",
     .help = "added to the variance",
     .min = 0,
     .max = HUGE_VAL,
     .above = true},
};

static bool groupnorm_shape(ShapeCall *call) {
    if (!shape_call_rank(call, 1, 1 + SPATIAL_MAX)) return false;
    call->output = *shape_input(call, 0);
    int64_t groups = shape_attr(call, "groups")->integer, channels = shape_channels(&call->output);
    if (channels % groups) {
        diag(call->cx->diag, shape_span(call, "groups"), E_GROUPS, channels, "channels of the input", groups);
        shape_note_origin(call, 0);
        return false;
    }
    const Shape vector = {.rank = 1, .dim = {channels}};
    shape_add_parameter(
        call,
        (ParameterInfo){.name = "weight", .shape = vector, .init = {.kind = INIT_ONES}, .trainable = true});
    shape_add_parameter(call, (ParameterInfo){.name = "bias", .shape = vector, .trainable = true});
    return true;
}

static ValueId groupnorm_lower(Graph *graph, const Node *node, const ValueId *inputs, bool training) {
    (void)training;
    Shape shape = graph_value(graph, inputs[0])->shape, vector = {.rank = 1, .dim = {shape_channels(&shape)}};
    NodeId statistics = graph_add_node(graph, op_find("groupnorm_statistics"), node->attrs, inputs, 1,
                                       node->layer, node->span);
    ValueId mean = graph_add_output(graph, statistics, ROLE_ACTIVATION, vector);
    ValueId inverse = graph_add_output(graph, statistics, ROLE_ACTIVATION, vector);
    ValueId operands[] = {inputs[0], mean, inverse, inputs[1], inputs[2]};
    NodeId apply = graph_add_node(graph, op_find("groupnorm_apply"), node->attrs, operands, COUNT(operands),
                                  node->layer, node->span);
    return graph_add_output(graph, apply, ROLE_ACTIVATION, shape);
}

const Op op_groupnorm = {
    .name = "groupnorm",
    .kind = OPK_LAYER,
    .summary = "normalises each group of channels over space",
    .formula = "y = (x - mean) / sqrt(variance + epsilon) * weight[c] + bias[c], mean and variance over "
               "space and the "
               "channels of a group",
    .gives = "that of the input",
    .example = "conv(32, 3) -> groupnorm(8) -> relu",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = groupnorm_shape,
    .lower = groupnorm_lower,
};

/* The channels of a sample summed over its positions, a row at a time, by registers; then over groups. */
typedef struct GroupWork {
    const Shape *shape;
    int64_t groups;
    LLVMValueRef sample;
    RowTerms terms;             /* two of every register of channels */
    LLVMValueRef sums[2];       /* vectors in memory where they go */
    LLVMValueRef totals[2];     /* of the group at work, scalars */
    LLVMValueRef variables[2];  /* what they are summed in */
    LLVMValueRef group;         /* its first channel */
    const LLVMValueRef *factor; /* by which terms of a group are multiplied; NULL: nothing */
} GroupWork;

static LLVMValueRef vector_at(KernelCode *code, const Value *value, LLVMValueRef base, LLVMValueRef sample) {
    return code_at(code, base, code_mul_const(code, sample, code_sample_stride(code, value)));
}

static void add_terms(KernelCode *code, const Position *position, Register reg, const GroupWork *work,
                      LLVMValueRef *variables) {
    LLVMValueRef terms[2];
    work->terms(code, position, reg, terms, (void *)work);
    for (int i = 0; i < 2; i++)
        code_set(code, variables[i], code_fadd(code, code_get(code, variables[i]), terms[i]));
}

static void sum_channels(KernelCode *code, LLVMValueRef channel, Register reg, void *user) {
    const GroupWork *work = user;
    LLVMTypeRef type = code_type(code, reg.width);
    LLVMValueRef zero = code_constant(code, 0, reg.width), sums[2], row[2];
    for (int i = 0; i < 2; i++) {
        sums[i] = code_variable(code, type, zero);
        row[i] = code_variable(code, type, zero);
    }
    int spatial = shape_spatial(work->shape);
    Position position = {.sample = work->sample, .channel = channel};
    Loop loops[SPATIAL_MAX];
    for (int axis = 0; axis < spatial; axis++) {
        if (axis == spatial - 1)
            for (int i = 0; i < 2; i++) code_set(code, row[i], zero);
        loops[axis] = loop_begin_const(code, 0, work->shape->dim[axis], 1);
        position.spatial[axis] = loops[axis].index;
    }
    add_terms(code, &position, reg, work, row);
    for (int axis = spatial - 1; axis >= 0; axis--) {
        loop_end(code, &loops[axis]);
        for (int i = 0; axis == spatial - 1 && i < 2; i++)
            code_set(code, sums[i], code_fadd(code, code_get(code, sums[i]), code_get(code, row[i])));
    }
    for (int i = 0; i < 2; i++)
        code_store(code, code_get(code, spatial ? sums[i] : row[i]), code_at(code, work->sums[i], channel),
                   reg);
}

static void total_register(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    const GroupWork *work = user;
    LLVMValueRef channel = code_add(code, work->group, index);
    for (int i = 0; i < 2; i++) {
        LLVMValueRef x = code_load(code, code_at(code, work->sums[i], channel), reg);
        if (work->factor) x = code_fmul(code, x, code_load(code, code_at(code, *work->factor, channel), reg));
        add_to_sum(code, work->variables[i], x, reg);
    }
}

/* Totals of the group that begins at the channel, over the elements of a group. */
static void group_means(KernelCode *code, GroupWork *work, LLVMValueRef first_channel) {
    int64_t size = shape_channels(work->shape) / work->groups;
    double elements = (double)(shape_elements(work->shape) / work->groups);
    work->group = first_channel;
    for (int i = 0; i < 2; i++) work->variables[i] = code_variable(code, code->real, code_real(code, 0));
    loop_registers(code, size, total_register, work);
    for (int i = 0; i < 2; i++)
        work->totals[i] = code_fmul(code, code_get(code, work->variables[i]), code_real(code, 1 / elements));
}

/* A number for every channel of the group at work. */
typedef struct Spread {
    LLVMValueRef vector, number, group;
} Spread;

static void spread_register(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    const Spread *spread = user;
    LLVMValueRef place = code_at(code, spread->vector, code_add(code, spread->group, index));
    code_store(code, code_splat(code, spread->number, reg.width), place, reg);
}

static void spread_number(KernelCode *code, const GroupWork *work, LLVMValueRef vector, LLVMValueRef number) {
    Spread spread = {vector, number, work->group};
    loop_registers(code, shape_channels(work->shape) / work->groups, spread_register, &spread);
}

static LLVMValueRef load_vector(KernelCode *code, const Position *position, Register reg,
                                LLVMValueRef vector) {
    return code_load(code, code_at(code, vector, position->channel), reg);
}

/* x and, for the sum that nobody reads, nothing. */
static void plain_terms(KernelCode *code, const Position *position, Register reg, LLVMValueRef *terms,
                        void *user) {
    (void)user;
    terms[0] = load_operand(code, 0, position, reg);
    terms[1] = code_constant(code, 0, reg.width);
}

/* What is left of x without the first guess of its mean, and the square of that. */
static void centred_terms(KernelCode *code, const Position *position, Register reg, LLVMValueRef *terms,
                          void *user) {
    const GroupWork *work = user;
    LLVMValueRef guess = load_vector(code, position, reg, *work->factor);
    terms[0] = code_fsub(code, load_operand(code, 0, position, reg), guess);
    terms[1] = code_fmul(code, terms[0], terms[0]);
}

static Loop groups_begin(KernelCode *code, const GroupWork *work) {
    int64_t channels = shape_channels(work->shape);
    return loop_begin_const(code, 0, channels, channels / work->groups);
}

/* Twice over the sample: its mean, then what rounding left of that, and the variance about it. The sums of
 * the second time lie in the workspace. */
static void sample_statistics(KernelCode *code, GroupWork *work) {
    int64_t channels = shape_channels(work->shape);
    LLVMValueRef mean = vector_at(code, code_output(code, 0), code->outputs[0], work->sample);
    LLVMValueRef inverse = vector_at(code, code_output(code, 1), code->outputs[1], work->sample);
    LLVMValueRef rest = code_workspace(code);
    *work = (GroupWork){
        .shape = work->shape,
        .groups = work->groups,
        .sample = work->sample,
        .terms = plain_terms,
        .sums = {mean, inverse}
    };
    loop_registers(code, channels, sum_channels, work);
    Loop groups = groups_begin(code, work);
    group_means(code, work, groups.index);
    spread_number(code, work, mean, work->totals[0]);
    loop_end(code, &groups);
    work->terms = centred_terms;
    work->factor = &mean;
    work->sums[0] = rest;
    loop_registers(code, channels, sum_channels, work);
    work->factor = NULL;
    groups = groups_begin(code, work);
    group_means(code, work, groups.index);
    LLVMValueRef left = work->totals[0],
                 guess = code_load(code, code_at(code, mean, groups.index), (Register){1, 1});
    LLVMValueRef variance = code_fsub(code, work->totals[1], code_fmul(code, left, left));
    variance =
        code_fmax(code, code_real(code, 0), variance); /* rounding; a value that is no number stays one */
    LLVMValueRef spread = code_fadd(code, variance, code_real(code, node_real(code->node, "epsilon")));
    spread_number(code, work, mean, code_fadd(code, guess, left));
    spread_number(code, work, inverse, code_fdiv(code, code_real(code, 1), math_sqrt(code, spread)));
    loop_end(code, &groups);
}

typedef void (*SampleBody)(KernelCode *code, GroupWork *work);

static void for_samples(KernelCode *code, const Shape *shape, SampleBody body) {
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    GroupWork work = {.shape = shape, .groups = node_int(code->node, "groups"), .sample = samples.index};
    body(code, &work);
    loop_end(code, &samples);
}

static void statistics_emit(KernelCode *code) {
    for_samples(code, &code_input(code, 0)->shape, sample_statistics);
}

/* dy and dy*xhat. */
static void product_terms(KernelCode *code, const Position *position, Register reg, LLVMValueRef *terms,
                          void *user) {
    (void)user;
    Position vector = {.sample = position->sample, .channel = position->channel};
    LLVMValueRef mean = load_operand(code, 2, &vector, reg), inverse = load_operand(code, 3, &vector, reg);
    LLVMValueRef normal =
        code_fmul(code, code_fsub(code, load_operand(code, 1, position, reg), mean), inverse);
    terms[0] = load_operand(code, 0, position, reg);
    terms[1] = code_fmul(code, terms[0], normal);
}

static void sample_sums(KernelCode *code, GroupWork *work) {
    work->terms = product_terms;
    for (int i = 0; i < 2; i++)
        work->sums[i] = vector_at(code, code_output(code, i), code->outputs[i], work->sample);
    loop_registers(code, shape_channels(work->shape), sum_channels, work);
}

static void sums_emit(KernelCode *code) {
    for_samples(code, &code_input(code, 0)->shape, sample_sums);
}

/* Inputs: the two sums a channel, the weight, and x for its shape alone. */
static void sample_means(KernelCode *code, GroupWork *work) {
    work->factor = &code->inputs[2];
    for (int i = 0; i < 2; i++)
        work->sums[i] = vector_at(code, code_input(code, i), code->inputs[i], work->sample);
    Loop groups = groups_begin(code, work);
    group_means(code, work, groups.index);
    for (int i = 0; i < 2; i++)
        spread_number(code, work, vector_at(code, code_output(code, i), code->outputs[i], work->sample),
                      work->totals[i]);
    loop_end(code, &groups);
}

static void means_emit(KernelCode *code) {
    for_samples(code, &code_input(code, 3)->shape, sample_means);
}

MAP(map_apply) {
    (void)op, (void)attrs;
    LLVMValueRef centred = code_fsub(code, in[0], in[1]);
    return code_fma(code, centred, code_fmul(code, in[2], in[3]), in[4]);
}

MAP(map_grad_apply) {
    (void)op, (void)attrs;
    LLVMValueRef inverse = in[3], normal = code_fmul(code, code_fsub(code, in[1], in[2]), inverse);
    LLVMValueRef rest = code_fsub(code, code_fmul(code, in[0], in[6]), in[4]);
    return code_fmul(code, inverse, code_fsub(code, rest, code_fmul(code, normal, in[5])));
}

static void apply_gradient(Backward *b, const Node *node) {
    const ValueId *in = node->inputs.items;
    ValueId x = in[0], mean = in[1], inverse = in[2], weight = in[3], dy = backward_of_output(b, node, 0);
    if (dy < 0) return;
    Graph *graph = backward_graph(b);
    Shape shape = graph_value(graph, x)->shape, vector = graph_value(graph, mean)->shape;
    ValueId sum = backward_append(b, "groupnorm_grad_sums", node->attrs, (ValueId[]){dy, x, mean, inverse}, 4,
                                  ROLE_ACTIVATION, vector);
    ValueId product = graph_add_output(graph, backward_last(b), ROLE_ACTIVATION, vector);
    if (backward_wants(b, weight)) backward_accumulate(b, "bias_grad", NULL, &product, 1, weight);
    if (backward_wants(b, in[4])) backward_accumulate(b, "bias_grad", NULL, &sum, 1, in[4]);
    if (!backward_wants(b, x)) return;
    ValueId mean_dy = backward_append(b, "groupnorm_grad_means", node->attrs,
                                      (ValueId[]){sum, product, weight, x}, 4, ROLE_ACTIVATION, vector);
    ValueId mean_product = graph_add_output(graph, backward_last(b), ROLE_ACTIVATION, vector);
    ValueId operands[] = {dy, x, mean, inverse, mean_dy, mean_product, weight};
    backward_contribute(
        b, x,
        backward_append(b, "groupnorm_grad_apply", NULL, operands, COUNT(operands), ROLE_ACTIVATION, shape));
}

static int64_t vector_workspace(const KernelCall *call) {
    return shape_channels(&graph_value(call->graph, call->node->inputs.items[0])->shape);
}

/* A register of a position: two operands, three instructions. */
static double sums_cost(const KernelCall *call) {
    const Shape *x = &graph_value(call->graph, call->node->inputs.items[0])->shape;
    return 4 * ceil((double)shape_channels(x) / call->machine->vector_floats) *
           (double)(shape_elements(x) / shape_channels(x));
}

static const Kernel statistics_kernel = {.name = "vector",
                                         .elements = ELEMENT_F32,
                                         .cost = sums_cost,
                                         .emit = statistics_emit,
                                         .workspace = vector_workspace};
static const Kernel sums_kernel = {
    .name = "vector", .elements = ELEMENT_F32, .cost = sums_cost, .emit = sums_emit};
static const Kernel means_kernel = {.name = "vector", .elements = ELEMENT_F32, .emit = means_emit};

const Op op_groupnorm_statistics = {
    .name = "groupnorm_statistics",
    .kind = OPK_INTERNAL,
    .summary = "mean and inverse deviation of each group, repeated for its channels",
    .formula = "inverse = 1/sqrt(variance + epsilon)",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .kernels = KERNELS(&statistics_kernel),
};

const Op op_groupnorm_apply = {
    .name = "groupnorm_apply",
    .kind = OPK_INTERNAL,
    .min_inputs = 5,
    .max_inputs = 5,
    ELEMENTWISE_ROW,
    .summary = "normalises with the sample's means and inverse deviations",
    .formula = "y = (x - mean[c])*inverse[c]*weight[c] + bias[c]",
    .params = params,
    .param_count = COUNT(params),
    .map = map_apply,
    .gradient = apply_gradient,
};

const Op op_groupnorm_grad_sums = {
    .name = "groupnorm_grad_sums",
    .kind = OPK_INTERNAL,
    .summary = "each channel's dy and dy*xhat, summed over a sample's positions",
    .formula = "xhat = (x - mean)*inverse",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 4,
    .max_inputs = 4,
    .kernels = KERNELS(&sums_kernel),
};

const Op op_groupnorm_grad_means = {
    .name = "groupnorm_grad_means",
    .kind = OPK_INTERNAL,
    .summary = "means over each group of weight*dy and weight*dy*xhat, from their sums a channel",
    .formula = "mean[c] = sum over the group of weight*sum / elements of the group",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 4,
    .max_inputs = 4,
    .kernels = KERNELS(&means_kernel),
};

const Op op_groupnorm_grad_apply = {
    .name = "groupnorm_grad_apply",
    .kind = OPK_INTERNAL,
    .min_inputs = 7,
    .max_inputs = 7,
    ELEMENTWISE_ROW,
    .summary = "gradient of groupnorm's input",
    .formula = "dx = inverse*(weight*dy - mean_dy - xhat*mean_dy_xhat)",
    .map = map_grad_apply,
};
