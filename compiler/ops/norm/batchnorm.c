/* batchnorm: per channel over batch and space, y = (x - mean) / sqrt(variance + epsilon) * weight + bias.
 * Inference: the running statistics are folded into a factor and a summand a channel. Training: every lane
 * adds up x and x*x in double precision; between two stages they become the batch's mean and inverse
 * deviation (biased variance) and move the running ones (unbiased variance; that of a single element is taken
 * as it is); then an elementwise step. */
#include "ops/norm/batchnorm.h"

#include "graph/backward.h"
#include "graph/shape_call.h"
#include "ops/parts/elementwise_op.h"
#include "ops/pool/pool_walk.h"

#include <math.h>

const Param batchnorm_params[BATCHNORM_PARAMS] = {
    {.name = "momentum",
     .type = PARAM_REAL,
     .fallback = "0.9",
     .help = "how much of the running statistics a batch keeps",
     .min = 0,
     .max = 1,
     .below = true},
    {.name = "epsilon",
     .type = PARAM_REAL,
     .fallback = "1e-5",
     .help = "added to the variance",
     .min = 0,
     .max = HUGE_VAL,
     .above = true},
    {.name = "scale",
     .type = PARAM_BOOL,
     .fallback = "true",
     .help = "a trained factor a channel, 1 at first"},
    {.name = "shift",
     .type = PARAM_BOOL,
     .fallback = "true",
     .help = "a trained summand a channel, 0 at first"},
};

static void add_vector(ShapeCall *call, const char *name, InitKind init, bool statistic) {
    shape_add_parameter(call, (ParameterInfo){
                                  .name = name,
                                  .shape = {.rank = 1, .dim = {shape_channels(&call->output)}},
                                  .init = {.kind = init},
                                  .trainable = !statistic,
                                  .statistic = statistic
    });
}

/* Other frameworks call the new batch's share the momentum. */
static void judge_momentum(ShapeCall *call) {
    const Attr *momentum = shape_attr(call, "momentum");
    if (!momentum->given || momentum->real >= 0.5) return;
    Diag *d = call->cx->diag;
    diag(d, momentum->span, W_MOMENTUM, momentum->real, 1 - momentum->real);
    if (momentum->real > 0)
        diag_help(d, "PyTorch's momentum=%.15g is momentum=%.15g here", momentum->real, 1 - momentum->real);
}

static bool batchnorm_shape(ShapeCall *call) {
    if (!shape_call_rank(call, 1, 1 + SPATIAL_MAX)) return false;
    judge_momentum(call);
    call->output = *shape_input(call, 0);
    if (shape_attr(call, "scale")->boolean) add_vector(call, "weight", INIT_ONES, false);
    if (shape_attr(call, "shift")->boolean) add_vector(call, "bias", INIT_ZEROS, false);
    add_vector(call, "running_mean", INIT_ZEROS, true);
    add_vector(call, "running_var", INIT_ONES, true);
    return true;
}

ChannelInputs batchnorm_inputs(const Attr *attrs, int from) {
    ChannelInputs inputs = {.weight = -1, .bias = -1};
    if (attr_find(&op_batchnorm, attrs, "scale")->boolean) inputs.weight = from++;
    if (attr_find(&op_batchnorm, attrs, "shift")->boolean) inputs.bias = from++;
    inputs.rest = from;
    return inputs;
}

ValueId add_channel_output(Graph *graph, NodeId node, Role role, int64_t elements) {
    ValueId value = graph_add_output(graph, node, role, (Shape){.rank = 1, .dim = {elements}});
    graph_value(graph, value)->elements = elements;
    return value;
}

static NodeId append(Graph *graph, const Node *layer, const Op *op, const Attr *attrs, const ValueId *inputs,
                     int count) {
    return graph_add_node(graph, op, attrs, inputs, count, layer->layer, layer->span);
}

static ValueId lower_inference(Graph *graph, const Node *node, const ValueId *inputs, Shape shape) {
    int vectors = batchnorm_inputs(node->attrs, 0).rest + 2;
    NodeId fold = append(graph, node, &op_batchnorm_fold, node->attrs, inputs + 1, vectors);
    ValueId operands[3] = {inputs[0]};
    for (int i = 1; i < 3; i++)
        operands[i] = add_channel_output(graph, fold, ROLE_PACKED, shape_channels(&shape));
    NodeId affine = append(graph, node, &op_channel_affine, NULL, operands, 3);
    return graph_add_output(graph, affine, ROLE_ACTIVATION, shape);
}

static ValueId lower_training(Graph *graph, const Node *node, const ValueId *inputs, Shape shape) {
    int64_t channels = shape_channels(&shape);
    ChannelInputs own = batchnorm_inputs(node->attrs, 1);
    NodeId add = append(graph, node, &op_batchnorm_sums, NULL, inputs, 1);
    ValueId sums = add_channel_output(graph, add, ROLE_LANE, 2 * channels);
    NodeId judge =
        append(graph, node, &op_batchnorm_statistics, statistics_attrs(graph->arena, node->attrs, &shape),
               (ValueId[]){sums, inputs[own.rest], inputs[own.rest + 1]}, 3);
    ValueId operands[5] = {inputs[0]};
    for (int i = 1; i < 3; i++) operands[i] = add_channel_output(graph, judge, ROLE_SHARED, channels);
    int count = 3;
    if (own.weight >= 0) operands[count++] = inputs[own.weight];
    if (own.bias >= 0) operands[count++] = inputs[own.bias];
    NodeId apply = append(graph, node, &op_batchnorm_apply, node->attrs, operands, count);
    return graph_add_output(graph, apply, ROLE_ACTIVATION, shape);
}

static ValueId batchnorm_lower(Graph *graph, const Node *node, const ValueId *inputs, bool training) {
    Shape shape = graph_value(graph, inputs[0])->shape;
    return training ? lower_training(graph, node, inputs, shape)
                    : lower_inference(graph, node, inputs, shape);
}

const Op op_batchnorm = {
    .name = "batchnorm",
    .kind = OPK_LAYER,
    .summary = "normalises each channel over batch and space; at inference with running statistics",
    .formula = "y = (x - mean[c]) / sqrt(variance[c] + epsilon) * weight[c] + bias[c]; "
               "running = momentum*running + (1 - momentum)*batch",
    .example = "conv(32, 3, bias=false) -> batchnorm -> relu",
    .gives = "that of the input",
    .params = batchnorm_params,
    .param_count = BATCHNORM_PARAMS,
    .min_inputs = 1,
    .max_inputs = 1,
    .batch_statistics = true,
    .shape = batchnorm_shape,
    .lower = batchnorm_lower,
};

KernelCode code_in_doubles(const KernelCode *code) {
    KernelCode wide = *code;
    wide.real = code->emit->f64;
    return wide;
}

LLVMValueRef code_widen(KernelCode *code, LLVMValueRef x, int width) {
    KernelCode wide = code_in_doubles(code);
    return code->real == wide.real ? x : LLVMBuildFPExt(code->emit->builder, x, code_type(&wide, width), "");
}

LLVMValueRef code_narrow(KernelCode *code, LLVMValueRef x, int width) {
    bool same = code->real == code->emit->f64;
    return same ? x : LLVMBuildFPTrunc(code->emit->builder, x, code_type(code, width), "");
}

static LLVMValueRef load_vector(KernelCode *code, int input, LLVMValueRef channel, Lanes lanes) {
    LLVMValueRef x = code_load(code, code_at(code, code->inputs[input], channel), lanes);
    return code_widen(code, x, lanes.width);
}

static void store_vector(KernelCode *code, int output, LLVMValueRef x, LLVMValueRef channel, Lanes lanes) {
    LLVMValueRef place = code_at(code, code->outputs[output], channel);
    code_store(code, code_narrow(code, x, lanes.width), place, lanes);
}

static void fold_lanes(KernelCode *code, LLVMValueRef channel, Lanes lanes, void *user) {
    (void)user;
    KernelCode wide = code_in_doubles(code);
    const Attr *attrs = code->node->attrs;
    ChannelInputs own = batchnorm_inputs(attrs, 0);
    LLVMValueRef mean = load_vector(code, own.rest, channel, lanes);
    LLVMValueRef variance = load_vector(code, own.rest + 1, channel, lanes);
    LLVMValueRef epsilon =
        code_constant(&wide, attr_find(&op_batchnorm, attrs, "epsilon")->real, lanes.width);
    LLVMValueRef sum = code_fadd(&wide, variance, epsilon);
    LLVMValueRef root = code_intrinsic(&wide, "llvm.sqrt", &sum, 1),
                 one = code_constant(&wide, 1, lanes.width);
    LLVMValueRef weight = own.weight >= 0 ? load_vector(code, own.weight, channel, lanes) : one;
    LLVMValueRef factor = code_fdiv(&wide, weight, root);
    LLVMValueRef summand = code_fneg(&wide, code_fmul(&wide, mean, factor));
    if (own.bias >= 0) summand = code_fadd(&wide, load_vector(code, own.bias, channel, lanes), summand);
    store_vector(code, 0, factor, channel, lanes);
    store_vector(code, 1, summand, channel, lanes);
}

static void fold_emit(KernelCode *code) {
    loop_lanes(code, shape_channels(&code_output(code, 0)->shape), fold_lanes, NULL);
}

static const Kernel fold_kernels[] = {
    {.name = "vector", .emit = fold_emit},
};

const Op op_batchnorm_fold = {
    .name = "batchnorm_fold",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_PARAMETER,
    .summary = "running statistics, weight and bias as a factor and a summand a channel",
    .formula = "factor = weight / sqrt(variance + epsilon); summand = bias - mean*factor",
    .params = batchnorm_params,
    .param_count = BATCHNORM_PARAMS,
    .min_inputs = 2,
    .max_inputs = 4,
    .kernels = fold_kernels,
    .kernel_count = COUNT(fold_kernels),
};

MAP(map_affine) {
    (void)op, (void)attrs;
    return code_fma(code, in[0], in[1], in[2]);
}

const Op op_channel_affine = {
    .name = "channel_affine",
    .kind = OPK_INTERNAL,
    .min_inputs = 3,
    .max_inputs = 3,
    ELEMENTWISE_ROW,
    .summary = "times a factor plus a summand, of each channel",
    .formula = "y = x*factor[c] + summand[c]",
    .map = map_affine,
};

LLVMValueRef batchnorm_factor(KernelCode *code, LLVMValueRef inverse, LLVMValueRef weight) {
    return weight ? code_fmul(code, inverse, weight) : inverse;
}

LLVMValueRef batchnorm_result(KernelCode *code, LLVMValueRef centred, LLVMValueRef factor,
                              LLVMValueRef bias) {
    return bias ? code_fma(code, centred, factor, bias) : code_fmul(code, centred, factor);
}

/* The mean goes first: what is left is small where the mean is large. */
MAP(map_apply) {
    (void)op;
    ChannelInputs own = batchnorm_inputs(attrs, 3);
    LLVMValueRef factor = batchnorm_factor(code, in[2], own.weight >= 0 ? in[own.weight] : NULL);
    LLVMValueRef centred = code_fsub(code, in[0], in[1]);
    return batchnorm_result(code, centred, factor, own.bias >= 0 ? in[own.bias] : NULL);
}

static void apply_window(KernelCode *code, const PoolTile *tile, Lanes lanes, void *user) {
    const Pool *pool = user;
    Maximum maximum = maximum_begin(code, lanes.width);
    Position place = tile->corner;
    for (int k = 0; k < pool->axis[0].kernel * pool->axis[1].kernel; k++) {
        place.delta[0] = k / pool->axis[1].kernel;
        place.delta[1] = k % pool->axis[1].kernel;
        LLVMValueRef x = code_epilogue(code, code_map(code, &place, lanes), &place, lanes);
        maximum_visit(code, &maximum, x, k);
    }
    maximum_store(code, &maximum, &tile->window, lanes);
}

static void apply_emit(KernelCode *code) {
    int window = code->node->max_window;
    if (!window) {
        elementwise_emit(code);
        return;
    }
    Pool pool = pool_of_windows(&code_input(code, 0)->shape, window);
    pool_each_window(code, &pool, POOL_UNROLLED, apply_window, &pool);
}

static const Kernel apply_kernels[] = {
    {.name = "vector", .emit = apply_emit, .epilogue = true, .runs = true, .in_place = true, .pools = true},
};

const Op op_batchnorm_apply = {
    .name = "batchnorm_apply",
    .kind = OPK_INTERNAL,
    .min_inputs = 3,
    .max_inputs = 5,
    .domain = DOMAIN_SAMPLE,
    .elementwise = true,
    .recompute = true,
    .summary = "normalises with the batch's mean and inverse deviation",
    .formula = "y = (x - mean[c])*inverse[c]*weight[c] + bias[c]",
    .params = batchnorm_params,
    .param_count = BATCHNORM_PARAMS,
    .map = map_apply,
    .gradient = batchnorm_apply_gradient,
    .kernels = apply_kernels,
    .kernel_count = COUNT(apply_kernels),
};
