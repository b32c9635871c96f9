/* crop: takes a border off the spatial axes. Its gradient is pad with zeros. */
#include "graph/backward.h"
#include "graph/shape_call.h"
#include "ops/parts/attrs.h"
#include "ops/parts/box.h"

#include <math.h>

static const Param params[] = {
    {.name = "size",
     .type = PARAM_PADS,
     .min = 0,
     .max = HUGE_VAL,
     .help = "width of what is taken off: a size, or [[begin, end], ...]"},
};

static bool crop_shape(ShapeCall *call) {
    if (!shape_call_rank(call, 2, 1 + SPATIAL_MAX) || !shape_padding_rank(call, "size")) return false;
    const Padding *size = &shape_attr(call, "size")->padding;
    call->output = *shape_input(call, 0);
    for (int axis = 0; axis < shape_spatial(&call->output); axis++) {
        int64_t border = extent_add(size->begin[axis], size->end[axis]);
        if (border >= 0 && border < call->output.dim[axis]) {
            call->output.dim[axis] -= border;
            continue;
        }
        diag(call->cx->diag, shape_span(call, "size"), E_CROP_TOO_LARGE, (long long)size->begin[axis],
             (long long)size->end[axis], (long long)call->output.dim[axis]);
        shape_note_origin(call, 0);
        return false;
    }
    return true;
}

static void crop_emit(KernelCode *code) {
    const Value *output = code_output(code, 0);
    BoxPlace from = {.value = code_input(code, 0), .base = code->inputs[0]};
    const Padding *size = node_padding(code->node, "size");
    for (int axis = 0; axis < shape_spatial(&output->shape); axis++) from.at[axis] = size->begin[axis];
    box_copy(code, &output->shape, &from, &(BoxPlace){.value = output, .base = code->outputs[0]});
}

static void crop_gradient(Backward *b, const Node *node) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Graph *graph = backward_graph(b);
    const Attr attrs[] = {attr_padding(*node_padding(node, "size")), attr_word("zeros"), {.kind = ATTR_NONE}};
    Shape shape = graph_value(graph, x)->shape;
    ValueId dx =
        backward_append(b, "pad", attrs_keep(graph, attrs, COUNT(attrs)), &dy, 1, ROLE_ACTIVATION, shape);
    backward_contribute(b, x, dx);
}

static const Kernel kernel = {.name = "copy", .elements = ELEMENT_F32, .emit = crop_emit};

const Op op_crop = {
    .name = "crop",
    .kind = OPK_LAYER,
    .domain = DOMAIN_SAMPLE,
    .summary = "takes a border off the spatial axes",
    .formula = "y[i] = x[i + begin]",
    .example = "crop(1)",
    .gives = "each spatial axis loses begin + end; the channels stay",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = crop_shape,
    .gradient = crop_gradient,
    .kernels = KERNELS(&kernel),
};
