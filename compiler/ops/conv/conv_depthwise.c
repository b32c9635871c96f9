/* Depthwise convolution, a filter a channel: channels in the vector, a row of places in registers, weights
 * [tap][channel]. */
#include "ops/conv/conv_kernels.h"
#include "ops/parts/estimate.h"

enum {
    MOST_PLACES = 8,
    MOST_TAP_SUMS = 16,
    MOST_TAPS = 128,  /* in straight-line code; leading axes, or all, are looped over where there are more */
    MOST_CLASSES = 64 /* kinds of residue classes, each with code of its own */
};

/* Cycles a tap and register: of a product whose factor comes from the cache, and of a sum over places, whose
 * one chain of additions is waited for. */
static const double TAP_COST = 1, SUM_COST = 2;

typedef struct DepthwiseWalk {
    const ConvGeometry *g;
    LLVMValueRef sample, channel;
    Register reg;
    const GridTile *grid;
    Share share;            /* forward: of the channels' registers */
    ResidueClasses classes; /* backward */
    bool backward;
} DepthwiseWalk;

/* Is it a filter a channel, and are there few enough kinds of residue classes? */
static bool applies(const KernelCall *call) {
    ConvGeometry g = conv_call_geometry(call);
    if (!g.depthwise) return false;
    int64_t classes = 1;
    for (int i = 0; i < g.spatial && call->kernel->direction == KERNEL_INPUT_GRAD; i++) {
        int64_t runs = 0, residues = conv_residues(&g.axis[i]);
        for (int64_t residue = 0; residue < residues; runs++)
            residue += conv_residue_run(&g.axis[i], residue);
        classes *= runs;
    }
    return classes <= MOST_CLASSES;
}

static Register whole(const DepthwiseWalk *walk) {
    return walk->reg;
}

/* One axis of the walk over taps: how many, and how the source's place and the tap move. */
typedef struct TapAxis {
    int64_t taps, first_tap, tap_step, origin, place_step, output_step, output_first, row_step;
} TapAxis;

static TapAxis tap_axis(const DepthwiseWalk *walk, int i) {
    const WindowAxis *axis = &walk->g->axis[i];
    if (!walk->backward)
        return (TapAxis){axis->kernel, 0, 1, -axis->begin, axis->dilation, 1, 0, axis->stride};
    const ResidueClass *c = &walk->classes.axis[i];
    return (TapAxis){c->taps, c->last_tap, -c->tap_step, c->origin, c->y_step, axis->stride, c->first, 1};
}

typedef struct DepthwiseTile {
    LLVMValueRef source, weights;
    LLVMValueRef sums[2 * MOST_PLACES];
    int64_t row_offset[2 * MOST_PLACES];
    int places;
} DepthwiseTile;

/* Straight-line code over the taps of the axes from `axis` on. */
static void add_taps(KernelCode *code, const DepthwiseWalk *walk, DepthwiseTile *tile, int axis,
                     int64_t place, int64_t tap) {
    const ConvGeometry *g = walk->g;
    if (axis < g->spatial && axis < SPATIAL_MAX) {
        TapAxis t = tap_axis(walk, axis);
        int64_t stride = code_input(code, 0)->layout.stride[axis];
        for (int64_t i = 0; i < t.taps; i++)
            add_taps(code, walk, tile, axis + 1, place + (t.origin + i * t.place_step) * stride,
                     tap + (t.first_tap + i * t.tap_step) * g->tap_stride[axis]);
        return;
    }
    LLVMValueRef w = code_load(code, code_at_const(code, tile->weights, tap * g->channels), whole(walk));
    for (int m = 0; m < tile->places; m++) {
        LLVMValueRef x =
            code_load(code, code_at_const(code, tile->source, place + tile->row_offset[m]), whole(walk));
        tile->sums[m] = code_fma(code, x, w, tile->sums[m]);
    }
}

/* How many taps the axes from `axis` on have together. */
static int64_t taps_inside(const DepthwiseWalk *walk, int axis) {
    int64_t taps = 1;
    for (int i = axis; i < walk->g->spatial; i++) taps *= tap_axis(walk, i).taps;
    return taps;
}

/* The same over any number of taps: a loop an axis, until what is inside is short enough. */
static void sum_taps(KernelCode *code, const DepthwiseWalk *walk, DepthwiseTile *tile, int axis) {
    if (taps_inside(walk, axis) <= MOST_TAPS) {
        add_taps(code, walk, tile, axis, 0, 0);
        return;
    }
    TapAxis t = tap_axis(walk, axis);
    int64_t place = code_input(code, 0)->layout.stride[axis];
    int64_t tap = walk->g->tap_stride[axis] * walk->g->channels;
    LLVMValueRef variables[2 * MOST_PLACES];
    for (int m = 0; m < tile->places; m++)
        variables[m] = code_variable(code, code_type(code, code->width), tile->sums[m]);
    Loop loop = loop_begin_const(code, 0, t.taps, 1);
    DepthwiseTile inside = *tile;
    inside.source = code_at_const(code, tile->source, t.origin * place);
    inside.source = code_at(code, inside.source, code_mul_const(code, loop.index, t.place_step * place));
    inside.weights = code_at_const(code, tile->weights, t.first_tap * tap);
    inside.weights = code_at(code, inside.weights, code_mul_const(code, loop.index, t.tap_step * tap));
    for (int m = 0; m < tile->places; m++) inside.sums[m] = code_get(code, variables[m]);
    sum_taps(code, walk, &inside, axis + 1);
    for (int m = 0; m < tile->places; m++) code_set(code, variables[m], inside.sums[m]);
    loop_end(code, &loop);
    for (int m = 0; m < tile->places; m++) tile->sums[m] = code_get(code, variables[m]);
}

static void depthwise_register(KernelCode *code, LLVMValueRef channel, Register reg, void *user) {
    DepthwiseWalk *walk = user;
    walk->channel = channel;
    walk->reg = reg;
    const GridTile *grid = walk->grid;
    const ConvGeometry *g = walk->g;
    const Value *source = code_input(code, 0);
    DepthwiseTile tile = {.places = grid->rows * grid->columns};
    tile.weights = code_at(code, code->inputs[1], walk->channel);
    LLVMValueRef at = code_mul_const(code, walk->sample, code_sample_stride(code, source));
    Position position = {.sample = walk->sample, .channel = walk->channel};
    int64_t row_steps[SPATIAL_MAX], output_steps[SPATIAL_MAX];
    for (int i = 0; i < g->spatial; i++) {
        TapAxis t = tap_axis(walk, i);
        row_steps[i] = t.row_step * source->layout.stride[i];
        output_steps[i] = t.output_step;
        at = code_add(code, at, code_mul_const(code, grid->index[i], row_steps[i]));
        position.spatial[i] =
            code_add_const(code, code_mul_const(code, grid->index[i], t.output_step), t.output_first);
        if (!walk->backward) continue;
        position.spatial[i] = code_add(code, position.spatial[i], walk->classes.later[i]);
        LLVMValueRef later = code_mul_const(code, walk->classes.later[i], g->tap_stride[i] * g->channels);
        tile.weights = code_at(code, tile.weights, later);
    }
    tile.source = code_at(code, code->inputs[0], code_add(code, at, walk->channel));
    LLVMValueRef initial = code_constant(code, 0, code->width);
    if (!walk->backward && conv_has_bias(code->node))
        initial = code_load(code, code_at(code, code->inputs[2], walk->channel), whole(walk));
    int last = g->spatial - 1;
    for (int m = 0; m < tile.places; m++) {
        tile.sums[m] = initial;
        tile.row_offset[m] = m % grid->columns * row_steps[last];
        if (last > 0) tile.row_offset[m] += m / grid->columns * row_steps[last - 1];
    }
    sum_taps(code, walk, &tile, 0);
    for (int m = 0; m < tile.places; m++) {
        position.delta[last] = m % grid->columns * output_steps[last];
        if (last > 0) position.delta[last - 1] = m / grid->columns * output_steps[last - 1];
        code_finish(code, tile.sums[m], &position, walk->reg);
    }
}

/* Channels inside: a place's lie side by side, and the rows above are near still. */
static void depthwise_tile(KernelCode *code, const GridTile *grid, void *user) {
    DepthwiseWalk *walk = user;
    walk->grid = grid;
    if (walk->backward)
        loop_registers(code, walk->g->channels, depthwise_register, walk);
    else
        loop_shared_registers(code, walk->g->channels, &walk->share, depthwise_register, walk);
}

/* All places of y, or those of x in the classes at work. */
static void depthwise_grid(KernelCode *code, void *user) {
    DepthwiseWalk *walk = user;
    const ConvGeometry *g = walk->g;
    int64_t extent[SPATIAL_MAX] = {0};
    for (int i = 0; i < g->spatial; i++)
        extent[i] = walk->backward ? walk->classes.axis[i].places : g->axis[i].output;
    loop_grid(code, g->spatial, extent, MOST_PLACES, depthwise_tile, walk);
}

static void depthwise_emit(KernelCode *code, DepthwiseWalk *walk) {
    if (!walk->backward) walk->share = share_of_registers(code, walk->g->channels);
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    walk->sample = samples.index;
    if (walk->backward)
        conv_each_class(code, walk->g, &walk->classes, depthwise_grid, walk);
    else
        depthwise_grid(code, walk);
    loop_end(code, &samples);
}

static void forward_emit(KernelCode *code) {
    ConvGeometry g = conv_code_geometry(code);
    depthwise_emit(code, &(DepthwiseWalk){.g = &g});
}

static void input_grad_emit(KernelCode *code) {
    ConvGeometry g = conv_code_geometry(code);
    depthwise_emit(code, &(DepthwiseWalk){.g = &g, .backward = true});
}

/* Taps that are summed together: the first of them by number, behind a tap that is known when the code runs,
 * where x and dw lie so many elements further. */
typedef struct TapPiece {
    int64_t first;
    int taps;
    LLVMValueRef x_further, dw_further;
} TapPiece;

/* A piece, summed over every place of the micro-batch in registers. */
static void weight_piece(KernelCode *code, const DepthwiseWalk *walk, const TapPiece *piece) {
    const ConvGeometry *g = walk->g;
    const Value *x = code_input(code, 0), *dy = code_input(code, 1);
    LLVMTypeRef type = code_type(code, code->width);
    LLVMValueRef sums[MOST_TAP_SUMS];
    for (int t = 0; t < piece->taps; t++)
        sums[t] = code_variable(code, type, code_constant(code, 0, code->width));
    Loop loops[1 + SPATIAL_MAX];
    loops[0] = loop_begin(code, code_int(code, 0), code->count, 1);
    LLVMValueRef x_at = code_mul_const(code, loops[0].index, code_sample_stride(code, x));
    LLVMValueRef dy_at = code_mul_const(code, loops[0].index, code_sample_stride(code, dy));
    for (int i = 0; i < g->spatial; i++) {
        loops[1 + i] = loop_begin_const(code, 0, g->axis[i].output, 1);
        int64_t step = g->axis[i].stride * x->layout.stride[i];
        x_at = code_add(code, x_at, code_mul_const(code, loops[1 + i].index, step));
        dy_at = code_add(code, dy_at, code_mul_const(code, loops[1 + i].index, dy->layout.stride[i]));
    }
    x_at = code_add(code, x_at, piece->x_further);
    LLVMValueRef x_place = code_at(code, code->inputs[0], code_add(code, x_at, walk->channel));
    LLVMValueRef dy_place = code_at(code, code->inputs[1], code_add(code, dy_at, walk->channel));
    LLVMValueRef gradient = code_load(code, dy_place, walk->reg);
    for (int t = 0; t < piece->taps; t++) {
        int64_t tap = piece->first + t, place = 0;
        for (int i = 0; i < g->spatial; i++) {
            int64_t along = tap / g->tap_stride[i] % g->axis[i].kernel;
            place += (along * g->axis[i].dilation - g->axis[i].begin) * x->layout.stride[i];
        }
        LLVMValueRef value = code_load(code, code_at_const(code, x_place, place), walk->reg);
        code_set(code, sums[t], code_fma(code, value, gradient, code_get(code, sums[t])));
    }
    for (int i = g->spatial; i >= 0; i--) loop_end(code, &loops[i]);
    LLVMValueRef dw_piece = code_at(code, code->outputs[0], code_add(code, walk->channel, piece->dw_further));
    for (int t = 0; t < piece->taps; t++) {
        LLVMValueRef dw = code_at_const(code, dw_piece, (piece->first + t) * g->channels);
        LLVMValueRef before = code_load(code, dw, walk->reg);
        code_store(code, code_fadd(code, before, code_get(code, sums[t])), dw, walk->reg);
    }
}

/* `count` taps of the last axis from number `first` on, a piece in each round of a loop. */
static void weight_row(KernelCode *code, const DepthwiseWalk *walk, TapPiece row, int64_t first,
                       int64_t count, int taps) {
    const WindowAxis *axis = &walk->g->axis[walk->g->spatial - 1];
    int64_t x_step = axis->dilation * code_input(code, 0)->layout.stride[walk->g->spatial - 1];
    Loop loop = loop_begin_const(code, first, first + count, taps);
    row.taps = taps;
    row.x_further = code_add(code, row.x_further, code_mul_const(code, loop.index, x_step));
    row.dw_further = code_add(code, row.dw_further, code_mul_const(code, loop.index, walk->g->channels));
    weight_piece(code, walk, &row);
    loop_end(code, &loop);
}

/* More taps than straight-line code takes: a loop over the rows of the kernel. */
static void weight_rows(KernelCode *code, const DepthwiseWalk *walk, int most) {
    const ConvGeometry *g = walk->g;
    Loop loops[SPATIAL_MAX];
    TapPiece row = {.x_further = code_int(code, 0), .dw_further = code_int(code, 0)};
    int last = g->spatial - 1;
    for (int i = 0; i < last; i++) {
        loops[i] = loop_begin_const(code, 0, g->axis[i].kernel, 1);
        int64_t x_step = g->axis[i].dilation * code_input(code, 0)->layout.stride[i];
        row.x_further = code_add(code, row.x_further, code_mul_const(code, loops[i].index, x_step));
        row.dw_further = code_add(code, row.dw_further,
                                  code_mul_const(code, loops[i].index, g->tap_stride[i] * g->channels));
    }
    Cut cut = cut_evenly(g->axis[last].kernel, most);
    int64_t large = cut.large * cut.large_count;
    weight_row(code, walk, row, 0, large, (int)cut.large);
    if (cut.small_count) weight_row(code, walk, row, large, g->axis[last].kernel - large, (int)cut.large - 1);
    for (int i = last - 1; i >= 0; i--) loop_end(code, &loops[i]);
}

static void weight_register(KernelCode *code, LLVMValueRef channel, Register reg, void *user) {
    DepthwiseWalk *walk = user;
    walk->channel = channel;
    walk->reg = reg;
    int64_t taps = walk->g->taps;
    int most = code->emit->machine->registers / 2 < MOST_TAP_SUMS ? code->emit->machine->registers / 2
                                                                  : MOST_TAP_SUMS;
    if (taps > MOST_TAPS) {
        weight_rows(code, walk, most);
        return;
    }
    Cut cut = cut_evenly(taps, most);
    TapPiece piece = {.x_further = code_int(code, 0), .dw_further = code_int(code, 0)};
    for (int64_t n = 0; piece.first < taps; n++) {
        piece.taps = (int)(cut.large - (n >= cut.large_count));
        weight_piece(code, walk, &piece);
        piece.first += piece.taps;
    }
}

static void weight_grad_emit(KernelCode *code) {
    ConvGeometry g = conv_code_geometry(code);
    loop_registers(code, g.channels, weight_register, &(DepthwiseWalk){.g = &g});
}

/* How often the source's lines come into the first-level cache. Unless the rows that a window spans, all
 * their channels, keep to their share of it, each row of windows reads them again. */
static double readings(const Machine *machine, const WindowAxis *axis, int axes, int64_t channels,
                       const int64_t *window, const int64_t *step) {
    double lines = 1, times = 1;
    for (int i = 0; i < axes; i++) {
        bool row = i == axes - 1;
        lines *= row ? (double)(axis[i].input + axis[i].begin + axis[i].end) : (double)window[i];
        if (!row && window[i] > step[i]) times *= (double)window[i] / (double)step[i];
    }
    double room = (double)machine->l1_bytes / ((double)sizeof(float) * (double)channels) / 2;
    return lines <= room ? 1 : times;
}

/* Of the layer's output. */
static double registers_of(const Machine *machine, const ConvGeometry *g) {
    double registers = estimate_registers(machine, g->channels);
    for (int i = 0; i < g->spatial; i++) registers *= (double)g->axis[i].output;
    return registers;
}

static double rereading_cost(const KernelCall *call, const ConvGeometry *g, bool backward) {
    int64_t window[SPATIAL_MAX], step[SPATIAL_MAX];
    for (int i = 0; i < g->spatial; i++) {
        int64_t stride = g->axis[i].stride, reach = (g->axis[i].kernel - 1) * g->axis[i].dilation + 1;
        window[i] = backward ? (reach + stride - 1) / stride : reach;
        step[i] = backward ? 1 : stride;
    }
    double times = readings(call->machine, g->axis, g->spatial, g->channels, window, step);
    return (times - 1) * estimate_value(call, call->node->inputs.items[0]);
}

/* A product for every place of y, or of dy, and tap. */
static double cost(const KernelCall *call) {
    ConvGeometry g = conv_call_geometry(call);
    bool backward = call->kernel->direction == KERNEL_INPUT_GRAD;
    return TAP_COST * (double)g.taps * registers_of(call->machine, &g) + estimate_traffic(call) +
           rereading_cost(call, &g, backward) + ESTIMATE_START;
}

static double weight_grad_cost(const KernelCall *call) {
    ConvGeometry g = conv_call_geometry(call);
    double taps = (double)g.taps * estimate_registers(call->machine, g.channels);
    return SUM_COST * (double)g.taps * registers_of(call->machine, &g) + estimate_traffic(call) +
           rereading_cost(call, &g, false) + estimate_accumulators(call->machine, taps) + ESTIMATE_START;
}

const Kernel conv_depthwise_forward = {.name = "depthwise",
                                       .direction = KERNEL_FORWARD,
                                       .elements = ELEMENT_F32 | ELEMENT_F64,
                                       .applies = applies,
                                       .cost = cost,
                                       .halo = conv_halo,
                                       .emit = forward_emit,
                                       .epilogue = true,
                                       .splits = true};

const Kernel conv_depthwise_input_grad = {.name = "depthwise",
                                          .direction = KERNEL_INPUT_GRAD,
                                          .elements = ELEMENT_F32 | ELEMENT_F64,
                                          .applies = applies,
                                          .cost = cost,
                                          .halo = conv_halo,
                                          .emit = input_grad_emit,
                                          .epilogue = true};

const Kernel conv_depthwise_weight_grad = {.name = "depthwise",
                                           .direction = KERNEL_WEIGHT_GRAD,
                                           .elements = ELEMENT_F32,
                                           .applies = applies,
                                           .cost = weight_grad_cost,
                                           .halo = conv_halo,
                                           .emit = weight_grad_emit};
