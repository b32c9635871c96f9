/* dropout: while training an element (or, spatial, a whole channel) becomes 0 with probability `rate`, and
 * the others are divided by 1 - rate, so that nothing is left to do afterwards: for inference the layer is
 * dropped. drop_path: the same with one draw a sample. dropout_mask draws with Philox, keyed by seed, step,
 * the sample's number in the data set, layer and element: 0 for what is dropped, else 1 - rate.
 * dropout_apply divides, forward and backward, an elementwise step in the epilogue of what comes before.
 * Where frame.random is 0 everything passes. */
#include "emit/philox.h"
#include "ops/parts/attrs.h"
#include "ops/parts/box.h"
#include "ops/parts/elementwise_op.h"

static const Param params[] = {
    {.name = "rate", .type = PARAM_REAL, .help = "probability of dropping, 0 to 1", .min = 0, .max = 1},
    {.name = "spatial", .type = PARAM_BOOL, .fallback = "false", .help = "drop whole feature maps"},
};

/* What shares a draw. */
static const char each_element[] = "element", each_channel[] = "channel", each_sample[] = "sample";

/* The mask of channels and samples is a vector, spread over space. It is drawn where it is first read. */
static ValueId append_draw(Graph *graph, const Node *node, const ValueId *inputs, bool training,
                           const char *unit) {
    double rate = node_real(node, "rate");
    if (!training || rate == 0) return inputs[0];
    const Attr attrs[] = {attr_real(rate), attr_word(unit), attr_int(node->layer)};
    Shape shape = graph_value(graph, inputs[0])->shape, drawn = shape;
    if (unit != each_element) drawn = (Shape){.rank = 1, .dim = {shape_channels(&shape)}};
    NodeId draw = graph_add_node(graph, op_find("dropout_mask"), attrs_keep(graph, attrs, COUNT(attrs)), NULL,
                                 0, node->layer, node->span);
    graph_node(graph, draw)->late = true;
    ValueId operands[] = {inputs[0], graph_add_output(graph, draw, ROLE_ACTIVATION, drawn)};
    NodeId apply =
        graph_add_node(graph, op_find("dropout_apply"), NULL, operands, 2, node->layer, node->span);
    return graph_add_output(graph, apply, ROLE_ACTIVATION, shape);
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
static const Param mask_params[] = {
    {.name = "rate", .type = PARAM_REAL, .help = "probability of dropping"},
    {.name = "unit", .type = PARAM_WORD, .help = "what shares a draw", .words = "element channel sample"},
    {.name = "layer", .type = PARAM_INT, .help = "number of the layer, part of the draw's counter"},
};

typedef struct Draw {
    int layer;
    double rate;
    LLVMValueRef number;             /* the sample's in the data set */
    LLVMValueRef divisor, threshold; /* scalars */
} Draw;

/* numbers[first + sample]; without those order[first + sample], and without that first + sample. */
static LLVMValueRef sample_number(KernelCode *code, LLVMValueRef sample) {
    Emit *e = code->emit;
    LLVMValueRef place = code_add(code, code->first, sample), numbers = code_frame(code, ABI_frame_numbers);
    LLVMValueRef number = code_variable(code, e->i64, place);
    LLVMValueRef numbered = LLVMBuildIsNotNull(e->builder, numbers, "");
    LLVMValueRef list = code_select(code, numbered, numbers, code_frame(code, ABI_frame_order));
    Branch ordered = branch_begin(code, LLVMBuildIsNotNull(e->builder, list, ""));
    LLVMValueRef entry = LLVMBuildLoad2(e->builder, e->i32, code_at_type(code, e->i32, list, place), "");
    code_set(code, number, LLVMBuildZExt(e->builder, entry, e->i64, ""));
    branch_end(code, &ordered);
    return code_get(code, number);
}

/* An element passes where its uniform is not below the threshold; with the frame's `random` at 0 all do,
 * undivided. */
static Draw draw_begin(KernelCode *code) {
    LLVMBuilderRef b = code->emit->builder;
    Draw draw = {.layer = (int)node_int(code->node, "layer"), .rate = node_real(code->node, "rate")};
    LLVMValueRef live =
        LLVMBuildICmp(b, LLVMIntNE, code_frame(code, ABI_frame_random), code_i32(code, 0), "");
    draw.divisor = code_select(code, live, code_real(code, 1 - draw.rate), code_real(code, 1));
    draw.threshold = code_select(code, live, code_real(code, draw.rate), code_real(code, -1));
    return draw;
}

/* One register of the mask. */
static void draw_register(KernelCode *code, const Draw *draw, LLVMValueRef uniform, const Position *position,
                          Register reg) {
    LLVMValueRef kept =
        code_compare(code, LLVMRealOGE, uniform, code_splat(code, draw->threshold, reg.width));
    LLVMValueRef mask = code_select(code, kept, code_splat(code, draw->divisor, reg.width),
                                    code_constant(code, 0, reg.width));
    code_store_result(code, mask, position, reg);
}

/* A run of elements without gaps: element number `first` and those behind it, from the position on. */
typedef struct Row {
    Draw draw;
    Position position; /* its channel moves along the row */
    LLVMValueRef first;
    int64_t done;                /* elements at the row's start that are left out */
    LLVMValueRef sample_uniform; /* the draw of the whole sample */
} Row;

static void draw_at(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    Row *row = user;
    row->position.channel = code_add_const(code, index, row->done);
    LLVMValueRef element = code_add(code, row->first, row->position.channel);
    LLVMValueRef uniform = philox_uniform(code, element, row->draw.number, row->draw.layer, reg.width);
    draw_register(code, &row->draw, uniform, &row->position, reg);
}

/* Whole blocks of a row that starts with element 0: an evaluation of Philox serves four registers. */
static void draw_blocks(KernelCode *code, Row *row, int64_t elements) {
    int width = code->width;
    int64_t blocks = elements / PHILOX_BLOCK * PHILOX_BLOCK;
    if (width < 4 || width > PHILOX_COUNTERS || !blocks) return;
    Loop loop = loop_begin_const(code, 0, blocks, PHILOX_BLOCK);
    for (int counter = 0; counter < PHILOX_COUNTERS; counter += width) {
        LLVMValueRef uniforms[PHILOX_WORDS], index = code_add_const(code, loop.index, counter);
        philox_uniform_block(code, index, row->draw.number, row->draw.layer, width, uniforms);
        for (int w = 0; w < PHILOX_WORDS; w++) {
            row->position.channel = code_add_const(code, index, (int64_t)w * PHILOX_COUNTERS);
            draw_register(code, &row->draw, uniforms[w], &row->position, (Register){width, width});
        }
    }
    loop_end(code, &loop);
    row->done = blocks;
}

/* Every element of a sample for itself, along rows that are as long as the values' layouts allow. */
static void draw_elements(KernelCode *code, Row *row) {
    const Value *mask = code_output(code, 0);
    int64_t run = value_run(mask), merged = shape_channels(&mask->shape);
    int looped = shape_spatial(&mask->shape);
    while (merged < run) merged *= mask->shape.dim[--looped];
    for (int axis = looped; axis < shape_spatial(&mask->shape); axis++)
        row->position.spatial[axis] = code_int(code, 0);
    Loop loops[SHAPE_MAX_RANK];
    row->first = code_int(code, 0);
    for (int axis = 0; axis < looped; axis++) {
        loops[axis] = loop_begin_const(code, 0, mask->shape.dim[axis], 1);
        row->position.spatial[axis] = loops[axis].index;
        row->first =
            code_add(code, code_mul_const(code, row->first, mask->shape.dim[axis]), loops[axis].index);
    }
    row->first = code_mul_const(code, row->first, run);
    if (!looped) draw_blocks(code, row, run);
    if (row->done < run) loop_registers(code, run - row->done, draw_at, row);
    for (int axis = looped - 1; axis >= 0; axis--) loop_end(code, &loops[axis]);
}

/* A register of channels: a draw each, or the sample's for all of them. */
static void draw_channels(KernelCode *code, LLVMValueRef channel, Register reg, void *user) {
    Row *row = user;
    row->position.channel = channel;
    LLVMValueRef uniform = row->sample_uniform
                               ? code_splat(code, row->sample_uniform, reg.width)
                               : philox_uniform(code, channel, row->draw.number, row->draw.layer, reg.width);
    draw_register(code, &row->draw, uniform, &row->position, reg);
}

static void mask_emit(KernelCode *code) {
    Row row = {.draw = draw_begin(code)};
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    row.position.sample = samples.index;
    row.draw.number = sample_number(code, samples.index);
    const char *unit = node_word(code->node, "unit");
    if (!strcmp(unit, each_sample))
        row.sample_uniform = philox_uniform(code, code_int(code, 0), row.draw.number, row.draw.layer, 1);
    if (strcmp(unit, each_element))
        loop_registers(code, shape_channels(&code_output(code, 0)->shape), draw_channels, &row);
    else
        draw_elements(code, &row);
    loop_end(code, &samples);
}

static const Kernel mask_kernel = {
    .name = "philox", .elements = ELEMENT_F32, .emit = mask_emit, .runs = true};

const Op op_dropout_mask = {
    .name = "dropout_mask",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_SAMPLE,
    .summary = "draws what is dropped",
    .formula = "mask = 0 with probability rate, else 1 - rate",
    .params = mask_params,
    .param_count = COUNT(mask_params),
    .kernels = KERNELS(&mask_kernel),
};

MAP(map_apply) {
    (void)op, (void)attrs;
    LLVMValueRef kept = code_compare(code, LLVMRealUNE, in[1], code_constant_like(code, 0, in[1]));
    return select_number(code, kept, code_fdiv(code, in[0], in[1]), 0);
}

static void apply_gradient(Backward *b, const Node *node) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Shape shape = graph_value(backward_graph(b), x)->shape;
    ValueId operands[] = {dy, node->inputs.items[1]};
    backward_contribute(b, x, backward_append(b, "dropout_apply", NULL, operands, 2, ROLE_ACTIVATION, shape));
}

const Op op_dropout_apply = {
    .name = "dropout_apply",
    .kind = OPK_INTERNAL,
    .drops = true,
    .min_inputs = 2,
    .max_inputs = 2,
    ELEMENTWISE_ROW,
    .summary = "drops by a mask, and divides what is kept",
    .formula = "y = 0 where mask = 0, else x/mask",
    .map = map_apply,
    .gradient = apply_gradient,
};
