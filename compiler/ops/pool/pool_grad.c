/* The gradients of pools. maxpool_winner_grad(winners, dy) puts each window's gradient where its maximum was;
 * maxpool_grad(x, dy) finds each window's first maximum again; avgpool_grad(dy) spreads the mean. Where
 * windows do not overlap every element of dx is written exactly once, zeros included; where they do, dx is
 * cleared and added to, and an epilogue is applied in a last pass. */
#include "ops/parts/estimate.h"
#include "ops/pool/pool_kernels.h"
#include "ops/pool/pool_walk.h"

#include <math.h>

void pool_max_gradient(Backward *b, const Node *node, const char *op) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Shape shape = graph_value(backward_graph(b), x)->shape;
    ValueId dx = backward_append(b, op, node->attrs, (ValueId[]){x, dy}, 2, ROLE_ACTIVATION, shape);
    backward_contribute(b, x, dx);
}

void pool_winner_gradient(Backward *b, const Node *node) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Graph *graph = backward_graph(b);
    Shape shape = graph_value(graph, x)->shape;
    const Attr *attrs = node->attrs;
    NodeId pool = graph_value(graph, node->outputs.items[0])->producer; /* the node is a copy */
    ValueId winners = graph_add_output(graph, pool, ROLE_ACTIVATION, graph_value(graph, dy)->shape);
    ValueId dx =
        backward_append(b, "maxpool_winner_grad", attrs, (ValueId[]){winners, dy}, 2, ROLE_ACTIVATION, shape);
    backward_contribute(b, x, dx);
}

void pool_mean_gradient(Backward *b, const Node *node, const char *op) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Shape shape = graph_value(backward_graph(b), x)->shape;
    backward_contribute(b, x, backward_append(b, op, node->attrs, &dy, 1, ROLE_ACTIVATION, shape));
}

typedef struct GradWork {
    Pool pool;
    PoolWalkKind kind;
    bool add; /* to dx, which overlapping windows share */
    Register reg;
    LLVMValueRef share;       /* of dy: what an element gets */
    LLVMValueRef best, found; /* variables of a maximum; best: or the winners */
} GradWork;

static void put(KernelCode *code, const GradWork *work, LLVMValueRef value, const Position *position) {
    if (!work->add) {
        code_finish(code, value, position, work->reg);
        return;
    }
    LLVMValueRef place = code_position(code, code_output(code, 0), code->outputs[0], position);
    value = code_fadd(code, code_load(code, place, work->reg), value);
    code_store(code, value, place, work->reg);
}

static void clear(KernelCode *code, const Position *position, Register reg, void *user) {
    (void)user;
    LLVMValueRef place = code_position(code, code_output(code, 0), code->outputs[0], position);
    code_store(code, code_constant(code, 0, reg.width), place, reg);
}

static void finish_sum(KernelCode *code, const Position *position, Register reg, void *user) {
    (void)user;
    LLVMValueRef place = code_position(code, code_output(code, 0), code->outputs[0], position);
    code_finish(code, code_load(code, place, reg), position, reg);
}

static void finish_zero(KernelCode *code, const Position *position, Register reg, void *user) {
    (void)user;
    code_finish(code, code_constant(code, 0, reg.width), position, reg);
}

static void visit_best(KernelCode *code, const Position *position, LLVMValueRef tap, bool inside,
                       void *user) {
    (void)tap;
    GradWork *work = user;
    if (!inside) return;
    LLVMValueRef x = code_load_input(code, 0, position, work->reg);
    code_set(code, work->best, code_fmax(code, x, code_get(code, work->best)));
}

static void visit_winner(KernelCode *code, const Position *position, LLVMValueRef tap, bool inside,
                         void *user) {
    (void)tap;
    GradWork *work = user;
    LLVMBuilderRef builder = code->emit->builder;
    LLVMValueRef zero = code_constant(code, 0, work->reg.width);
    if (!inside) {
        put(code, work, zero, position);
        return;
    }
    LLVMValueRef x = code_load_input(code, 0, position, work->reg), found = code_get(code, work->found);
    LLVMValueRef equal = code_compare(code, LLVMRealOEQ, x, code_get(code, work->best));
    LLVMValueRef wins = LLVMBuildAnd(builder, equal, LLVMBuildNot(builder, found, ""), "");
    code_set(code, work->found, LLVMBuildOr(builder, found, equal, ""));
    put(code, work, code_select(code, wins, work->share, zero), position);
}

static void max_window(KernelCode *code, const PoolTile *tile, Register reg, void *user) {
    GradWork *work = user;
    work->reg = reg;
    LLVMTypeRef truth = code->emit->i1;
    if (reg.width > 1) truth = LLVMVectorType(truth, (unsigned)reg.width);
    work->best = code_variable(code, code_type(code, reg.width), code_constant(code, -HUGE_VAL, reg.width));
    work->found = code_variable(code, truth, LLVMConstNull(truth));
    work->share = code_load_input(code, 1, &tile->window, reg);
    pool_each_tap(code, &work->pool, work->kind, tile, visit_best, work);
    pool_each_tap(code, &work->pool, work->kind, tile, visit_winner, work);
}

/* The place that won its window gets all of its gradient. */
static void visit_place(KernelCode *code, const Position *position, LLVMValueRef tap, bool inside,
                        void *user) {
    GradWork *work = user;
    LLVMValueRef share = code_constant(code, 0, work->reg.width);
    if (inside) {
        LLVMValueRef place = code_constant_like(code, (double)LLVMConstIntGetSExtValue(tap), share);
        LLVMValueRef wins = code_compare(code, LLVMRealOEQ, work->best, place);
        share = code_select(code, wins, work->share, share);
    }
    put(code, work, share, position);
}

static void winner_window(KernelCode *code, const PoolTile *tile, Register reg, void *user) {
    GradWork *work = user;
    work->reg = reg;
    work->best = code_load_input(code, 0, &tile->window, reg);
    work->share = code_load_input(code, 1, &tile->window, reg);
    pool_each_tap(code, &work->pool, work->kind, tile, visit_place, work);
}

static void visit_share(KernelCode *code, const Position *position, LLVMValueRef tap, bool inside,
                        void *user) {
    (void)tap;
    GradWork *work = user;
    put(code, work, inside ? work->share : code_constant(code, 0, work->reg.width), position);
}

static void mean_window(KernelCode *code, const PoolTile *tile, Register reg, void *user) {
    GradWork *work = user;
    work->reg = reg;
    LLVMValueRef factor = code_splat(code, pool_mean_factor(code, &work->pool, work->kind, tile), reg.width);
    work->share = code_fmul(code, code_load_input(code, 0, &tile->window, reg), factor);
    pool_each_tap(code, &work->pool, work->kind, tile, visit_share, work);
}

static void emit_once(KernelCode *code, PoolWalkKind kind, PoolBody body) {
    GradWork work = {.pool = pool_read(code->node, &code_output(code, 0)->shape), .kind = kind};
    pool_each_window(code, &work.pool, kind, body, &work);
    if (kind == POOL_STEPPED) pool_each_uncovered(code, &work.pool, finish_zero, NULL);
}

static void emit_scatter(KernelCode *code, PoolWalkKind kind, PoolBody body) {
    const Shape *x = &code_output(code, 0)->shape;
    GradWork work = {.pool = pool_read(code->node, x), .kind = kind, .add = true};
    loop_positions(code, x, clear, NULL);
    pool_each_window(code, &work.pool, kind, body, &work);
    if (code->node->epilogue.count) loop_positions(code, x, finish_sum, NULL);
}

static void max_disjoint_emit(KernelCode *code) {
    emit_once(code, POOL_STEPPED, max_window);
}
static void winner_disjoint_emit(KernelCode *code) {
    emit_once(code, POOL_STEPPED, winner_window);
}
static void max_tiled_emit(KernelCode *code) {
    emit_once(code, POOL_LOOPED, max_window);
}
static void max_scatter_emit(KernelCode *code) {
    emit_scatter(code, POOL_UNROLLED, max_window);
}
static void max_looped_emit(KernelCode *code) {
    emit_scatter(code, POOL_LOOPED, max_window);
}
static void mean_disjoint_emit(KernelCode *code) {
    emit_once(code, POOL_STEPPED, mean_window);
}
static void mean_tiled_emit(KernelCode *code) {
    emit_once(code, POOL_LOOPED, mean_window);
}
static void mean_scatter_emit(KernelCode *code) {
    emit_scatter(code, POOL_UNROLLED, mean_window);
}
static void mean_looped_emit(KernelCode *code) {
    emit_scatter(code, POOL_LOOPED, mean_window);
}

static Pool pool_of(const Graph *graph, const Node *node) {
    return pool_read(node, &graph_value(graph, node->outputs.items[0])->shape);
}

static bool disjoint_applies(const KernelCall *call) {
    Pool pool = pool_of(call->graph, call->node);
    return pool.disjoint && pool_unrolls(&pool, true);
}

static bool tiled_applies(const KernelCall *call) {
    return pool_of(call->graph, call->node).tiled;
}

static bool scatter_applies(const KernelCall *call) {
    Pool pool = pool_of(call->graph, call->node);
    return pool_unrolls(&pool, false);
}

static double taps_cost(const KernelCall *call, double cycles) {
    Pool pool = pool_of(call->graph, call->node);
    return cycles * pool_taps(call->machine, &pool) + estimate_traffic(call) + ESTIMATE_START;
}

static double disjoint_cost(const KernelCall *call) {
    return taps_cost(call, 2);
}

static double tiled_cost(const KernelCall *call) {
    return taps_cost(call, 8);
}

/* dx is read and written again for every tap. */
static double scatter_cost(const KernelCall *call) {
    return taps_cost(call, 12);
}

static double looped_cost(const KernelCall *call) {
    return taps_cost(call, 16);
}

#define DISJOINT .name = "disjoint", .elements = ELEMENT_F32, .cost = disjoint_cost, .epilogue = true
#define TILED                                                                                                \
    .name = "tiled", .elements = ELEMENT_F32, .applies = tiled_applies, .cost = tiled_cost, .epilogue = true
#define SCATTER                                                                                              \
    .name = "scatter", .elements = ELEMENT_F32, .applies = scatter_applies, .cost = scatter_cost,            \
    .epilogue = true
#define LOOPED .name = "looped", .elements = ELEMENT_F32, .cost = looped_cost, .epilogue = true

static const Kernel max_disjoint = {DISJOINT, .applies = disjoint_applies, .emit = max_disjoint_emit};
static const Kernel max_tiled = {TILED, .emit = max_tiled_emit};
static const Kernel max_scatter = {SCATTER, .emit = max_scatter_emit};
static const Kernel max_looped = {LOOPED, .emit = max_looped_emit};
static const Kernel mean_disjoint = {DISJOINT, .applies = disjoint_applies, .emit = mean_disjoint_emit};
static const Kernel mean_tiled = {TILED, .emit = mean_tiled_emit};
static const Kernel mean_scatter = {SCATTER, .emit = mean_scatter_emit};
static const Kernel mean_looped = {LOOPED, .emit = mean_looped_emit};
static const Kernel winner_disjoint = {DISJOINT, .emit = winner_disjoint_emit};

const Kernel *const max_grad_kernels[] = {&max_disjoint, &max_tiled, &max_scatter, &max_looped, NULL};
const Kernel *const mean_grad_kernels[] = {&mean_disjoint, &mean_tiled, &mean_scatter, &mean_looped, NULL};
const Kernel *const winner_grad_kernels[] = {&winner_disjoint, NULL};
