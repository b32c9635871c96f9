/* maxpool, avgpool: the maximum or the mean of each window of a channel.
 * y[n,i,j,c] = max or mean over (r,s) of x[n, i*stride+r-begin, j*stride+s-begin, c]; padding never wins a
 * maximum, and counts in a mean where count_padding says so. */
#include "emit/signature.h"
#include "graph/shape_call.h"
#include "ops/parts/estimate.h"
#include "ops/pool/pool_kernels.h"
#include "ops/pool/pool_walk.h"

#include <limits.h>
#include <math.h>

const Param pool_window_params[POOL_WINDOW_PARAMS] = {POOL_WINDOW_ROWS};
static const Param mean_params[] = {
    POOL_WINDOW_ROWS,
    {.name = "count_padding",
      .type = PARAM_BOOL,
      .fallback = "false",
      .help = "padding counts in the mean, as zeros"},
};

static bool pool_shape(ShapeCall *call) {
    if (!shape_call_rank(call, 2, 1 + SPATIAL_MAX)) return false;
    WindowAxis axes[SPATIAL_MAX];
    if (!shape_windows(call, shape_attr(call, "ceil")->boolean, axes)) return false;
    call->output = *shape_input(call, 0);
    for (int i = 0; i < shape_spatial(&call->output); i++) {
        int64_t most = axes[i].begin > axes[i].end ? axes[i].begin : axes[i].end;
        if (most >= axes[i].kernel) {
            diag(call->cx->diag, shape_span(call, "padding"), E_POOL_PADDING, (long long)most,
                 (long long)axes[i].kernel);
            diag_help(call->cx->diag, "a padding of %lld at most", (long long)axes[i].kernel - 1);
            return false;
        }
        call->output.dim[i] = axes[i].output;
    }
    if (shape_elements(&call->output) >= 0) return true;
    diag(call->cx->diag, call->span, E_SIZE_TOO_LARGE, "output of this layer");
    return false;
}

typedef struct PoolWork {
    Pool pool;
    PoolWalkKind kind;
    Lanes lanes;
    bool keeps;                  /* the winners, in output 1 */
    LLVMValueRef result, winner; /* variables */
} PoolWork;

static LLVMValueRef load_input(KernelCode *code, const Position *x, Lanes lanes) {
    return code_load(code, code_position(code, code_input(code, 0), code->inputs[0], x), lanes);
}

/* An equal element does not replace the earlier one. */
static void visit_max(KernelCode *code, const Position *position, LLVMValueRef tap, bool inside, void *user) {
    (void)inside;
    PoolWork *work = user;
    LLVMValueRef x = load_input(code, position, work->lanes), best = code_get(code, work->result);
    LLVMValueRef above = code_compare(code, LLVMRealOGT, x, best);
    code_set(code, work->result, code_select(code, above, x, best));
    if (!work->winner) return;
    if (work->keeps)
        tap = code_splat(code, LLVMBuildSIToFP(code->emit->builder, tap, code->real, ""), work->lanes.width);
    code_set(code, work->winner, code_select(code, above, tap, code_get(code, work->winner)));
}

static void max_window(KernelCode *code, const PoolTile *tile, Lanes lanes, void *user) {
    PoolWork *work = user;
    work->lanes = lanes;
    LLVMTypeRef type = code_type(code, lanes.width);
    work->result = code_variable(code, type, code_constant(code, -HUGE_VAL, lanes.width));
    bool judged = code->real == code->emit->f64 && lanes.width == 1;
    work->keeps = code->node->outputs.count > 1;
    work->winner = judged ? code_variable(code, code->emit->i64, code_int(code, 0)) : NULL;
    if (work->keeps) work->winner = code_variable(code, type, code_constant(code, 0, lanes.width));
    pool_each_tap(code, &work->pool, work->kind, tile, visit_max, work);
    if (judged) code_fold_signature(code, code_get(code, work->winner));
    code_finish(code, code_get(code, work->result), &tile->window, lanes);
    if (work->keeps) code_store_output(code, 1, code_get(code, work->winner), &tile->window, lanes);
}

static void visit_mean(KernelCode *code, const Position *position, LLVMValueRef tap, bool inside,
                       void *user) {
    (void)tap, (void)inside;
    PoolWork *work = user;
    LLVMValueRef x = load_input(code, position, work->lanes);
    code_set(code, work->result, code_fadd(code, code_get(code, work->result), x));
}

static void mean_window(KernelCode *code, const PoolTile *tile, Lanes lanes, void *user) {
    PoolWork *work = user;
    work->lanes = lanes;
    work->result = code_variable(code, code_type(code, lanes.width), code_constant(code, 0, lanes.width));
    pool_each_tap(code, &work->pool, work->kind, tile, visit_mean, work);
    LLVMValueRef factor =
        code_splat(code, pool_mean_factor(code, &work->pool, work->kind, tile), lanes.width);
    code_finish(code, code_fmul(code, code_get(code, work->result), factor), &tile->window, lanes);
}

static void emit_pool(KernelCode *code, PoolWalkKind kind, PoolBody body) {
    PoolWork work = {.pool = pool_read(code->node, &code_input(code, 0)->shape), .kind = kind};
    pool_each_window(code, &work.pool, kind, body, &work);
}

static void max_unrolled_emit(KernelCode *code) {
    emit_pool(code, POOL_UNROLLED, max_window);
}
static void max_looped_emit(KernelCode *code) {
    emit_pool(code, POOL_LOOPED, max_window);
}
static void mean_unrolled_emit(KernelCode *code) {
    emit_pool(code, POOL_UNROLLED, mean_window);
}
static void mean_looped_emit(KernelCode *code) {
    emit_pool(code, POOL_LOOPED, mean_window);
}

static bool unrolled_applies(const Machine *machine, const Graph *graph, const Node *node) {
    (void)machine;
    Pool pool = pool_read(node, &graph_value(graph, node->inputs.items[0])->shape);
    return pool_unrolls(&pool, false);
}

/* Operations on taps hide behind the traffic, or the other way about. */
static double taps_cost(const Machine *machine, const Graph *graph, const Node *node, double cycles) {
    Pool pool = pool_read(node, &graph_value(graph, node->inputs.items[0])->shape);
    double traffic = estimate_traffic(machine, graph, node);
    return fmax(cycles * pool_taps(machine, &pool), traffic) + ESTIMATE_START;
}

static double unrolled_cost(const Machine *machine, const Graph *graph, const Node *node) {
    return taps_cost(machine, graph, node, 1.5);
}

static double looped_cost(const Machine *machine, const Graph *graph, const Node *node) {
    return taps_cost(machine, graph, node, 3);
}

const Kernel max_kernels[POOL_KERNELS] = {
    {.name = "unrolled",
     .applies = unrolled_applies,
     .cost = unrolled_cost,
     .emit = max_unrolled_emit,
     .epilogue = true},
    {.name = "looped", .cost = looped_cost, .emit = max_looped_emit, .epilogue = true},
};

const Kernel mean_kernels[POOL_KERNELS] = {
    {.name = "unrolled",
     .applies = unrolled_applies,
     .cost = unrolled_cost,
     .emit = mean_unrolled_emit,
     .epilogue = true},
    {.name = "looped", .cost = looped_cost, .emit = mean_looped_emit, .epilogue = true},
};

/* Where windows do not overlap, the forward pass keeps which place won: a number a window, and nobody has to
 * keep or to read what was pooled. */
static void max_gradient(Backward *b, const Node *node) {
    Graph *graph = backward_graph(b);
    Pool pool = pool_read(node, &graph_value(graph, node->inputs.items[0])->shape);
    if (graph->doubles || !pool.disjoint || !pool_unrolls(&pool, true))
        pool_max_gradient(b, node, "maxpool_grad");
    else
        pool_winner_gradient(b, node);
}
static void mean_gradient(Backward *b, const Node *node) {
    pool_mean_gradient(b, node, "avgpool_grad");
}

static int plain_window(const Graph *graph, const Node *node) {
    const Shape *x = &graph_value(graph, node->inputs.items[0])->shape;
    Pool pool = pool_read(node, x);
    int64_t window = pool.axis[0].kernel;
    if (pool.spatial != 2 || window > INT_MAX) return 0;
    for (int i = 0; i < pool.spatial; i++) {
        const WindowAxis *a = &pool.axis[i];
        bool whole = a->output == x->dim[i] / window; /* the end of a partial window is dropped */
        if (a->kernel != window || a->stride != window || a->begin || !whole) return 0;
    }
    return (int)window;
}

const Op op_maxpool = {
    .name = "maxpool",
    .kind = OPK_LAYER,
    .summary = "largest element of each window, a channel at a time",
    .formula =
        "y[i,j,c] = max over r,s of x[i*stride + r - begin, j*stride + s - begin, c]; padding never wins",
    .example = "conv(32, 3, activation=relu) -> maxpool(2)",
    .gives = "each spatial axis has floor((n + begin + end - window)/stride) + 1 places, ceil for floor with "
             "ceil=true, ceil(n/stride) with padding=same; the channels stay",
    .params = pool_window_params,
    .param_count = POOL_WINDOW_PARAMS,
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = pool_shape,
    .gradient = max_gradient,
    .plain_window = plain_window,
    .kernels = max_kernels,
    .kernel_count = POOL_KERNELS,
};

const Op op_avgpool = {
    .name = "avgpool",
    .kind = OPK_LAYER,
    .summary = "mean of each window, a channel at a time",
    .formula = "y[i,j,c] = mean over r,s of x[i*stride + r - begin, j*stride + s - begin, c]",
    .example = "conv(32, 3) -> avgpool(3, stride=2, padding=1)",
    .gives = "each spatial axis has floor((n + begin + end - window)/stride) + 1 places, ceil for floor with "
             "ceil=true, ceil(n/stride) with padding=same; the channels stay",
    .params = mean_params,
    .param_count = COUNT(mean_params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = pool_shape,
    .gradient = mean_gradient,
    .kernels = mean_kernels,
    .kernel_count = POOL_KERNELS,
};

/* One place of each window has its gradient. */
static double winner_density(const Op *op, const Attr *attrs) {
    const Size *window = &attr_find(op, attrs, "window")->size;
    double density = 1;
    for (int i = 0; i < window->rank; i++) density /= (double)window->dim[i];
    return density;
}

const Op op_maxpool_grad = {
    .name = "maxpool_grad",
    .kind = OPK_INTERNAL,
    .density = winner_density,
    .summary = "gradient of maxpool from its input: each window's goes to its first largest element",
    .formula = "dx = sum over windows of dy where x is the window's first maximum",
    .params = pool_window_params,
    .param_count = POOL_WINDOW_PARAMS,
    .min_inputs = 2,
    .max_inputs = 2,
    .kernels = max_grad_kernels,
    .kernel_count = POOL_GRAD_KERNELS,
};

const Op op_maxpool_winner_grad = {
    .name = "maxpool_winner_grad",
    .kind = OPK_INTERNAL,
    .places_winners = true,
    .density = winner_density,
    .summary = "gradient of maxpool from the winners: each window's goes to the place that won it",
    .formula = "dx = dy of the window where the place is its winner, 0 elsewhere",
    .params = pool_window_params,
    .param_count = POOL_WINDOW_PARAMS,
    .min_inputs = 2,
    .max_inputs = 2,
    .kernels = winner_grad_kernels,
    .kernel_count = WINNER_GRAD_KERNELS,
};

const Op op_avgpool_grad = {
    .name = "avgpool_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of avgpool: each window's is shared out among its elements",
    .formula = "dx = sum over windows of dy / count",
    .params = mean_params,
    .param_count = COUNT(mean_params),
    .min_inputs = 1,
    .max_inputs = 1,
    .kernels = mean_grad_kernels,
    .kernel_count = POOL_GRAD_KERNELS,
};
