/* Ranges of channels. channels: some of them, which channel_slice copies where its result is no part of its
 * input (passes/nest.c). pad_channels: zeros before and behind them. Either is the other's gradient. */
#include "graph/backward.h"
#include "graph/shape_call.h"
#include "ops/parts/attrs.h"
#include "ops/parts/box.h"

#include <math.h>

static const Param channels_params[] = {
    {.name = "first", .type = PARAM_INT, .min = 0, .max = HUGE_VAL, .help = "first channel, from 0" },
    {.name = "last",  .type = PARAM_INT, .min = 0, .max = HUGE_VAL, .help = "last channel, kept too"},
};

static bool channels_shape(ShapeCall *call) {
    call->output = *shape_input(call, 0);
    int64_t first = shape_attr(call, "first")->integer, last = shape_attr(call, "last")->integer;
    int64_t *channels = &call->output.dim[call->output.rank - 1];
    if (first > last || last >= *channels) {
        diag(call->cx->diag, call->span, E_CHANNEL_RANGE, (long long)first, (long long)last,
             (long long)*channels);
        shape_note_origin(call, 0);
        if (first <= last && last == *channels)
            diag_help(call->cx->diag, "both ends are included: channels(%lld, %lld)", (long long)first,
                      (long long)last - 1);
        return false;
    }
    *channels = last - first + 1;
    return true;
}

static ValueId channels_lower(Graph *graph, const Node *node, const ValueId *inputs, bool training) {
    (void)training;
    const Attr first = attr_int(node_int(node, "first"));
    Shape shape = graph_value(graph, inputs[0])->shape;
    int64_t *channels = &shape.dim[shape.rank - 1], wanted = node_int(node, "last") - first.integer + 1;
    if (wanted == *channels) return inputs[0];
    *channels = wanted;
    NodeId slice = graph_add_node(graph, op_find("channel_slice"), attrs_keep(graph, &first, 1), inputs, 1,
                                  node->layer, node->span);
    return graph_add_output(graph, slice, ROLE_ACTIVATION, shape);
}

const Op op_channels = {
    .name = "channels",
    .kind = OPK_LAYER,
    .summary = "a range of channels",
    .formula = "y[..., c] = x[..., first + c]",
    .gives = "last - first + 1 channels; the rest stays",
    .example = "channels(0, 2)",
    .params = channels_params,
    .param_count = COUNT(channels_params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = channels_shape,
    .lower = channels_lower,
};

static const Param slice_params[] = {
    {.name = "first", .type = PARAM_INT, .help = "first channel of the slice"},
};

static void slice_emit(KernelCode *code) {
    const Value *input = code_input(code, 0), *output = code_output(code, 0);
    BoxPlace from = {.value = input, .base = code->inputs[0]};
    from.at[input->shape.rank - 1] = node_int(code->node, "first");
    box_copy(code, &output->shape, &from, &(BoxPlace){.value = output, .base = code->outputs[0]});
}

static bool slice_idle(const Graph *graph, const Node *node) {
    return graph_is_part(graph, node->outputs.items[0], node->inputs.items[0], node_int(node, "first"));
}

static void slice_gradient(Backward *b, const Node *node) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Graph *graph = backward_graph(b);
    Shape shape = graph_value(graph, x)->shape, slice = graph_value(graph, dy)->shape;
    int64_t first = node_int(node, "first"), behind = shape_channels(&shape) - shape_channels(&slice) - first;
    const Attr attrs[] = {attr_int(first), attr_int(behind)};
    ValueId dx = backward_append(b, "pad_channels", attrs_keep(graph, attrs, COUNT(attrs)), &dy, 1,
                                 ROLE_ACTIVATION, shape);
    backward_contribute(b, x, dx);
}

static const Kernel slice_kernels[] = {
    {.name = "copy", .emit = slice_emit, .idle = slice_idle},
};

static int64_t slice_range(const Node *node) {
    return node_int(node, "first");
}

const Op op_channel_slice = {
    .name = "channel_slice",
    .kind = OPK_INTERNAL,
    .range = slice_range,
    .domain = DOMAIN_SAMPLE,
    .summary = "a range of channels",
    .formula = "y[..., c] = x[..., first + c]",
    .params = slice_params,
    .param_count = COUNT(slice_params),
    .min_inputs = 1,
    .max_inputs = 1,
    .gradient = slice_gradient,
    .kernels = slice_kernels,
    .kernel_count = COUNT(slice_kernels),
};

static const Param pad_params[] = {
    {.name = "begin", .type = PARAM_INT, .min = 0, .max = HUGE_VAL, .help = "channels of zeros before"},
    {.name = "end",   .type = PARAM_INT, .min = 0, .max = HUGE_VAL, .help = "channels of zeros behind"},
};

static bool pad_shape(ShapeCall *call) {
    call->output = *shape_input(call, 0);
    int64_t border = extent_add(shape_attr(call, "begin")->integer, shape_attr(call, "end")->integer);
    int64_t *channels = &call->output.dim[call->output.rank - 1];
    *channels = extent_add(*channels, border);
    if (*channels >= 0 && shape_elements(&call->output) >= 0) return true;
    diag(call->cx->diag, call->span, E_SIZE_TOO_LARGE, "result");
    return false;
}

static void pad_emit(KernelCode *code) {
    const Value *input = code_input(code, 0), *output = code_output(code, 0);
    BoxPlace to = {.value = output, .base = code->outputs[0]};
    int channel = output->shape.rank - 1;
    Shape border = output->shape;
    border.dim[channel] = node_int(code->node, "begin");
    box_fill(code, &border, 0, &to);
    to.at[channel] = border.dim[channel];
    box_copy(code, &input->shape, &(BoxPlace){.value = input, .base = code->inputs[0]}, &to);
    to.at[channel] += shape_channels(&input->shape);
    border.dim[channel] = node_int(code->node, "end");
    box_fill(code, &border, 0, &to);
}

static void pad_gradient(Backward *b, const Node *node) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Graph *graph = backward_graph(b);
    const Attr first = attr_int(node_int(node, "begin"));
    Shape shape = graph_value(graph, x)->shape;
    backward_contribute(
        b, x,
        backward_append(b, "channel_slice", attrs_keep(graph, &first, 1), &dy, 1, ROLE_ACTIVATION, shape));
}

static const Kernel pad_kernels[] = {
    {.name = "copy", .emit = pad_emit},
};

const Op op_pad_channels = {
    .name = "pad_channels",
    .kind = OPK_LAYER,
    .domain = DOMAIN_SAMPLE,
    .summary = "channels of zeros before and behind",
    .formula = "y[..., begin + c] = x[..., c], the others are 0",
    .gives = "begin + end channels more; the rest stays",
    .example = "pad_channels(0, 16)",
    .params = pad_params,
    .param_count = COUNT(pad_params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = pad_shape,
    .gradient = pad_gradient,
    .kernels = pad_kernels,
    .kernel_count = COUNT(pad_kernels),
};
