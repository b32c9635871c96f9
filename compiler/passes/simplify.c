/* Removes what changes nothing (a view to the same shape, a merge of one operand), reads through views of
 * views, moves gradients of activations before those of pools, has what can read a gradient by its windows,
 * relu's behind a dropout read what that left, and drops nodes that nothing needs. Takes any form; in the
 * probe no value of a layer is dropped. */
#include "passes/pass.h"

/* Forwards[v] is the value to read in the place of v. */
static ValueId forwarded(const ValueId *forwards, ValueId value) {
    while (value >= 0 && forwards[value] != value) value = forwards[value];
    return value;
}

static bool is_view(const Node *node) {
    return node->op->view && node->inputs.count == 1 && node->outputs.count == 1 && !node->epilogue.count;
}

/* A merge of one operand and no number is that operand. */
static bool is_single_merge(const Node *node) {
    if (!node->op->merge || node->op->domain != DOMAIN_SAMPLE || node->inputs.count != 1 ||
        node->outputs.count != 1 || node->epilogue.count)
        return false;
    for (int i = 0; i < node->op->param_count; i++)
        if (!strcmp(node->op->params[i].name, "number") && node->attrs[i].kind != ATTR_NONE) return false;
    return true;
}

static bool changes_nothing(const Graph *graph, const Node *node) {
    if (!is_view(node) && !is_single_merge(node)) return false;
    const Value *from = graph_value(graph, node->inputs.items[0]);
    const Value *to = graph_value(graph, node->outputs.items[0]);
    return shape_equal(&from->shape, &to->shape);
}

/* A view of a view reads what the first one reads. */
static void skip_view(const Graph *graph, Node *node) {
    for (;;) {
        NodeId producer = graph_value(graph, node->inputs.items[0])->producer;
        if (producer < 0 || !is_view(graph_node(graph, producer))) return;
        node->inputs.items[0] = graph_node(graph, producer)->inputs.items[0];
    }
}

static void merge_nodes(Graph *graph) {
    ValueId *forwards = ARENA_ARRAY(graph->arena, ValueId, (size_t)graph->values.count);
    for (int i = 0; i < graph->values.count; i++) forwards[i] = i;
    for (int i = 0; i < graph->nodes.count; i++) {
        Node *node = graph_node(graph, i);
        if (node->dead) continue;
        for (int k = 0; k < node->inputs.count; k++)
            node->inputs.items[k] = forwarded(forwards, node->inputs.items[k]);
        if (is_view(node) && !changes_nothing(graph, node)) skip_view(graph, node);
        if (!changes_nothing(graph, node)) continue;
        forwards[node->outputs.items[0]] = node->inputs.items[0];
        node->dead = true;
    }
    for (int i = 0; i < graph->layers.count; i++)
        graph->layers.items[i].output = forwarded(forwards, graph->layers.items[i].output);
    graph->output = forwarded(forwards, graph->output);
    graph->logits = forwarded(forwards, graph->logits);
}

/* Does the node do something besides making its outputs: a loss, a store, a parameter's gradient, running
 * statistics? */
static bool has_effect(const Graph *graph, const Node *node) {
    if (node->op->effect || !node->outputs.count) return true;
    for (int i = 0; i < node->outputs.count; i++)
        if (graph_value(graph, node->outputs.items[i])->role == ROLE_GRADIENT) return true;
    if (node->op->domain != DOMAIN_BATCH) return false;
    for (int i = 0; i < node->inputs.count; i++)
        if (graph_value(graph, node->inputs.items[i])->role == ROLE_STATE) return true;
    return false;
}

static void mark_needed(bool *needed, ValueId value) {
    if (value >= 0) needed[value] = true;
}

/* A maximum pool keeps its windows' winners for readers alone. */
static void drop_winners(Node *node, const bool *needed) {
    if (node->op->plain_window && node->outputs.count > 1 && !needed[node->outputs.items[1]])
        node->outputs.count = 1;
}

/* Nodes stand in topological order: one walk from the end finds everything that is needed. */
static void drop_unneeded(Graph *graph, bool keep_layers) {
    bool *needed = ARENA_ARRAY(graph->arena, bool, (size_t)graph->values.count);
    mark_needed(needed, graph->input);
    mark_needed(needed, graph->output);
    mark_needed(needed, graph->logits);
    for (int i = 0; keep_layers && i < graph->layers.count; i++)
        mark_needed(needed, graph->layers.items[i].output);
    for (int i = graph->nodes.count - 1; i >= 0; i--) {
        Node *node = graph_node(graph, i);
        if (node->dead) continue;
        bool live = has_effect(graph, node);
        for (int k = 0; k < node->outputs.count; k++) live = live || needed[node->outputs.items[k]];
        node->dead = !live;
        drop_winners(node, needed);
        for (int k = 0; live && k < node->inputs.count; k++) needed[node->inputs.items[k]] = true;
    }
}

/* The pool whose winners place the gradient that the node makes; or NULL. */
static const Node *pool_behind(const Graph *graph, const Node *placing) {
    if (!placing->op->places_winners) return NULL;
    return graph_node(graph, graph_value(graph, placing->inputs.items[0])->producer);
}

/* The gradient of an activation whose result was pooled: where it keeps zeros it is the same, and less work,
 * for the windows, before their gradients are placed among zeros. There the activation's result is the
 * pool's, so that nobody reads what was pooled. */
static void swap_with_pools(Graph *graph) {
    const int *uses = graph_count_uses(graph);
    for (int i = 0; i < graph->nodes.count; i++) {
        Node *node = graph_node(graph, i);
        if (node->dead || !node->op->keeps_zeros || node->inputs.count != 2) continue;
        ValueId placed = node->inputs.items[0];
        NodeId placing_id = graph_value(graph, placed)->producer;
        if (placing_id < 0 || uses[placed] != 1) continue;
        Node *placing = graph_node(graph, placing_id);
        const Node *pool = pool_behind(graph, placing);
        if (!pool || pool->inputs.items[0] != node->inputs.items[1]) continue;
        Node first = *node, second = *placing;
        first.inputs = placing->inputs;
        first.outputs = placing->outputs;
        second.inputs = node->inputs;
        second.outputs = node->outputs;
        second.inputs.items[0] = placing->inputs.items[0];
        second.inputs.items[1] = placed;
        first.inputs.items[0] = placing->inputs.items[1];
        first.inputs.items[1] = pool->outputs.items[0];
        graph_value(graph, placed)->shape = graph_value(graph, pool->outputs.items[0])->shape;
        *placing = first;
        *node = second;
    }
}

/* What can works on the gradient of the windows, so that nobody places it among zeros. */
static void read_windows(Graph *graph) {
    for (int i = 0; i < graph->nodes.count; i++) {
        Node *node = graph_node(graph, i);
        if (node->dead || !node->op->read_windows) continue;
        NodeId maker = graph_value(graph, node->inputs.items[0])->producer;
        if (maker < 0) continue;
        const Node *placing = graph_node(graph, maker);
        if (pool_behind(graph, placing)) node->op->read_windows(graph, node, placing);
    }
}

/* relu's gradient behind a dropout: 0 where that dropped, and elsewhere what it left has the sign of relu's
 * result. So it reads what the dropout left, and relu's own result need not be kept. */
static void read_what_is_left(Graph *graph) {
    NodeId *drops = ARENA_ARRAY(graph->arena, NodeId, (size_t)graph->values.count); /* by mask: the first */
    for (int i = 0; i < graph->values.count; i++) drops[i] = -1;
    for (int i = 0; i < graph->nodes.count; i++) {
        const Node *node = graph_node(graph, i);
        if (node->op->drops && drops[node->inputs.items[1]] < 0) drops[node->inputs.items[1]] = i;
        if (!node->op->reads_sign) continue;
        NodeId maker = graph_value(graph, node->inputs.items[0])->producer;
        const Node *drop = maker >= 0 ? graph_node(graph, maker) : node;
        if (!drop->op->drops) continue;
        const Node *first = graph_node(graph, drops[drop->inputs.items[1]]);
        if (first != drop && first->inputs.items[0] == node->inputs.items[1])
            node->inputs.items[1] = first->outputs.items[0];
    }
}

void simplify_run(PassContext *pc, Graph *graph) {
    (void)pc;
    merge_nodes(graph);
    swap_with_pools(graph);
    read_windows(graph);
    read_what_is_left(graph);
    drop_unneeded(graph, graph->form->keeps_layers);
    graph_compact(graph);
}
