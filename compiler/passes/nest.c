/* nest: operands of concat become parts of its result, so that their producers write them where they belong,
 * and ranges of channels become parts of what they are taken from: nothing is copied. Every kernel walks
 * places by the strides of the layout and writes its value's own channels alone, so any value can be a part
 * but one that a view reads or makes, for that is free only where there are no gaps. Where places do not fill
 * lines of the cache, a copy may take less than what the part's users lose. Needs kernels (schedule); gives
 * value->within and value->channel. */
#include "passes/pass.h"

enum { LINE = 16, /* elements */ LOSS = 24 /* of a user, measured: it meets a line more at each place */ };

typedef struct Nest {
    Graph *graph;
    bool *flat; /* by value: does a view read or make it? */
    bool *runs; /* by value: does a kernel that walks as one run what has no gaps? */
    int *users; /* by value: how many nodes that compute something read or make it */
} Nest;

static int64_t channels_of(const Graph *graph, ValueId id) {
    return shape_channels(&graph_value(graph, id)->shape);
}

/* Do its places begin and end where lines of the cache do, or are there no places? */
static bool fills_lines(const Graph *graph, ValueId id, ValueId of, int64_t channel) {
    int64_t whole = channels_of(graph, graph_whole(graph, of)), first = graph_channel(graph, of) + channel;
    bool aligned = channels_of(graph, id) % LINE == 0 && whole % LINE == 0 && first % LINE == 0;
    return aligned || graph_value(graph, id)->shape.rank == 1;
}

/* A copy reads and writes it; of runs the registers would not be full, and lie in two lines each. */
static bool pays(const Nest *nest, ValueId id, ValueId of, int64_t channel) {
    if (fills_lines(nest->graph, id, of, channel)) return true;
    return !nest->runs[id] && (int64_t)nest->users[id] * LOSS <= 2 * channels_of(nest->graph, id) + LINE;
}

static bool can_be_part(const Nest *nest, ValueId id, ValueId of, int64_t channel) {
    const Value *value = graph_value(nest->graph, id);
    if (!value_per_sample(value) || value->producer < 0 || value->within >= 0 || nest->flat[id]) return false;
    return pays(nest, id, of, channel);
}

static void make_part(Nest *nest, ValueId id, ValueId of, int64_t channel) {
    graph_value(nest->graph, id)->within = of;
    graph_value(nest->graph, id)->channel = channel;
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

static bool stands_before(const Node *node, int input) {
    for (int i = 0; i < input; i++)
        if (node->inputs.items[i] == node->inputs.items[input]) return true;
    return false;
}

/* Lines that are filled in part are written a second time where another operand has to be copied: then those
 * operands are, too. */
static void join(Nest *nest, const Node *node) {
    const Graph *graph = nest->graph;
    ValueId result = node->outputs.items[0], first = node->inputs.items[0];
    if (is_run_of_parts(nest, node) &&
        can_be_part(nest, result, graph_whole(graph, first), graph_channel(graph, first))) {
        make_part(nest, result, graph_whole(graph, first), graph_channel(graph, first));
        return;
    }
    bool all = true;
    for (int make = 0; make < 2; make++) {
        int64_t channel = 0;
        for (int i = 0; i < node->inputs.count; i++) {
            ValueId operand = node->inputs.items[i];
            bool can = !stands_before(node, i) && can_be_part(nest, operand, result, channel);
            all = all && (can || make);
            if (make && can && (all || fills_lines(graph, operand, result, channel)))
                make_part(nest, operand, result, channel);
            channel += channels_of(graph, operand);
        }
    }
}

static void count_user(Nest *nest, const Node *node, ValueId id) {
    nest->users[id]++;
    if (node->kernel->runs) nest->runs[id] = true;
    if (node->op->view) nest->flat[id] = true;
}

static void find_users(Nest *nest) {
    const Graph *graph = nest->graph;
    for (int n = 0; n < graph->nodes.count; n++) {
        const Node *node = graph_node(graph, n);
        if (node->op->joins || node->op->range) continue;
        for (int i = 0; i < node->inputs.count; i++) count_user(nest, node, node->inputs.items[i]);
        for (int i = 0; i < node->outputs.count; i++) count_user(nest, node, node->outputs.items[i]);
    }
}

void nest_run(PassContext *pc, Graph *graph) {
    size_t values = (size_t)graph->values.count;
    for (int i = 0; i < graph->values.count; i++) graph_value(graph, i)->within = -1;
    if (pc->cx->options.no_fuse) return;
    Nest nest = {.graph = graph,
                 .flat = ARENA_ARRAY(graph->arena, bool, values),
                 .runs = ARENA_ARRAY(graph->arena, bool, values),
                 .users = ARENA_ARRAY(graph->arena, int, values)};
    find_users(&nest);
    /* From the end, for the result of one concat may be an operand of the next. */
    for (int n = graph->nodes.count - 1; n >= 0; n--)
        if (graph_node(graph, n)->op->joins) join(&nest, graph_node(graph, n));
    for (int n = 0; n < graph->nodes.count; n++) {
        const Node *node = graph_node(graph, n);
        if (!node->op->range) continue;
        ValueId range = node->outputs.items[0], of = node->inputs.items[0];
        int64_t channel = node->op->range(node);
        if (can_be_part(&nest, range, of, channel)) make_part(&nest, range, of, channel);
    }
}
