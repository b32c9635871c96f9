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
    Register reg;
    bool keeps;                  /* the winners, in output 1 */
    LLVMValueRef result, winner; /* variables */
} PoolWork;

static LLVMValueRef load_input(KernelCode *code, const Position *x, Register reg) {
    return code_load(code, code_position(code, code_input(code, 0), code->inputs[0], x), reg);
}

/* An equal element does not replace the earlier one. */
static void visit_max(KernelCode *code, const Position *position, LLVMValueRef tap, bool inside, void *user) {
    (void)inside;
    PoolWork *work = user;
    LLVMValueRef x = load_input(code, position, work->reg), best = code_get(code, work->result);
    LLVMValueRef above = code_compare(code, LLVMRealOGT, x, best);
    code_set(code, work->result, code_select(code, above, x, best));
    if (!work->winner) return;
    if (work->keeps)
        tap = code_splat(code, LLVMBuildSIToFP(code->emit->builder, tap, code->real, ""), work->reg.width);
    code_set(code, work->winner, code_select(code, above, tap, code_get(code, work->winner)));
}

static void max_window(KernelCode *code, const PoolTile *tile, Register reg, void *user) {
    PoolWork *work = user;
    work->reg = reg;
    LLVMTypeRef type = code_type(code, reg.width);
    work->result = code_variable(code, type, code_constant(code, -HUGE_VAL, reg.width));
    bool judged = code->real == code->emit->f64 && reg.width == 1;
    work->keeps = code->node->outputs.count > 1;
    work->winner = judged ? code_variable(code, code->emit->i64, code_int(code, 0)) : NULL;
    if (work->keeps) work->winner = code_variable(code, type, code_constant(code, 0, reg.width));
    pool_each_tap(code, &work->pool, work->kind, tile, visit_max, work);
    if (judged) code_fold_signature(code, code_get(code, work->winner));
    code_finish(code, code_get(code, work->result), &tile->window, reg);
    if (work->keeps) code_store_output(code, 1, code_get(code, work->winner), &tile->window, reg);
}

static void visit_mean(KernelCode *code, const Position *position, LLVMValueRef tap, bool inside,
                       void *user) {
    (void)tap, (void)inside;
    PoolWork *work = user;
    LLVMValueRef x = load_input(code, position, work->reg);
    code_set(code, work->result, code_fadd(code, code_get(code, work->result), x));
}

static void mean_window(KernelCode *code, const PoolTile *tile, Register reg, void *user) {
    PoolWork *work = user;
    work->reg = reg;
    work->result = code_variable(code, code_type(code, reg.width), code_constant(code, 0, reg.width));
    pool_each_tap(code, &work->pool, work->kind, tile, visit_mean, work);
    LLVMValueRef factor = code_splat(code, pool_mean_factor(code, &work->pool, work->kind, tile), reg.width);
    code_finish(code, code_fmul(code, code_get(code, work->result), factor), &tile->window, reg);
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

static bool unrolled_applies(const KernelCall *call) {
    Pool pool = pool_read(call->node, &graph_value(call->graph, call->node->inputs.items[0])->shape);
    return pool_unrolls(&pool, false);
}

/* Operations on taps hide behind the traffic, or the other way about. */
static double taps_cost(const KernelCall *call, double cycles) {
    Pool pool = pool_read(call->node, &graph_value(call->graph, call->node->inputs.items[0])->shape);
    double traffic = estimate_traffic(call);
    return fmax(cycles * pool_taps(call->machine, &pool), traffic) + ESTIMATE_START;
}

static double unrolled_cost(const KernelCall *call) {
    return taps_cost(call, 1.5);
}

static double looped_cost(const KernelCall *call) {
    return taps_cost(call, 3);
}

#define UNROLLED                                                                                             \
    .name = "unrolled", .elements = ELEMENT_F32, .applies = unrolled_applies, .cost = unrolled_cost,         \
    .epilogue = true
#define LOOPED .name = "looped", .elements = ELEMENT_F32, .cost = looped_cost, .epilogue = true

static const Kernel max_unrolled = {UNROLLED, .emit = max_unrolled_emit};
static const Kernel max_looped = {LOOPED, .emit = max_looped_emit};
static const Kernel mean_unrolled = {UNROLLED, .emit = mean_unrolled_emit};
static const Kernel mean_looped = {LOOPED, .emit = mean_looped_emit};

const Kernel *const max_kernels[] = {&max_unrolled, &max_looped, NULL};
const Kernel *const mean_kernels[] = {&mean_unrolled, &mean_looped, NULL};

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
};
