/* depthwise: a convolution of every channel by itself, `multiplier` filters each; filter k belongs to channel
 * k / multiplier. y[n,i,j,k] = b[k] + sum over (r,s) of x[n, i*stride+r*dilation-begin,
 * j*stride+s*dilation-begin, k/multiplier] * w[k,0,r,s] */
#include "graph/shape_call.h"
#include "ops/conv/conv.h"
#include "ops/conv/conv_kernels.h"

static const Param params[] = {
    {.name = "kernel", .type = PARAM_SIZE, .min = 1, .help = "extent of a kernel"},
    {.name = "multiplier",
     .type = PARAM_INT,
     .fallback = "1",
     .min = 1,
     .max = 1e9,
     .help = "filters a channel"},
    CONV_WINDOW_ARGUMENTS,
    CONV_WEIGHT_ARGUMENTS("(filters, channels/groups, kernel...)"),
};

static bool depthwise_shape(ShapeCall *call) {
    if (!shape_call_rank(call, 2, 1 + SPATIAL_MAX)) return false;
    int64_t channels = shape_channels(shape_input(call, 0));
    int64_t filters = extent_multiply(channels, shape_attr(call, "multiplier")->integer);
    if (filters < 0) {
        diag(call->cx->diag, call->span, E_SIZE_TOO_LARGE, "output of this layer");
        return false;
    }
    return conv_shape_rule(call, filters, channels);
}

static void depthwise_gradient(Backward *b, const Node *node) {
    conv_gradient_rule(b, node, "depthwise_input_grad", "depthwise_weight_grad");
}

const Op op_depthwise = {
    .name = "depthwise",
    .kind = OPK_LAYER,
    .summary = "convolution of every channel by itself",
    .formula =
        "y[i,j,k] = b[k] + sum over r,s of x[i*stride + r*dilation - begin, j*stride + s*dilation - begin, "
        "k//multiplier] * w[k,0,r,s]",
    .example = "depthwise(3, stride=2, padding=same)",
    .gives = "each spatial axis has floor((n + begin + end - dilation*(kernel - 1) - 1)/stride) + 1 places, "
             "ceil(n/stride) with padding=same; multiplier times the channels",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = depthwise_shape,
    .storage = conv_storage,
    .macs = conv_macs,
    .gradient = depthwise_gradient,
    .kernels = conv_forward_kernels,
};

const Op op_depthwise_input_grad = {
    .name = "depthwise_input_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of depthwise with respect to its input",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 2,
    .max_inputs = 2,
    .macs = node_layer_macs,
    .kernels = conv_input_grad_kernels,
};

const Op op_depthwise_weight_grad = {
    .name = "depthwise_weight_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of depthwise with respect to its weights, added to the accumulator",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 2,
    .max_inputs = 2,
    .macs = node_layer_macs,
    .kernels = conv_weight_grad_kernels,
};
