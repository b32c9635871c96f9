/* transpose_weights: the weights of a conv or dense layer as the gradient to its input reads them: panels of
 * channels over mirrored taps and filters. Rebuilt once after each update. */
#include "ops/conv/conv.h"
#include "ops/conv/conv_kernels.h"

/* The few numbers of the layer that matter here, from the weight's shape (filters, channels/groups,
 * kernel...). */
static ConvGeometry weight_geometry(const Graph *graph, const Node *node) {
    const Value *w = graph_value(graph, node->inputs.items[0]);
    const Storage *storage = &w->parameter->storage;
    ConvGeometry g = {.filters = w->shape.dim[0], .group_channels = w->shape.dim[1], .taps = 1};
    for (int i = 2; i < w->shape.rank; i++) g.taps *= w->shape.dim[i];
    g.group_filters = storage->group;
    g.groups = g.filters / g.group_filters;
    g.channels = g.group_channels * g.groups;
    return g;
}

void transpose_weights_storage(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = weight_geometry(graph, node);
    Panels panels = conv_transposed_panels(machine, &g);
    graph_value(graph, node->outputs.items[0])->elements = panels_elements(&panels);
}

/* i / n * outer + i % n: where element i of a run lies that is cut into panels of n. */
static LLVMValueRef in_panels(KernelCode *code, LLVMValueRef i, int64_t n, int64_t outer) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef width = code_int(code, n);
    return code_add(code, code_mul_const(code, LLVMBuildUDiv(b, i, width, ""), outer),
                    LLVMBuildURem(b, i, width, ""));
}

/* Runs over filters and channels, both from their panels' point of view: the vectors of P filters of one
 * channel become scalars, P channels of one filter lie side by side. */
static void transpose_block(KernelCode *code, LLVMValueRef source, LLVMValueRef target, int64_t from_width,
                            int64_t to_width, Register filters, int channels) {
    LLVMValueRef rows[TILE_MAX_ROWS], columns[TILE_MAX_ROWS];
    for (int c = 0; c < filters.width; c++)
        rows[c] = c < channels ? code_load(code, code_at_const(code, source, c * from_width), filters)
                               : code_constant(code, 0, filters.width);
    code_transpose(code, rows, columns, filters.width);
    for (int f = 0; f < filters.live; f++)
        code_store(code, columns[f], code_at_const(code, target, f * to_width),
                   (Register){filters.width, channels});
}

/* A block of registers' width of filters and channels, or what is left of either. */
typedef struct TransposeWalk {
    ConvGeometry g;
    Panels from, to;
    LLVMValueRef source, target; /* this group's and tap's */
    LLVMValueRef filter;
    Register filters;
} TransposeWalk;

static void transpose_channels(KernelCode *code, LLVMValueRef channel, Register channels, void *user) {
    const TransposeWalk *walk = user;
    LLVMValueRef from = code_add(code, in_panels(code, walk->filter, walk->from.width, walk->from.stride),
                                 code_mul_const(code, channel, walk->from.width));
    LLVMValueRef to = code_add(code, in_panels(code, channel, walk->to.width, walk->to.stride),
                               code_mul_const(code, walk->filter, walk->to.width));
    transpose_block(code, code_at(code, walk->source, from), code_at(code, walk->target, to),
                    walk->from.width, walk->to.width, walk->filters, channels.live);
}

static void transpose_filters(KernelCode *code, LLVMValueRef filter, Register filters, void *user) {
    TransposeWalk *walk = user;
    walk->filter = filter;
    walk->filters = filters;
    loop_registers(code, walk->g.group_channels, transpose_channels, walk);
}

static void transpose_emit(KernelCode *code) {
    TransposeWalk walk = {.g = weight_geometry(code->graph, code->node)};
    const ConvGeometry *g = &walk.g;
    walk.from = conv_panels(code->emit->machine, g);
    walk.to = conv_transposed_panels(code->emit->machine, g);
    Loop group = loop_begin_const(code, 0, g->groups, 1);
    Loop tap = loop_begin_const(code, 0, g->taps, 1);
    LLVMValueRef mirrored = LLVMBuildSub(code->emit->builder, code_int(code, g->taps - 1), tap.index, "");
    walk.source =
        code_at(code, code->inputs[0],
                code_add(code, code_mul_const(code, group.index, walk.from.count * walk.from.stride),
                         code_mul_const(code, tap.index, g->group_channels * walk.from.width)));
    walk.target = code_at(code, code->outputs[0],
                          code_add(code, code_mul_const(code, group.index, walk.to.count * walk.to.stride),
                                   code_mul_const(code, mirrored, g->group_filters * walk.to.width)));
    loop_registers(code, g->group_filters, transpose_filters, &walk);
    loop_end(code, &tap);
    loop_end(code, &group);
}

const Kernel transpose_weights_kernel = {.name = "vector", .elements = ELEMENT_F32, .emit = transpose_emit};

const Op op_transpose_weights = {
    .name = "transpose_weights",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_PARAMETER,
    .summary = "weights in the order in which the gradient to the input reads them",
    .min_inputs = 1,
    .max_inputs = 1,
    .storage = transpose_weights_storage,
    .kernels = KERNELS(&transpose_weights_kernel),
};
