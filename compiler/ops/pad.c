/* pad: a border of zeros or of another number around the spatial axes. Its gradient is crop. */
#include "graph/backward.h"
#include "graph/shape_call.h"
#include "ops/attrs.h"
#include "ops/box.h"

#include <math.h>

static const Param params[] = {
    {.name = "size",
     .type = PARAM_PADS,
     .min = 0,
     .max = HUGE_VAL,
     .help = "width of the border: a size, or [[begin, end], ...]"},
    {.name = "mode",
     .type = PARAM_WORD,
     .fallback = "zeros",
     .help = "what the border holds",
     .words = "zeros reflect replicate"                           },
    {.name = "value",
     .type = PARAM_SCALAR,
     .fallback = "none",
     .help = "a number to fill it with instead",
     .keyword_only = true                                         },
};

static bool pad_shape(ShapeCall *call) {
    const Attr *mode = shape_attr(call, "mode");
    if (!shape_call_rank(call, 2, 1 + SPATIAL_MAX) || !shape_padding_rank(call, "size")) return false;
    if (strcmp(mode->word, "zeros")) {
        diag(call->cx->diag, shape_span(call, "mode"), E_PAD_MODE, mode->word);
        diag_help(call->cx->diag, "mode=zeros and value= are");
        return false;
    }
    const Padding *size = &shape_attr(call, "size")->padding;
    call->output = *shape_input(call, 0);
    for (int axis = 0; axis < shape_spatial(&call->output); axis++) {
        int64_t border = extent_add(size->begin[axis], size->end[axis]);
        call->output.dim[axis] = extent_add(call->output.dim[axis], border);
        if (shape_elements(&call->output) >= 0) continue;
        diag(call->cx->diag, shape_span(call, "size"), E_SIZE_TOO_LARGE, "result");
        return false;
    }
    return true;
}

/* The border before and behind the axis, within what the axes before it left. */
static void fill_axis(KernelCode *code, int axis, double number, BoxPlace *to, Shape *extent) {
    const Padding *size = node_padding(code->node, "size");
    int64_t inner = code_input(code, 0)->shape.dim[axis];
    Shape slab = *extent;
    slab.dim[axis] = size->begin[axis];
    to->at[axis] = 0;
    box_fill(code, &slab, number, to);
    slab.dim[axis] = size->end[axis];
    to->at[axis] = size->begin[axis] + inner;
    box_fill(code, &slab, number, to);
    to->at[axis] = size->begin[axis];
    extent->dim[axis] = inner;
}

static void pad_emit(KernelCode *code) {
    const Value *output = code_output(code, 0);
    const Attr *value = attr_find(code->node->op, code->node->attrs, "value");
    BoxPlace from = {.value = code_input(code, 0), .base = code->inputs[0]};
    BoxPlace to = {.value = output, .base = code->outputs[0]};
    Shape extent = output->shape;
    for (int axis = 0; axis < shape_spatial(&output->shape); axis++)
        fill_axis(code, axis, value->kind == ATTR_NONE ? 0 : value->real, &to, &extent);
    box_copy(code, &extent, &from, &to);
}

static void pad_gradient(Backward *b, const Node *node) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Graph *graph = backward_graph(b);
    const Attr size = attr_padding(*node_padding(node, "size"));
    Shape shape = graph_value(graph, x)->shape;
    backward_contribute(
        b, x, backward_append(b, "crop", attrs_keep(graph, &size, 1), &dy, 1, ROLE_ACTIVATION, shape));
}

static const Kernel kernels[] = {
    {.name = "copy", .emit = pad_emit},
};

const Op op_pad = {
    .name = "pad",
    .kind = OPK_LAYER,
    .domain = DOMAIN_SAMPLE,
    .summary = "a border around the spatial axes",
    .formula = "y[i + begin] = x[i], the border is 0 or value",
    .example = "pad(1) -> conv(32, 3)",
    .gives = "each spatial axis grows by begin + end; the channels stay",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = pad_shape,
    .gradient = pad_gradient,
    .kernels = kernels,
    .kernel_count = COUNT(kernels),
};
