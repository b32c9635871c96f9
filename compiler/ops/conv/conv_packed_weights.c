/* Direct convolution, gradient to the weights, where there are many channels: as conv_direct_weights.c, but
 * both operands are first copied into the order in which tiles read them. Places of many channels lie far
 * apart, often a multiple of a large power of two, and would fight for the same sets of the first-level
 * cache.
 *
 * A block is some rows of y, or some whole samples where those are small. Copies: x as
 * [channels/R][sample][place][R], R the rows of a tile; dy, a panel at a time, as [sample][place][P]. */
#include "ops/conv/conv_kernels.h"

enum {
    TILE_ROWS = 12,
    BLOCK_PLACES = 256, /* dy's part of one panel and x's of one tile fit the first-level cache */
    LEAST_CHANNELS = 16,
    LEAST_USES = 4, /* of a copied operand */
    RUN_PLACES = 5  /* at most so many in one round of a loop */
};
static const double COPY_COST = 1.5;  /* cycles a register, load and store */
static const double EFFICIENCY = 0.9; /* of the peak, measured */

/* What one copy of x covers along an axis: places `step` apart. */
typedef struct PackedAxis {
    int64_t places, step; /* step: of the copied places in x */
    int64_t tap, stride;  /* in copied places: from one tap, and from one place of y, to the next */
} PackedAxis;

typedef struct PackedPlan {
    int64_t rows;    /* of y in a block */
    int64_t samples; /* in a block; 1 unless its rows are all */
    int tile_rows;
    PackedAxis axis[SPATIAL_MAX];
    int64_t x_places, y_places; /* a sample of the block */
    int64_t x_tile;             /* elements from one R channels to the next */
    int64_t y_start, end;       /* of the workspace */
} PackedPlan;

/* A kernel of one place needs only the places that it meets. */
static PackedAxis packed_axis(const WindowAxis *a, int64_t outputs) {
    if (a->kernel == 1) return (PackedAxis){outputs, a->stride, 0, 1};
    return (PackedAxis){(outputs - 1) * a->stride + (a->kernel - 1) * a->dilation + 1, 1, a->dilation,
                        a->stride};
}

static PackedPlan packed_plan(const Machine *machine, const ConvGeometry *g) {
    Panels panels = conv_panels(machine, g);
    int most = tile_max_rows(machine, panels.vectors);
    PackedPlan p = {.samples = 1, .x_places = 1, .y_places = 1};
    p.tile_rows = most < TILE_ROWS ? most : TILE_ROWS;
    int64_t row = 1;
    for (int i = 1; i < g->spatial; i++) row *= g->axis[i].output;
    int64_t rows = g->axis[0].output, fit = BLOCK_PLACES / row;
    if (fit >= rows) {
        p.rows = rows;
        while (2 * p.samples * row * rows <= BLOCK_PLACES) p.samples *= 2; /* as micro-batches are */
    } else {
        p.rows = fit < 1 ? 1 : cut_evenly(rows, fit).large;
    }
    for (int i = 0; i < g->spatial; i++) {
        p.axis[i] = packed_axis(&g->axis[i], i ? g->axis[i].output : p.rows);
        p.x_places *= p.axis[i].places;
    }
    p.y_places = p.rows * row;
    /* Whole registers are stored: the last place's reaches into the places behind the tile. */
    int64_t behind = (machine->vector_floats + p.tile_rows - 1) / p.tile_rows;
    p.x_tile = (p.samples * p.x_places + behind) * p.tile_rows;
    int64_t tiles = (g->group_channels + p.tile_rows - 1) / p.tile_rows;
    p.y_start = tiles * p.x_tile / 16 * 16 + 16;
    p.end = p.y_start + p.samples * p.y_places * panels.width;
    return p;
}

static bool applies(const KernelCall *call) {
    ConvGeometry g = conv_call_geometry(call);
    const Machine *machine = call->machine;
    if (g.depthwise || machine->vector_floats == 1 || g.group_channels < LEAST_CHANNELS) return false;
    return g.taps * conv_panels(machine, &g).count >= LEAST_USES;
}

static int64_t workspace(const KernelCall *call) {
    ConvGeometry g = conv_call_geometry(call);
    return packed_plan(call->machine, &g).end;
}

static double cost(const KernelCall *call) {
    ConvGeometry g = conv_call_geometry(call);
    PackedPlan p = packed_plan(call->machine, &g);
    Panels panels = conv_panels(call->machine, &g);
    double blocks = (double)((g.axis[0].output + p.rows - 1) / p.rows);
    double copies = (double)g.group_channels / p.tile_rows * (double)p.x_places +
                    (double)p.y_places * (double)(panels.count * panels.vectors);
    return conv_direct_cost(call) / EFFICIENCY + (double)g.groups * blocks * copies * COPY_COST;
}

typedef struct PackedWalk {
    const ConvGeometry *g;
    const Panels *panels;
    PackedPlan plan;
    LLVMValueRef x, dy, dw;       /* the block's and group's; dw: the panel's, too */
    LLVMValueRef rows, samples;   /* alive in the block */
    LLVMValueRef x_copy, dy_copy; /* in the workspace */
    LLVMValueRef dw_group;
    int vectors, last_live;
} PackedWalk;

/* Copies every place of the block to [place][to_step]: a loop over samples and axes around `place`. */
typedef struct Copy {
    const Value *value;
    LLVMValueRef from, to, samples, rows;
    int64_t places[SPATIAL_MAX], step[SPATIAL_MAX];
    int64_t to_step;
    int axes;
} Copy;

typedef void (*CopyPlace)(KernelCode *code, const PackedWalk *walk, LLVMValueRef from, LLVMValueRef to);

static void copy_places(KernelCode *code, const PackedWalk *walk, const Copy *copy, CopyPlace place) {
    Loop loops[SPATIAL_MAX + 1];
    int64_t to_stride = copy->to_step;
    for (int i = 0; i < copy->axes; i++) to_stride *= copy->places[i];
    loops[0] = loop_begin(code, code_int(code, 0), copy->samples, 1);
    LLVMValueRef from = code_at(code, copy->from,
                                code_mul_const(code, loops[0].index, code_sample_stride(code, copy->value)));
    LLVMValueRef to = code_at(code, copy->to, code_mul_const(code, loops[0].index, to_stride));
    for (int i = 0; i < copy->axes; i++) {
        to_stride /= copy->places[i];
        loops[i + 1] =
            loop_begin(code, code_int(code, 0), i ? code_int(code, copy->places[i]) : copy->rows, 1);
        LLVMValueRef at = loops[i + 1].index;
        from = code_at(code, from, code_mul_const(code, at, copy->step[i] * copy->value->layout.stride[i]));
        to = code_at(code, to, code_mul_const(code, at, to_stride));
    }
    place(code, walk, from, to);
    for (int i = copy->axes; i >= 0; i--) loop_end(code, &loops[i]);
}

/* Rows of x that the live rows of y meet. */
static LLVMValueRef source_rows(KernelCode *code, const PackedWalk *walk) {
    const WindowAxis *a = &walk->g->axis[0];
    const PackedAxis *p = &walk->plan.axis[0];
    return code_add_const(code, code_mul_const(code, walk->rows, p->stride),
                          (a->kernel - 1) * p->tap + 1 - p->stride);
}

static void copy_channels(KernelCode *code, const PackedWalk *walk, LLVMValueRef from, LLVMValueRef to,
                          int live) {
    int rows = walk->plan.tile_rows, width = rows > code->width ? rows : code->width;
    LLVMValueRef x = code_load(code, from, (Register){width, live});
    code_store(code, x, to, (Register){width, width});
}

/* All channels of a place, a tile's after the other. */
static void copy_source_place(KernelCode *code, const PackedWalk *walk, LLVMValueRef from, LLVMValueRef to) {
    const PackedPlan *p = &walk->plan;
    int64_t channels = walk->g->group_channels, full = channels / p->tile_rows;
    int rest = (int)(channels - full * p->tile_rows);
    Loop loop = loop_begin_const(code, 0, full, 1);
    copy_channels(code, walk, code_at(code, from, code_mul_const(code, loop.index, p->tile_rows)),
                  code_at(code, to, code_mul_const(code, loop.index, p->x_tile)), p->tile_rows);
    loop_end(code, &loop);
    if (rest)
        copy_channels(code, walk, code_at_const(code, from, full * p->tile_rows),
                      code_at_const(code, to, full * p->x_tile), rest);
}

static void copy_source(KernelCode *code, const PackedWalk *walk) {
    const PackedPlan *p = &walk->plan;
    Copy copy = {.value = code_input(code, 0),
                 .from = walk->x,
                 .to = walk->x_copy,
                 .samples = walk->samples,
                 .rows = source_rows(code, walk),
                 .to_step = p->tile_rows,
                 .axes = walk->g->spatial};
    for (int i = 0; i < copy.axes; i++) {
        copy.places[i] = p->axis[i].places;
        copy.step[i] = p->axis[i].step;
    }
    copy_places(code, walk, &copy, copy_source_place);
}

static void copy_panel_place(KernelCode *code, const PackedWalk *walk, LLVMValueRef from, LLVMValueRef to) {
    int width = code->width;
    for (int v = 0; v < walk->vectors; v++) {
        Register reg = {width, v == walk->vectors - 1 ? walk->last_live : width};
        LLVMValueRef dy = code_load(code, code_at_const(code, from, (int64_t)v * width), reg);
        code_store(code, dy, code_at_const(code, to, (int64_t)v * width), (Register){width, width});
    }
}

static void copy_panel(KernelCode *code, const PackedWalk *walk, LLVMValueRef panel) {
    Copy copy = {.value = code_input(code, 1),
                 .from = code_at(code, walk->dy, code_mul_const(code, panel, walk->panels->width)),
                 .to = walk->dy_copy,
                 .samples = walk->samples,
                 .rows = walk->rows,
                 .to_step = walk->panels->width,
                 .axes = walk->g->spatial};
    for (int i = 0; i < copy.axes; i++) {
        copy.places[i] = i ? walk->g->axis[i].output : walk->plan.rows;
        copy.step[i] = 1;
    }
    copy_places(code, walk, &copy, copy_panel_place);
}

/* Places of whole samples, one behind the other in both copies: a run of a few in a loop. */
static void add_run(KernelCode *code, const PackedWalk *walk, Tile *tile) {
    const PackedPlan *p = &walk->plan;
    int64_t run = RUN_PLACES;
    while (p->y_places % run) run--;
    int64_t a_stride = p->tile_rows, b_stride = walk->panels->width;
    LLVMValueRef runs = code_mul_const(code, walk->samples, p->y_places / run);
    tile_add_dynamic_level(tile, runs, run * a_stride, run * b_stride);
    tile_add_level(tile, run, a_stride, b_stride);
}

static void add_levels(KernelCode *code, const PackedWalk *walk, Tile *tile) {
    const PackedPlan *p = &walk->plan;
    if (p->samples > 1 && walk->g->taps == 1) {
        add_run(code, walk, tile);
        return;
    }
    int64_t a_stride = p->x_places * p->tile_rows, b_stride = p->y_places * walk->panels->width;
    if (p->samples > 1) tile_add_dynamic_level(tile, walk->samples, a_stride, b_stride);
    for (int i = 0; i < walk->g->spatial; i++) {
        int64_t outputs = i ? walk->g->axis[i].output : p->rows;
        a_stride /= p->axis[i].places;
        b_stride /= outputs;
        bool dynamic = i == 0 && !LLVMIsConstant(walk->rows);
        if (dynamic)
            tile_add_dynamic_level(tile, walk->rows, a_stride * p->axis[i].stride, b_stride);
        else
            tile_add_level(tile, outputs, a_stride * p->axis[i].stride, b_stride);
    }
}

/* Sums of the next tile: of the next tap, or of the next channels where there is but one. */
static void fetch_next_sums(KernelCode *code, const PackedWalk *walk, const Tile *tile, LLVMValueRef target) {
    int64_t steps = walk->g->taps > 1 ? walk->g->group_channels : tile->rows;
    LLVMValueRef next = code_at_const(code, target, steps * walk->panels->width);
    for (int64_t m = 0; m < tile->rows; m++)
        for (int64_t v = 0; v < tile->vectors; v++)
            code_prefetch(code, code_at_const(code, next, m * walk->panels->width + v * code->width), 1);
}

/* Sums `rows` channels of one tap and adds them to the accumulator. */
static void packed_tile(KernelCode *code, const PackedWalk *walk, LLVMValueRef a, LLVMValueRef step,
                        int rows) {
    Tile tile = {.rows = rows,
                 .vectors = walk->vectors,
                 .last_live = code->width, /* the copy is filled up with zeros */
                 .a = a,
                 .b = walk->dy_copy};
    for (int m = 0; m < rows; m++) tile.row_offset[m] = m;
    for (int v = 0; v < tile.vectors; v++) tile.vector_offset[v] = (int64_t)v * code->width;
    add_levels(code, walk, &tile);
    LLVMValueRef target = code_at(code, walk->dw, code_mul_const(code, step, walk->panels->width));
    fetch_next_sums(code, walk, &tile, target);
    contraction_accumulate(code, &tile, target, walk->panels->width);
}

static void packed_channels(KernelCode *code, const PackedWalk *walk, LLVMValueRef place, LLVMValueRef tap,
                            LLVMValueRef channel, int rows) {
    const PackedPlan *p = &walk->plan;
    LLVMValueRef a = code_add(code, code_mul_const(code, channel, p->x_tile / p->tile_rows), place);
    LLVMValueRef step = code_add(code, code_mul_const(code, tap, walk->g->group_channels), channel);
    packed_tile(code, walk, code_at(code, walk->x_copy, a), step, rows);
}

static void packed_panel(KernelCode *code, LLVMValueRef panel, int vectors, int last_live, void *user) {
    PackedWalk *walk = user;
    const ConvGeometry *g = walk->g;
    const PackedPlan *p = &walk->plan;
    walk->vectors = vectors;
    walk->last_live = last_live;
    walk->dw = code_at(code, walk->dw_group, code_mul_const(code, panel, walk->panels->stride));
    copy_panel(code, walk, panel);
    /* Channels outside: a tile's part of x stays in the first-level cache for all taps. */
    int64_t rows = p->tile_rows, full = g->group_channels / rows * rows;
    for (int part = 0; part < 2; part++) {
        int64_t from = part ? full : 0, to = part ? g->group_channels : full;
        if (from == to) continue;
        Loop loop = loop_begin_const(code, from, to, part ? to - from : rows);
        Loop loops[SPATIAL_MAX];
        LLVMValueRef place = code_int(code, 0), tap = code_int(code, 0);
        int64_t stride = p->x_places * p->tile_rows;
        for (int i = 0; i < g->spatial; i++) {
            stride /= p->axis[i].places;
            loops[i] = loop_begin_const(code, 0, g->axis[i].kernel, 1);
            place = code_add(code, place, code_mul_const(code, loops[i].index, p->axis[i].tap * stride));
            tap = code_add(code, tap, code_mul_const(code, loops[i].index, g->tap_stride[i]));
        }
        packed_channels(code, walk, place, tap, loop.index, (int)(part ? to - from : rows));
        for (int i = g->spatial - 1; i >= 0; i--) loop_end(code, &loops[i]);
        loop_end(code, &loop);
    }
}

static void each_block(KernelCode *code, PackedWalk *walk, LLVMValueRef sample, LLVMValueRef row) {
    const ConvGeometry *g = walk->g;
    const Value *x = code_input(code, 0), *dy = code_input(code, 1);
    LLVMValueRef x_at = code_mul_const(code, sample, code_sample_stride(code, x));
    LLVMValueRef dy_at = code_mul_const(code, sample, code_sample_stride(code, dy));
    x_at = code_add(code, x_at, code_mul_const(code, row, g->axis[0].stride * x->layout.stride[0]));
    dy_at = code_add(code, dy_at, code_mul_const(code, row, dy->layout.stride[0]));
    for (int i = 0; i < g->spatial; i++)
        x_at = code_add_const(code, x_at, -g->axis[i].begin * x->layout.stride[i]);
    Loop groups = loop_begin_const(code, 0, g->groups, 1);
    LLVMValueRef group = groups.index;
    walk->x =
        code_at(code, code->inputs[0], code_add(code, x_at, code_mul_const(code, group, g->group_channels)));
    walk->dy =
        code_at(code, code->inputs[1], code_add(code, dy_at, code_mul_const(code, group, g->group_filters)));
    walk->dw_group = code_at(code, code->outputs[0],
                             code_mul_const(code, group, walk->panels->count * walk->panels->stride));
    copy_source(code, walk);
    loop_panels(code, walk->panels, packed_panel, walk);
    loop_end(code, &groups);
}

static void packed_emit(KernelCode *code) {
    ConvGeometry g = conv_code_geometry(code);
    Panels panels = conv_panels(code->emit->machine, &g);
    PackedWalk walk = {.g = &g, .panels = &panels, .plan = packed_plan(code->emit->machine, &g)};
    walk.x_copy = code_workspace(code);
    walk.dy_copy = code_at_const(code, walk.x_copy, walk.plan.y_start);
    int64_t rows = walk.plan.rows, all = g.axis[0].output;
    Loop samples = loop_begin(code, code_int(code, 0), code->count, walk.plan.samples);
    walk.samples = walk.plan.samples > 1 ? code_left(code, code->count, samples.index, walk.plan.samples)
                                         : code_int(code, 1);
    Loop blocks = loop_begin_const(code, 0, all, rows);
    walk.rows = all % rows ? code_left(code, code_int(code, all), blocks.index, rows) : code_int(code, rows);
    each_block(code, &walk, samples.index, blocks.index);
    loop_end(code, &blocks);
    loop_end(code, &samples);
}

const Kernel conv_packed_weight_grad = {.name = "packed",
                                        .direction = KERNEL_WEIGHT_GRAD,
                                        .elements = ELEMENT_F32,
                                        .applies = applies,
                                        .cost = cost,
                                        .halo = conv_halo,
                                        .workspace = workspace,
                                        .emit = packed_emit};
