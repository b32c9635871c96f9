/* Winograd's minimal filtering for 3x3 kernels of stride 1, F(m x m, 3 x 3) with m = 2 to 6 (Lavin and Gray,
 * "Fast Algorithms for Convolutional Neural Networks", 2015): m*m outputs take (m+2)^2 products a channel
 * instead of 9 m*m. Forward, and the gradient to the input, which is the same with transposed weights.
 * Rounding errors are a few times those of the direct sum. A row's variant is its m.
 *
 * Blocks of tiles, over all samples: their sources are transformed to V[point][tile][channel], multiplied
 * point by point with the transformed weights U[point][panel][channel][P] to M[point][tile][filter], and
 * transformed back. */
#include "ops/conv/conv_kernels.h"
#include "ops/conv/winograd_transform.h"
#include "ops/parts/estimate.h"

#include <math.h>

enum {
    MOST_BLOCK = 112,
    ELEMENTS_AHEAD = 4096, /* of the weights: what is asked for while these are multiplied */
    LINE = 16,
    LEAST_SUMS = 16, /* of a register tile, so that none waits for the one before */
    SMALL_ROWS = 4,  /* of the register tile for a small rest */
    MOST_TILES_SHARING_PANELS = 16
};
static const double SMALL_COST = 1.125;       /* of a row in a small register tile */
static const double PRODUCT_EFFICIENCY = 0.8; /* of the peak, measured for reductions of 32 and more */

/* A convolution as this algorithm sees it: `source` channels are summed over, panels of weights give `target`
 * channels. */
typedef struct WinogradShape {
    int64_t source, target;
    int64_t rows, columns;       /* of the result */
    int64_t begin[2], extent[2]; /* padding before the source, and its size */
    Panels panels;               /* of the weights as they come: [panel][3x3][source][P] */
} WinogradShape;

static WinogradShape forward_shape(const Machine *machine, const ConvGeometry *g) {
    WinogradShape s = {.source = g->channels,
                       .target = g->filters,
                       .rows = g->axis[0].output,
                       .columns = g->axis[1].output,
                       .panels = conv_panels(machine, g)};
    for (int i = 0; i < 2; i++) {
        s.begin[i] = g->axis[i].begin;
        s.extent[i] = g->axis[i].input;
    }
    return s;
}

static WinogradShape input_grad_shape(const Machine *machine, const ConvGeometry *g) {
    WinogradShape s = {.source = g->filters,
                       .target = g->channels,
                       .rows = g->axis[0].input,
                       .columns = g->axis[1].input,
                       .panels = conv_transposed_panels(machine, g)};
    for (int i = 0; i < 2; i++) {
        s.begin[i] = 2 - g->axis[i].begin;
        s.extent[i] = g->axis[i].output;
    }
    return s;
}

static WinogradShape shape_of(const KernelCall *call) {
    ConvGeometry g = conv_call_geometry(call);
    if (call->kernel->direction == KERNEL_INPUT_GRAD) return input_grad_shape(call->machine, &g);
    WinogradShape shape = forward_shape(call->machine, &g);
    int window = call->node->max_window;
    if (window) { /* rows and columns beyond the last whole window are not computed */
        shape.rows -= shape.rows % window;
        shape.columns -= shape.columns % window;
    }
    return shape;
}

bool winograd_applies(const KernelCall *call) {
    ConvGeometry g = conv_call_geometry(call);
    if (g.spatial != 2 || g.groups > 1 || call->machine->vector_floats == 1) return false;
    for (int i = 0; i < 2; i++) {
        const WindowAxis *a = &g.axis[i];
        if (a->kernel != 3 || a->stride != 1 || a->dilation != 1 || a->begin > 2) return false;
    }
    return true;
}

static int64_t sample_tiles(const WinogradShape *s, int m) {
    return winograd_tiles(s->rows, m) * winograd_tiles(s->columns, m);
}

/* The largest rest that small register tiles take sooner than a whole one. */
static int64_t most_small_rest(int64_t rows) {
    return rows <= SMALL_ROWS ? 0 : ((int64_t)ceil((double)rows / SMALL_COST) - 1) / SMALL_ROWS * SMALL_ROWS;
}

/* Rows of register tiles that so many Winograd tiles by themselves take, those that are left over included.
 */
static double taken_rows(int64_t rows, int64_t tiles) {
    int64_t rest = tiles % rows;
    double small = SMALL_COST * (double)winograd_round_up(rest, SMALL_ROWS);
    return (double)(tiles - rest) + (rest <= most_small_rest(rows) ? small : (double)rows);
}

/* Rows of a register tile: as many as registers allow, or fewer where a sample's tiles, or the half of them
 * that one of two threads makes, fill them better; a panel's weights are loaded for each anew. */
static int64_t register_rows(const Machine *machine, const WinogradShape *s, int m) {
    static const double LOADS = 0.3; /* what loading a row of weights takes of multiplying with it */
    int64_t tiles = sample_tiles(s, m), most = tile_max_rows(machine, s->panels.vectors), best = most;
    double fewest = HUGE_VAL;
    for (int64_t rows = most; rows == most || rows * s->panels.vectors >= LEAST_SUMS; rows--) {
        double taken = taken_rows(rows, tiles) + taken_rows(rows, (tiles + 1) / 2);
        double cost = taken * (1 + LOADS / (double)rows);
        if (cost < fewest) best = rows;
        fewest = fmin(fewest, cost);
    }
    return best;
}

/* From a point's weights to the next one's: a line more than they take, as in V and M. */
static int64_t weights_a_point(const WinogradShape *s) {
    return s->panels.count * s->source * s->panels.width + LINE;
}

static int64_t packed_elements(const WinogradShape *s, int m) {
    return winograd_points(m) * weights_a_point(s);
}

static int64_t weight_bytes(const WinogradShape *s, int m) {
    return packed_elements(s, m) * (int64_t)sizeof(float);
}

/* Tiles of a block: V and M shall fit a quarter of the second-level cache, but where the weights do not fit
 * it at all, reading these seldom is worth more. */
static int64_t block_tiles(const Machine *machine, const WinogradShape *s, int m, int64_t rows) {
    int64_t bytes =
        winograd_points(m) * (s->source + s->panels.count * s->panels.width) * (int64_t)sizeof(float);
    int64_t room = weight_bytes(s, m) > machine->l2_bytes ? 2 * machine->l2_bytes : machine->l2_bytes / 4;
    int64_t fit = room / bytes;
    if (fit > MOST_BLOCK) fit = MOST_BLOCK;
    return fit < rows ? rows : fit / rows * rows;
}

/* Cycles a sample of reading weights that every block finds beyond the second-level cache. */
static double far_weights(const Machine *machine, const WinogradShape *s, int m, int64_t rows) {
    static const double ELEMENT_CYCLES = 0.25;
    if (weight_bytes(s, m) <= machine->l2_bytes) return 0;
    double blocks = (double)sample_tiles(s, m) / (double)block_tiles(machine, s, m, rows);
    return ELEMENT_CYCLES * blocks * (double)packed_elements(s, m);
}

static double cost(const KernelCall *call) {
    const Machine *machine = call->machine;
    WinogradShape s = shape_of(call);
    int m = call->kernel->variant;
    bool alone = call->alone_bytes > 0;
    WinogradTransform t = winograd_transform(m);
    int64_t tiles = sample_tiles(&s, m);
    double ports = estimate_ports(machine), width = machine->vector_floats;
    double sources = (double)winograd_round_up(s.source, machine->vector_floats) / width;
    double targets = (double)(s.panels.count * s.panels.vectors);
    double product = t.alpha * t.alpha * (double)s.source * targets / PRODUCT_EFFICIENCY;
    double transforms = 1.5 * (winograd_source_work(&t) * sources + winograd_result_work(&t) * targets);
    int64_t tile = register_rows(machine, &s, m);
    double rows = alone ? taken_rows(tile, tiles) : (double)tiles;
    double far = alone ? 0 : far_weights(machine, &s, m, tile);
    return (rows * product + (double)tiles * transforms) / ports + far;
}

static bool halo(const KernelCall *call, int input, Halo *halo) {
    if (input != 0) return false;
    WinogradShape s = shape_of(call);
    int m = call->kernel->variant;
    int64_t results[2] = {s.rows, s.columns};
    for (int i = 0; i < 2; i++) {
        int64_t last = winograd_tiles(results[i], m) * m + 1 - s.begin[i];
        halo->before[i] = s.begin[i];
        halo->after[i] = last >= s.extent[i] ? last - s.extent[i] + 1 : 0;
    }
    return true;
}

static int64_t packed(const KernelCall *call) {
    WinogradShape s = shape_of(call);
    return packed_elements(&s, call->kernel->variant);
}

/* Strides of V and M, in elements: a line more than needed, so that points do not fall into the same sets of
 * the cache. */
typedef struct Rooms {
    int rows; /* of a register tile; divides the block */
    int64_t block;
    int64_t v_tile, v_point, m_tile, m_point, m_start, end;
} Rooms;

static Rooms plan_rooms(const Machine *machine, const WinogradShape *s, int m) {
    int64_t points = winograd_points(m);
    int64_t rows = register_rows(machine, s, m);
    Rooms r = {.rows = (int)rows, .block = block_tiles(machine, s, m, rows)};
    r.v_tile = winograd_round_up(s->source, machine->vector_floats);
    r.v_point = winograd_round_up(r.block * r.v_tile, LINE) + LINE;
    r.m_tile = s->panels.count * s->panels.width;
    r.m_point = winograd_round_up(r.block * r.m_tile, LINE) + LINE;
    r.m_start = points * r.v_point;
    r.end = r.m_start + points * r.m_point;
    return r;
}

static int64_t workspace(const KernelCall *call) {
    WinogradShape s = shape_of(call);
    return plan_rooms(call->machine, &s, call->kernel->variant).end;
}

typedef struct Winograd {
    const WinogradShape *s;
    const WinogradTransform *t;
    int m, points;
    bool bias, shares_panels;
    Rooms rooms;
    LLVMValueRef v, products; /* the two rooms of the workspace */
    LLVMValueRef live;        /* tiles of the block */
    LLVMValueRef whole;       /* of these, those that tiles of all rows take */
    LLVMValueRef tile;        /* in the block */
    WinogradPlace place;      /* the tile's */
    LLVMValueRef source;      /* its first source place */
    LLVMValueRef next_source; /* that of a later tile, or NULL where it is near */
    LLVMValueRef point;
} Winograd;

static void prepare(KernelCode *code) {
    KernelCall call = code_call(code);
    WinogradShape shape = shape_of(&call), *s = &shape;
    WinogradTransform t = winograd_transform(call.kernel->variant);
    const Panels *p = &s->panels;
    Register whole = {code->width, code->width};
    Loop panel = loop_begin_const(code, 0, p->count, 1);
    Loop channel = loop_begin_const(code, 0, s->source, 1);
    Loop vector = loop_begin_const(code, 0, p->width, code->width);
    LLVMValueRef step = code_add(code, code_mul_const(code, channel.index, p->width), vector.index);
    LLVMValueRef from =
        code_at(code, code->inputs[1], code_add(code, code_mul_const(code, panel.index, p->stride), step));
    LLVMValueRef to = code_at(code, code->packed,
                              code_add(code, code_mul_const(code, panel.index, s->source * p->width), step));
    LLVMValueRef points[MAX_POINTS];
    int64_t tap = s->source * p->width;
    WinogradSquare taps = {.corner = from, .row = 3 * tap, .column = tap, .reg = whole};
    winograd_transform_emit(code, &t.g[0][0], t.alpha, 3, 3, &taps, points);
    for (int i = 0; i < t.alpha * t.alpha; i++)
        code_store(code, points[i], code_at_const(code, to, i * weights_a_point(s)), whole);
    loop_end(code, &vector);
    loop_end(code, &channel);
    loop_end(code, &panel);
}

/* Where tile number `first + tile` of all samples lies. */
static WinogradPlace find_tile(KernelCode *code, const Winograd *walk, LLVMValueRef first,
                               LLVMValueRef tile) {
    const WinogradShape *s = walk->s;
    return winograd_place(code, code_add(code, first, tile), sample_tiles(s, walk->m),
                          winograd_tiles(s->columns, walk->m));
}

static void transform_source(KernelCode *code, LLVMValueRef channel, Register reg, void *user) {
    const Winograd *walk = user;
    WinogradSquare square = winograd_square(code, 0, walk->source, channel, reg);
    if (walk->next_source) square.next = code_at(code, walk->next_source, channel);
    LLVMValueRef tile = code_mul_const(code, walk->tile, walk->rooms.v_tile);
    winograd_source_emit(code, walk->t, &square, code_at(code, walk->v, code_add(code, tile, channel)),
                         walk->rooms.v_point);
}

static LLVMValueRef source_corner(KernelCode *code, const Winograd *walk, LLVMValueRef first,
                                  LLVMValueRef tile) {
    const Value *source = code_input(code, 0);
    const int64_t *stride = source->layout.stride;
    WinogradPlace place = find_tile(code, walk, first, tile);
    int64_t padding = -walk->s->begin[0] * stride[0] - walk->s->begin[1] * stride[1];
    return winograd_corner(code, source, code_at_const(code, code->inputs[0], padding), &place, walk->m);
}

static void transform_sources(KernelCode *code, Winograd *walk, LLVMValueRef first) {
    Loop loop = loop_begin(code, code_int(code, 0), walk->live, 1);
    if (code_input(code, 0)->region == REGION_BATCH) /* what another stage left is far away */
        walk->next_source =
            source_corner(code, walk, first, code_add_const(code, loop.index, WINOGRAD_AHEAD));
    walk->tile = loop.index;
    walk->source = source_corner(code, walk, first, loop.index);
    loop_registers(code, walk->s->source, transform_source, walk);
    loop_end(code, &loop);
}

/* One point, one panel, `rows` tiles of the block from `first` on. */
static void multiply_tiles(KernelCode *code, Winograd *walk, LLVMValueRef panel, int vectors,
                           LLVMValueRef first, int rows) {
    const Panels *p = &walk->s->panels;
    Tile tile = {.rows = rows, .vectors = vectors, .last_live = code->width};
    tile.a = code_at(code, walk->v,
                     code_add(code, code_mul_const(code, walk->point, walk->rooms.v_point),
                              code_mul_const(code, first, walk->rooms.v_tile)));
    tile.b = code_at(code, code->packed,
                     code_add(code, code_mul_const(code, walk->point, weights_a_point(walk->s)),
                              code_mul_const(code, panel, walk->s->source * p->width)));
    tile_add_level(&tile, walk->s->source, 1, p->width);
    /* Beside V and M they do not stay in the second-level cache. */
    if (weight_bytes(walk->s, walk->m) > code->emit->machine->l2_bytes / 2) tile.ahead = ELEMENTS_AHEAD;
    for (int v = 0; v < vectors; v++) tile.vector_offset[v] = (int64_t)v * code->width;
    for (int r = 0; r < rows; r++) {
        tile.row_offset[r] = r * walk->rooms.v_tile;
        for (int v = 0; v < vectors; v++) tile.acc[r][v] = code_constant(code, 0, code->width);
    }
    contraction_emit(code, &tile);
    LLVMValueRef to = code_add(code, code_mul_const(code, walk->point, walk->rooms.m_point),
                               code_mul_const(code, first, walk->rooms.m_tile));
    LLVMValueRef result =
        code_at(code, walk->products, code_add(code, to, code_mul_const(code, panel, p->width)));
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            code_store(code, tile.acc[r][v],
                       code_at_const(code, result, r * walk->rooms.m_tile + tile.vector_offset[v]),
                       (Register){code->width, code->width});
}

/* One point, one panel: all tiles of the block, a register tile of them at a time and smaller ones for a
 * small rest, as single samples of small maps have; the last may run into stale tiles. */
static void multiply_panel(KernelCode *code, LLVMValueRef panel, int vectors, int last_live, void *user) {
    (void)last_live; /* the room for M is padded like the panels */
    Winograd *walk = user;
    int rows = walk->rooms.rows;
    Loop loop = loop_begin(code, code_int(code, 0), walk->whole, rows);
    multiply_tiles(code, walk, panel, vectors, loop.index, rows);
    loop_end(code, &loop);
    if (rows <= SMALL_ROWS) return;
    loop = loop_begin(code, walk->whole, walk->live, SMALL_ROWS);
    multiply_tiles(code, walk, panel, vectors, loop.index, SMALL_ROWS);
    loop_end(code, &loop);
}

/* Stores the maximum of each window of the results in rows and columns from..to of the tile: `position` is
 * the tile's first place before pooling. */
static void store_pooled(KernelCode *code, const Winograd *walk, const LLVMValueRef *out, Position *position,
                         Register reg, const int *rows, const int *columns) {
    int window = code->node->max_window;
    Position pooled = {.sample = position->sample, .channel = position->channel};
    for (int i = 0; i < 2; i++)
        pooled.spatial[i] = code_mul_const(code, i ? walk->place.column : walk->place.row, walk->m / window);
    for (int i = rows[0]; i < rows[1]; i += window)
        for (int j = columns[0]; j < columns[1]; j += window) {
            Maximum maximum = maximum_begin(code, reg.width);
            for (int k = 0; k < window * window; k++) {
                position->delta[0] = i + k / window;
                position->delta[1] = j + k % window;
                LLVMValueRef x = out[position->delta[0] * walk->m + position->delta[1]];
                maximum_visit(code, &maximum, code_epilogue(code, x, position, reg), k);
            }
            pooled.delta[0] = i / window;
            pooled.delta[1] = j / window;
            maximum_store(code, &maximum, &pooled, reg);
        }
}

/* Stores the results of rows and columns from..to of the tile. */
static void store_part(KernelCode *code, const Winograd *walk, const LLVMValueRef *out, Position *position,
                       Register reg, const int *rows, const int *columns) {
    if (code->node->max_window) {
        store_pooled(code, walk, out, position, reg, rows, columns);
        return;
    }
    for (int i = rows[0]; i < rows[1]; i++)
        for (int j = columns[0]; j < columns[1]; j++) {
            position->delta[0] = i;
            position->delta[1] = j;
            code_finish(code, out[i * walk->m + j], position, reg);
        }
}

/* The last row and column of tiles may reach over the result's border: what lies beyond is stored only
 * elsewhere. */
static void store_tile(KernelCode *code, const Winograd *walk, const LLVMValueRef *out, Position *position,
                       Register reg) {
    LLVMBuilderRef b = code->emit->builder;
    const WinogradShape *s = walk->s;
    int m = walk->m, sure[2] = {(int)(s->rows - (winograd_tiles(s->rows, m) - 1) * m),
                                (int)(s->columns - (winograd_tiles(s->columns, m) - 1) * m)};
    LLVMValueRef last[2] = {code_int(code, winograd_tiles(s->rows, m) - 1),
                            code_int(code, winograd_tiles(s->columns, m) - 1)};
    LLVMValueRef inner[2] = {LLVMBuildICmp(b, LLVMIntNE, walk->place.row, last[0], ""),
                             LLVMBuildICmp(b, LLVMIntNE, walk->place.column, last[1], "")};
    for (int part = 0; part < 4; part++) {
        int beyond_row = part / 2, beyond_column = part % 2;
        int rows[2] = {beyond_row ? sure[0] : 0, beyond_row ? m : sure[0]};
        int columns[2] = {beyond_column ? sure[1] : 0, beyond_column ? m : sure[1]};
        if (rows[0] == rows[1] || columns[0] == columns[1]) continue;
        LLVMValueRef condition = LLVMConstInt(code->emit->i1, 1, false);
        if (beyond_row) condition = LLVMBuildAnd(b, condition, inner[0], "");
        if (beyond_column) condition = LLVMBuildAnd(b, condition, inner[1], "");
        if (!part) {
            store_part(code, walk, out, position, reg, rows, columns);
            continue;
        }
        Branch branch = branch_begin(code, condition);
        store_part(code, walk, out, position, reg, rows, columns);
        branch_end(code, &branch);
    }
}

static void transform_result(KernelCode *code, LLVMValueRef channel, Register reg, void *user) {
    const Winograd *walk = user;
    const WinogradTransform *t = walk->t;
    LLVMValueRef out[MAX_POINTS];
    LLVMValueRef from = code_at(
        code, walk->products, code_add(code, code_mul_const(code, walk->tile, walk->rooms.m_tile), channel));
    WinogradSquare products = {
        .corner = from,
        .row = t->alpha * walk->rooms.m_point,
        .column = walk->rooms.m_point,
        .reg = {reg.width, reg.width}
    };
    winograd_transform_emit(code, &t->at[0][0], walk->m, t->alpha, MAX_ALPHA, &products, out);
    if (walk->bias) {
        LLVMValueRef bias = code_load(code, code_at(code, code->inputs[2], channel), reg);
        for (int i = 0; i < walk->m * walk->m; i++) out[i] = code_fadd(code, out[i], bias);
    }
    Position position = {.sample = walk->place.sample, .channel = channel};
    position.spatial[0] = code_mul_const(code, walk->place.row, walk->m);
    position.spatial[1] = code_mul_const(code, walk->place.column, walk->m);
    store_tile(code, walk, out, &position, reg);
}

static void transform_panel(KernelCode *code, LLVMValueRef panel, int vectors, int last_live, void *user) {
    LLVMValueRef channel = code_mul_const(code, panel, ((Winograd *)user)->s->panels.width);
    for (int v = 0; v < vectors; v++) {
        Register reg = {code->width, v == vectors - 1 ? last_live : code->width};
        transform_result(code, code_add_const(code, channel, (int64_t)v * code->width), reg, user);
    }
}

static void transform_results(KernelCode *code, Winograd *walk, LLVMValueRef first) {
    Loop loop = loop_begin(code, code_int(code, 0), walk->live, 1);
    walk->tile = loop.index;
    walk->place = find_tile(code, walk, first, loop.index);
    if (walk->shares_panels)
        loop_shared_panels(code, &walk->s->panels, transform_panel, walk);
    else
        loop_registers(code, walk->s->target, transform_result, walk);
    loop_end(code, &loop);
}

static void emit(KernelCode *code) {
    KernelCall call = code_call(code);
    WinogradShape shape = shape_of(&call), *s = &shape;
    int m = call.kernel->variant;
    WinogradTransform t = winograd_transform(m);
    Winograd walk = {.s = s, .t = &t, .m = m, .points = t.alpha * t.alpha};
    walk.bias = call.kernel->direction == KERNEL_FORWARD && conv_has_bias(code->node);
    walk.rooms = plan_rooms(code->emit->machine, s, m);
    walk.v = code_workspace(code);
    walk.products = code_at_const(code, walk.v, walk.rooms.m_start);
    /* Few tiles share the weights out, many themselves. */
    walk.shares_panels = s->panels.count > 1 && sample_tiles(s, m) <= MOST_TILES_SHARING_PANELS;
    LLVMValueRef all = code_mul_const(code, code->count, sample_tiles(s, m));
    Share share = {code_int(code, 0), all};
    if (!walk.shares_panels) share = code_share(code, all);
    Loop block = loop_begin(code, share.begin, share.end, walk.rooms.block);
    LLVMBuilderRef b = code->emit->builder;
    walk.live = code_left(code, share.end, block.index, walk.rooms.block);
    int rows = walk.rooms.rows;
    LLVMValueRef rest = LLVMBuildURem(b, walk.live, code_int(code, rows), "");
    LLVMValueRef small = LLVMBuildICmp(b, LLVMIntULE, rest, code_int(code, most_small_rest(rows)), "");
    walk.whole = code_select(code, small, LLVMBuildSub(b, walk.live, rest, ""), walk.live);
    if (rows <= SMALL_ROWS) walk.whole = walk.live;
    transform_sources(code, &walk, block.index);
    Loop point = loop_begin_const(code, 0, walk.points, 1);
    walk.point = point.index;
    if (walk.shares_panels)
        loop_shared_panels(code, &s->panels, multiply_panel, &walk);
    else
        loop_panels(code, &s->panels, multiply_panel, &walk);
    loop_end(code, &point);
    transform_results(code, &walk, block.index);
    loop_end(code, &block);
}

#define WINOGRAD(m)                                                                                          \
    .name = "winograd" #m, .variant = (m), .elements = ELEMENT_F32, .applies = winograd_applies,             \
    .cost = cost, .halo = halo, .workspace = workspace, .packed = packed, .emit = emit, .prepare = prepare,  \
    .epilogue = true, .splits = true, .approximate = true

/* Windows of 2x2 cross no border of tiles where m is even. */
const Kernel winograd2_forward = {WINOGRAD(2), .direction = KERNEL_FORWARD, .pools = true};
const Kernel winograd3_forward = {WINOGRAD(3), .direction = KERNEL_FORWARD};
const Kernel winograd4_forward = {WINOGRAD(4), .direction = KERNEL_FORWARD, .pools = true};
const Kernel winograd5_forward = {WINOGRAD(5), .direction = KERNEL_FORWARD};
const Kernel winograd6_forward = {WINOGRAD(6), .direction = KERNEL_FORWARD, .pools = true};

const Kernel winograd2_input_grad = {WINOGRAD(2), .direction = KERNEL_INPUT_GRAD};
const Kernel winograd3_input_grad = {WINOGRAD(3), .direction = KERNEL_INPUT_GRAD};
const Kernel winograd4_input_grad = {WINOGRAD(4), .direction = KERNEL_INPUT_GRAD};
const Kernel winograd5_input_grad = {WINOGRAD(5), .direction = KERNEL_INPUT_GRAD};
const Kernel winograd6_input_grad = {WINOGRAD(6), .direction = KERNEL_INPUT_GRAD};
