/* dropout: while training an element (or, spatial, a whole channel) becomes 0 with probability `rate`, and
 * the others are divided by 1 - rate, so that nothing is left to do afterwards: for inference the layer is
 * dropped. drop_path: the same with one draw a sample. dropout_train draws with Philox, keyed by seed, step,
 * the sample's number in the data set, layer and element; it keeps the mask, 0 or 1/(1 - rate), which the
 * gradient is multiplied by. Where frame.random is 0 everything passes. */
#include "emit/philox.h"
#include "graph/backward.h"
#include "ops/attrs.h"
#include "ops/box.h"

static const Param params[] = {
    {.name = "rate", .type = PARAM_REAL, .help = "probability of dropping, 0 to 1", .min = 0, .max = 1},
    {.name = "spatial", .type = PARAM_BOOL, .fallback = "false", .help = "drop whole feature maps"},
};

/* What shares a draw. */
static const char each_element[] = "element", each_channel[] = "channel", each_sample[] = "sample";

/* The mask of channels and samples is a vector, spread over space. */
static ValueId append_draw(Graph *graph, const Node *node, const ValueId *inputs, bool training,
                           const char *unit) {
    double rate = node_real(node, "rate");
    if (!training || rate == 0) return inputs[0];
    const Attr attrs[] = {attr_real(rate), attr_word(unit), attr_int(node->layer)};
    Shape shape = graph_value(graph, inputs[0])->shape, mask = shape;
    if (unit != each_element) mask = (Shape){.rank = 1, .dim = {shape_channels(&shape)}};
    NodeId draw = graph_add_node(graph, op_find("dropout_train"), attrs_keep(graph, attrs, COUNT(attrs)),
                                 inputs, 1, node->layer, node->span);
    ValueId y = graph_add_output(graph, draw, ROLE_ACTIVATION, shape);
    graph_add_output(graph, draw, ROLE_ACTIVATION, mask);
    return y;
}

static ValueId dropout_lower(Graph *graph, const Node *node, const ValueId *inputs, bool training) {
    return append_draw(graph, node, inputs, training,
                       node_bool(node, "spatial") ? each_channel : each_element);
}

const Op op_dropout = {
    .name = "dropout",
    .kind = OPK_LAYER,
    .domain = DOMAIN_SAMPLE,
    .summary = "drops elements at random while training",
    .formula = "y = 0 with probability rate, else x/(1 - rate); when not training y = x",
    .example = "flatten -> dropout(0.25) -> dense(10)",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .lower = dropout_lower,
};

static const Param path_params[] = {
    {.name = "rate", .type = PARAM_REAL, .help = "probability of dropping, 0 to 1", .min = 0, .max = 1},
};

static ValueId path_lower(Graph *graph, const Node *node, const ValueId *inputs, bool training) {
    return append_draw(graph, node, inputs, training, each_sample);
}

const Op op_drop_path = {
    .name = "drop_path",
    .kind = OPK_LAYER,
    .domain = DOMAIN_SAMPLE,
    .summary = "drops the branch of a whole sample at random while training",
    .formula = "y = 0 for a sample with probability rate, else x/(1 - rate); when not training y = x",
    .gives = "that of the input",
    .example = "conv(32, 3) -> drop_path(0.1)",
    .params = path_params,
    .param_count = COUNT(path_params),
    .min_inputs = 1,
    .max_inputs = 1,
    .lower = path_lower,
};

/* `layer` stands among the arguments, so that layers that draw differently share no code. */
static const Param train_params[] = {
    {.name = "rate", .type = PARAM_REAL, .help = "probability of dropping"},
    {.name = "unit", .type = PARAM_WORD, .help = "what shares a draw", .words = "element channel sample"},
    {.name = "layer", .type = PARAM_INT, .help = "number of the layer, part of the draw's counter"},
};

typedef struct Draw {
    int layer;
    double rate;
    LLVMValueRef number; /* the sample's in the data set */
    LLVMValueRef scalar_divisor, scalar_threshold;
} Draw;

/* order[first + sample], or first + sample where there is no order. */
static LLVMValueRef sample_number(KernelCode *code, LLVMValueRef sample) {
    Emit *e = code->emit;
    LLVMValueRef place = code_add(code, code->first, sample), order = code_frame(code, FRAME_ORDER);
    LLVMValueRef number = code_variable(code, e->i64, place);
    Branch ordered = branch_begin(code, LLVMBuildIsNotNull(e->builder, order, ""));
    LLVMValueRef entry = LLVMBuildLoad2(e->builder, e->i32, code_at_type(code, e->i32, order, place), "");
    code_set(code, number, LLVMBuildZExt(e->builder, entry, e->i64, ""));
    branch_end(code, &ordered);
    return code_get(code, number);
}

/* An element passes where its uniform is not below the threshold; with the frame's `random` at 0 all do,
 * undivided. */
static Draw draw_begin(KernelCode *code) {
    LLVMBuilderRef b = code->emit->builder;
    Draw draw = {.layer = (int)node_int(code->node, "layer"), .rate = node_real(code->node, "rate")};
    LLVMValueRef live = LLVMBuildICmp(b, LLVMIntNE, code_frame(code, FRAME_RANDOM), code_i32(code, 0), "");
    draw.scalar_divisor = code_select(code, live, code_real(code, 1 - draw.rate), code_real(code, 1));
    draw.scalar_threshold = code_select(code, live, code_real(code, draw.rate), code_real(code, -1));
    return draw;
}

static LLVMValueRef keeps(KernelCode *code, const Draw *draw, LLVMValueRef uniform, int width) {
    return code_compare(code, LLVMRealOGE, uniform, code_splat(code, draw->scalar_threshold, width));
}

static LLVMValueRef mask_of(KernelCode *code, const Draw *draw, LLVMValueRef kept, int width) {
    LLVMValueRef factor = code_fdiv(code, code_real(code, 1), draw->scalar_divisor);
    return code_select(code, kept, code_splat(code, factor, width), code_constant(code, 0, width));
}

static LLVMValueRef result_of(KernelCode *code, const Draw *draw, LLVMValueRef kept, LLVMValueRef x,
                              int width) {
    LLVMValueRef divided = code_fdiv(code, x, code_splat(code, draw->scalar_divisor, width));
    return code_select(code, kept, divided, code_constant(code, 0, width));
}

/* One register of x, its result and its mask. */
static void drop(KernelCode *code, const Draw *draw, LLVMValueRef uniform, const Position *position,
                 Lanes lanes) {
    LLVMValueRef kept = keeps(code, draw, uniform, lanes.width);
    LLVMValueRef x =
        code_load(code, code_position(code, code_input(code, 0), code->inputs[0], position), lanes);
    code_store(code, mask_of(code, draw, kept, lanes.width),
               code_position(code, code_output(code, 1), code->outputs[1], position), lanes);
    code_store(code, result_of(code, draw, kept, x, lanes.width),
               code_position(code, code_output(code, 0), code->outputs[0], position), lanes);
}

/* A run of elements without gaps: element number `first` and those behind it, from the position on. */
typedef struct Row {
    Draw draw;
    Position position; /* its channel moves along the row */
    LLVMValueRef first;
    int64_t done;                /* elements at the row's start that are left out */
    LLVMValueRef sample_uniform; /* the draw of the whole sample */
} Row;

static void drop_lanes(KernelCode *code, LLVMValueRef index, Lanes lanes, void *user) {
    Row *row = user;
    row->position.channel = code_add_const(code, index, row->done);
    LLVMValueRef element = code_add(code, row->first, row->position.channel);
    LLVMValueRef uniform = philox_uniform(code, element, row->draw.number, row->draw.layer, lanes.width);
    drop(code, &row->draw, uniform, &row->position, lanes);
}

/* Whole blocks of a row that starts with element 0: an evaluation of Philox serves four registers. */
static void drop_blocks(KernelCode *code, Row *row, int64_t elements) {
    int width = code->width;
    int64_t blocks = elements / PHILOX_BLOCK * PHILOX_BLOCK;
    if (width < 4 || width > PHILOX_LANES || !blocks) return;
    Loop loop = loop_begin_const(code, 0, blocks, PHILOX_BLOCK);
    for (int lane = 0; lane < PHILOX_LANES; lane += width) {
        LLVMValueRef uniforms[PHILOX_WORDS], index = code_add_const(code, loop.index, lane);
        philox_uniform_block(code, index, row->draw.number, row->draw.layer, width, uniforms);
        for (int w = 0; w < PHILOX_WORDS; w++) {
            row->position.channel = code_add_const(code, index, (int64_t)w * PHILOX_LANES);
            drop(code, &row->draw, uniforms[w], &row->position, (Lanes){width, width});
        }
    }
    loop_end(code, &loop);
    row->done = blocks;
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Every element of a sample for itself, along rows that are as long as the values' layouts allow. */
static void drop_elements(KernelCode *code, Row *row) {
    const Value *x = code_input(code, 0), *y = code_output(code, 0), *mask = code_output(code, 1);
    int64_t run = smaller(value_run(x), smaller(value_run(y), value_run(mask))),
            merged = shape_channels(&x->shape);
    int looped = shape_spatial(&x->shape);
    while (merged < run) merged *= x->shape.dim[--looped];
    for (int axis = looped; axis < shape_spatial(&x->shape); axis++)
        row->position.spatial[axis] = code_int(code, 0);
    Loop loops[SHAPE_MAX_RANK];
    row->first = code_int(code, 0);
    for (int axis = 0; axis < looped; axis++) {
        loops[axis] = loop_begin_const(code, 0, x->shape.dim[axis], 1);
        row->position.spatial[axis] = loops[axis].index;
        row->first = code_add(code, code_mul_const(code, row->first, x->shape.dim[axis]), loops[axis].index);
    }
    row->first = code_mul_const(code, row->first, run);
    if (!looped) drop_blocks(code, row, run);
    if (row->done < run) loop_lanes(code, run - row->done, drop_lanes, row);
    for (int axis = looped - 1; axis >= 0; axis--) loop_end(code, &loops[axis]);
}

/* A register of whole channels: one draw, for a sample's branch the same for all of them, then every
 * position. */
static void drop_channels(KernelCode *code, LLVMValueRef channel, Lanes lanes, void *user) {
    Row *row = user;
    const Value *x = code_input(code, 0), *y = code_output(code, 0), *mask = code_output(code, 1);
    Position *position = &row->position;
    position->channel = channel;
    bool whole = !strcmp(node_word(code->node, "unit"), each_sample);
    LLVMValueRef uniform =
        whole ? row->sample_uniform
              : philox_uniform(code, channel, row->draw.number, row->draw.layer, lanes.width);
    if (whole) uniform = code_splat(code, uniform, lanes.width);
    LLVMValueRef kept = keeps(code, &row->draw, uniform, lanes.width);
    code_store(code, mask_of(code, &row->draw, kept, lanes.width),
               code_position(code, mask, code->outputs[1], position), lanes);
    Loop loops[SHAPE_MAX_RANK];
    int spatial = shape_spatial(&x->shape);
    for (int axis = 0; axis < spatial; axis++) {
        loops[axis] = loop_begin_const(code, 0, x->shape.dim[axis], 1);
        position->spatial[axis] = loops[axis].index;
    }
    LLVMValueRef element = code_load(code, code_position(code, x, code->inputs[0], position), lanes);
    code_store(code, result_of(code, &row->draw, kept, element, lanes.width),
               code_position(code, y, code->outputs[0], position), lanes);
    for (int axis = spatial - 1; axis >= 0; axis--) loop_end(code, &loops[axis]);
}

static void dropout_emit(KernelCode *code) {
    Row row = {.draw = draw_begin(code)};
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    row.position.sample = samples.index;
    row.draw.number = sample_number(code, samples.index);
    const char *unit = node_word(code->node, "unit");
    if (!strcmp(unit, each_sample))
        row.sample_uniform = philox_uniform(code, code_int(code, 0), row.draw.number, row.draw.layer, 1);
    if (strcmp(unit, each_element))
        loop_lanes(code, shape_channels(&code_input(code, 0)->shape), drop_channels, &row);
    else
        drop_elements(code, &row);
    loop_end(code, &samples);
}

static void dropout_gradient(Backward *b, const Node *node) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Shape shape = graph_value(backward_graph(b), x)->shape;
    ValueId operands[] = {dy, node->outputs.items[1]};
    backward_contribute(b, x, backward_append(b, "multiply", NULL, operands, 2, ROLE_ACTIVATION, shape));
}

static const Kernel kernels[] = {
    {.name = "philox", .emit = dropout_emit, .runs = true},
};

const Op op_dropout_train = {
    .name = "dropout_train",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_SAMPLE,
    .summary = "draws what is dropped: the result and the mask",
    .formula = "mask = 0 with probability rate, else 1/(1 - rate); y = x*mask",
    .params = train_params,
    .param_count = COUNT(train_params),
    .min_inputs = 1,
    .max_inputs = 1,
    .gradient = dropout_gradient,
    .kernels = kernels,
    .kernel_count = COUNT(kernels),
};
