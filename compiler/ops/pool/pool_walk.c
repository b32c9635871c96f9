/* See pool_walk.h. */
#include "ops/pool/pool_walk.h"

#include <string.h>

enum { UNROLLED_TAPS = 160 }; /* copies times taps; more is left to loops */

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}
static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static bool has_argument(const Op *op, const char *name) {
    for (int i = 0; i < op->param_count; i++)
        if (!strcmp(op->params[i].name, name)) return true;
    return false;
}

static WindowAxis whole_axis(int64_t extent) {
    return (WindowAxis){.input = extent, .kernel = extent, .stride = extent, .dilation = 1, .output = 1};
}

/* An extent that divides evenly makes plain windows. */
static WindowAxis cell_axis(int64_t extent, int64_t cells, bool *uneven) {
    int64_t cell = extent / cells;
    WindowAxis axis = {.input = extent, .kernel = cell, .stride = cell, .dilation = 1, .output = cells};
    if (extent % cells == 0) return axis;
    *uneven = true;
    axis.kernel = smaller(extent, cell + 2);
    axis.stride = 1;
    return axis;
}

Pool pool_read(const Node *node, const Shape *x) {
    Pool pool = {.spatial = shape_spatial(x), .channels = shape_channels(x), .disjoint = true, .tiled = true};
    bool windows = has_argument(node->op, "window"), cells = has_argument(node->op, "size");
    pool.count_padding = has_argument(node->op, "count_padding") && node_bool(node, "count_padding");
    for (int i = 0; i < pool.spatial; i++) {
        WindowAxis *axis = &pool.axis[i];
        *axis = cells ? cell_axis(x->dim[i], node_size(node, "size")->dim[i], &pool.uneven)
                      : whole_axis(x->dim[i]);
        if (windows) {
            axis->kernel = node_size(node, "window")->dim[i];
            axis->stride = node_size(node, "stride")->dim[i];
            window_axis_fit(axis, node_padding(node, "padding"), i, node_bool(node, "ceil"));
        }
        pool.disjoint = pool.disjoint && axis->stride >= axis->kernel;
        pool.tiled = pool.tiled && axis->stride == axis->kernel && axis->begin == 0 &&
                     axis->output * axis->stride == axis->input;
    }
    if (pool.uneven) pool.disjoint = pool.tiled = false;
    return pool;
}

Pool pool_of_windows(const Shape *x, int window) {
    Pool pool = {.spatial = 2, .channels = shape_channels(x), .disjoint = true};
    for (int i = 0; i < 2; i++)
        pool.axis[i] = (WindowAxis){.input = x->dim[i],
                                    .kernel = window,
                                    .stride = window,
                                    .dilation = 1,
                                    .output = x->dim[i] / window};
    return pool;
}

/* A run of windows along an axis that are clipped alike. */
typedef struct PoolSpan {
    int64_t from, to;  /* windows */
    int64_t low, high; /* taps inside x */
} PoolSpan;

static int64_t reach_of(const WindowAxis *axis, PoolWalkKind kind) {
    return kind == POOL_STEPPED ? axis->stride : axis->kernel;
}

static PoolSpan span_from(const WindowAxis *axis, int64_t reach, int64_t window) {
    int64_t start = window * axis->stride - axis->begin;
    PoolSpan span = {window, window + 1, larger(0, -start), smaller(reach, axis->input - start)};
    if (start >= 0 && start + reach <= axis->input)
        span.to = smaller(axis->output, (axis->input - reach + axis->begin) / axis->stride + 1);
    return span;
}

static int64_t span_count(const WindowAxis *axis, int64_t reach) {
    int64_t count = 0;
    for (int64_t window = 0; window < axis->output && count <= UNROLLED_TAPS; count++)
        window = span_from(axis, reach, window).to;
    return count;
}

bool pool_unrolls(const Pool *pool, bool stepped) {
    int64_t taps = 1;
    if (pool->uneven) return false;
    for (int i = 0; i < pool->spatial && taps <= UNROLLED_TAPS; i++) {
        int64_t reach = reach_of(&pool->axis[i], stepped ? POOL_STEPPED : POOL_UNROLLED);
        if (reach > UNROLLED_TAPS) return false;
        taps *= reach * span_count(&pool->axis[i], reach);
    }
    return taps <= UNROLLED_TAPS;
}

int64_t pool_places(const Pool *pool) {
    int64_t places = 1;
    for (int i = 0; i < pool->spatial; i++) places *= pool->axis[i].kernel;
    return places;
}

double pool_taps(const Machine *machine, const Pool *pool) {
    int64_t registers = (pool->channels + machine->vector_floats - 1) / machine->vector_floats;
    double taps = (double)registers;
    for (int i = 0; i < pool->spatial; i++)
        taps *= (double)pool->axis[i].output * (double)pool->axis[i].kernel;
    return taps;
}

typedef struct PoolWalk {
    const Pool *pool;
    PoolWalkKind kind;
    PoolBody body;
    void *user;
    PoolTile tile;
} PoolWalk;

static void walk_register(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    PoolWalk *walk = user;
    walk->tile.window.channel = walk->tile.corner.channel = index;
    walk->body(code, &walk->tile, reg, walk->user);
}

/* Where the cell begins, and how many places it has. */
static void place_cell(KernelCode *code, PoolWalk *walk, int i, LLVMValueRef window) {
    const WindowAxis *axis = &walk->pool->axis[i];
    LLVMBuilderRef builder = code->emit->builder;
    LLVMValueRef cells = code_int(code, axis->output);
    LLVMValueRef start = LLVMBuildUDiv(builder, code_mul_const(code, window, axis->input), cells, "");
    LLVMValueRef end = code_mul_const(code, code_add_const(code, window, 1), axis->input);
    end = LLVMBuildUDiv(builder, code_add_const(code, end, axis->output - 1), cells, "");
    walk->tile.window.spatial[i] = window;
    walk->tile.corner.spatial[i] = start;
    walk->tile.first[i] = code_int(code, 0);
    walk->tile.limit[i] = LLVMBuildSub(builder, end, start, "");
}

static void place_window(KernelCode *code, PoolWalk *walk, int i, LLVMValueRef window) {
    const WindowAxis *axis = &walk->pool->axis[i];
    walk->tile.window.spatial[i] = window;
    walk->tile.corner.spatial[i] = code_mul_const(code, window, axis->stride);
    walk->tile.corner.delta[i] = -axis->begin;
}

/* Where the window begins, padding counted off: below 0 in the padding before x. */
static LLVMValueRef window_start(KernelCode *code, const PoolTile *tile, int axis) {
    return code_add_const(code, tile->corner.spatial[axis], tile->corner.delta[axis]);
}

static void clip_window(KernelCode *code, PoolWalk *walk, int i) {
    const WindowAxis *axis = &walk->pool->axis[i];
    LLVMBuilderRef builder = code->emit->builder;
    walk->tile.first[i] = code_int(code, 0);
    walk->tile.limit[i] = code_int(code, axis->kernel);
    LLVMValueRef start = window_start(code, &walk->tile, i);
    if (axis->begin > 0)
        walk->tile.first[i] = code_max(code, LLVMBuildNeg(builder, start, ""), code_int(code, 0));
    if ((axis->output - 1) * axis->stride - axis->begin + axis->kernel > axis->input) {
        LLVMValueRef room = LLVMBuildSub(builder, code_int(code, axis->input), start, "");
        walk->tile.limit[i] = code_min(code, room, code_int(code, axis->kernel));
    }
}

static void walk_axis(KernelCode *code, PoolWalk *walk, int i) {
    if (i >= walk->pool->spatial || i == SPATIAL_MAX) {
        loop_registers(code, walk->pool->channels, walk_register, walk);
        return;
    }
    const WindowAxis *axis = &walk->pool->axis[i];
    if (walk->kind == POOL_LOOPED) {
        Loop loop = loop_begin_const(code, 0, axis->output, 1);
        if (walk->pool->uneven) {
            place_cell(code, walk, i, loop.index);
        } else {
            place_window(code, walk, i, loop.index);
            clip_window(code, walk, i);
        }
        walk_axis(code, walk, i + 1);
        loop_end(code, &loop);
        return;
    }
    int64_t reach = reach_of(axis, walk->kind);
    PoolSpan span;
    for (int64_t window = 0; window < axis->output; window = span.to) {
        span = span_from(axis, reach, window);
        Loop loop = loop_begin_const(code, span.from, span.to, 1);
        place_window(code, walk, i, loop.index);
        walk->tile.first[i] = code_int(code, span.low);
        walk->tile.limit[i] = code_int(code, span.high);
        walk_axis(code, walk, i + 1);
        loop_end(code, &loop);
    }
}

void pool_each_window(KernelCode *code, const Pool *pool, PoolWalkKind kind, PoolBody body, void *user) {
    PoolWalk walk = {.pool = pool, .kind = kind, .body = body, .user = user};
    Loop loop = loop_begin(code, code_int(code, 0), code->count, 1);
    walk.tile.window.sample = walk.tile.corner.sample = loop.index;
    walk_axis(code, &walk, 0);
    loop_end(code, &loop);
}

typedef struct TapWalk {
    const Pool *pool;
    PoolWalkKind kind;
    const PoolTile *tile;
    PoolVisit visit;
    void *user;
} TapWalk;

static void walk_taps(KernelCode *code, const TapWalk *walk, int i, Position x, LLVMValueRef tap,
                      bool inside) {
    if (i >= walk->pool->spatial || i == SPATIAL_MAX) {
        walk->visit(code, &x, tap, inside, walk->user);
        return;
    }
    int64_t kernel = walk->pool->axis[i].kernel;
    LLVMValueRef row = code_mul_const(code, tap, kernel), corner = x.spatial[i];
    if (walk->kind == POOL_LOOPED) {
        Loop loop = loop_begin(code, walk->tile->first[i], walk->tile->limit[i], 1);
        x.spatial[i] = code_add(code, corner, loop.index);
        walk_taps(code, walk, i + 1, x, code_add(code, row, loop.index), inside);
        loop_end(code, &loop);
        return;
    }
    int64_t limit = LLVMConstIntGetSExtValue(walk->tile->limit[i]), delta = x.delta[i];
    for (int64_t r = LLVMConstIntGetSExtValue(walk->tile->first[i]); r < limit; r++) {
        x.delta[i] = delta + r;
        walk_taps(code, walk, i + 1, x, code_add_const(code, row, r), inside && r < kernel);
    }
}

void pool_each_tap(KernelCode *code, const Pool *pool, PoolWalkKind kind, const PoolTile *tile,
                   PoolVisit visit, void *user) {
    TapWalk walk = {pool, kind, tile, visit, user};
    walk_taps(code, &walk, 0, tile->corner, code_int(code, 0), true);
}

typedef struct RestWalk {
    PositionBody body;
    void *user;
    Position position;
} RestWalk;

static void rest_register(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    RestWalk *walk = user;
    walk->position.channel = index;
    walk->body(code, &walk->position, reg, walk->user);
}

/* Elements whose first axis behind the steps is `outside`. */
static void walk_rest(KernelCode *code, const Pool *pool, int outside, RestWalk *walk) {
    Loop loops[SPATIAL_MAX];
    for (int i = 0; i < pool->spatial; i++) {
        const WindowAxis *axis = &pool->axis[i];
        int64_t covered = smaller(axis->input, axis->output * axis->stride - axis->begin);
        loops[i] = loop_begin_const(code, i == outside ? covered : 0, i < outside ? covered : axis->input, 1);
        walk->position.spatial[i] = loops[i].index;
    }
    loop_registers(code, pool->channels, rest_register, walk);
    for (int i = pool->spatial - 1; i >= 0; i--) loop_end(code, &loops[i]);
}

void pool_each_uncovered(KernelCode *code, const Pool *pool, PositionBody body, void *user) {
    RestWalk walk = {.body = body, .user = user};
    Loop loop = loop_begin(code, code_int(code, 0), code->count, 1);
    walk.position.sample = loop.index;
    for (int i = 0; i < pool->spatial; i++) {
        const WindowAxis *axis = &pool->axis[i];
        if (axis->output * axis->stride - axis->begin < axis->input) walk_rest(code, pool, i, &walk);
    }
    loop_end(code, &loop);
}

/* How many places of the axis a mean counts: those inside x, or inside x and its padding. */
static int64_t known_places(const Pool *pool, PoolWalkKind kind, const PoolTile *tile, int i) {
    const WindowAxis *axis = &pool->axis[i];
    int64_t low = LLVMConstIntGetSExtValue(tile->first[i]), high = LLVMConstIntGetSExtValue(tile->limit[i]);
    if (!pool->count_padding) return smaller(high, axis->kernel) - low;
    bool clipped = low > 0 || high < reach_of(axis, kind);
    int64_t start = low > 0 ? -low : axis->input - high;
    return clipped ? smaller(axis->kernel, axis->input + axis->end - start) : axis->kernel;
}

static LLVMValueRef computed_places(KernelCode *code, const Pool *pool, const PoolTile *tile, int i) {
    LLVMBuilderRef builder = code->emit->builder;
    if (!pool->count_padding) return LLVMBuildSub(builder, tile->limit[i], tile->first[i], "");
    const WindowAxis *axis = &pool->axis[i];
    LLVMValueRef end = code_int(code, axis->input + axis->end);
    LLVMValueRef room = LLVMBuildSub(builder, end, window_start(code, tile, i), "");
    return code_min(code, room, code_int(code, axis->kernel));
}

LLVMValueRef pool_mean_factor(KernelCode *code, const Pool *pool, PoolWalkKind kind, const PoolTile *tile) {
    double known = 1;
    LLVMValueRef computed = code_int(code, 1);
    for (int i = 0; i < pool->spatial; i++) {
        if (kind == POOL_LOOPED)
            computed = code_mul(code, computed, computed_places(code, pool, tile, i));
        else
            known *= (double)known_places(pool, kind, tile, i);
    }
    if (kind != POOL_LOOPED) return code_real(code, 1 / known);
    LLVMValueRef count = LLVMBuildSIToFP(code->emit->builder, computed, code->real, "");
    return code_fdiv(code, code_real(code, 1), count);
}
