/* See dense_kernels.h. Vectors are strided in memory only from sample to sample. */
#include "ops/dense/dense_kernels.h"

#include "ops/parts/estimate.h"

#include <math.h>

enum { SAMPLE_ROWS = 8, INPUT_ROWS = 12, SINGLE_VECTORS = 8, ELEMENTS_AHEAD = 2048 };

static const double EFFICIENCY = 0.8; /* of the peak */

static const Register single = {1, 1};

bool dense_has_bias(const Node *node) {
    return node_bool(node, "bias");
}

/* y[n, panel] = sum over i of a[n, i] * panel[i] for all samples: tiles of samples x filters. */
typedef struct RowsWalk {
    const Panels *panels;
    bool bias;
} RowsWalk;

/* What a tile takes: rows samples, and the filters of several panels that lie behind one another; last_live
 * of the last register are alive. */
typedef struct RowsTile {
    int rows, panels, vectors, last_live; /* vectors: of one panel */
} RowsTile;

/* Weights that do not stay in the second-level cache are asked for early. One sample alone waits for nothing
 * but memory, and asking would take its turn. */
static int64_t distance_ahead(const KernelCode *code, const Panels *p, int rows) {
    int64_t bytes = (int64_t)sizeof(float) * panels_elements(p);
    return rows > 1 && bytes > code->emit->machine->l2_bytes ? ELEMENTS_AHEAD : 0;
}

static void rows_tile(KernelCode *code, const RowsWalk *walk, LLVMValueRef panel, LLVMValueRef sample,
                      RowsTile shape) {
    const Panels *p = walk->panels;
    int64_t stride = code_sample_stride(code, code_input(code, 0)), offset[TILE_MAX_VECTORS];
    Tile tile = {.rows = shape.rows, .vectors = shape.panels * shape.vectors, .last_live = code->width};
    tile.a = code_at(code, code->inputs[0], code_mul_const(code, sample, stride));
    tile.b = code_at(code, code->inputs[1], code_mul_const(code, panel, p->stride));
    tile.ahead = distance_ahead(code, p, shape.rows);
    tile_add_level(&tile, p->steps, 1, p->width);
    LLVMValueRef channel = code_mul_const(code, panel, p->width);
    for (int v = 0; v < tile.vectors; v++) {
        int64_t inside = (int64_t)(v % shape.vectors) * code->width;
        tile.vector_offset[v] = v / shape.vectors * p->stride + inside;
        offset[v] = v / shape.vectors * p->width + inside;
        Register reg = {code->width, v == tile.vectors - 1 ? shape.last_live : code->width};
        LLVMValueRef initial = code_constant(code, 0, code->width);
        if (walk->bias)
            initial = code_load(
                code, code_at(code, code->inputs[2], code_add_const(code, channel, offset[v])), reg);
        for (int m = 0; m < tile.rows; m++) tile.acc[m][v] = initial;
    }
    for (int m = 0; m < tile.rows; m++) tile.row_offset[m] = m * stride;
    contraction_emit(code, &tile);
    tile.last_live = shape.last_live;
    for (int m = 0; m < tile.rows; m++)
        for (int v = 0; v < tile.vectors; v++) {
            Position position = {.sample = code_add_const(code, sample, m),
                                 .channel = code_add_const(code, channel, offset[v])};
            code_finish(code, tile.acc[m][v], &position, tile_register(code, &tile, v));
        }
}

/* As many samples as a tile takes, then half as many, ..., down to two. */
static void rows_panel(KernelCode *code, LLVMValueRef panel, int vectors, int last_live, void *user) {
    int rows = SAMPLE_ROWS;
    while (rows > tile_max_rows(code->emit->machine, vectors)) rows /= 2;
    LLVMValueRef done = code_int(code, 0);
    for (; rows > 1; rows /= 2) {
        LLVMValueRef left = LLVMBuildSub(code->emit->builder, code->count, done, "");
        LLVMValueRef whole = LLVMBuildAnd(code->emit->builder, left, code_int(code, -(int64_t)rows), "");
        LLVMValueRef end = code_add(code, done, whole);
        Loop loop = loop_begin(code, done, end, rows);
        rows_tile(code, user, panel, loop.index, (RowsTile){rows, 1, vectors, last_live});
        loop_end(code, &loop);
        done = end;
    }
}

/* One sample, or the share of it that is asked for: several panels at a time, so that there are sums enough
 * to hide what one addition waits for the last. */
static void single_sample(KernelCode *code, const RowsWalk *walk, LLVMValueRef sample) {
    LLVMBuilderRef b = code->emit->builder;
    const Panels *p = walk->panels;
    int vectors = (int)(p->width / code->width), at_once = SINGLE_VECTORS / vectors;
    int64_t whole = p->filters / p->width, rest = p->filters % p->width;
    while (at_once > 1 && at_once > whole) at_once /= 2;
    Share share = code_share(code, code_int(code, p->count));
    LLVMValueRef done = share.begin, end = code_min(code, share.end, code_int(code, whole));
    for (; at_once >= 1 && whole; at_once /= 2) {
        LLVMValueRef left = LLVMBuildSub(b, end, done, "");
        LLVMValueRef next =
            code_add(code, done, LLVMBuildAnd(b, left, code_int(code, -(int64_t)at_once), ""));
        Loop loop = loop_begin(code, done, next, at_once);
        rows_tile(code, walk, loop.index, sample, (RowsTile){1, at_once, vectors, code->width});
        loop_end(code, &loop);
        done = next;
    }
    if (!rest) return;
    int live = (int)((rest + code->width - 1) / code->width);
    int last_live = (int)(rest - (int64_t)(live - 1) * code->width);
    Branch last = branch_begin(code, LLVMBuildICmp(b, LLVMIntSGT, share.end, code_int(code, whole), ""));
    rows_tile(code, walk, code_int(code, whole), sample, (RowsTile){1, 1, live, last_live});
    branch_end(code, &last);
}

static void rows_emit(KernelCode *code, bool bias) {
    Panels panels = panels_plan(code->emit->machine, 1, shape_channels(&code_output(code, 0)->shape),
                                shape_channels(&code_input(code, 0)->shape));
    RowsWalk walk = {&panels, bias};
    loop_panels(code, &panels, rows_panel, &walk);
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef odd = LLVMBuildAnd(b, code->count, code_int(code, 1), "");
    Branch single = branch_begin(code, LLVMBuildICmp(b, LLVMIntEQ, odd, code_int(code, 1), ""));
    single_sample(code, &walk, code_add_const(code, code->count, -1));
    branch_end(code, &single);
}

static void forward_emit(KernelCode *code) {
    rows_emit(code, dense_has_bias(code->node));
}

static void input_grad_emit(KernelCode *code) {
    rows_emit(code, false);
}

/* dw[panel][i] += sum over samples of x[n, i] * dy[n, panel]: tiles of inputs x units. */
static void weight_rows(KernelCode *code, const Panels *p, LLVMValueRef panel, LLVMValueRef input, int rows,
                        int vectors, int last_live) {
    const Value *x = code_input(code, 0), *dy = code_input(code, 1);
    Tile tile = {.rows = rows, .vectors = vectors, .last_live = last_live};
    tile.a = code_at(code, code->inputs[0], input);
    tile.b = code_at(code, code->inputs[1], code_mul_const(code, panel, p->width));
    tile_add_dynamic_level(&tile, code->count, code_sample_stride(code, x), code_sample_stride(code, dy));
    LLVMValueRef target = code_at(
        code, code->outputs[0],
        code_add(code, code_mul_const(code, panel, p->stride), code_mul_const(code, input, p->width)));
    for (int m = 0; m < rows; m++) tile.row_offset[m] = m;
    for (int v = 0; v < vectors; v++) tile.vector_offset[v] = (int64_t)v * code->width;
    contraction_accumulate(code, &tile, target, p->width);
}

static void weight_panel(KernelCode *code, LLVMValueRef panel, int vectors, int last_live, void *user) {
    const Panels *p = user;
    int most = tile_max_rows(code->emit->machine, vectors);
    Cut cut = cut_evenly(p->steps, most < INPUT_ROWS ? most : INPUT_ROWS);
    int64_t start = 0;
    for (int small = 0; small < 2; small++) {
        int64_t rows = cut.large - small, count = small ? cut.small_count : cut.large_count;
        if (rows < 1 || count < 1) continue;
        Loop loop = loop_begin_const(code, start, start + rows * count, rows);
        weight_rows(code, p, panel, loop.index, (int)rows, vectors, last_live);
        loop_end(code, &loop);
        start += rows * count;
    }
}

static void weight_grad_emit(KernelCode *code) {
    Panels panels = panels_plan(code->emit->machine, 1, shape_channels(&code_input(code, 1)->shape),
                                shape_channels(&code_input(code, 0)->shape));
    loop_panels(code, &panels, weight_panel, &panels);
}

/* Element (filter, step) of weights in panels. */
static LLVMValueRef panel_index(KernelCode *code, const Panels *p, LLVMValueRef filter, LLVMValueRef step) {
    Storage storage = panels_storage(p, &(Shape){.rank = 2}, (int64_t[]){0, 1});
    return storage_index(code, &storage, 2, (LLVMValueRef[]){filter, step});
}

static LLVMValueRef load_vector_element(KernelCode *code, int input, LLVMValueRef sample, LLVMValueRef i) {
    Position at = {.sample = sample, .channel = i};
    return code_load(code, code_position(code, code_input(code, input), code->inputs[input], &at), single);
}

static void reference_rows(KernelCode *code, bool bias) {
    Panels p = panels_plan(code->emit->machine, 1, shape_channels(&code_output(code, 0)->shape),
                           shape_channels(&code_input(code, 0)->shape));
    LLVMValueRef sum = code_variable(code, code->real, NULL);
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    Loop units = loop_begin_const(code, 0, p.filters, 1);
    code_set(code, sum,
             bias ? code_load(code, code_at(code, code->inputs[2], units.index), single)
                  : code_real(code, 0));
    Loop inputs = loop_begin_const(code, 0, p.steps, 1);
    LLVMValueRef a = load_vector_element(code, 0, samples.index, inputs.index);
    LLVMValueRef w = code_at(code, code->inputs[1], panel_index(code, &p, units.index, inputs.index));
    code_set(code, sum, code_fma(code, a, code_load(code, w, single), code_get(code, sum)));
    loop_end(code, &inputs);
    Position at = {.sample = samples.index, .channel = units.index};
    code_finish(code, code_get(code, sum), &at, single);
    loop_end(code, &units);
    loop_end(code, &samples);
}

static void reference_forward_emit(KernelCode *code) {
    reference_rows(code, dense_has_bias(code->node));
}

static void reference_input_grad_emit(KernelCode *code) {
    reference_rows(code, false);
}

static void reference_weight_grad_emit(KernelCode *code) {
    Panels p = panels_plan(code->emit->machine, 1, shape_channels(&code_input(code, 1)->shape),
                           shape_channels(&code_input(code, 0)->shape));
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    Loop units = loop_begin_const(code, 0, p.filters, 1);
    LLVMValueRef dy = load_vector_element(code, 1, samples.index, units.index);
    Loop inputs = loop_begin_const(code, 0, p.steps, 1);
    LLVMValueRef x = load_vector_element(code, 0, samples.index, inputs.index);
    LLVMValueRef dw = code_at(code, code->outputs[0], panel_index(code, &p, units.index, inputs.index));
    code_store(code, code_fma(code, x, dy, code_load(code, dw, single)), dw, single);
    loop_end(code, &inputs);
    loop_end(code, &units);
    loop_end(code, &samples);
}

static int64_t length_of(const Graph *graph, ValueId id) {
    return shape_channels(&graph_value(graph, id)->shape);
}

/* What the sums of a sample by itself wait for one another, where each register has one; 0 in a batch. */
static double single_waits(const KernelCall *call, int64_t from, double registers) {
    return call->alone_bytes ? (double)(DENSE_ADDITION * from) / registers : 0;
}

/* A row of weights a step, for all samples of a tile. */
double dense_rows_cost(const KernelCall *call) {
    int64_t from = length_of(call->graph, call->node->inputs.items[0]),
            to = length_of(call->graph, call->node->outputs.items[0]);
    double registers = estimate_registers(call->machine, to), products = (double)from * registers;
    products /= EFFICIENCY * estimate_ports(call->machine);
    return fmax(products, single_waits(call, from, registers)) + estimate_tiles(registers) +
           estimate_weights(call->machine, from * to) + ESTIMATE_START;
}

static double weight_grad_cost(const KernelCall *call) {
    int64_t inputs = length_of(call->graph, call->node->inputs.items[0]),
            units = length_of(call->graph, call->node->inputs.items[1]);
    double registers = (double)inputs * estimate_registers(call->machine, units);
    return registers / (EFFICIENCY * estimate_ports(call->machine)) +
           estimate_accumulators(call->machine, registers) + ESTIMATE_START;
}

static double reference_rows_cost(const KernelCall *call) {
    double from = (double)length_of(call->graph, call->node->inputs.items[0]);
    double to = (double)length_of(call->graph, call->node->outputs.items[0]);
    return estimate_reference(from * to, 0, to);
}

static double reference_weight_grad_cost(const KernelCall *call) {
    double inputs = (double)length_of(call->graph, call->node->inputs.items[0]);
    double units = (double)length_of(call->graph, call->node->inputs.items[1]);
    return estimate_reference_sums(inputs * units, 0, units) +
           estimate_accumulators(call->machine, inputs * estimate_registers(call->machine, (int64_t)units));
}

const Kernel dense_direct_forward = {.name = "direct",
                                     .elements = ELEMENT_F32 | ELEMENT_F64,
                                     .cost = dense_rows_cost,
                                     .emit = forward_emit,
                                     .epilogue = true,
                                     .splits = true};
const Kernel dense_direct_input_grad = {.name = "direct",
                                        .elements = ELEMENT_F32,
                                        .cost = dense_rows_cost,
                                        .emit = input_grad_emit,
                                        .epilogue = true};
const Kernel dense_direct_weight_grad = {
    .name = "direct", .elements = ELEMENT_F32, .cost = weight_grad_cost, .emit = weight_grad_emit};

const Kernel dense_reference_forward = {.name = "reference",
                                        .elements = ELEMENT_F32,
                                        .cost = reference_rows_cost,
                                        .emit = reference_forward_emit,
                                        .epilogue = true};
const Kernel dense_reference_input_grad = {.name = "reference",
                                           .elements = ELEMENT_F32,
                                           .cost = reference_rows_cost,
                                           .emit = reference_input_grad_emit,
                                           .epilogue = true};
const Kernel dense_reference_weight_grad = {.name = "reference",
                                            .elements = ELEMENT_F32,
                                            .cost = reference_weight_grad_cost,
                                            .emit = reference_weight_grad_emit};
