/* See batchnorm_windows.h. Results are made again as the forward pass made them: the same place wins. */
#include "ops/norm/batchnorm_windows.h"

#include "ops/norm/batchnorm.h"
#include "ops/parts/attrs.h"
#include "ops/pool/pool_kernels.h"

#include <string.h>

const Param batchnorm_window_params[BATCHNORM_WINDOW_PARAMS] = {
    POOL_WINDOW_ROWS,
    {.name = "scale",   .type = PARAM_BOOL, .fallback = "true",  .help = "a factor a channel is read"       },
    {.name = "shift",   .type = PARAM_BOOL, .fallback = "true",  .help = "a summand a channel is read"      },
    {.name = "winners", .type = PARAM_BOOL, .fallback = "false", .help = "winners are read, not found again"},
};

static bool has_few_places(const Node *placing, const Shape *x) {
    Pool pool = pool_read(placing, x);
    if (pool_places(&pool) > WINDOW_PLACES) return false;
    for (int i = 0; i < pool.spatial; i++) {
        const WindowAxis *axis = &pool.axis[i];
        if (axis->begin || (axis->output - 1) * axis->stride + axis->kernel > axis->input) return false;
    }
    return true;
}

static const Node *plain_producer(const Graph *graph, ValueId id) {
    NodeId producer = graph_value(graph, id)->producer;
    if (producer < 0) return NULL;
    const Node *node = graph_node(graph, producer);
    return node->max_window || node->epilogue.count ? NULL : node;
}

/* The normalisation of x whose results, perhaps rectified, the pool of those winners reads; or NULL. */
static const Node *pooled_normalisation(const Graph *graph, ValueId winners, ValueId x) {
    const Node *pool = plain_producer(graph, winners);
    const Node *node = pool ? plain_producer(graph, pool->inputs.items[0]) : NULL;
    if (node && node->op->keeps_winners) node = plain_producer(graph, node->inputs.items[0]);
    return node && node->op == &op_batchnorm_apply && node->inputs.items[0] == x ? node : NULL;
}

void batchnorm_read_windows(const Graph *graph, Node *node, const Node *placing, const char *op) {
    enum { SUMS_INPUTS = 3, WEIGHT = 6 };
    ValueId x = node->inputs.items[1], winners = placing->inputs.items[0];
    if (!has_few_places(placing, &graph_value(graph, x)->shape)) return;
    const Node *normal = pooled_normalisation(graph, winners, x);
    bool sums = node->inputs.count == SUMS_INPUTS, scale = node->inputs.count > WEIGHT, shift = false;
    node->inputs.items[0] = placing->inputs.items[1];
    if (normal) {
        const ValueId *vectors = normal->inputs.items;
        ChannelInputs own = batchnorm_inputs(normal->attrs, 3);
        scale = own.weight >= 0;
        shift = own.bias >= 0;
        if (sums) vec_push(graph->arena, &node->inputs, vectors[2]);
        if (sums && scale) vec_push(graph->arena, &node->inputs, vectors[own.weight]);
        if (shift) vec_push(graph->arena, &node->inputs, vectors[own.bias]);
    } else {
        vec_push(graph->arena, &node->inputs, winners);
    }
    Attr attrs[BATCHNORM_WINDOW_PARAMS];
    memcpy(attrs, placing->attrs, sizeof *attrs * POOL_WINDOW_PARAMS);
    attrs[POOL_WINDOW_PARAMS] = attr_bool(scale);
    attrs[POOL_WINDOW_PARAMS + 1] = attr_bool(shift);
    attrs[POOL_WINDOW_PARAMS + 2] = attr_bool(!normal);
    node->attrs = attrs_keep(graph, attrs, COUNT(attrs));
    node->op = op_find(op);
}

/* x at place number k of the window. */
static LLVMValueRef load_place(KernelCode *code, const Pool *pool, const Position *window, int64_t k,
                               Lanes lanes) {
    Position place = *window;
    for (int i = pool->spatial - 1; i >= 0; i--) {
        place.spatial[i] = code_mul_const(code, window->spatial[i], pool->axis[i].stride);
        place.delta[i] = k % pool->axis[i].kernel;
        k /= pool->axis[i].kernel;
    }
    return code_load_far(code, 1, &place, lanes);
}

WindowPlaces batchnorm_window_places(KernelCode *code, const Pool *pool, const Position *window,
                                     LLVMValueRef mean, LLVMValueRef factor, Lanes lanes) {
    WindowPlaces places = {.count = (int)pool_places(pool)};
    bool kept = node_bool(code->node, "winners"), shift = node_bool(code->node, "shift");
    LLVMValueRef last = NULL; /* the winner or the bias */
    if (kept || shift) last = code_load_input(code, node_operands(code->node) - 1, window, lanes);
    Maximum maximum = maximum_begin(code, lanes.width);
    for (int k = 0; k < places.count; k++) {
        places.centred[k] = code_fsub(code, load_place(code, pool, window, k, lanes), mean);
        if (kept) {
            LLVMValueRef place = code_constant(code, k, lanes.width);
            places.above[k] = code_compare(code, LLVMRealOEQ, last, place);
        } else {
            LLVMValueRef result = batchnorm_result(code, places.centred[k], factor, last);
            places.above[k] = maximum_visit(code, &maximum, result, k);
        }
    }
    return places;
}
