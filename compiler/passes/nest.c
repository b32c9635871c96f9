/* nest: operands of concat become parts of its result, so that their producers write them where they belong,
 * and ranges of channels become parts of what they are taken from: nothing is copied. Every kernel walks
 * places by the strides of the layout and writes its value's own channels alone, so any value can be a part.
 * Those are none that a view reads or makes, for that is free only where there are no gaps, or whose places
 * would leave registers half empty in kernels that otherwise walk them as one run: that takes longer than the
 * copy. Needs kernels (schedule); gives value->within and value->channel. */
#include "passes/pass.h"

#include <string.h>

enum { MOST_EMPTY = 8 /* of a place's channels: one lane in so many may be empty beside them */ };

typedef struct Nest {
    Graph *graph;
    int width;  /* of a register */
    bool *flat; /* by value: does a view read or make it? */
    bool *runs; /* by value: does a kernel that walks runs? */
} Nest;

static bool is_op(const Node *node, const char *name) {
    return !strcmp(node->op->name, name);
}

static int64_t channels_of(const Graph *graph, ValueId id) {
    return shape_channels(&graph_value(graph, id)->shape);
}

/* A vector's sample is one run wherever it lies. */
static bool fills_registers(const Nest *nest, const Shape *shape) {
    int64_t channels = shape_channels(shape), rest = channels % nest->width;
    return shape->rank == 1 || rest == 0 || (nest->width - rest) * MOST_EMPTY <= channels;
}

static bool can_be_part(const Nest *nest, ValueId id) {
    const Value *value = graph_value(nest->graph, id);
    if (!value_per_sample(value) || value->producer < 0 || value->within >= 0 || nest->flat[id]) return false;
    return !nest->runs[id] || fills_registers(nest, &value->shape);
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

static void find_users(Nest *nest) {
    const Graph *graph = nest->graph;
    for (int n = 0; n < graph->nodes.count; n++) {
        const Node *node = graph_node(graph, n);
        bool *of = is_op(node, "view") ? nest->flat : node->kernel->runs ? nest->runs : NULL;
        for (int i = 0; of && i < node->inputs.count; i++) of[node->inputs.items[i]] = true;
        for (int i = 0; of && i < node->outputs.count; i++) of[node->outputs.items[i]] = true;
    }
}

void nest_run(PassContext *pc, Graph *graph) {
    size_t values = (size_t)graph->values.count;
    for (int i = 0; i < graph->values.count; i++) graph_value(graph, i)->within = -1;
    if (pc->cx->options.no_fuse) return;
    Nest nest = {.graph = graph,
                 .width = graph->doubles ? 1 : pc->machine->vector_floats,
                 .flat = ARENA_ARRAY(graph->arena, bool, values),
                 .runs = ARENA_ARRAY(graph->arena, bool, values)};
    find_users(&nest);
    /* From the end, for the result of one concat may be an operand of the next. */
    for (int n = graph->nodes.count - 1; n >= 0; n--)
        if (is_op(graph_node(graph, n), "concat")) join(&nest, graph_node(graph, n));
    for (int n = 0; n < graph->nodes.count; n++) {
        const Node *node = graph_node(graph, n);
        if (is_op(node, "channel_slice") && can_be_part(&nest, node->outputs.items[0]))
            make_part(&nest, node->outputs.items[0], node->inputs.items[0], node_int(node, "first"));
    }
}
