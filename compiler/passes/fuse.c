/* Puts elementwise nodes into their producers' epilogues, so that a result is transformed while it is still
 * in registers. A node is absorbed where the value between the two has no other reader. The producer then
 * stands where the absorbed node stood: behind everything that the further operands need. Maximum pools of
 * 2x2 go into the convolution or normalisation before them in the same way. In the probe every layer's value
 * has a reader, so that only what is within a layer is fused; in double precision, which is plain, nothing.
 */
#include "passes/pass.h"

#include <string.h>

typedef struct Fusion {
    const PassContext *pc;
    Graph *graph;
    int *uses;       /* by value */
    int *first_user; /* by value: the place of the first node that reads it */
    int *place;      /* by node: where it stands in the end */
} Fusion;

static bool applies_epilogue(const Kernel *kernel) {
    return kernel->epilogue;
}

static bool pools(const Kernel *kernel) {
    return kernel->pools;
}

/* Is one of the operator's kernels asked for by name that cannot do that? */
static bool forced_without(const PassContext *pc, const Op *op, bool (*can)(const Kernel *kernel)) {
    for (int i = 0; i < pc->cx->options.kernel_count; i++)
        for (int k = 0; k < op->kernel_count; k++)
            if (!can(&op->kernels[k]) && !strcmp(op->kernels[k].name, pc->cx->options.kernels[i].kernel))
                return true;
    return false;
}

/* Might the schedule take that kernel? The last one is what remains where no other can be taken. */
static bool is_candidate(const PassContext *pc, const Graph *graph, const Node *node, const Kernel *kernel) {
    if (kernel == &node->op->kernels[node->op->kernel_count - 1]) return true;
    if (pc->cx->options.strict && kernel->approximate) return false;
    return !kernel->applies || kernel->applies(pc->machine, graph, node);
}

/* Can the best kernel work with an epilogue? The schedule then chooses among those that can. */
static bool takes_epilogue(const PassContext *pc, const Graph *graph, const Node *node) {
    const Op *op = node->op;
    if (op->domain != DOMAIN_SAMPLE || !op->kernel_count || forced_without(pc, op, applies_epilogue))
        return false;
    const Kernel *kernel = op->kernels;
    while (!is_candidate(pc, graph, node, kernel)) kernel++;
    return kernel->epilogue;
}

static bool is_vector_of(const Shape *vector, const Shape *shape) {
    return vector->rank == 1 && vector->dim[0] == shape_channels(shape);
}

/* Can an epilogue read that operand: of the result's shape, or a value a channel? */
static bool is_readable(const Graph *graph, ValueId operand, const Shape *result) {
    const Shape *shape = &graph_value(graph, operand)->shape;
    return shape_equal(shape, result) || is_vector_of(shape, result);
}

static bool can_be_step(const Graph *graph, const Node *node) {
    const Op *op = node->op;
    if (node->dead || !op->elementwise || op->domain != DOMAIN_SAMPLE || node->outputs.count != 1)
        return false;
    if (node->inputs.count < 1 || node->inputs.count > COUNT(((EpilogueStep *)0)->inputs)) return false;
    const Value *result = graph_value(graph, node->outputs.items[0]);
    if (result->role != ROLE_ACTIVATION || !result->shape.rank) return false;
    for (int i = 0; i < node->inputs.count; i++)
        if (!is_readable(graph, node->inputs.items[i], &result->shape)) return false;
    return true;
}

/* The other outputs of the producer must not be read before the place that it would move to. A node that
 * moves itself only moves further back, so its first place is a safe bound. */
static bool can_move(const Fusion *f, const Node *producer, int place) {
    for (int i = 1; i < producer->outputs.count; i++) {
        ValueId output = producer->outputs.items[i];
        if (f->uses[output] && f->first_user[output] <= place) return false;
    }
    return true;
}

/* Can the node be absorbed by what makes its operand? Returns the producer, or -1. */
static NodeId fusable_producer(const Fusion *f, const Node *node, int place, int operand) {
    const Graph *graph = f->graph;
    ValueId id = node->inputs.items[operand];
    const Value *value = graph_value(graph, id);
    const Value *result = graph_value(graph, node->outputs.items[0]);
    if (value->role != ROLE_ACTIVATION || value->producer < 0 || f->uses[id] != 1) return -1;
    const Node *producer = graph_node(graph, value->producer);
    if (producer->dead || producer->max_window || producer->outputs.items[0] != id) return -1;
    if (!takes_epilogue(f->pc, graph, producer)) return -1;
    if (!shape_equal(&value->shape, &result->shape) || !can_move(f, producer, place)) return -1;
    return value->producer;
}

static void absorb(Fusion *f, NodeId producer_id, NodeId node_id, int operand) {
    Graph *graph = f->graph;
    Node *producer = graph_node(graph, producer_id), *node = graph_node(graph, node_id);
    EpilogueStep step = {
        .op = node->op, .attrs = node->attrs, .input_count = node->inputs.count, .layer = node->layer};
    for (int i = 0; i < node->inputs.count; i++) {
        step.inputs[i] = i == operand ? -1 : producer->inputs.count;
        if (i != operand) vec_push(graph->arena, &producer->inputs, node->inputs.items[i]);
    }
    vec_push(graph->arena, &producer->epilogue, step);
    f->uses[producer->outputs.items[0]] = 0;
    producer->outputs.items[0] = node->outputs.items[0];
    graph_value(graph, node->outputs.items[0])->producer = producer_id;
    f->place[producer_id] = f->place[node_id];
    producer->late = node->late;
    node->dead = true;
    node->outputs.count = 0;
}

/* Where several operands could be the running result, the one that was made last moves the least. A node that
 * carries an epilogue of its own cannot become a step of another: its steps read its further inputs. */
static void fuse_node(Fusion *f, NodeId id) {
    const Node *node = graph_node(f->graph, id);
    if (!can_be_step(f->graph, node)) return;
    NodeId best = -1;
    int best_operand = -1;
    for (int i = 0; i < node->inputs.count; i++) {
        NodeId producer = fusable_producer(f, node, f->place[id], i);
        if (producer < 0 || (best >= 0 && f->place[producer] <= f->place[best])) continue;
        best = producer;
        best_operand = i;
    }
    if (best >= 0) absorb(f, best, id, best_operand);
}

/* Is there a kernel that pools what it makes, and none asked for by name that does not? */
static bool takes_pool(const PassContext *pc, const Graph *graph, const Node *node) {
    if (forced_without(pc, node->op, pools)) return false;
    for (int k = 0; k < node->op->kernel_count; k++) {
        const Kernel *kernel = &node->op->kernels[k];
        if (kernel->pools && is_candidate(pc, graph, node, kernel)) return true;
    }
    return false;
}

/* A step's operands are read at the places of the result before it is pooled: only values a channel have the
 * same there. */
static bool reads_channels_alone(const Graph *graph, const Node *node) {
    for (int i = node_operands(node); i < node->inputs.count; i++)
        if (graph_value(graph, node->inputs.items[i])->shape.rank != 1) return false;
    return true;
}

/* A maximum pool of 2x2 goes into what makes its operand: three quarters of that are never stored, and what
 * no window takes is not computed. */
static void fuse_pool(Fusion *f, NodeId id) {
    Graph *graph = f->graph;
    Node *node = graph_node(graph, id);
    if (node->dead || !node->op->plain_window || node->epilogue.count) return;
    if (node->op->plain_window(graph, node) != 2) return;
    ValueId from = node->inputs.items[0];
    NodeId producer_id = graph_value(graph, from)->producer;
    if (producer_id < 0 || f->uses[from] != 1) return;
    Node *producer = graph_node(graph, producer_id);
    if (producer->max_window || producer->outputs.count != 1 || !reads_channels_alone(graph, producer) ||
        !takes_pool(f->pc, graph, producer))
        return;
    producer->max_window = 2;
    producer->outputs = node->outputs;
    for (int i = 0; i < node->outputs.count; i++)
        graph_value(graph, node->outputs.items[i])->producer = producer_id;
    f->uses[from] = 0;
    f->place[producer_id] = f->place[id];
    producer->late = node->late;
    *node = (Node){.op = node->op, .attrs = node->attrs, .layer = node->layer, .dead = true};
}

static void count_uses(Fusion *f) {
    const Graph *graph = f->graph;
    for (int i = 0; i < graph->nodes.count; i++) {
        const Node *node = graph_node(graph, i);
        f->place[i] = i;
        for (int k = 0; !node->dead && k < node->inputs.count; k++) {
            ValueId input = node->inputs.items[k];
            if (!f->uses[input]++) f->first_user[input] = i;
        }
    }
    ValueId kept[] = {graph->input, graph->output, graph->logits};
    for (int i = 0; i < COUNT(kept); i++)
        if (kept[i] >= 0) f->uses[kept[i]]++;
    for (int i = 0; graph->form->keeps_layers && i < graph->layers.count; i++)
        if (graph->layers.items[i].output >= 0) f->uses[graph->layers.items[i].output]++;
}

/* Puts every node at its place. Places of live nodes differ: a producer takes that of a node that is gone. */
static void reorder(Fusion *f) {
    Graph *graph = f->graph;
    int count = graph->nodes.count;
    Node *moved = ARENA_ARRAY(graph->arena, Node, (size_t)count);
    for (int i = 0; i < count; i++) moved[i] = (Node){.dead = true};
    for (int i = 0; i < count; i++)
        if (!graph->nodes.items[i].dead) moved[f->place[i]] = graph->nodes.items[i];
    graph->nodes.items = moved;
    graph->nodes.capacity = count;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < moved[i].outputs.count; k++)
            graph_value(graph, moved[i].outputs.items[k])->producer = i;
    graph_compact(graph);
}

void fuse_run(PassContext *pc, Graph *graph) {
    const Options *options = &pc->cx->options;
    if (graph->doubles || options->no_fuse) return;
    size_t values = (size_t)graph->values.count, nodes = (size_t)graph->nodes.count;
    Fusion f = {.pc = pc,
                .graph = graph,
                .uses = ARENA_ARRAY(graph->arena, int, values),
                .first_user = ARENA_ARRAY(graph->arena, int, values),
                .place = ARENA_ARRAY(graph->arena, int, nodes)};
    count_uses(&f);
    for (int i = 0; i < graph->nodes.count; i++) {
        fuse_node(&f, i);
        fuse_pool(&f, i);
    }
    reorder(&f);
}
