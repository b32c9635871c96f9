/* recompute: what the backward pass reads of a normalised value is made again from the value before the
 * normalisation, which it reads anyway, instead of being kept for every sample of the batch. The batch's
 * values stream through memory, and two of the passes over them go: the one that writes and the one that
 * reads. Gives copies of nodes, marked `late` for the schedule; the same bits. */
#include "passes/pass.h"

typedef struct Recompute {
    Graph *graph;
    int boundary;                  /* the loss's node: behind it the backward pass */
    int *forward_users, *backward; /* by value: how many forward readers; the first backward one, or -1 */
    ValueId *copy;                 /* by value: what the backward pass reads in its place, or -1 */
    VEC(Node) nodes;               /* the graph's, anew */
} Recompute;

static int find_boundary(const Graph *graph) {
    for (int i = 0; i < graph->nodes.count; i++)
        if (graph_node(graph, i)->op->kind == OPK_LOSS) return i;
    return -1;
}

static void find_users(Recompute *r) {
    const Graph *graph = r->graph;
    for (int i = 0; i < graph->values.count; i++) r->backward[i] = r->copy[i] = -1;
    for (int n = 0; n < graph->nodes.count; n++) {
        const Node *node = graph_node(graph, n);
        for (int i = 0; i < node->inputs.count; i++) {
            ValueId id = node->inputs.items[i];
            if (n <= r->boundary)
                r->forward_users[id]++;
            else if (r->backward[id] < 0)
                r->backward[id] = n;
        }
    }
}

/* An activation of one input, whose result is as cheap to make again. */
static bool is_activation(const Node *node) {
    return node->op->elementwise && node->op->domain == DOMAIN_SAMPLE && node->inputs.count == 1 &&
           node->outputs.count == 1;
}

/* The place of the node that turns the value into its only forward reader's result, or -1. */
static int activation_behind(const Recompute *r, int place) {
    ValueId id = graph_node(r->graph, place)->outputs.items[0];
    for (int n = place + 1; n <= r->boundary && r->forward_users[id] == 1; n++) {
        const Node *node = graph_node(r->graph, n);
        for (int i = 0; i < node->inputs.count; i++)
            if (node->inputs.items[i] == id) return is_activation(node) ? n : -1;
    }
    return -1;
}

/* Appends a copy of the node that reads `input` in the place of its first input: a fresh value. */
static ValueId copy_node(Recompute *r, const Node *node, ValueId input) {
    Graph *graph = r->graph;
    Node copy = {
        .op = node->op, .attrs = node->attrs, .span = node->span, .layer = node->layer, .late = true};
    for (int i = 0; i < node->inputs.count; i++)
        vec_push(graph->arena, &copy.inputs, i ? node->inputs.items[i] : input);
    const Value like = *graph_value(graph, node->outputs.items[0]);
    ValueId result = graph_add_value(graph, like.role, like.shape, NULL, like.layer, like.origin);
    vec_push(graph->arena, &copy.outputs, result);
    vec_push(graph->arena, &r->nodes, copy);
    return result;
}

typedef struct Chain { /* a normalisation and the activation behind it, or -1 */
    int normal, activation, first_reader;
} Chain;

/* Kept as it is where a later layer of the forward pass may read it, too: then it has to be stored anyway. */
static bool find_chain(const Recompute *r, int place, Chain *chain) {
    const Node *node = graph_node(r->graph, place);
    if (!node->op->recompute || node->epilogue.count) return false;
    *chain = (Chain){place, activation_behind(r, place), -1};
    int last = chain->activation >= 0 ? chain->activation : place;
    ValueId first = node->outputs.items[0], second = graph_node(r->graph, last)->outputs.items[0];
    if (r->forward_users[first] > 1 || r->forward_users[second] > 1) return false;
    int readers[] = {r->backward[first], r->backward[second]};
    for (int i = 0; i < COUNT(readers); i++)
        if (readers[i] >= 0 && (chain->first_reader < 0 || readers[i] < chain->first_reader))
            chain->first_reader = readers[i];
    return chain->first_reader >= 0;
}

static void append_chain(Recompute *r, const Chain *chain) {
    const Node *normal = graph_node(r->graph, chain->normal);
    ValueId made = copy_node(r, normal, normal->inputs.items[0]);
    r->copy[normal->outputs.items[0]] = made;
    if (chain->activation < 0) return;
    const Node *activation = graph_node(r->graph, chain->activation);
    r->copy[activation->outputs.items[0]] = copy_node(r, activation, made);
}

void recompute_run(PassContext *pc, Graph *graph) {
    Arena *arena = pc->cx->arena;
    size_t values = (size_t)graph->values.count;
    Recompute r = {.graph = graph, .boundary = find_boundary(graph)};
    if (r.boundary < 0 || graph->doubles || pc->cx->options.no_fuse) return;
    r.forward_users = ARENA_ARRAY(arena, int, values);
    r.backward = ARENA_ARRAY(arena, int, values);
    r.copy = ARENA_ARRAY(arena, ValueId, values);
    find_users(&r);
    int count = graph->nodes.count, chain_count = 0;
    Chain *chains = ARENA_ARRAY(arena, Chain, (size_t)count);
    for (int n = 0; n < r.boundary; n++) chain_count += find_chain(&r, n, &chains[chain_count]);
    for (int n = 0; n < count; n++) {
        for (int c = 0; c < chain_count; c++)
            if (chains[c].first_reader == n) append_chain(&r, &chains[c]);
        Node node = *graph_node(graph, n);
        for (int i = 0; i < node.inputs.count && n > r.boundary; i++) {
            ValueId id = node.inputs.items[i];
            if ((size_t)id < values && r.copy[id] >= 0) node.inputs.items[i] = r.copy[id];
        }
        vec_push(arena, &r.nodes, node);
    }
    graph->nodes.count = 0;
    for (int n = 0; n < r.nodes.count; n++) {
        vec_push(graph->arena, &graph->nodes, r.nodes.items[n]);
        for (int i = 0; i < r.nodes.items[n].outputs.count; i++)
            graph_value(graph, r.nodes.items[n].outputs.items[i])->producer = n;
    }
}
