/* adaptive_avgpool, adaptive_maxpool: pools with as many windows as asked for, whatever the input's extents:
 * cell i of an axis of n places goes from floor(i*n/size) to ceil((i+1)*n/size). They are pools, with the
 * same kernels. */
#include "graph/shape_call.h"
#include "ops/pool/pool_kernels.h"

#include <math.h>

static const Param params[] = {
    {.name = "size", .type = PARAM_SIZE, .min = 1, .max = HUGE_VAL, .help = "extent of the output"},
};

static bool adaptive_shape(ShapeCall *call) {
    if (!shape_call_rank(call, 2, 1 + SPATIAL_MAX) || !shape_size_rank(call, "size")) return false;
    call->output = *shape_input(call, 0);
    for (int i = 0; i < shape_spatial(&call->output); i++)
        call->output.dim[i] = shape_attr(call, "size")->size.dim[i];
    if (shape_elements(&call->output) > 0) return true;
    diag(call->cx->diag, call->span, E_SIZE_TOO_LARGE, "output of this layer");
    return false;
}

static void max_gradient(Backward *b, const Node *node) {
    pool_max_gradient(b, node, "adaptive_maxpool_grad");
}
static void mean_gradient(Backward *b, const Node *node) {
    pool_mean_gradient(b, node, "adaptive_avgpool_grad");
}

const Op op_adaptive_avgpool = {
    .name = "adaptive_avgpool",
    .kind = OPK_LAYER,
    .summary = "mean of each cell of a grid over the input, a channel at a time",
    .formula = "y[i,c] = mean of x[r,c] over floor(i*n/size) <= r < ceil((i+1)*n/size), along every axis",
    .example = "adaptive_avgpool(7) -> flatten",
    .gives = "the spatial extents are size; the channels stay",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = adaptive_shape,
    .gradient = mean_gradient,
    .kernels = mean_kernels,
};

const Op op_adaptive_maxpool = {
    .name = "adaptive_maxpool",
    .kind = OPK_LAYER,
    .summary = "largest element of each cell of a grid over the input, a channel at a time",
    .formula = "y[i,c] = max of x[r,c] over floor(i*n/size) <= r < ceil((i+1)*n/size), along every axis",
    .example = "adaptive_maxpool(4x2)",
    .gives = "the spatial extents are size; the channels stay",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = adaptive_shape,
    .gradient = max_gradient,
    .kernels = max_kernels,
};

const Op op_adaptive_avgpool_grad = {
    .name = "adaptive_avgpool_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of adaptive_avgpool: each cell's is shared out among its elements",
    .formula = "dx = sum over cells of dy / count",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .kernels = mean_grad_kernels,
};

const Op op_adaptive_maxpool_grad = {
    .name = "adaptive_maxpool_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of adaptive_maxpool from its input: each cell's goes to its first largest element",
    .formula = "dx = sum over cells of dy where x is the cell's first maximum",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 2,
    .max_inputs = 2,
    .kernels = max_grad_kernels,
};
