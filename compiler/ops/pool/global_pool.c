/* global_avgpool, global_maxpool: the mean or the maximum of each channel over all positions, a vector
 * (channels). They are pools of one window, with the same kernels. */
#include "graph/shape_call.h"
#include "ops/pool/pool_kernels.h"

static bool global_shape(ShapeCall *call) {
    if (!shape_call_rank(call, 2, 1 + SPATIAL_MAX)) return false;
    call->output = (Shape){.rank = 1, .dim = {shape_channels(shape_input(call, 0))}};
    return true;
}

static void max_gradient(Backward *b, const Node *node) {
    pool_max_gradient(b, node, "global_maxpool_grad");
}
static void mean_gradient(Backward *b, const Node *node) {
    pool_mean_gradient(b, node, "global_avgpool_grad");
}

const Op op_global_avgpool = {
    .name = "global_avgpool",
    .kind = OPK_LAYER,
    .summary = "mean of each channel over all positions",
    .formula = "y[c] = mean over i,j of x[i,j,c]",
    .example = "global_avgpool -> dense(10)",
    .gives = "(channels)",
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = global_shape,
    .gradient = mean_gradient,
    .kernels = mean_kernels,
};

const Op op_global_maxpool = {
    .name = "global_maxpool",
    .kind = OPK_LAYER,
    .summary = "largest element of each channel over all positions",
    .formula = "y[c] = max over i,j of x[i,j,c]",
    .example = "global_maxpool -> dense(10)",
    .gives = "(channels)",
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = global_shape,
    .gradient = max_gradient,
    .kernels = max_kernels,
};

const Op op_global_avgpool_grad = {
    .name = "global_avgpool_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of global_avgpool: shared out among the positions",
    .formula = "dx[i,j,c] = dy[c] / positions",
    .min_inputs = 1,
    .max_inputs = 1,
    .kernels = mean_grad_kernels,
};

const Op op_global_maxpool_grad = {
    .name = "global_maxpool_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of global_maxpool from its input: goes to the first largest element",
    .formula = "dx[i,j,c] = dy[c] where x[i,j,c] is the channel's first maximum, else 0",
    .min_inputs = 2,
    .max_inputs = 2,
    .kernels = max_grad_kernels,
};
