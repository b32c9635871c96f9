/* permute: the axes of a sample in another order, y[i_0, i_1, ...] = x with i_k on axis axes[k]. Where the
 * last axis moves, tiles of as many elements as a register has in both directions are turned in registers.
 * channel_shuffle: the channels of a position as (groups, channels/groups), those two axes permuted. */
#include "graph/backward.h"
#include "graph/shape_call.h"
#include "ops/move/reshape.h"
#include "ops/parts/attrs.h"

#include "emit/kernel_code.h"

#include <math.h>

static const Param permute_params[] = {
    {.name = "axes",
     .type = PARAM_DIMS,
     .min = 0,
     .max = HUGE_VAL,
     .help = "for each axis of the result the input's, from 0"},
};

static bool permute_shape(ShapeCall *call) {
    const Shape *from = shape_input(call, 0), *axes = &shape_attr(call, "axes")->dims;
    bool taken[SHAPE_MAX_RANK] = {false}, valid = axes->rank == from->rank;
    call->output = *from;
    for (int i = 0; valid && i < axes->rank; i++) {
        valid = axes->dim[i] < from->rank && !taken[axes->dim[i]];
        if (!valid) break;
        taken[axes->dim[i]] = true;
        call->output.dim[i] = from->dim[axes->dim[i]];
    }
    if (valid) return true;
    const char *wanted = "0";
    for (int i = 1; i < from->rank; i++) wanted = arena_printf(call->cx->arena, "%s, %d", wanted, i);
    diag(call->cx->diag, shape_span(call, "axes"), E_PERMUTE_AXES, wanted, shape_text(call->cx->arena, from));
    shape_note_origin(call, 0);
    return false;
}

static ValueId append_permute(Graph *graph, const Node *layer, ValueId input, const Shape *axes) {
    Shape from = graph_value(graph, input)->shape, to = from;
    bool same = true;
    for (int i = 0; i < axes->rank; i++) {
        to.dim[i] = from.dim[axes->dim[i]];
        same = same && axes->dim[i] == i;
    }
    if (same) return input;
    const Attr attr = {.kind = ATTR_DIMS, .dims = *axes};
    NodeId node = graph_add_node(graph, op_find("permute"), attrs_keep(graph, &attr, 1), &input, 1,
                                 layer->layer, layer->span);
    return graph_add_output(graph, node, ROLE_ACTIVATION, to);
}

static const Shape *axes_of(const Node *node) {
    return &attr_find(node->op, node->attrs, "axes")->dims;
}

static ValueId permute_lower(Graph *graph, const Node *node, const ValueId *inputs, bool training) {
    (void)training;
    return append_permute(graph, node, inputs[0], axes_of(node));
}

static void permute_gradient(Backward *b, const Node *node) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Graph *graph = backward_graph(b);
    const Shape *axes = axes_of(node);
    Attr inverse = {.kind = ATTR_DIMS, .dims = {.rank = axes->rank}};
    for (int i = 0; i < axes->rank; i++) inverse.dims.dim[axes->dim[i]] = i;
    Shape shape = graph_value(graph, x)->shape;
    backward_contribute(
        b, x, backward_append(b, "permute", attrs_keep(graph, &inverse, 1), &dy, 1, ROLE_ACTIVATION, shape));
}

/* A tile: `along` runs along the input's last axis, `across` along the output's. */
typedef struct Turn {
    LLVMValueRef from, to;          /* where the two axes begin */
    int64_t from_stride, to_stride; /* of the input along the output's last axis, and the other way round */
    int64_t along;                  /* extent */
    LLVMValueRef across_index;
    Register across;
} Turn;

enum { WIDEST = 64 };

/* Element k of register i and element i of register k change places: in steps of halves, quarters, ... */
static void transpose(KernelCode *code, LLVMValueRef *registers, int width) {
    LLVMBuilderRef builder = code->emit->builder;
    for (int half = width / 2; half > 0; half /= 2) {
        LLVMValueRef low[WIDEST], high[WIDEST];
        for (int i = 0; i < width; i++) {
            bool second = i & half;
            low[i] = code_i32(code, second ? width + i - half : i);
            high[i] = code_i32(code, second ? width + i : i + half);
        }
        LLVMValueRef low_mask = LLVMConstVector(low, (unsigned)width),
                     high_mask = LLVMConstVector(high, (unsigned)width);
        for (int i = 0; i < width; i++) {
            if (i & half) continue;
            LLVMValueRef a = registers[i], b = registers[i + half];
            registers[i] = LLVMBuildShuffleVector(builder, a, b, low_mask, "");
            registers[i + half] = LLVMBuildShuffleVector(builder, a, b, high_mask, "");
        }
    }
}

static void turn_tile(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    const Turn *turn = user;
    LLVMValueRef registers[WIDEST];
    LLVMValueRef from = code_add(code, code_mul_const(code, turn->across_index, turn->from_stride), index);
    LLVMValueRef to = code_add(code, code_mul_const(code, index, turn->to_stride), turn->across_index);
    from = code_at(code, turn->from, from);
    to = code_at(code, turn->to, to);
    for (int i = 0; i < turn->across.width; i++)
        registers[i] = i < turn->across.live
                           ? code_load(code, code_at_const(code, from, i * turn->from_stride), reg)
                           : code_constant(code, 0, reg.width);
    transpose(code, registers, turn->across.width);
    for (int i = 0; i < reg.live; i++)
        code_store(code, registers[i], code_at_const(code, to, i * turn->to_stride), turn->across);
}

static void turn_strip(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    Turn *turn = user;
    turn->across_index = index;
    turn->across = reg;
    loop_registers(code, turn->along, turn_tile, turn);
}

static void copy_register(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    const Turn *turn = user;
    code_store(code, code_load(code, code_at(code, turn->from, index), reg), code_at(code, turn->to, index),
               reg);
}

static int64_t stride_of(const Value *value, int axis) {
    return axis == value->shape.rank - 1 ? 1 : value->layout.stride[axis];
}

static void permute_emit(KernelCode *code) {
    const Value *from = code_input(code, 0), *to = code_output(code, 0);
    const Shape *axes = axes_of(code->node);
    int last = axes->rank - 1, along = 0;
    while (axes->dim[along] != last) along++;
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1), loops[SHAPE_MAX_RANK];
    LLVMValueRef source = code_mul_const(code, samples.index, code_sample_stride(code, from));
    LLVMValueRef target = code_mul_const(code, samples.index, code_sample_stride(code, to));
    for (int axis = 0; axis < last; axis++) {
        if (axis == along) continue;
        loops[axis] = loop_begin_const(code, 0, to->shape.dim[axis], 1);
        int64_t stride = stride_of(from, (int)axes->dim[axis]);
        source = code_add(code, source, code_mul_const(code, loops[axis].index, stride));
        target = code_add(code, target, code_mul_const(code, loops[axis].index, stride_of(to, axis)));
    }
    Turn turn = {.from = code_at(code, code->inputs[0], source),
                 .to = code_at(code, code->outputs[0], target),
                 .from_stride = stride_of(from, (int)axes->dim[last]),
                 .to_stride = stride_of(to, along),
                 .along = to->shape.dim[along]};
    loop_registers(code, to->shape.dim[last], along == last ? copy_register : turn_strip, &turn);
    for (int axis = last - 1; axis >= 0; axis--)
        if (axis != along) loop_end(code, &loops[axis]);
    loop_end(code, &samples);
}

static const Kernel permute_kernel = {.name = "tiles", .elements = ELEMENT_F32, .emit = permute_emit};

const Op op_permute = {
    .name = "permute",
    .kind = OPK_LAYER,
    .summary = "the axes of a sample in another order",
    .formula = "y[i, j, ...] = x with i on axis axes[0], j on axis axes[1], ...",
    .gives = "axis k has the extent of the input's axis axes[k]",
    .example = "permute(2, 0, 1)",
    .params = permute_params,
    .param_count = COUNT(permute_params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = permute_shape,
    .lower = permute_lower,
    .gradient = permute_gradient,
    .kernels = KERNELS(&permute_kernel),
};

static const Param shuffle_params[] = {
    {.name = "groups",
     .type = PARAM_INT,
     .min = 1,
     .max = HUGE_VAL,
     .help = "groups whose channels are dealt out in turn"},
};

static bool shuffle_shape(ShapeCall *call) {
    call->output = *shape_input(call, 0);
    int64_t groups = shape_attr(call, "groups")->integer, channels = shape_channels(&call->output);
    if (channels % groups == 0) return true;
    diag(call->cx->diag, shape_span(call, "groups"), E_GROUPS, channels, "channels of the input", groups);
    shape_note_origin(call, 0);
    return false;
}

static ValueId shuffle_lower(Graph *graph, const Node *node, const ValueId *inputs, bool training) {
    (void)training;
    Shape shape = graph_value(graph, inputs[0])->shape, split = shape, axes = {.rank = shape.rank + 1};
    int64_t groups = node_int(node, "groups"), channels = shape_channels(&shape);
    if (groups == 1 || groups == channels) return inputs[0];
    split.rank++;
    split.dim[shape.rank - 1] = groups;
    split.dim[shape.rank] = channels / groups;
    for (int i = 0; i < axes.rank; i++) axes.dim[i] = i;
    axes.dim[shape.rank - 1] = shape.rank;
    axes.dim[shape.rank] = shape.rank - 1;
    ValueId dealt = append_permute(graph, node, append_view(graph, node, inputs[0], split), &axes);
    return append_view(graph, node, dealt, shape);
}

const Op op_channel_shuffle = {
    .name = "channel_shuffle",
    .kind = OPK_LAYER,
    .summary = "deals out the channels of each group in turn",
    .formula = "y[..., i*groups + g] = x[..., g*channels/groups + i]",
    .gives = "that of the input",
    .example = "conv(32, 1, groups=4) -> channel_shuffle(4)",
    .params = shuffle_params,
    .param_count = COUNT(shuffle_params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = shuffle_shape,
    .lower = shuffle_lower,
};
