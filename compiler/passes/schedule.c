/* schedule: picks a kernel for every node (choose.h), cuts the nodes into stages of independent samples, puts
 * them in the order in which they run, and decides how many gradient lanes there are. Needs the whole graph;
 * gives node->kernel, node->alone, node->stage, graph->stage_count, graph->lanes. */
#include "passes/choose.h"

#include <limits.h>
#include <string.h>

/* Other kernels where a sample runs by itself: weights are then the most of what is moved, and few places
 * fill no tiles. */
static void choose_alone(const PassContext *pc, Graph *graph) {
    int64_t bytes = 0;
    for (int i = 0; i < graph->nodes.count; i++) bytes += kernel_weight_bytes(graph, graph_node(graph, i));
    for (int i = 0; i < graph->nodes.count; i++) {
        Node *node = graph_node(graph, i);
        if (node->op->domain != DOMAIN_SAMPLE) continue;
        Choice choice = kernel_choose(pc, graph, node, bytes + 1);
        node->alone_cost = choice.cost;
        if (choice.kernel == node->kernel) continue;
        if (choice.kernel->in_place == node->kernel->in_place) {
            node->alone = choice.kernel;
            continue;
        }
        KernelCall call = kernel_call(node->kernel, pc->machine, graph, node);
        call.alone_bytes = bytes + 1;
        node->alone_cost = kernel_cost(&call);
    }
}

/* The stage from which the value can be read: one later where a batch node makes it. */
static int stage_ready(const Graph *graph, ValueId id) {
    const Value *value = graph_value(graph, id);
    if (value->producer < 0) return 0;
    const Node *producer = graph_node(graph, value->producer);
    if (producer->op->domain == DOMAIN_PARAMETER) return 0;
    return producer->stage + (producer->op->domain == DOMAIN_BATCH);
}

static int stage_of(const Graph *graph, const Node *node) {
    int stage = 0;
    for (int i = 0; i < node->inputs.count; i++) {
        ValueId input = node->inputs.items[i];
        int ready = stage_ready(graph, input);
        /* A batch node may read what another one made between the same two stages. */
        bool both_batch = node->op->domain == DOMAIN_BATCH && graph_value(graph, input)->role == ROLE_SHARED;
        if (both_batch && ready > 0) ready--;
        if (ready > stage) stage = ready;
    }
    return stage;
}

/* A late node's stage is that of its first reader. Readers stand behind it. */
static void delay_late_nodes(PassContext *pc, Graph *graph) {
    int *first = ARENA_ARRAY(pc->cx->arena, int, (size_t)graph->values.count);
    for (int i = 0; i < graph->values.count; i++) first[i] = INT_MAX;
    for (int n = graph->nodes.count - 1; n >= 0; n--) {
        Node *node = graph_node(graph, n);
        for (int i = 0; i < node->outputs.count && node->late; i++)
            if (first[node->outputs.items[i]] < INT_MAX) node->stage = first[node->outputs.items[i]];
        for (int i = 0; i < node->inputs.count; i++)
            if (node->stage < first[node->inputs.items[i]]) first[node->inputs.items[i]] = node->stage;
    }
}

/* Within a stage single samples come first, then what reads the whole batch. */
static int rank_of(const Node *node) {
    if (node->op->domain == DOMAIN_PARAMETER) return -1;
    return 2 * node->stage + (node->op->domain == DOMAIN_BATCH);
}

/* Sorts the nodes by rank, keeping the order of equals, by counting. */
static void order_nodes(PassContext *pc, Graph *graph) {
    int ranks = 2 * graph->stage_count + 1, count = graph->nodes.count;
    int *start = ARENA_ARRAY(pc->cx->arena, int, (size_t)ranks + 1);
    for (int i = 0; i < count; i++) start[rank_of(graph_node(graph, i)) + 2]++;
    for (int i = 1; i <= ranks; i++) start[i] += start[i - 1];
    Node *sorted = ARENA_ARRAY(pc->cx->arena, Node, (size_t)count);
    for (int i = 0; i < count; i++) {
        const Node *node = graph_node(graph, i);
        int to = start[rank_of(node) + 1]++;
        sorted[to] = *node;
        for (int k = 0; k < node->outputs.count; k++)
            graph_value(graph, node->outputs.items[k])->producer = to;
    }
    if (count) memcpy(graph->nodes.items, sorted, sizeof(Node) * (size_t)count);
}

/* Gradients add up in lanes so that threads never share an accumulator. The number depends on the model
 * alone, so that the sums are the same for any number of threads; large models get fewer, for their
 * accumulators must be read back. */
static int lanes_for(const Graph *graph) {
    static const struct {
        int64_t most_parameters;
        int lanes;
    } rows[] = {
        {1 << 20,   8},
        {16 << 20,  4},
        {INT64_MAX, 2},
    };
    int64_t trained = graph_totals(graph).trainable;
    int row = 0;
    while (trained > rows[row].most_parameters) row++;
    return rows[row].lanes;
}

void schedule_run(PassContext *pc, Graph *graph) {
    store_parameters(pc, graph); /* of nodes that passes have added, too */
    graph->stage_count = 1;
    for (int i = 0; i < graph->nodes.count; i++) {
        Node *node = graph_node(graph, i);
        Choice choice = kernel_choose(pc, graph, node, 0);
        node->kernel = choice.kernel;
        node->cost = choice.cost;
        node->stage = stage_of(graph, node);
        int stages = node->stage + 1;
        if (node->op->domain != DOMAIN_PARAMETER && stages > graph->stage_count) graph->stage_count = stages;
    }
    delay_late_nodes(pc, graph);
    order_nodes(pc, graph);
    if (graph->form->chooses_alone) choose_alone(pc, graph);
    graph->lanes = graph->training ? lanes_for(graph) : 1;
}
