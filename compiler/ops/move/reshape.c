/* flatten and reshape: the same elements in the same order under another shape. Both become `view`, which
 * shares its input's memory where that has no gaps and copies otherwise. */
#include "ops/move/reshape.h"
#include "graph/backward.h"
#include "graph/shape_call.h"
#include "ops/parts/attrs.h"
#include "ops/parts/box.h"

#include <math.h>

ValueId append_view(Graph *graph, const Node *layer, ValueId input, Shape shape) {
    if (shape_equal(&graph_value(graph, input)->shape, &shape)) return input;
    NodeId node = graph_add_node(graph, op_find("view"), NULL, &input, 1, layer->layer, layer->span);
    return graph_add_output(graph, node, ROLE_ACTIVATION, shape);
}

static Shape flat_shape(const Shape *shape) {
    return (Shape){.rank = 1, .dim = {shape_elements(shape)}};
}

static bool flatten_shape(ShapeCall *call) {
    call->output = flat_shape(shape_input(call, 0));
    return true;
}

static ValueId flatten_lower(Graph *graph, const Node *node, const ValueId *inputs, bool training) {
    (void)training;
    return append_view(graph, node, inputs[0], flat_shape(&graph_value(graph, inputs[0])->shape));
}

const Op op_flatten = {
    .name = "flatten",
    .kind = OPK_LAYER,
    .domain = DOMAIN_SAMPLE,
    .summary = "all elements as one vector, by rows",
    .formula = "y[(i*w + j)*c + k] = x[i, j, k]",
    .example = "flatten -> dense(10)",
    .gives = "a vector of all elements",
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = flatten_shape,
    .view = true,
    .lower = flatten_lower,
};

static const Param reshape_params[] = {
    {.name = "dims",
     .type = PARAM_DIMS,
     .help = "the extents of the result: its channels last",
     .min = 1,
     .max = HUGE_VAL},
};

static bool reshape_shape(ShapeCall *call) {
    Arena *arena = call->cx->arena;
    const Shape *from = shape_input(call, 0), *to = &shape_attr(call, "dims")->dims;
    Span span = shape_span(call, "dims");
    if (to->rank < 1 || to->rank > 1 + SPATIAL_MAX) {
        diag(call->cx->diag, span, E_RESHAPE_RANK, to->rank);
        return false;
    }
    int64_t elements = shape_elements(to);
    if (elements != shape_elements(from)) {
        if (elements < 0)
            diag(call->cx->diag, span, E_SIZE_TOO_LARGE, "result");
        else
            diag(call->cx->diag, span, E_RESHAPE_ELEMENTS, shape_text(arena, to), (long long)elements,
                 shape_text(arena, from), (long long)shape_elements(from));
        shape_note_origin(call, 0);
        return false;
    }
    call->output = *to;
    return true;
}

static ValueId reshape_lower(Graph *graph, const Node *node, const ValueId *inputs, bool training) {
    (void)training;
    return append_view(graph, node, inputs[0], attr_find(node->op, node->attrs, "dims")->dims);
}

const Op op_reshape = {
    .name = "reshape",
    .kind = OPK_LAYER,
    .domain = DOMAIN_SAMPLE,
    .summary = "the same elements in the same order, under another shape",
    .formula = "flatten(y) = flatten(x)",
    .example = "dense(49) -> reshape(7, 7, 1)",
    .gives = "dims, which have as many elements as the input",
    .params = reshape_params,
    .param_count = COUNT(reshape_params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = reshape_shape,
    .view = true,
    .lower = reshape_lower,
};

/* Address of the sample's element number `flat`, counted by rows. */
static LLVMValueRef flat_address(KernelCode *code, const Value *value, LLVMValueRef base, LLVMValueRef sample,
                                 LLVMValueRef flat) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef index = code_mul_const(code, sample, code_sample_stride(code, value));
    for (int axis = value->shape.rank - 1; axis > 0; axis--) {
        int64_t stride = axis == value->shape.rank - 1 ? 1 : value->layout.stride[axis];
        LLVMValueRef extent = code_int(code, value->shape.dim[axis]);
        LLVMValueRef here = LLVMBuildURem(b, flat, extent, "");
        index = code_add(code, index, code_mul_const(code, here, stride));
        flat = LLVMBuildUDiv(b, flat, extent, "");
    }
    int64_t first = value->shape.rank == 1 ? 1 : value->layout.stride[0];
    return code_at(code, base, code_add(code, index, code_mul_const(code, flat, first)));
}

static int64_t common_divisor(int64_t a, int64_t b) {
    return b ? common_divisor(b, a % b) : a;
}

typedef struct Run {
    LLVMValueRef from, to;
} Run;

static void copy_lanes(KernelCode *code, LLVMValueRef index, Lanes lanes, void *user) {
    const Run *run = user;
    code_store(code, code_load(code, code_at(code, run->from, index), lanes), code_at(code, run->to, index),
               lanes);
}

static bool view_idle(const Graph *graph, const Node *node) {
    return graph_value(graph, node->outputs.items[0])->alias == node->inputs.items[0];
}

/* Where both are one memory there is nothing to do; else runs that have no gap on either side are copied. */
static void view_emit(KernelCode *code) {
    const Value *from = code_input(code, 0), *to = code_output(code, 0);
    if (view_idle(code->graph, code->node)) return;
    int64_t elements = shape_elements(&to->shape), length = common_divisor(value_run(from), value_run(to));
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    Loop runs = loop_begin_const(code, 0, elements, length);
    Run run = {flat_address(code, from, code->inputs[0], samples.index, runs.index),
               flat_address(code, to, code->outputs[0], samples.index, runs.index)};
    loop_lanes(code, length, copy_lanes, &run);
    loop_end(code, &runs);
    loop_end(code, &samples);
}

static void view_gradient(Backward *b, const Node *node) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Shape shape = graph_value(backward_graph(b), x)->shape;
    backward_contribute(b, x, backward_append(b, "view", NULL, &dy, 1, ROLE_ACTIVATION, shape));
}

static const Kernel view_kernels[] = {
    {.name = "view", .emit = view_emit, .idle = view_idle, .in_place = true},
};

const Op op_view = {
    .name = "view",
    .kind = OPK_INTERNAL,
    .view = true,
    .domain = DOMAIN_SAMPLE,
    .summary = "the input's elements by rows under the output's shape",
    .formula = "flatten(y) = flatten(x)",
    .min_inputs = 1,
    .max_inputs = 1,
    .gradient = view_gradient,
    .kernels = view_kernels,
    .kernel_count = COUNT(view_kernels),
};
