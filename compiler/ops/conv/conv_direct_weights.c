/* Direct convolution, gradient to the weights: tiles of (tap, channel) x filters, summed over places in
 * registers and added to the lane's accumulator. dy's rows are taken in blocks that stay in the first-level
 * cache for all taps and channels. */
#include "ops/conv/conv_kernels.h"

enum { CHANNEL_ROWS = 8, BLOCK_BYTES_SHARE = 2 /* a block of dy may fill one half of the cache */ };

typedef struct WeightWalk {
    const ConvGeometry *g;
    const Panels *panels;
    LLVMValueRef x, dy, dw;  /* this sample's (or the first one's), this group's, block's and panel's */
    LLVMValueRef block_rows; /* rows of y in the block: i64 */
    LLVMValueRef group;
    LLVMValueRef x_block, dy_block; /* the block's, all channels of the group */
    LLVMValueRef dw_group;
    bool all_samples; /* the micro-batch is summed in registers, not a sample at a time */
    int vectors, last_live;
} WeightWalk;

static void add_place_levels(KernelCode *code, const WeightWalk *walk, Tile *tile) {
    const ConvGeometry *g = walk->g;
    const Value *x = code_input(code, 0), *dy = code_input(code, 1);
    if (walk->all_samples)
        tile_add_dynamic_level(tile, code->count, code_sample_stride(code, x), code_sample_stride(code, dy));
    for (int i = 0; i < g->spatial; i++) {
        int64_t a_step = g->axis[i].stride * x->layout.stride[i];
        if (i == 0 && walk->block_rows)
            tile_add_dynamic_level(tile, walk->block_rows, a_step, dy->layout.stride[i]);
        else
            tile_add_level(tile, g->axis[i].output, a_step, dy->layout.stride[i]);
    }
}

/* Sums one tile, `rows` steps of the panel from `step` on, whose x lies at `a`. */
static void weight_tile(KernelCode *code, const WeightWalk *walk, Tile *tile, LLVMValueRef a,
                        LLVMValueRef step) {
    int64_t width = walk->panels->width;
    tile->vectors = walk->vectors;
    tile->last_live = walk->last_live;
    tile->a = a;
    tile->b = walk->dy;
    for (int v = 0; v < tile->vectors; v++) tile->vector_offset[v] = (int64_t)v * code->width;
    add_place_levels(code, walk, tile);
    LLVMValueRef target = code_at(code, walk->dw, code_mul_const(code, step, width));
    contraction_accumulate(code, tile, target, width);
}

/* Few channels: rows of the tile run over taps and channels together, every one of them known. */
static void few_channels(KernelCode *code, WeightWalk *walk) {
    const ConvGeometry *g = walk->g;
    const int64_t *stride = code_input(code, 0)->layout.stride;
    int64_t steps = g->taps * g->group_channels;
    Cut cut = cut_evenly(steps, tile_max_rows(code->emit->machine, walk->vectors));
    for (int64_t first = 0, piece = 0; first < steps; piece++) {
        Tile tile = {.rows = (int)(cut.large - (piece >= cut.large_count))};
        for (int m = 0; m < tile.rows; m++) {
            int64_t step = first + m, tap = step / g->group_channels;
            tile.row_offset[m] = step % g->group_channels;
            for (int i = 0; i < g->spatial; i++)
                tile.row_offset[m] +=
                    tap / g->tap_stride[i] % g->axis[i].kernel * g->axis[i].dilation * stride[i];
        }
        weight_tile(code, walk, &tile, walk->x, code_int(code, first));
        first += tile.rows;
    }
}

static void channel_rows(KernelCode *code, WeightWalk *walk, LLVMValueRef x_tap, LLVMValueRef tap,
                         int64_t from, int64_t to, int rows) {
    Loop loop = loop_begin_const(code, from, to, rows);
    Tile tile = {.rows = rows};
    for (int m = 0; m < rows; m++) tile.row_offset[m] = m;
    LLVMValueRef step = code_add(code, code_mul_const(code, tap, walk->g->group_channels), loop.index);
    weight_tile(code, walk, &tile, code_at(code, x_tap, loop.index), step);
    loop_end(code, &loop);
}

/* Many channels: a loop over taps, blocks of channels inside. */
static void many_channels(KernelCode *code, WeightWalk *walk) {
    const ConvGeometry *g = walk->g;
    const int64_t *stride = code_input(code, 0)->layout.stride;
    Loop loops[SPATIAL_MAX];
    LLVMValueRef x = walk->x, tap = code_int(code, 0);
    for (int i = 0; i < g->spatial; i++) {
        loops[i] = loop_begin_const(code, 0, g->axis[i].kernel, 1);
        x = code_at(code, x, code_mul_const(code, loops[i].index, g->axis[i].dilation * stride[i]));
        tap = code_add(code, tap, code_mul_const(code, loops[i].index, g->tap_stride[i]));
    }
    int most = tile_max_rows(code->emit->machine, walk->vectors);
    int rows = most < CHANNEL_ROWS ? most : CHANNEL_ROWS;
    int64_t full = g->group_channels / rows * rows;
    if (full) channel_rows(code, walk, x, tap, 0, full, rows);
    if (full < g->group_channels)
        channel_rows(code, walk, x, tap, full, g->group_channels, (int)(g->group_channels - full));
    for (int i = g->spatial - 1; i >= 0; i--) loop_end(code, &loops[i]);
}

static void weight_panel(KernelCode *code, LLVMValueRef panel, int vectors, int last_live, void *user) {
    WeightWalk *walk = user;
    const ConvGeometry *g = walk->g;
    walk->vectors = vectors;
    walk->last_live = last_live;
    walk->dy = code_at(code, walk->dy_block, code_mul_const(code, panel, walk->panels->width));
    walk->dw = code_at(code, walk->dw_group, code_mul_const(code, panel, walk->panels->stride));
    walk->x = walk->x_block;
    if (g->group_channels < CHANNEL_ROWS || g->taps * g->group_channels <= 32)
        few_channels(code, walk);
    else
        many_channels(code, walk);
}

static void each_group(KernelCode *code, WeightWalk *walk, LLVMValueRef x, LLVMValueRef dy) {
    const ConvGeometry *g = walk->g;
    Loop groups = loop_begin_const(code, 0, g->groups, 1);
    walk->x_block = code_at(code, x, code_mul_const(code, groups.index, g->group_channels));
    walk->dy_block = code_at(code, dy, code_mul_const(code, groups.index, g->group_filters));
    walk->dw_group = code_at(code, code->outputs[0],
                             code_mul_const(code, groups.index, walk->panels->count * walk->panels->stride));
    loop_panels(code, walk->panels, weight_panel, walk);
    loop_end(code, &groups);
}

/* How many rows of y (places along the first axis) make a block. */
static int64_t rows_of_block(const Machine *machine, const ConvGeometry *g, const Panels *panels) {
    int64_t row = panels->width * (int64_t)sizeof(float);
    for (int i = 1; i < g->spatial; i++) row *= g->axis[i].output;
    int64_t most = machine->l1_bytes / BLOCK_BYTES_SHARE / row;
    if (most < 1) most = 1;
    return most >= g->axis[0].output ? g->axis[0].output : cut_evenly(g->axis[0].output, most).large;
}

static void weight_grad_emit(KernelCode *code) {
    ConvGeometry g = conv_code_geometry(code);
    Panels panels = conv_panels(code->emit->machine, &g);
    const Value *x = code_input(code, 0), *dy = code_input(code, 1);
    int64_t places = 1, corner = 0;
    for (int i = 0; i < g.spatial; i++) {
        places *= g.axis[i].output;
        corner -= g.axis[i].begin * x->layout.stride[i];
    }
    LLVMValueRef x0 = code_at_const(code, code->inputs[0], corner), dy0 = code->inputs[1];
    WeightWalk walk = {.g = &g, .panels = &panels, .all_samples = places < 64};
    if (walk.all_samples) {
        each_group(code, &walk, x0, dy0);
        return;
    }
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    x0 = code_at(code, x0, code_mul_const(code, samples.index, code_sample_stride(code, x)));
    dy0 = code_at(code, dy0, code_mul_const(code, samples.index, code_sample_stride(code, dy)));
    int64_t rows = rows_of_block(code->emit->machine, &g, &panels), all = g.axis[0].output;
    Loop blocks = loop_begin_const(code, 0, all, rows);
    if (rows < all) {
        walk.block_rows = code_left(code, code_int(code, all), blocks.index, rows);
        x0 = code_at(code, x0, code_mul_const(code, blocks.index, g.axis[0].stride * x->layout.stride[0]));
        dy0 = code_at(code, dy0, code_mul_const(code, blocks.index, dy->layout.stride[0]));
    }
    each_group(code, &walk, x0, dy0);
    loop_end(code, &blocks);
    loop_end(code, &samples);
}

static double weight_grad_cost(const KernelCall *call) {
    static const double efficiency = 0.6; /* of the peak: places lie far apart */
    return conv_direct_cost(call) / efficiency;
}

const Kernel conv_direct_weight_grad = {.name = "direct",
                                        .direction = KERNEL_WEIGHT_GRAD,
                                        .elements = ELEMENT_F32,
                                        .applies = conv_direct_applies,
                                        .cost = weight_grad_cost,
                                        .halo = conv_halo,
                                        .emit = weight_grad_emit};
