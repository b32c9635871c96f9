/* nest: operands of concat become parts of its result, so that their producers write them where they belong,
 * and ranges of channels become parts of what they are taken from: nothing is copied. Every kernel walks
 * places by the strides of the layout and writes its value's own channels alone, so any value can be a part
 * but one that a view reads or makes, for that is free only where there are no gaps. Needs kernels
 * (schedule); gives value->within and value->channel. */
#include "passes/pass.h"

#include <string.h>

typedef struct Nest {
    Graph *graph;
    int *views; /* by value: how many views read it */
} Nest;

static bool is_op(const Node *node, const char *name) {
    return !strcmp(node->op->name, name);
}

static int64_t channels_of(const Graph *graph, ValueId id) {
    return shape_channels(&graph_value(graph, id)->shape);
}

static bool can_be_part(const Nest *nest, ValueId id) {
    const Value *value = graph_value(nest->graph, id);
    if (!value_per_sample(value) || value->within >= 0 || nest->views[id]) return false;
    return value->producer >= 0 && !is_op(graph_node(nest->graph, value->producer), "view");
}

static void make_part(Nest *nest, ValueId id, ValueId of, int64_t channel) {
    Value *value = graph_value(nest->graph, id);
    value->within = of;
    value->channel = channel;
}

/* Do the operands lie side by side in another value already, as a later concat has them? Then so does the
 * result. */
static bool is_run_of_parts(const Nest *nest, const Node *node) {
    const Graph *graph = nest->graph;
    ValueId first = node->inputs.items[0];
    int64_t channel = 0;
    if (graph_value(graph, first)->within < 0) return false;
    for (int i = 0; i < node->inputs.count; i++) {
        if (!graph_is_part(graph, node->inputs.items[i], first, channel)) return false;
        channel += channels_of(graph, node->inputs.items[i]);
    }
    return true;
}

static void join(Nest *nest, const Node *node) {
    ValueId result = node->outputs.items[0];
    if (can_be_part(nest, result) && is_run_of_parts(nest, node)) {
        ValueId first = node->inputs.items[0];
        make_part(nest, result, graph_whole(nest->graph, first), graph_channel(nest->graph, first));
        return;
    }
    int64_t channel = 0;
    for (int i = 0; i < node->inputs.count; i++) {
        ValueId operand = node->inputs.items[i];
        if (can_be_part(nest, operand)) make_part(nest, operand, result, channel);
        channel += channels_of(nest->graph, operand);
    }
}

static void count_views(Nest *nest) {
    const Graph *graph = nest->graph;
    for (int n = 0; n < graph->nodes.count; n++)
        if (is_op(graph_node(graph, n), "view")) nest->views[graph_node(graph, n)->inputs.items[0]]++;
}

void nest_run(PassContext *pc, Graph *graph) {
    for (int i = 0; i < graph->values.count; i++) graph_value(graph, i)->within = -1;
    if (pc->cx->options.no_fuse) return;
    Nest nest = {graph, ARENA_ARRAY(graph->arena, int, (size_t)graph->values.count)};
    count_views(&nest);
    /* From the end, for the result of one concat may be an operand of the next. */
    for (int n = graph->nodes.count - 1; n >= 0; n--)
        if (is_op(graph_node(graph, n), "concat")) join(&nest, graph_node(graph, n));
    for (int n = 0; n < graph->nodes.count; n++) {
        const Node *node = graph_node(graph, n);
        if (is_op(node, "channel_slice") && can_be_part(&nest, node->outputs.items[0]))
            make_part(&nest, node->outputs.items[0], node->inputs.items[0], node_int(node, "first"));
    }
}
