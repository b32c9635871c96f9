/* Winograd's minimal filtering for the gradient to 3x3 weights of stride 1: dw = G^T (sum over tiles of (A dy
 * A^T) . (B^T x B)) G, the transposed algorithm of conv_winograd.c. Inputs x and dy; the sums of one
 * micro-batch are added to the accumulator. A row's variant is its m.
 *
 * Blocks of tiles over all samples of the micro-batch: V[point][tile][channel] from x and
 * D[point][tile][filter] from dy; their products over the block's tiles are added to
 * S[point][panel][channel][P]. */
#include "ops/conv/conv_kernels.h"
#include "ops/conv/winograd_transform.h"
#include "ops/parts/estimate.h"

enum {
    MOST_BLOCK = 112,
    LINE = 16,
    CHANNEL_ROWS = 8,
    SAMPLES_A_CALL = 8, /* reckoned with for what is done once a call */
    MOST_SUMS = 8,      /* second-level caches: what a worker keeps for them */
};
static const double PRODUCT_EFFICIENCY = 0.65; /* of the peak: short reductions, sums read and written */
/* Of a register of sums, once a call: cleared, added to, transformed; where they fill half of the
 * second-level cache, and where they fill more. Measured. */
static const double SUM_CYCLES = 10, FAR_SUM_CYCLES = 48;

static int64_t sample_tiles(const ConvGeometry *g, int m) {
    return winograd_tiles(g->axis[0].output, m) * winograd_tiles(g->axis[1].output, m);
}

/* Elements of V, D and S, from the start of the workspace. */
typedef struct Rooms {
    int64_t block;
    int64_t v_tile, v_point, d_start, d_tile, d_point, s_start, s_point, end;
} Rooms;

static Rooms plan_rooms(const Machine *machine, const ConvGeometry *g, int m) {
    int64_t points = winograd_points(m);
    Panels p = conv_panels(machine, g);
    Rooms r = {.v_tile = winograd_round_up(g->channels, machine->vector_floats), .d_tile = p.count * p.width};
    int64_t fit = machine->l2_bytes / 2 / (points * (r.v_tile + r.d_tile) * (int64_t)sizeof(float));
    r.block = fit < LINE ? LINE : fit > MOST_BLOCK ? MOST_BLOCK : fit;
    r.v_point = winograd_round_up(r.block * r.v_tile, LINE) + LINE;
    r.d_start = points * r.v_point;
    r.d_point = winograd_round_up(r.block * r.d_tile, LINE) + LINE;
    r.s_start = r.d_start + points * r.d_point;
    r.s_point = p.count * g->channels * p.width + LINE;
    r.end = r.s_start + points * r.s_point;
    return r;
}

static int64_t sum_bytes(const Machine *machine, const ConvGeometry *g, int m) {
    Rooms r = plan_rooms(machine, g, m);
    return (r.end - r.s_start) * (int64_t)sizeof(float);
}

/* The sums need much room, so not every number of channels can be taken. */
static bool applies(const KernelCall *call) {
    ConvGeometry g = conv_call_geometry(call);
    return winograd_applies(call) &&
           sum_bytes(call->machine, &g, call->kernel->variant) <= MOST_SUMS * call->machine->l2_bytes;
}

static int64_t workspace(const KernelCall *call) {
    ConvGeometry g = conv_call_geometry(call);
    return plan_rooms(call->machine, &g, call->kernel->variant).end;
}

static double cost(const KernelCall *call) {
    const Machine *machine = call->machine;
    ConvGeometry g = conv_call_geometry(call);
    int m = call->kernel->variant;
    WinogradTransform t = winograd_transform(m);
    Panels p = conv_panels(machine, &g);
    double ports = estimate_ports(machine), points = t.alpha * t.alpha;
    double sources = (double)winograd_round_up(g.channels, machine->vector_floats) / machine->vector_floats;
    double targets = (double)(p.count * p.vectors);
    double sums = points * (double)g.channels * targets;
    double in = winograd_source_work(&t);
    double out = winograd_result_work(&t);
    double each = sum_bytes(machine, &g, m) > machine->l2_bytes / 2 ? FAR_SUM_CYCLES : SUM_CYCLES;
    double per_tile = sums / PRODUCT_EFFICIENCY + 1.5 * (in * sources + out * targets);
    return ((double)sample_tiles(&g, m) * per_tile + each * sums / SAMPLES_A_CALL) / ports;
}

static bool halo(const KernelCall *call, int input, Halo *halo) {
    if (input > 1) return false;
    ConvGeometry g = conv_call_geometry(call);
    int m = call->kernel->variant;
    for (int i = 0; i < 2; i++) {
        const WindowAxis *a = &g.axis[i];
        int64_t reach = winograd_tiles(a->output, m) * m;
        int64_t last = reach + 1 - a->begin;
        halo->before[i] = input == 0 ? a->begin : 0;
        halo->after[i] = input == 1 ? reach - a->output : last >= a->input ? last - a->input + 1 : 0;
    }
    return true;
}

typedef struct WeightsWalk {
    const ConvGeometry *g;
    const WinogradTransform *t;
    Panels panels;
    int m, points;
    Rooms rooms;
    LLVMValueRef workspace;
    LLVMValueRef live, tile; /* tiles of the block; the one at work */
    LLVMValueRef x, dy;      /* the tile's first places */
    LLVMValueRef next_x;     /* x of a later tile, or NULL where it is near */
    LLVMValueRef point;
} WeightsWalk;

static LLVMValueRef room(KernelCode *code, const WeightsWalk *walk, int64_t start) {
    return code_at_const(code, walk->workspace, start);
}

static void store_points(KernelCode *code, const WeightsWalk *walk, const LLVMValueRef *points,
                         LLVMValueRef to, int64_t stride) {
    for (int i = 0; i < walk->points; i++)
        code_store(code, points[i], code_at_const(code, to, i * stride),
                   (Register){code->width, code->width});
}

static void transform_x(KernelCode *code, LLVMValueRef channel, Register reg, void *user) {
    const WeightsWalk *walk = user;
    WinogradSquare square = winograd_square(code, 0, walk->x, channel, reg);
    if (walk->next_x) square.next = code_at(code, walk->next_x, channel);
    LLVMValueRef at = code_add(code, code_mul_const(code, walk->tile, walk->rooms.v_tile), channel);
    winograd_source_emit(code, walk->t, &square, code_at(code, walk->workspace, at), walk->rooms.v_point);
}

/* A dy A^T: the transpose of what makes the result. */
static void transform_dy(KernelCode *code, LLVMValueRef channel, Register reg, void *user) {
    const WeightsWalk *walk = user;
    const WinogradTransform *t = walk->t;
    LLVMValueRef out[MAX_POINTS];
    WinogradSquare square = winograd_square(code, 1, walk->dy, channel, reg);
    winograd_transpose_emit(code, &t->at[0][0], walk->m, t->alpha, MAX_ALPHA, &square, out);
    LLVMValueRef at = code_add(code, code_mul_const(code, walk->tile, walk->rooms.d_tile), channel);
    store_points(code, walk, out, code_at(code, room(code, walk, walk->rooms.d_start), at),
                 walk->rooms.d_point);
}

static WinogradPlace find_tile(KernelCode *code, const WeightsWalk *walk, LLVMValueRef tile) {
    return winograd_place(code, tile, sample_tiles(walk->g, walk->m),
                          winograd_tiles(walk->g->axis[1].output, walk->m));
}

static void transform_tiles(KernelCode *code, WeightsWalk *walk, LLVMValueRef first) {
    const ConvGeometry *g = walk->g;
    const Value *x = code_input(code, 0);
    Loop loop = loop_begin(code, code_int(code, 0), walk->live, 1);
    walk->tile = loop.index;
    LLVMValueRef tile = code_add(code, first, loop.index);
    int64_t padding = -g->axis[0].begin * x->layout.stride[0] - g->axis[1].begin * x->layout.stride[1];
    LLVMValueRef from = code_at_const(code, code->inputs[0], padding);
    if (x->region == REGION_BATCH) { /* what another stage left is far away */
        WinogradPlace later = find_tile(code, walk, code_add_const(code, tile, WINOGRAD_AHEAD));
        walk->next_x = winograd_corner(code, x, from, &later, walk->m);
    }
    WinogradPlace place = find_tile(code, walk, tile);
    walk->x = winograd_corner(code, x, from, &place, walk->m);
    walk->dy = winograd_corner(code, code_input(code, 1), code->inputs[1], &place, walk->m);
    loop_registers(code, g->channels, transform_x, walk);
    loop_registers(code, g->filters, transform_dy, walk);
    loop_end(code, &loop);
}

/* S[point][panel][channels from..to) += the sum over the block's tiles. */
static void multiply_channels(KernelCode *code, const WeightsWalk *walk, LLVMValueRef panel, int vectors,
                              int64_t from, int64_t to, int rows) {
    const Rooms *r = &walk->rooms;
    int64_t width = walk->panels.width;
    Loop loop = loop_begin_const(code, from, to, rows);
    Tile tile = {.rows = rows, .vectors = vectors, .last_live = code->width};
    tile.a = code_at(code, walk->workspace,
                     code_add(code, code_mul_const(code, walk->point, r->v_point), loop.index));
    LLVMValueRef d =
        code_add(code, code_mul_const(code, walk->point, r->d_point), code_mul_const(code, panel, width));
    tile.b = code_at(code, room(code, walk, r->d_start), d);
    tile_add_dynamic_level(&tile, walk->live, r->v_tile, r->d_tile);
    LLVMValueRef step = code_add(code, code_mul_const(code, panel, walk->g->channels), loop.index);
    LLVMValueRef at =
        code_add(code, code_mul_const(code, walk->point, r->s_point), code_mul_const(code, step, width));
    LLVMValueRef sums = code_at(code, room(code, walk, r->s_start), at);
    for (int i = 0; i < rows; i++) tile.row_offset[i] = i;
    for (int v = 0; v < vectors; v++) tile.vector_offset[v] = (int64_t)v * code->width;
    contraction_accumulate(code, &tile, sums, width);
    loop_end(code, &loop);
}

static void multiply_panel(KernelCode *code, LLVMValueRef panel, int vectors, int last_live, void *user) {
    (void)last_live; /* D's rows are padded like the panels, with what nobody reads */
    const WeightsWalk *walk = user;
    int64_t channels = walk->g->channels;
    int most = tile_max_rows(code->emit->machine, vectors), rows = most < CHANNEL_ROWS ? most : CHANNEL_ROWS;
    int64_t full = channels / rows * rows;
    if (full) multiply_channels(code, walk, panel, vectors, 0, full, rows);
    if (full < channels)
        multiply_channels(code, walk, panel, vectors, full, channels, (int)(channels - full));
}

static void store_zero(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    code_store(code, code_constant(code, 0, reg.width), code_at(code, user, index), reg);
}

/* dw += G^T S G, panel by panel. */
static void add_sums(KernelCode *code, const WeightsWalk *walk) {
    const WinogradTransform *t = walk->t;
    const Panels *p = &walk->panels;
    Register whole = {code->width, code->width};
    Loop panel = loop_begin_const(code, 0, p->count, 1);
    Loop channel = loop_begin_const(code, 0, walk->g->channels, 1);
    Loop vector = loop_begin_const(code, 0, p->width, code->width);
    LLVMValueRef step = code_add(code, code_mul_const(code, channel.index, p->width), vector.index);
    LLVMValueRef sums =
        code_at(code, room(code, walk, walk->rooms.s_start),
                code_add(code, code_mul_const(code, panel.index, walk->g->channels * p->width), step));
    LLVMValueRef dw =
        code_at(code, code->outputs[0], code_add(code, code_mul_const(code, panel.index, p->stride), step));
    LLVMValueRef out[9];
    int64_t point = walk->rooms.s_point;
    WinogradSquare square = {.corner = sums, .row = t->alpha * point, .column = point, .reg = whole};
    winograd_transpose_emit(code, &t->g[0][0], t->alpha, 3, 3, &square, out);
    for (int tap = 0; tap < 9; tap++) {
        LLVMValueRef at = code_at_const(code, dw, tap * walk->g->channels * p->width);
        code_store(code, code_fadd(code, code_load(code, at, whole), out[tap]), at, whole);
    }
    loop_end(code, &vector);
    loop_end(code, &channel);
    loop_end(code, &panel);
}

static void emit(KernelCode *code) {
    KernelCall call = code_call(code);
    ConvGeometry geometry = conv_call_geometry(&call), *g = &geometry;
    int m = call.kernel->variant;
    WinogradTransform t = winograd_transform(m);
    const Machine *machine = code->emit->machine;
    WeightsWalk walk = {
        .g = g, .t = &t, .panels = conv_panels(machine, g), .m = m, .points = t.alpha * t.alpha};
    walk.rooms = plan_rooms(machine, g, m);
    walk.workspace = code_workspace(code);
    /* What pads D's rows may be anything, but no number that slows the processor down. */
    int64_t cleared = g->filters < walk.rooms.d_tile ? walk.rooms.d_start : walk.rooms.s_start;
    loop_registers(code, walk.rooms.end - cleared, store_zero, room(code, &walk, cleared));
    LLVMValueRef all = code_mul_const(code, code->count, sample_tiles(g, m));
    Loop block = loop_begin(code, code_int(code, 0), all, walk.rooms.block);
    walk.live = code_left(code, all, block.index, walk.rooms.block);
    transform_tiles(code, &walk, block.index);
    Loop point = loop_begin_const(code, 0, walk.points, 1);
    walk.point = point.index;
    loop_panels(code, &walk.panels, multiply_panel, &walk);
    loop_end(code, &point);
    loop_end(code, &block);
    add_sums(code, &walk);
}

#define WINOGRAD(m)                                                                                          \
    .name = "winograd" #m, .variant = (m), .direction = KERNEL_WEIGHT_GRAD, .elements = ELEMENT_F32,         \
    .applies = applies, .cost = cost, .halo = halo, .workspace = workspace, .emit = emit,                    \
    .approximate = true

const Kernel winograd2_weight_grad = {WINOGRAD(2)};
const Kernel winograd3_weight_grad = {WINOGRAD(3)};
const Kernel winograd4_weight_grad = {WINOGRAD(4)};
const Kernel winograd5_weight_grad = {WINOGRAD(5)};
const Kernel winograd6_weight_grad = {WINOGRAD(6)};
