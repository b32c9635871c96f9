/* See choose.h. */
#include "passes/choose.h"

#include <string.h>

/* The kernel of the node's operator that --kernel asks for, or NULL. The last option that names the layer and
 * one of the operator's kernels counts. */
static const Kernel *forced_kernel(const PassContext *pc, const Graph *graph, const Node *node) {
    const Options *options = &pc->cx->options;
    const char *layer = node->layer >= 0 ? graph->layers.items[node->layer].name : "";
    for (int i = options->kernel_count - 1; i >= 0; i--) {
        const KernelChoice *choice = &options->kernels[i];
        if (strcmp(choice->layer, "*") && strcmp(choice->layer, layer)) continue;
        const Kernel *kernel = op_kernel(node->op, choice->kernel);
        if (kernel) return kernel;
    }
    return NULL;
}

static unsigned needs_of(const Node *node) {
    return (node->epilogue.count ? NEED_EPILOGUE : 0u) | (node->max_window ? NEED_POOL : 0u);
}

static bool is_able(const Kernel *kernel, unsigned needs) {
    unsigned able = (kernel->epilogue ? NEED_EPILOGUE : 0u) | (kernel->pools ? NEED_POOL : 0u) |
                    (kernel->approximate ? 0u : NEED_DIRECT_SUMS);
    return !(needs & ~able);
}

static bool applies(const KernelCall *call) {
    return !call->kernel->applies || call->kernel->applies(call);
}

int64_t kernel_weight_bytes(const Graph *graph, const Node *node) {
    int64_t elements = 0;
    for (int i = 0; i < node->inputs.count; i++) {
        const Value *value = graph_value(graph, node->inputs.items[i]);
        if (value->parameter) elements += value->parameter->storage.size;
    }
    return elements * (int64_t)sizeof(float);
}

/* A sample by itself reads the weights for itself; since it was there last, it has read all others. Part of
 * that goes on beside the products. */
static double reading_weights(const KernelCall *call) {
    static const double WAITED_FOR = 0.6; /* measured on ResNet-20 */
    int64_t bytes = call->kernel->packed ? call->kernel->packed(call) * (int64_t)sizeof(float)
                                         : kernel_weight_bytes(call->graph, call->node);
    return WAITED_FOR * machine_traffic(call->machine, (double)bytes, 2 * (double)call->alone_bytes);
}

double kernel_cost(const KernelCall *call) {
    if (!call->kernel->cost) return 0;
    double cost = call->kernel->cost(call);
    return call->alone_bytes ? cost + reading_weights(call) : cost;
}

/* The next kernel of the node's list, from number *at on, that may be taken: it applies, is able, fills
 * registers with the program's elements, and --strict allows it or --kernel asks for it. call: with all but
 * the kernel, which is filled in. False behind the last. */
static bool next_candidate(const PassContext *pc, KernelCall *call, unsigned needs, const Kernel *forced,
                           int *at) {
    unsigned element = call->graph->doubles ? ELEMENT_F64 : ELEMENT_F32;
    while ((call->kernel = call->node->op->kernels[*at])) {
        ++*at;
        if (!(call->kernel->elements & element) || !is_able(call->kernel, needs)) continue;
        if (call->kernel->approximate && pc->cx->options.strict && call->kernel != forced) continue;
        if (applies(call)) return true;
    }
    return false;
}

/* Best first: one without an estimate is slower than all before it, and in double precision the first will
 * do. Kernel NULL where there is no candidate. */
static Choice cheapest(const PassContext *pc, KernelCall *call, unsigned needs) {
    const Kernel *forced = call->graph->doubles ? NULL : forced_kernel(pc, call->graph, call->node);
    Choice best = {0};
    for (int at = 0; next_candidate(pc, call, needs, forced, &at);) {
        const Kernel *kernel = call->kernel;
        if (call->graph->doubles) return (Choice){kernel, 0};
        if (kernel == forced) return (Choice){kernel, kernel_cost(call)};
        if (best.kernel && !kernel->cost) continue;
        double cost = kernel_cost(call);
        if (!best.kernel || cost < best.cost) best = (Choice){kernel, cost};
    }
    return best;
}

Choice kernel_choose(const PassContext *pc, const Graph *graph, const Node *node, int64_t alone_bytes) {
    if (!node->op->kernels) internal_error("%s has no kernel", node->op->name);
    KernelCall call = kernel_call(NULL, pc->machine, graph, node);
    call.alone_bytes = alone_bytes;
    Choice choice = cheapest(pc, &call, needs_of(node));
    if (!choice.kernel) choice.kernel = op_last_kernel(node->op);
    return choice;
}

Choice kernel_choose_with(const PassContext *pc, const Graph *graph, const Node *node, unsigned needs) {
    KernelCall call = kernel_call(NULL, pc->machine, graph, node);
    return node->op->kernels ? cheapest(pc, &call, needs_of(node) | needs) : (Choice){0};
}

bool kernel_takes(const PassContext *pc, const Graph *graph, const Node *node, unsigned needs) {
    if (!node->op->kernels) return false;
    const Kernel *forced = forced_kernel(pc, graph, node);
    KernelCall call = kernel_call(NULL, pc->machine, graph, node);
    bool found = false;
    for (int at = 0; next_candidate(pc, &call, needs_of(node), forced, &at);) {
        bool able = is_able(call.kernel, needs);
        if (call.kernel == forced || (able && !forced)) return able;
        found = found || able;
    }
    return found;
}
