/* concat: values side by side along the channels. Its gradients are slices of them. Operands that were made
 * where they belong (passes/nest.c) are not copied. */
#include "graph/backward.h"
#include "graph/shape_call.h"
#include "ops/parts/attrs.h"
#include "ops/parts/box.h"

#include <string.h>

static bool concat_shape(ShapeCall *call) {
    Arena *arena = call->cx->arena;
    call->output = *shape_input(call, 0);
    int channel = call->output.rank - 1;
    for (int i = 1; i < call->input_count; i++) {
        Shape shape = *shape_input(call, i);
        int64_t channels = shape_channels(&shape);
        shape.dim[shape.rank - 1] = call->output.dim[channel];
        if (!shape_equal(&shape, &call->output)) {
            diag(call->cx->diag, call->span, E_CONCAT_SHAPES, shape_text(arena, shape_input(call, 0)),
                 shape_text(arena, shape_input(call, i)));
            shape_note_origin(call, 0);
            shape_note_origin(call, i);
            return false;
        }
        call->output.dim[channel] = extent_add(call->output.dim[channel], channels);
        if (shape_elements(&call->output) < 0) {
            diag(call->cx->diag, call->span, E_SIZE_TOO_LARGE, "result");
            return false;
        }
    }
    return true;
}

enum { FAN_IN = 32 }; /* operands of a node, each a loop of its kernel's */

/* One node of all the values, which have the same shape but for their channels. */
static ValueId join(Graph *graph, const Node *node, const ValueId *values, int count) {
    Shape shape = graph_value(graph, values[0])->shape;
    int64_t *channels = &shape.dim[shape.rank - 1];
    for (int i = 1; i < count; i++) *channels += shape_channels(&graph_value(graph, values[i])->shape);
    NodeId id = graph_add_node(graph, node->op, node->attrs, values, count, node->layer, node->span);
    return graph_add_output(graph, id, ROLE_ACTIVATION, shape);
}

/* Very many values are joined in groups, and those groups in turn, so that no kernel grows with their number.
 */
static ValueId concat_lower(Graph *graph, const Node *node, const ValueId *inputs, bool training) {
    (void)training;
    int count = node->inputs.count;
    ValueId *values = ARENA_ARRAY(graph->arena, ValueId, (size_t)count);
    memcpy(values, inputs, (size_t)count * sizeof *values);
    while (count > FAN_IN) {
        int groups = 0;
        for (int first = 0; first < count; first += FAN_IN) {
            int left = count - first, size = left < FAN_IN ? left : FAN_IN;
            values[groups++] = size > 1 ? join(graph, node, values + first, size) : values[first];
        }
        count = groups;
    }
    return join(graph, node, values, count);
}

/* Does the operand whose channels begin there lie in the result already? */
static bool is_there(const Graph *graph, const Node *node, int i, int64_t channel) {
    return graph_is_part(graph, node->inputs.items[i], node->outputs.items[0], channel);
}

static void concat_emit(KernelCode *code) {
    const Value *output = code_output(code, 0);
    BoxPlace to = {.value = output, .base = code->outputs[0]};
    int64_t *channel = &to.at[output->shape.rank - 1];
    for (int i = 0; i < node_operands(code->node); i++) {
        const Value *input = code_input(code, i);
        if (!is_there(code->graph, code->node, i, *channel))
            box_copy(code, &input->shape, &(BoxPlace){.value = input, .base = code->inputs[i]}, &to);
        *channel += shape_channels(&input->shape);
    }
}

static bool concat_idle(const KernelCall *call) {
    int64_t channel = 0;
    for (int i = 0; i < node_operands(call->node); i++) {
        if (!is_there(call->graph, call->node, i, channel)) return false;
        channel += shape_channels(&graph_value(call->graph, call->node->inputs.items[i])->shape);
    }
    return true;
}

static void concat_gradient(Backward *b, const Node *node) {
    ValueId dy = backward_of_output(b, node, 0);
    int64_t first = 0;
    for (int i = 0; dy >= 0 && i < node_operands(node); i++) {
        ValueId input = node->inputs.items[i];
        Graph *graph = backward_graph(b);
        Shape shape = graph_value(graph, input)->shape;
        const Attr attr = attr_int(first);
        first += shape_channels(&shape);
        if (!backward_wants(b, input)) continue;
        ValueId dx =
            backward_append(b, "channel_slice", attrs_keep(graph, &attr, 1), &dy, 1, ROLE_ACTIVATION, shape);
        backward_contribute(b, input, dx);
    }
}

static const Kernel concat_kernel = {
    .name = "copy", .elements = ELEMENT_F32, .emit = concat_emit, .idle = concat_idle};

const Op op_concat = {
    .name = "concat",
    .kind = OPK_LAYER,
    .joins = true,
    .domain = DOMAIN_SAMPLE,
    .summary = "values side by side along the channels",
    .formula = "y[..., c] = a[..., c] for c below a's channels, then b's, ...",
    .example = "concat(left, right)",
    .gives = "that of the values, the same for all in space; the sum of their channels",
    .min_inputs = 2,
    .max_inputs = -1,
    .merge = true,
    .shape = concat_shape,
    .lower = concat_lower,
    .gradient = concat_gradient,
    .kernels = KERNELS(&concat_kernel),
};
