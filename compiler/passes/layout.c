/* layout: the physical form of every value that is one a sample: channels last, around the spatial axes the
 * halo that its readers' kernels ask for. A part of another value has the strides and the halo of the whole.
 * Needs kernels (schedule) and parts (nest); gives value->layout. */
#include "passes/pass.h"

static void widen(Layout *layout, const Halo *halo) {
    for (int i = 0; i < SPATIAL_MAX; i++) {
        if (halo->before[i] > layout->before[i]) layout->before[i] = halo->before[i];
        if (halo->after[i] > layout->after[i]) layout->after[i] = halo->after[i];
    }
}

static void ask_for_halos(const PassContext *pc, const Graph *graph, const Node *node, const Kernel *kernel) {
    if (!kernel || !kernel->halo) return;
    KernelCall call = kernel_call(kernel, pc->machine, graph, node);
    for (int i = 0; i < node->inputs.count; i++) {
        Value *value = graph_value(graph, graph_whole(graph, node->inputs.items[i]));
        Halo halo = {0};
        if (value_per_sample(value) && kernel->halo(&call, i, &halo)) widen(&value->layout, &halo);
    }
}

static void lay_out(Value *value) {
    Layout *layout = &value->layout;
    int spatial = value->shape.rank - 1;
    int64_t stride = 1;
    layout->origin = 0;
    for (int axis = spatial; axis >= 0; axis--) {
        bool padded = axis < spatial && axis < SPATIAL_MAX;
        layout->stride[axis] = stride;
        if (padded) layout->origin += layout->before[axis] * stride;
        stride *= value->shape.dim[axis] + (padded ? layout->before[axis] + layout->after[axis] : 0);
    }
    layout->size = stride;
}

void layout_run(PassContext *pc, Graph *graph) {
    for (int i = 0; i < graph->values.count; i++) graph_value(graph, i)->layout = (Layout){0};
    for (int i = 0; i < graph->nodes.count; i++) {
        const Node *node = graph_node(graph, i);
        ask_for_halos(pc, graph, node, node->kernel);
        ask_for_halos(pc, graph, node, node->alone);
    }
    for (int i = 0; i < graph->values.count; i++)
        if (value_per_sample(graph_value(graph, i)) && graph_value(graph, i)->within < 0)
            lay_out(graph_value(graph, i));
    for (int i = 0; i < graph->values.count; i++) {
        Value *value = graph_value(graph, i);
        if (value->within < 0) continue;
        value->layout = graph_value(graph, graph_whole(graph, i))->layout;
        value->layout.origin += graph_channel(graph, i);
    }
}
