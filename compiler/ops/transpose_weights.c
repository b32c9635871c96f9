/* transpose_weights: the weights of a conv or dense layer as the gradient to its input reads them: panels of
 * channels over mirrored taps and filters. Rebuilt once after each update. */
#include "ops/conv.h"
#include "ops/conv_kernels.h"

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

static void transpose_emit(KernelCode *code) {
    ConvGeometry g = weight_geometry(code->graph, code->node);
    Panels from = conv_panels(code->emit->machine, &g), to = conv_transposed_panels(code->emit->machine, &g);
    Loop group = loop_begin_const(code, 0, g.groups, 1);
    LLVMValueRef source =
        code_at(code, code->inputs[0], code_mul_const(code, group.index, from.count * from.stride));
    LLVMValueRef target =
        code_at(code, code->outputs[0], code_mul_const(code, group.index, to.count * to.stride));
    Loop tap = loop_begin_const(code, 0, g.taps, 1);
    LLVMValueRef mirrored = LLVMBuildSub(code->emit->builder, code_int(code, g.taps - 1), tap.index, "");
    Loop filter = loop_begin_const(code, 0, g.group_filters, 1);
    LLVMValueRef from_filter = code_add(code, in_panels(code, filter.index, from.width, from.stride),
                                        code_mul_const(code, tap.index, g.group_channels * from.width));
    LLVMValueRef to_filter = code_mul_const(
        code, code_add(code, code_mul_const(code, mirrored, g.group_filters), filter.index), to.width);
    Loop channel = loop_begin_const(code, 0, g.group_channels, 1);
    LLVMValueRef w = code_load(
        code,
        code_at(code, source, code_add(code, from_filter, code_mul_const(code, channel.index, from.width))),
        (Lanes){1, 1});
    LLVMValueRef to_channel = in_panels(code, channel.index, to.width, to.stride);
    code_store(code, w, code_at(code, target, code_add(code, to_filter, to_channel)), (Lanes){1, 1});
    loop_end(code, &channel);
    loop_end(code, &filter);
    loop_end(code, &tap);
    loop_end(code, &group);
}

const Kernel transpose_weights_kernels[1] = {
    {.name = "reference", .emit = transpose_emit}
};

const Op op_transpose_weights = {
    .name = "transpose_weights",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_PARAMETER,
    .summary = "weights in the order in which the gradient to the input reads them",
    .min_inputs = 1,
    .max_inputs = 1,
    .storage = transpose_weights_storage,
    .kernels = transpose_weights_kernels,
    .kernel_count = COUNT(transpose_weights_kernels),
};
