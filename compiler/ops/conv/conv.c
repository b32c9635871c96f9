/* conv: cross-correlation with trained kernels, any number of spatial axes.
 * y[n,i,j,k] = b[k] + sum over (r,s,c) of x[n, i*stride+r*dilation-begin, j*stride+s*dilation-begin, c] *
 * w[k,c,r,s] */
#include "ops/conv/conv.h"

#include "graph/backward.h"
#include "graph/shape_call.h"
#include "ops/conv/conv_kernels.h"

#include <inttypes.h>
#include <string.h>

static const Param params[] = {
    {.name = "filters",
     .type = PARAM_INT,
     .min = 1,
     .max = 1e9,
     .help = "number of kernels, the output's channels"},
    {.name = "kernel", .type = PARAM_SIZE, .min = 1, .help = "extent of a kernel"},
    CONV_WINDOW_ARGUMENTS,
    {.name = "groups",
     .type = PARAM_INT,
     .fallback = "1",
     .min = 1,
     .max = 1e9,
     .help = "channels and filters are split into that many separate convolutions"},
    CONV_WEIGHT_ARGUMENTS("(filters, channels/groups, kernel...)"),
};

/* The given kernel for every filter and channel; NULL after a diagnostic where its shape is not right. */
static const double *fixed_weights(ShapeCall *call, const Shape *logical, const Shape *kernel) {
    const Tensor *given = &shape_attr(call, "weights")->tensor;
    if (shape_equal(&given->shape, logical)) return given->values;
    Arena *arena = call->cx->arena;
    if (!shape_equal(&given->shape, kernel)) {
        diag(call->cx->diag, shape_span(call, "weights"), E_WEIGHTS_SHAPE, shape_text(arena, &given->shape),
             shape_text(arena, kernel), shape_text(arena, logical));
        return NULL;
    }
    int64_t places = shape_elements(kernel), all = shape_elements(logical);
    double *values = ARENA_ARRAY(arena, double, (size_t)all);
    for (int64_t i = 0; i < all; i++) values[i] = given->values[i % places];
    return values;
}

bool conv_add_parameters(ShapeCall *call, const Shape *logical, int64_t filters) {
    Shape kernel = {.rank = logical->rank - 2};
    memcpy(kernel.dim, logical->dim + 2, sizeof(int64_t) * (size_t)kernel.rank);
    int64_t taps = shape_elements(&kernel);
    ParameterInfo weight = {
        .name = "weight",
        .shape = *logical,
        .init = shape_attr(call, "init")->init,
        .fan_in = extent_multiply(taps, logical->dim[1]),
        .fan_out = extent_multiply(taps, logical->dim[0]),
        .decay = true,
    };
    if (shape_elements(&weight.shape) < 0 || weight.fan_out < 0) {
        diag(call->cx->diag, call->span, E_SIZE_TOO_LARGE, "weight of this layer");
        return false;
    }
    const Attr *trainable = shape_attr(call, "trainable");
    bool fixed = shape_attr(call, "weights")->kind == ATTR_TENSOR;
    weight.trainable = fixed ? trainable->given && trainable->boolean : trainable->boolean;
    if (fixed) {
        weight.init.kind = INIT_VALUES;
        weight.values = fixed_weights(call, &weight.shape, &kernel);
        if (!weight.values) return false;
    }
    shape_add_parameter(call, weight);
    if (shape_attr(call, "bias")->boolean)
        shape_add_parameter(call, (ParameterInfo){
                                      .name = "bias",
                                      .shape = {.rank = 1, .dim = {filters}},
                                      .init = shape_attr(call, "bias_init")->init,
                                      .fan_in = weight.fan_in,
                                      .fan_out = weight.fan_out,
                                      .trainable = weight.trainable
        });
    return true;
}

bool conv_groups_divide(ShapeCall *call, int64_t channels, int64_t filters, int64_t groups) {
    const char *uneven = channels % groups ? "channels of the input" : filters % groups ? "filters" : NULL;
    if (!uneven) return true;
    diag(call->cx->diag, shape_span(call, "groups"), E_GROUPS, channels % groups ? channels : filters, uneven,
         groups);
    if (channels % groups) shape_note_origin(call, 0);
    return false;
}

bool conv_shape_rule(ShapeCall *call, int64_t filters, int64_t groups) {
    if (!shape_call_rank(call, 2, 1 + SPATIAL_MAX)) return false;
    int64_t channels = shape_channels(shape_input(call, 0));
    if (!conv_groups_divide(call, channels, filters, groups)) return false;
    WindowAxis axes[SPATIAL_MAX];
    if (!shape_windows(call, false, axes)) return false;
    call->output = *shape_input(call, 0);
    int spatial = shape_spatial(&call->output);
    for (int i = 0; i < spatial; i++) call->output.dim[i] = axes[i].output;
    call->output.dim[spatial] = filters;
    if (shape_elements(&call->output) < 0) {
        diag(call->cx->diag, call->span, E_SIZE_TOO_LARGE, "output of this layer");
        return false;
    }
    Shape weight = {
        .rank = 2 + spatial, .dim = {filters, channels / groups}
    };
    for (int i = 0; i < spatial; i++) weight.dim[2 + i] = axes[i].kernel;
    return conv_add_parameters(call, &weight, filters);
}

static bool conv_shape(ShapeCall *call) {
    return conv_shape_rule(call, shape_attr(call, "filters")->integer, shape_attr(call, "groups")->integer);
}

int64_t conv_macs(const Graph *graph, const Node *node) {
    Shape places = graph_value(graph, node->outputs.items[0])->shape;
    places.dim[places.rank - 1] = 1;
    const Value *weight = graph_value(graph, node->inputs.items[1]);
    return extent_multiply(shape_elements(&places), shape_elements(&weight->shape));
}

void conv_storage(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_node_geometry(graph, node, KERNEL_FORWARD);
    graph_value(graph, node->inputs.items[1])->parameter->storage = conv_weight_storage(machine, &g);
}

void conv_gradient_rule(Backward *b, const Node *node, const char *input_grad, const char *weight_grad) {
    Graph *graph = backward_graph(b);
    ValueId x = node->inputs.items[0], w = node->inputs.items[1], dy = backward_of_output(b, node, 0);
    ValueId bias = conv_has_bias(node) ? node->inputs.items[2] : -1;
    const Attr *attrs = node->attrs;
    Shape x_shape = graph_value(graph, x)->shape, w_shape = graph_value(graph, w)->shape;
    if (backward_wants(b, w)) backward_accumulate(b, weight_grad, attrs, (ValueId[]){x, dy}, 2, w);
    if (bias >= 0 && backward_wants(b, bias)) backward_accumulate(b, "bias_grad", NULL, &dy, 1, bias);
    if (!backward_wants(b, x)) return;
    ConvGeometry g = conv_node_geometry(graph, node, KERNEL_FORWARD);
    ValueId weights =
        g.depthwise ? w : backward_append(b, "transpose_weights", NULL, &w, 1, ROLE_PACKED, w_shape);
    ValueId dx = backward_append(b, input_grad, attrs, (ValueId[]){dy, weights}, 2, ROLE_ACTIVATION, x_shape);
    backward_contribute(b, x, dx);
}

static void conv_gradient(Backward *b, const Node *node) {
    conv_gradient_rule(b, node, "conv_input_grad", "conv_weight_grad");
}

const Op op_conv = {
    .name = "conv",
    .kind = OPK_LAYER,
    .summary = "convolution: every filter looks at a window of all channels of its group",
    .formula = "y[i,j,k] = b[k] + sum over r,s,c of x[i*stride + r*dilation - begin, j*stride + s*dilation - "
               "begin, c] * "
               "w[k,c,r,s]",
    .example = "conv(32, 3, padding=same, activation=relu)",
    .gives = "each spatial axis has floor((n + begin + end - dilation*(kernel - 1) - 1)/stride) + 1 places, "
             "ceil(n/stride) with padding=same; filters channels",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = conv_shape,
    .storage = conv_storage,
    .macs = conv_macs,
    .gradient = conv_gradient,
    .kernels = conv_forward_kernels,
};

const Op op_conv_input_grad = {
    .name = "conv_input_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of conv with respect to its input",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 2,
    .max_inputs = 2,
    .macs = node_layer_macs,
    .kernels = conv_input_grad_kernels,
};

const Op op_conv_weight_grad = {
    .name = "conv_weight_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of conv with respect to its weights, added to the accumulator",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 2,
    .max_inputs = 2,
    .macs = node_layer_macs,
    .kernels = conv_weight_grad_kernels,
};
