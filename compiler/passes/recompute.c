/* recompute: what a later stage reads is made again where that is sooner than to keep it for every sample of
 * the batch, whose values stream through memory: a normalised value in the backward pass, from the value
 * before the normalisation, which that reads anyway; the result of a layer with few products (a convolution
 * of one channel), next to its reader in each stage. Gives copies of nodes, marked `late` for the schedule;
 * the same bits. */
#include "passes/choose.h"

typedef struct Recompute {
    Graph *graph;
    int boundary;                  /* the loss's node: behind it the backward pass */
    int *forward_users, *backward; /* by value: how many forward readers; the first backward one, or -1 */
    ValueId *copy;                 /* by value: what the backward pass reads in its place, or -1 */
    int *remade_key;               /* by value: for which stage it was made again last, ... */
    ValueId *remade;               /* ... and as what */
    double reach;                  /* bytes of all values of the batch */
    VEC(Node) nodes;               /* the graph's, anew */
} Recompute;

static int find_boundary(const Graph *graph) {
    for (int i = 0; i < graph->nodes.count; i++)
        if (graph_node(graph, i)->op->judges) return i;
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
    if (r->forward_users[second] > 1) return false;
    int readers[] = {r->backward[first], r->backward[second]};
    for (int i = 0; i < COUNT(readers); i++)
        if (readers[i] >= 0 && (chain->first_reader < 0 || readers[i] < chain->first_reader))
            chain->first_reader = readers[i];
    return chain->first_reader >= 0;
}

static double bytes_of(const Graph *graph, ValueId id) {
    return (double)sizeof(float) * (double)shape_elements(&graph_value(graph, id)->shape);
}

/* A graph that was read by itself does not say how large its batch is. */
static double bytes_of_batch(const PassContext *pc, const Graph *graph) {
    enum { USUAL_BATCH = 64 };
    double bytes = 0;
    for (int i = 0; i < graph->values.count; i++)
        if (graph_value(graph, i)->role == ROLE_ACTIVATION) bytes += bytes_of(graph, i);
    return bytes * (double)(pc->model ? pc->model->train->batch : USUAL_BATCH);
}

/* Is a layer's result made again sooner than a later stage reads it, all the batch's values lying between? */
static bool is_cheap(const PassContext *pc, const Recompute *r, const Node *node) {
    const Graph *graph = r->graph;
    if (!node->op->macs || node->outputs.count != 1) return false;
    double more = bytes_of(graph, node->outputs.items[0]) - bytes_of(graph, node->inputs.items[0]);
    more = machine_traffic(pc->machine, more, r->reach);
    if (more <= 0) return false;
    Choice choice = kernel_choose_with(pc, graph, node, NEED_DIRECT_SUMS);
    return choice.kernel && choice.kernel->cost && choice.cost < more;
}

/* Two readers of a value run in different stages where batches were added up between them: then they read
 * different ones of what batch nodes made. 0 for those that read none. */
static int stage_key(const Recompute *r, const Node *node, int place) {
    int last = -1;
    for (int i = 0; i < node->inputs.count; i++) {
        const Value *value = graph_value(r->graph, node->inputs.items[i]);
        if (value->role == ROLE_SHARED && value->producer > last) last = value->producer;
    }
    return last < 0 ? 0 : 2 * (last + 1) + (place > r->boundary);
}

/* What a reader with that key takes for the value: a copy where it stands in a later stage than a layer that
 * is cheap. Readers with the same key share it. */
static ValueId remake(const PassContext *pc, Recompute *r, ValueId id, int key) {
    const Value *value = graph_value(r->graph, id);
    if (!key || value->role != ROLE_ACTIVATION || value->producer < 0 || value->producer > r->boundary)
        return id;
    const Node *made = graph_node(r->graph, value->producer);
    if (!is_cheap(pc, r, made)) return id;
    if (r->remade_key[id] != key) r->remade[id] = copy_node(r, made, made->inputs.items[0]);
    r->remade_key[id] = key;
    return r->remade[id];
}

static void append_chain(const PassContext *pc, Recompute *r, const Chain *chain) {
    const Node *normal = graph_node(r->graph, chain->normal);
    ValueId x = remake(pc, r, normal->inputs.items[0], stage_key(r, normal, chain->first_reader));
    ValueId made = copy_node(r, normal, x);
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
    r.remade_key = ARENA_ARRAY(arena, int, values);
    r.remade = ARENA_ARRAY(arena, ValueId, values);
    find_users(&r);
    r.reach = bytes_of_batch(pc, graph);
    int count = graph->nodes.count, chain_count = 0;
    Chain *chains = ARENA_ARRAY(arena, Chain, (size_t)count);
    for (int n = 0; n < r.boundary; n++) chain_count += find_chain(&r, n, &chains[chain_count]);
    for (int n = 0; n < count; n++) {
        for (int c = 0; c < chain_count; c++)
            if (chains[c].first_reader == n) append_chain(pc, &r, &chains[c]);
        Node node = *graph_node(graph, n);
        for (int i = 0; i < node.inputs.count && n > r.boundary; i++) {
            ValueId id = node.inputs.items[i];
            if ((size_t)id < values && r.copy[id] >= 0) node.inputs.items[i] = r.copy[id];
        }
        int key = node.op->domain == DOMAIN_SAMPLE ? stage_key(&r, &node, n) : 0;
        for (int i = 0; i < node.inputs.count; i++)
            node.inputs.items[i] = remake(pc, &r, node.inputs.items[i], key);
        vec_push(arena, &r.nodes, node);
    }
    graph->nodes.count = 0;
    for (int n = 0; n < r.nodes.count; n++) {
        vec_push(graph->arena, &graph->nodes, r.nodes.items[n]);
        for (int i = 0; i < r.nodes.items[n].outputs.count; i++)
            graph_value(graph, r.nodes.items[n].outputs.items[i])->producer = n;
    }
}
