/* pad: a border around the spatial axes, of zeros or of another number, with crop as its gradient; or what
 * the input holds, mirrored at the edge (reflect: the edge itself once) or the edge's element over and over
 * (replicate). Then the gradient of an element is the sum over the places that hold it. */
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
    bool reflect = !strcmp(mode->word, "reflect");
    if (strcmp(mode->word, "zeros") && shape_attr(call, "value")->kind != ATTR_NONE) {
        diag(call->cx->diag, shape_span(call, "value"), E_PAD_MODE, mode->word);
        return false;
    }
    const Padding *size = &shape_attr(call, "size")->padding;
    call->output = *shape_input(call, 0);
    for (int axis = 0; axis < shape_spatial(&call->output); axis++) {
        int64_t widest = size->begin[axis] > size->end[axis] ? size->begin[axis] : size->end[axis];
        if (reflect && widest >= call->output.dim[axis]) {
            diag(call->cx->diag, shape_span(call, "size"), E_PAD_REFLECT, (long long)widest,
                 (long long)call->output.dim[axis]);
            shape_note_origin(call, 0);
            return false;
        }
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

/* The padded value and the one inside, and an axis after the other the places that belong together. */
typedef struct BorderWalk {
    const Value *inner, *outer;
    LLVMValueRef inner_place, outer_place; /* of the axes walked so far */
    const Padding *size;
    bool reflect;
    RegisterBody body;
} BorderWalk;

static bool is_mirror(const Node *node) {
    return strcmp(node_word(node, "mode"), "zeros");
}

/* The place on an axis of n that place i of the padded one is taken from. */
static LLVMValueRef inner_index(KernelCode *code, const BorderWalk *walk, LLVMValueRef i, int axis) {
    LLVMBuilderRef builder = code->emit->builder;
    LLVMValueRef place = code_add_const(code, i, -walk->size->begin[axis]), zero = code_int(code, 0);
    LLVMValueRef last = code_int(code, walk->inner->shape.dim[axis] - 1);
    if (!walk->reflect) return code_min(code, code_max(code, place, zero), last);
    place = code_max(code, place, LLVMBuildNeg(builder, place, ""));
    LLVMValueRef mirrored = LLVMBuildSub(builder, code_add(code, last, last), place, "");
    return code_min(code, place, mirrored);
}

static BorderWalk step_to(KernelCode *code, const BorderWalk *walk, int axis, LLVMValueRef i) {
    BorderWalk next = *walk;
    LLVMValueRef inner = inner_index(code, walk, i, axis);
    next.inner_place =
        code_at(code, walk->inner_place, code_mul_const(code, inner, walk->inner->layout.stride[axis]));
    next.outer_place =
        code_at(code, walk->outer_place, code_mul_const(code, i, walk->outer->layout.stride[axis]));
    return next;
}

/* A stretch of the last spatial axis, a position at a time. */
static void walk_stretch(KernelCode *code, const BorderWalk *walk, int axis, int64_t from, int64_t to) {
    if (from == to) return;
    Loop loop = loop_begin_const(code, from, to, 1);
    BorderWalk position = step_to(code, walk, axis, loop.index);
    loop_registers(code, shape_channels(&walk->inner->shape), walk->body, &position);
    loop_end(code, &loop);
}

/* Before, within and behind the input's row; within, its elements are one run on both sides. */
static void walk_row(KernelCode *code, const BorderWalk *walk, int axis) {
    int64_t begin = walk->size->begin[axis], end = begin + walk->inner->shape.dim[axis];
    int64_t channels = shape_channels(&walk->inner->shape);
    walk_stretch(code, walk, axis, 0, begin);
    if (walk->inner->layout.stride[axis] == channels && walk->outer->layout.stride[axis] == channels) {
        BorderWalk run = step_to(code, walk, axis, code_int(code, begin));
        loop_registers(code, (end - begin) * channels, walk->body, &run);
    } else {
        walk_stretch(code, walk, axis, begin, end);
    }
    walk_stretch(code, walk, axis, end, walk->outer->shape.dim[axis]);
}

static void walk_axes(KernelCode *code, const BorderWalk *walk, int axis) {
    if (axis == shape_spatial(&walk->outer->shape) - 1) {
        walk_row(code, walk, axis);
        return;
    }
    Loop loop = loop_begin_const(code, 0, walk->outer->shape.dim[axis], 1);
    BorderWalk inside = step_to(code, walk, axis, loop.index);
    walk_axes(code, &inside, axis + 1);
    loop_end(code, &loop);
}

static void walk_samples(KernelCode *code, BorderWalk walk, LLVMValueRef inner, LLVMValueRef outer) {
    walk.size = node_padding(code->node, "size");
    walk.reflect = !strcmp(node_word(code->node, "mode"), "reflect");
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    walk.inner_place =
        code_at(code, inner, code_mul_const(code, samples.index, code_sample_stride(code, walk.inner)));
    walk.outer_place =
        code_at(code, outer, code_mul_const(code, samples.index, code_sample_stride(code, walk.outer)));
    walk_axes(code, &walk, 0);
    loop_end(code, &samples);
}

static void copy_out(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    const BorderWalk *walk = user;
    LLVMValueRef x = code_load(code, code_at(code, walk->inner_place, index), reg);
    code_store(code, x, code_at(code, walk->outer_place, index), reg);
}

static void add_in(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    const BorderWalk *walk = user;
    LLVMValueRef place = code_at(code, walk->inner_place, index), sum = code_load(code, place, reg);
    LLVMValueRef dy = code_load(code, code_at(code, walk->outer_place, index), reg);
    code_store(code, code_fadd(code, sum, dy), place, reg);
}

static void mirror_emit(KernelCode *code) {
    const BorderWalk walk = {.inner = code_input(code, 0), .outer = code_output(code, 0), .body = copy_out};
    walk_samples(code, walk, code->inputs[0], code->outputs[0]);
}

static void mirror_grad_emit(KernelCode *code) {
    const BorderWalk walk = {.inner = code_output(code, 0), .outer = code_input(code, 0), .body = add_in};
    box_fill(code, &walk.inner->shape, 0, &(BoxPlace){.value = walk.inner, .base = code->outputs[0]});
    walk_samples(code, walk, code->outputs[0], code->inputs[0]);
}

static void pad_emit(KernelCode *code) {
    if (is_mirror(code->node)) {
        mirror_emit(code);
        return;
    }
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
    if (is_mirror(node)) {
        backward_contribute(b, x,
                            backward_append(b, "pad_grad", node->attrs, &dy, 1, ROLE_ACTIVATION, shape));
        return;
    }
    backward_contribute(
        b, x, backward_append(b, "crop", attrs_keep(graph, &size, 1), &dy, 1, ROLE_ACTIVATION, shape));
}

static const Kernel kernel = {.name = "copy", .elements = ELEMENT_F32, .emit = pad_emit};

const Op op_pad = {
    .name = "pad",
    .kind = OPK_LAYER,
    .domain = DOMAIN_SAMPLE,
    .summary = "a border around the spatial axes",
    .formula = "y[i + begin] = x[i]; the border is 0, value, x mirrored at its edge, or the edge of x",
    .example = "pad(1) -> conv(32, 3)",
    .gives = "each spatial axis grows by begin + end; the channels stay",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = pad_shape,
    .gradient = pad_gradient,
    .kernels = KERNELS(&kernel),
};

static const Kernel grad_kernel = {.name = "add", .elements = ELEMENT_F32, .emit = mirror_grad_emit};

const Op op_pad_grad = {
    .name = "pad_grad",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_SAMPLE,
    .summary = "gradient of a border that repeats the input",
    .formula = "dx[i] = sum of dy over the places that hold x[i]",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .kernels = KERNELS(&grad_kernel),
};
