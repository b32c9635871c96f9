/* See conv_sparse.h. Sets of channels that are not zero are bit masks of up to 64, walked bit by bit; behind
 * a 2x2 max pool and a relu an eighth of dy is left. */
#include "ops/conv/conv_sparse.h"

#include "ops/conv/conv_kernels.h"
#include "ops/parts/estimate.h"

enum { MASK_BITS = 64, MOST_CHUNKS = 16 };
/* Of a product whose factors come from the second-level cache, against a dense one; sums of weights must be
 * read and written as well. */
static const double PRODUCT_COST = 2.3, WEIGHT_PRODUCT_COST = 3.4;
static const double WALK_COST = 12; /* products that finding one live channel is worth */

static int64_t places_of(const ConvGeometry *g) {
    int64_t places = 1;
    for (int i = 0; i < g->spatial; i++) places *= g->axis[i].output;
    return places;
}

double conv_density(const Graph *graph, ValueId dy) {
    NodeId id = graph_value(graph, dy)->producer;
    const Node *producer = id >= 0 ? graph_node(graph, id) : NULL;
    if (!producer) return 1;
    double density = producer->op->density ? producer->op->density(producer->op, producer->attrs) : 1;
    if (producer->op->places_winners) density *= conv_density(graph, producer->inputs.items[1]);
    for (int i = 0; i < producer->epilogue.count; i++) {
        const EpilogueStep *step = &producer->epilogue.items[i];
        if (step->op->density) density *= step->op->density(step->op, step->attrs);
    }
    return density;
}

/* Registers of channels that one pass keeps, for every tap. */
static int channel_vectors(const Machine *machine, const ConvGeometry *g) {
    return g->channels > machine->vector_floats ? 2 : 1;
}

bool conv_sparse_fits(const Machine *machine, const ConvGeometry *g, bool input_grad) {
    Halo halo = {0};
    conv_input_halo(g, &halo);
    for (int i = 0; i < g->spatial && input_grad; i++)
        if (halo.before[i] || halo.after[i]) return false;
    if (g->groups > 1 || machine->vector_floats == 1 || g->filters > MASK_BITS * MOST_CHUNKS) return false;
    return g->taps * channel_vectors(machine, g) <= machine->registers - 3;
}

double conv_sparse_cost(const Machine *machine, const ConvGeometry *g, bool input_grad, double density) {
    double product = input_grad ? PRODUCT_COST : WEIGHT_PRODUCT_COST;
    double walked = (double)places_of(g) * (double)g->filters * density;
    return walked * ((double)g->taps * estimate_registers(machine, g->channels) * product + WALK_COST) /
           estimate_ports(machine);
}

/* The channels of dy from `first` on that are not zero, at most 64 of them, as an i64 mask. */
static LLVMValueRef live_mask(KernelCode *code, LLVMValueRef dy, int64_t first, int64_t channels) {
    Emit *e = code->emit;
    LLVMValueRef mask = code_int(code, 0);
    for (int64_t at = first; at < channels && at < first + MASK_BITS; at += code->width) {
        int64_t left = channels - at;
        Lanes lanes = {code->width, left < code->width ? (int)left : code->width};
        LLVMValueRef x = code_load(code, code_at_const(code, dy, at), lanes);
        LLVMValueRef alive = code_compare(code, LLVMRealUNE, x, code_constant(code, 0, code->width));
        LLVMTypeRef bits = LLVMIntTypeInContext(e->context, (unsigned)code->width);
        LLVMValueRef word =
            LLVMBuildZExt(e->builder, LLVMBuildBitCast(e->builder, alive, bits, ""), e->i64, "");
        word = LLVMBuildShl(e->builder, word, code_int(code, at - first), "");
        mask = LLVMBuildOr(e->builder, mask, word, "");
    }
    return mask;
}

typedef void (*BitBody)(KernelCode *code, LLVMValueRef channel, void *user);

/* Calls body for every set bit of the mask, lowest first, with its channel. */
static void each_bit(KernelCode *code, LLVMValueRef mask, int64_t first, BitBody body, void *user) {
    Emit *e = code->emit;
    LLVMValueRef left = code_variable(code, e->i64, mask);
    While loop = while_begin(code);
    LLVMValueRef bits = code_get(code, left);
    while_test(code, &loop, LLVMBuildICmp(e->builder, LLVMIntNE, bits, code_int(code, 0), ""));
    LLVMValueRef arguments[2] = {bits, LLVMConstInt(e->i1, 1, false)};
    LLVMValueRef lowest = code_intrinsic(code, "llvm.cttz", arguments, 2);
    body(code, code_add_const(code, lowest, first), user);
    LLVMValueRef fewer = LLVMBuildAnd(e->builder, bits, code_add_const(code, bits, -1), "");
    code_set(code, left, fewer);
    while_end(code, &loop);
}

/* Loops over the places of y; dy and x are the addresses that belong to the place, x without padding's part.
 */
typedef struct Places {
    Loop loops[SPATIAL_MAX];
    LLVMValueRef y_at, x_at; /* elements from the sample's first */
} Places;

static Places places_begin(KernelCode *code, const ConvGeometry *g, const Value *x, const Value *y) {
    Places p = {.y_at = code_int(code, 0), .x_at = code_int(code, 0)};
    for (int i = 0; i < g->spatial; i++) {
        p.loops[i] = loop_begin_const(code, 0, g->axis[i].output, 1);
        p.y_at = code_add(code, p.y_at, code_mul_const(code, p.loops[i].index, y->layout.stride[i]));
        int64_t step = g->axis[i].stride * x->layout.stride[i];
        p.x_at = code_add(code, p.x_at, code_mul_const(code, p.loops[i].index, step));
    }
    return p;
}

static void places_end(KernelCode *code, const ConvGeometry *g, Places *p) {
    for (int i = g->spatial - 1; i >= 0; i--) loop_end(code, &p->loops[i]);
}

/* Elements of x from a place's first tap to this one. */
static int64_t tap_offset(const ConvGeometry *g, const Value *x, int64_t tap) {
    int64_t offset = 0;
    for (int i = 0; i < g->spatial; i++)
        offset += tap / g->tap_stride[i] % g->axis[i].kernel * g->axis[i].dilation * x->layout.stride[i];
    return offset;
}

typedef struct InputWalk {
    const ConvGeometry *g;
    const Panels *panels;
    LLVMValueRef weights, dy;         /* the panel's, the place's */
    LLVMValueRef sums[TILE_MAX_ROWS]; /* variables: tap by tap, a register after the other */
    int vectors, last_live;
} InputWalk;

static Lanes lanes_of(const KernelCode *code, const InputWalk *walk, int v) {
    return (Lanes){code->width, v == walk->vectors - 1 ? walk->last_live : code->width};
}

static void add_channel(KernelCode *code, LLVMValueRef channel, void *user) {
    InputWalk *walk = user;
    const ConvGeometry *g = walk->g;
    LLVMValueRef value = code_load(code, code_at(code, walk->dy, channel), (Lanes){1, 1});
    LLVMValueRef splat = code_splat(code, value, code->width);
    LLVMValueRef w = code_at(code, walk->weights, code_mul_const(code, channel, walk->panels->width));
    for (int64_t tap = 0; tap < g->taps; tap++)
        for (int v = 0; v < walk->vectors; v++) {
            int64_t at = (g->taps - 1 - tap) * g->filters * walk->panels->width + (int64_t)v * code->width;
            LLVMValueRef row = code_load(code, code_at_const(code, w, at), (Lanes){code->width, code->width});
            LLVMValueRef sum = walk->sums[tap * walk->vectors + v];
            code_set(code, sum, code_fma(code, splat, row, code_get(code, sum)));
        }
}

/* One place of dy: its live channels' products with all taps, added to dx under the kernel. */
static void scatter_place(KernelCode *code, InputWalk *walk, LLVMValueRef dx) {
    const ConvGeometry *g = walk->g;
    const Value *out = code_output(code, 0);
    LLVMValueRef masks[MOST_CHUNKS], any = code_int(code, 0);
    int chunks = 0;
    for (int64_t first = 0; first < g->filters; first += MASK_BITS) {
        masks[chunks] = live_mask(code, walk->dy, first, g->filters);
        any = LLVMBuildOr(code->emit->builder, any, masks[chunks++], "");
    }
    Branch some =
        branch_begin(code, LLVMBuildICmp(code->emit->builder, LLVMIntNE, any, code_int(code, 0), ""));
    for (int64_t i = 0; i < g->taps * walk->vectors; i++)
        code_set(code, walk->sums[i], code_constant(code, 0, code->width));
    for (int i = 0; i < chunks; i++) each_bit(code, masks[i], (int64_t)i * MASK_BITS, add_channel, walk);
    for (int64_t tap = 0; tap < g->taps; tap++)
        for (int v = 0; v < walk->vectors; v++) {
            Lanes lanes = lanes_of(code, walk, v);
            LLVMValueRef at = code_at_const(code, dx, tap_offset(g, out, tap) + (int64_t)v * code->width);
            LLVMValueRef sum = code_get(code, walk->sums[tap * walk->vectors + v]);
            code_store(code, code_fadd(code, code_load(code, at, lanes), sum), at, lanes);
        }
    branch_end(code, &some);
}

typedef struct Sweep {
    const InputWalk *walk;
    LLVMValueRef sample, channel;
    bool finish; /* apply the epilogue to what is there, or store zeros */
} Sweep;

/* Every place of dx in the panel's channels. */
static void sweep_input(KernelCode *code, const Sweep *sweep) {
    const ConvGeometry *g = sweep->walk->g;
    const Value *out = code_output(code, 0);
    Position position = {.sample = sweep->sample};
    Loop loops[SPATIAL_MAX];
    for (int i = 0; i < g->spatial; i++) {
        loops[i] = loop_begin_const(code, 0, g->axis[i].input, 1);
        position.spatial[i] = loops[i].index;
    }
    for (int v = 0; v < sweep->walk->vectors; v++) {
        Lanes lanes = lanes_of(code, sweep->walk, v);
        position.channel = code_add_const(code, sweep->channel, (int64_t)v * code->width);
        LLVMValueRef at = code_position(code, out, code->outputs[0], &position);
        if (sweep->finish)
            code_finish(code, code_load(code, at, lanes), &position, lanes);
        else
            code_store(code, code_constant(code, 0, code->width), at, lanes);
    }
    for (int i = g->spatial - 1; i >= 0; i--) loop_end(code, &loops[i]);
}

static void input_panel(KernelCode *code, LLVMValueRef panel, int vectors, int last_live, void *user) {
    InputWalk *walk = user;
    const Value *dy = code_input(code, 0), *dx = code_output(code, 0);
    walk->vectors = vectors;
    walk->last_live = last_live;
    walk->weights = code_at(code, code->inputs[1], code_mul_const(code, panel, walk->panels->stride));
    LLVMValueRef channel = code_mul_const(code, panel, walk->panels->width);
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    Sweep sweep = {.walk = walk, .sample = samples.index, .channel = channel};
    sweep_input(code, &sweep);
    LLVMValueRef dy_sample =
        code_at(code, code->inputs[0], code_mul_const(code, samples.index, code_sample_stride(code, dy)));
    LLVMValueRef dx_sample =
        code_at(code, code->outputs[0],
                code_add(code, code_mul_const(code, samples.index, code_sample_stride(code, dx)), channel));
    Places places = places_begin(code, walk->g, dx, dy);
    walk->dy = code_at(code, dy_sample, places.y_at);
    scatter_place(code, walk, code_at(code, dx_sample, places.x_at));
    places_end(code, walk->g, &places);
    sweep.finish = true;
    if (code->node->epilogue.count) sweep_input(code, &sweep);
    loop_end(code, &samples);
}

void conv_sparse_input_grad_emit(KernelCode *code) {
    ConvGeometry g = conv_input_grad_geometry(code->graph, code->node);
    Panels panels = conv_transposed_panels(code->emit->machine, &g);
    InputWalk walk = {.g = &g, .panels = &panels};
    for (int64_t i = 0; i < g.taps * panels.vectors; i++)
        walk.sums[i] = code_variable(code, code_type(code, code->width), NULL);
    loop_panels(code, &panels, input_panel, &walk);
}

/* The workspace of the gradient to the weights: for each filter how many places of dy are alive, where their
 * x lies and what they hold; and the sums, [block of channels][filter][tap][channel]. In elements. */
typedef struct Lists {
    int64_t room;  /* entries of a filter */
    int64_t block; /* channels of a block */
    int64_t blocks;
    int64_t offsets, values, sums, end;
} Lists;

static Lists plan_lists(const Machine *machine, const ConvGeometry *g) {
    Lists l = {.room = places_of(g), .block = (int64_t)channel_vectors(machine, g) * machine->vector_floats};
    l.blocks = (g->channels + l.block - 1) / l.block;
    l.offsets = (g->filters + 15) / 16 * 16;
    l.values = l.offsets + g->filters * l.room;
    l.sums = (l.values + g->filters * l.room + 15) / 16 * 16;
    l.end = l.sums + l.blocks * g->filters * g->taps * l.block;
    return l;
}

int64_t conv_sparse_workspace(const Machine *machine, const ConvGeometry *g) {
    return plan_lists(machine, g).end;
}

typedef struct WeightWalk {
    const ConvGeometry *g;
    Lists lists;
    LLVMValueRef workspace;
    LLVMValueRef dy, x_at; /* of the place being listed */
    LLVMValueRef x;        /* the sample's */
} WeightWalk;

static void list_channel(KernelCode *code, LLVMValueRef channel, void *user) {
    WeightWalk *walk = user;
    Emit *e = code->emit;
    LLVMValueRef counter = code_at(code, walk->workspace, channel);
    LLVMValueRef count = LLVMBuildLoad2(e->builder, e->i32, counter, "");
    LLVMValueRef slot = code_add(code, code_mul_const(code, channel, walk->lists.room),
                                 LLVMBuildZExt(e->builder, count, e->i64, ""));
    LLVMValueRef offset = code_at(code, code_at_const(code, walk->workspace, walk->lists.offsets), slot);
    LLVMBuildStore(e->builder, LLVMBuildTrunc(e->builder, walk->x_at, e->i32, ""), offset);
    LLVMValueRef value = code_load(code, code_at(code, walk->dy, channel), (Lanes){1, 1});
    code_store(code, value, code_at(code, code_at_const(code, walk->workspace, walk->lists.values), slot),
               (Lanes){1, 1});
    LLVMBuildStore(e->builder, LLVMBuildAdd(e->builder, count, code_i32(code, 1), ""), counter);
}

static void store_zero(KernelCode *code, LLVMValueRef index, Lanes lanes, void *user) {
    code_store(code, code_constant(code, 0, lanes.width), code_at(code, user, index), lanes);
}

/* The live places of one sample, filter by filter. */
static void list_sample(KernelCode *code, WeightWalk *walk, LLVMValueRef dy) {
    const ConvGeometry *g = walk->g;
    loop_lanes(code, walk->lists.offsets, store_zero, walk->workspace);
    Places places = places_begin(code, g, code_input(code, 0), code_input(code, 1));
    walk->dy = code_at(code, dy, places.y_at);
    walk->x_at = places.x_at;
    for (int64_t first = 0; first < g->filters; first += MASK_BITS)
        each_bit(code, live_mask(code, walk->dy, first, g->filters), first, list_channel, walk);
    places_end(code, g, &places);
}

/* One filter's entries times x under the kernel, for one block of channels, summed in registers. */
static void sum_entries(KernelCode *code, const WeightWalk *walk, LLVMValueRef filter, LLVMValueRef x,
                        LLVMValueRef sums, int vectors, int last_live) {
    const ConvGeometry *g = walk->g;
    Emit *e = code->emit;
    int total = (int)g->taps * vectors;
    Lanes whole = {code->width, code->width};
    LLVMValueRef variables[TILE_MAX_ROWS], count;
    count = LLVMBuildZExt(e->builder,
                          LLVMBuildLoad2(e->builder, e->i32, code_at(code, walk->workspace, filter), ""),
                          e->i64, "");
    int64_t stride = walk->lists.block / code->width;
    for (int i = 0; i < total; i++) {
        int64_t at = (i / vectors * stride + i % vectors) * code->width;
        variables[i] = code_variable(code, code_type(code, code->width),
                                     code_load(code, code_at_const(code, sums, at), whole));
    }
    LLVMValueRef row = code_mul_const(code, filter, walk->lists.room);
    LLVMValueRef offsets = code_at(code, code_at_const(code, walk->workspace, walk->lists.offsets), row);
    LLVMValueRef values = code_at(code, code_at_const(code, walk->workspace, walk->lists.values), row);
    Loop entries = loop_begin(code, code_int(code, 0), count, 1);
    LLVMValueRef offset = LLVMBuildLoad2(e->builder, e->i32, code_at(code, offsets, entries.index), "");
    LLVMValueRef place = code_at(code, x, LLVMBuildSExt(e->builder, offset, e->i64, ""));
    LLVMValueRef value = code_load(code, code_at(code, values, entries.index), (Lanes){1, 1});
    LLVMValueRef splat = code_splat(code, value, code->width);
    for (int i = 0; i < total; i++) {
        int64_t at = tap_offset(g, code_input(code, 0), i / vectors) + (int64_t)(i % vectors) * code->width;
        Lanes lanes = {code->width, i % vectors == vectors - 1 ? last_live : code->width};
        LLVMValueRef factor = code_load(code, code_at_const(code, place, at), lanes);
        code_set(code, variables[i], code_fma(code, splat, factor, code_get(code, variables[i])));
    }
    loop_end(code, &entries);
    for (int i = 0; i < total; i++) {
        int64_t at = (i / vectors * stride + i % vectors) * code->width;
        code_store(code, code_get(code, variables[i]), code_at_const(code, sums, at), whole);
    }
}

/* Blocks of channels from first to last: all full, or the one that is not. */
static void sum_blocks(KernelCode *code, const WeightWalk *walk, int64_t from, int64_t to, int vectors,
                       int last_live) {
    if (from >= to) return;
    const ConvGeometry *g = walk->g;
    int64_t filter_sums = g->taps * walk->lists.block;
    Loop block = loop_begin_const(code, from, to, 1);
    Loop filter = loop_begin_const(code, 0, g->filters, 1);
    LLVMValueRef number = code_add(code, code_mul_const(code, block.index, g->filters), filter.index);
    LLVMValueRef sums = code_at(code, code_at_const(code, walk->workspace, walk->lists.sums),
                                code_mul_const(code, number, filter_sums));
    LLVMValueRef x = code_at(code, walk->x, code_mul_const(code, block.index, walk->lists.block));
    sum_entries(code, walk, filter.index, x, sums, vectors, last_live);
    loop_end(code, &filter);
    loop_end(code, &block);
}

/* The sums, channels innermost, to the accumulator, filters innermost. */
static void add_sums(KernelCode *code, const WeightWalk *walk) {
    const ConvGeometry *g = walk->g;
    Panels panels = conv_panels(code->emit->machine, g);
    Lanes single = {1, 1};
    Loop filter = loop_begin_const(code, 0, g->filters, 1);
    LLVMValueRef width = code_int(code, panels.width);
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef dw = code_mul_const(code, LLVMBuildUDiv(b, filter.index, width, ""), panels.stride);
    dw = code_at(code, code->outputs[0], code_add(code, dw, LLVMBuildURem(b, filter.index, width, "")));
    LLVMValueRef sums = code_at(code, code_at_const(code, walk->workspace, walk->lists.sums),
                                code_mul_const(code, filter.index, g->taps * walk->lists.block));
    Loop tap = loop_begin_const(code, 0, g->taps, 1);
    Loop channel = loop_begin_const(code, 0, g->channels, 1);
    LLVMValueRef block = LLVMBuildUDiv(b, channel.index, code_int(code, walk->lists.block), "");
    LLVMValueRef in_block = LLVMBuildURem(b, channel.index, code_int(code, walk->lists.block), "");
    LLVMValueRef from = code_mul_const(code, block, g->filters * g->taps * walk->lists.block);
    from = code_add(code, from, code_add(code, code_mul_const(code, tap.index, walk->lists.block), in_block));
    LLVMValueRef step = code_add(code, code_mul_const(code, tap.index, g->channels), channel.index);
    LLVMValueRef to = code_at(code, dw, code_mul_const(code, step, panels.width));
    LLVMValueRef sum = code_load(code, code_at(code, sums, from), single);
    code_store(code, code_fadd(code, code_load(code, to, single), sum), to, single);
    loop_end(code, &channel);
    loop_end(code, &tap);
    loop_end(code, &filter);
}

void conv_sparse_weight_grad_emit(KernelCode *code) {
    ConvGeometry g = conv_weight_grad_geometry(code->graph, code->node);
    const Value *x = code_input(code, 0), *dy = code_input(code, 1);
    WeightWalk walk = {
        .g = &g, .lists = plan_lists(code->emit->machine, &g), .workspace = code_workspace(code)};
    LLVMValueRef sums = code_at_const(code, walk.workspace, walk.lists.sums);
    loop_lanes(code, walk.lists.end - walk.lists.sums, store_zero, sums);
    int64_t corner = 0;
    for (int i = 0; i < g.spatial; i++) corner -= g.axis[i].begin * x->layout.stride[i];
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    list_sample(
        code, &walk,
        code_at(code, code->inputs[1], code_mul_const(code, samples.index, code_sample_stride(code, dy))));
    LLVMValueRef x_at = code_mul_const(code, samples.index, code_sample_stride(code, x));
    walk.x = code_at_const(code, code_at(code, code->inputs[0], x_at), corner);
    int64_t full = g.channels / walk.lists.block, rest = g.channels % walk.lists.block;
    int vectors = channel_vectors(code->emit->machine, &g),
        left = (int)((rest + code->width - 1) / code->width);
    sum_blocks(code, &walk, 0, full, vectors, code->width);
    if (rest) sum_blocks(code, &walk, full, full + 1, left, (int)(rest - (int64_t)(left - 1) * code->width));
    loop_end(code, &samples);
    add_sums(code, &walk);
}
