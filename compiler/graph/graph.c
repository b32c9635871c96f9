/* See graph.h: building a graph, looking things up in it, and dropping what is dead. Nothing here knows any
 * operator. */
#include "graph/op.h"

#include <stdint.h>

Graph *graph_create(Arena *arena, const char *name, Form form) {
    Graph *graph = ARENA_NEW(arena, Graph);
    graph->name = name;
    graph->form = form_traits(form);
    graph->arena = arena;
    graph->input = graph->output = graph->logits = -1;
    return graph;
}

#define COPY_ITEMS(arena, vec)                                                                               \
    ((vec)->capacity = (vec)->count,                                                                         \
     (vec)->items = arena_copy((arena), (vec)->items, (size_t)(vec)->count * sizeof *(vec)->items))

Graph *graph_clone(Arena *arena, const Graph *graph, Form form) {
    Graph *clone = arena_copy(arena, graph, sizeof *graph);
    clone->arena = arena;
    clone->form = form_traits(form);
    COPY_ITEMS(arena, &clone->values);
    COPY_ITEMS(arena, &clone->nodes);
    COPY_ITEMS(arena, &clone->layers);
    for (int i = 0; i < clone->nodes.count; i++) {
        Node *node = &clone->nodes.items[i];
        COPY_ITEMS(arena, &node->inputs);
        COPY_ITEMS(arena, &node->outputs);
        COPY_ITEMS(arena, &node->epilogue);
    }
    for (int i = 0; i < clone->layers.count; i++) COPY_ITEMS(arena, &clone->layers.items[i].inputs);
    return clone;
}

/* Ends in a number that no other fresh name of the graph ends in; names that people give have none behind a
 * dot. */
static const char *fresh_name(Graph *graph, int layer) {
    const char *stem = layer >= 0 ? graph->layers.items[layer].name : "value";
    return arena_printf(graph->arena, "%s.%d", stem, ++graph->serial);
}

ValueId graph_add_value(Graph *graph, Role role, Shape shape, const char *name, int layer, Span origin) {
    Value value = {.name = name ? name : fresh_name(graph, layer),
                   .role = role,
                   .shape = shape,
                   .producer = -1,
                   .layer = layer,
                   .origin = origin,
                   .within = -1,
                   .alias = -1};
    vec_push(graph->arena, &graph->values, value);
    return graph->values.count - 1;
}

ValueId graph_add_parameter(Graph *graph, const ParameterInfo *info, int layer, Span origin) {
    const char *name = layer < 0
                           ? info->name
                           : arena_printf(graph->arena, "%s.%s", graph->layers.items[layer].name, info->name);
    Role role = info->statistic ? ROLE_STATE : ROLE_PARAMETER;
    ValueId id = graph_add_value(graph, role, info->shape, name, layer, origin);
    graph_value(graph, id)->parameter = arena_copy(graph->arena, info, sizeof *info);
    return id;
}

NodeId graph_add_node(Graph *graph, const Op *op, const Attr *attrs, const ValueId *inputs, int input_count,
                      int layer, Span span) {
    Node node = {.op = op, .attrs = attrs, .span = span, .layer = layer};
    if (!attrs && op->param_count) node.attrs = ARENA_ARRAY(graph->arena, Attr, (size_t)op->param_count);
    for (int i = 0; i < input_count; i++) vec_push(graph->arena, &node.inputs, inputs[i]);
    vec_push(graph->arena, &graph->nodes, node);
    return graph->nodes.count - 1;
}

ValueId graph_add_output(Graph *graph, NodeId id, Role role, Shape shape) {
    Node *node = graph_node(graph, id);
    ValueId value = graph_add_value(graph, role, shape, NULL, node->layer, node->span);
    graph_value(graph, value)->producer = id;
    vec_push(graph->arena, &node->outputs, value);
    return value;
}

ValueId graph_root(const Graph *graph, ValueId value) {
    while (graph->values.items[value].alias >= 0) value = graph->values.items[value].alias;
    return value;
}

Node node_alone(const Node *node) {
    Node alone = *node;
    alone.cost = node->alone_cost;
    if (!node->alone) return alone;
    alone.kernel = node->alone;
    alone.packed_offset = node->alone_packed_offset;
    return alone;
}

ValueId graph_whole(const Graph *graph, ValueId value) {
    while (graph_value(graph, value)->within >= 0) value = graph_value(graph, value)->within;
    return value;
}

int64_t graph_channel(const Graph *graph, ValueId value) {
    int64_t channel = 0;
    for (; graph_value(graph, value)->within >= 0; value = graph_value(graph, value)->within)
        channel += graph_value(graph, value)->channel;
    return channel;
}

bool graph_is_part(const Graph *graph, ValueId value, ValueId of, int64_t channel) {
    return graph_whole(graph, value) == graph_whole(graph, of) &&
           graph_channel(graph, value) == graph_channel(graph, of) + channel;
}

/* Parts of one value share the channels that both have. What is an alias for another reason may have all of
 * its memory. */
bool graph_overlap(const Graph *graph, ValueId a, ValueId b) {
    if (a == b) return true;
    if (graph_root(graph, a) != graph_root(graph, b)) return false;
    if (graph_whole(graph, a) != graph_whole(graph, b)) return true;
    int64_t first = graph_channel(graph, a), other = graph_channel(graph, b);
    return first < other + shape_channels(&graph_value(graph, b)->shape) &&
           other < first + shape_channels(&graph_value(graph, a)->shape);
}

int node_operands(const Node *node) {
    int own = node->inputs.count;
    for (int i = 0; i < node->epilogue.count; i++) {
        const EpilogueStep *step = &node->epilogue.items[i];
        for (int k = 0; k < step->input_count; k++)
            if (step->inputs[k] >= 0 && step->inputs[k] < own) own = step->inputs[k];
    }
    return own;
}

const Attr *attr_find(const Op *op, const Attr *attrs, const char *name) {
    for (int i = 0; i < op->param_count; i++)
        if (!strcmp(op->params[i].name, name)) return &attrs[i];
    internal_error("%s has no argument %s", op->name, name);
}

static const Attr *node_attr(const Node *node, const char *name, AttrKind kind) {
    const Attr *attr = attr_find(node->op, node->attrs, name);
    if (attr->kind != kind)
        internal_error("argument %s of %s is of kind %d", name, node->op->name, attr->kind);
    return attr;
}

int64_t node_int(const Node *node, const char *name) {
    return node_attr(node, name, ATTR_INT)->integer;
}
double node_real(const Node *node, const char *name) {
    return node_attr(node, name, ATTR_REAL)->real;
}
bool node_bool(const Node *node, const char *name) {
    return node_attr(node, name, ATTR_BOOL)->boolean;
}
const char *node_word(const Node *node, const char *name) {
    return node_attr(node, name, ATTR_WORD)->word;
}
const Size *node_size(const Node *node, const char *name) {
    return &node_attr(node, name, ATTR_SIZE)->size;
}

const Padding *node_padding(const Node *node, const char *name) {
    return &node_attr(node, name, ATTR_PADDING)->padding;
}

int *graph_count_uses(const Graph *graph) {
    int *uses = ARENA_ARRAY(graph->arena, int, (size_t)graph->values.count);
    for (int i = 0; i < graph->nodes.count; i++) {
        const Node *node = &graph->nodes.items[i];
        for (int k = 0; k < node->inputs.count && !node->dead; k++) uses[node->inputs.items[k]]++;
    }
    if (graph->output >= 0) uses[graph->output]++;
    if (graph->logits >= 0) uses[graph->logits]++;
    return uses;
}

void graph_replace_uses(Graph *graph, ValueId from, ValueId to) {
    for (int i = 0; i < graph->nodes.count; i++) {
        Node *node = &graph->nodes.items[i];
        for (int k = 0; k < node->inputs.count; k++)
            if (node->inputs.items[k] == from) node->inputs.items[k] = to;
    }
    for (int i = 0; i < graph->layers.count; i++)
        if (graph->layers.items[i].output == from) graph->layers.items[i].output = to;
    if (graph->output == from) graph->output = to;
    if (graph->logits == from) graph->logits = to;
}

static int renumber(const int *map, int id) {
    return id < 0 ? -1 : map[id];
}

static void keep_value(const Graph *graph, int *keep, ValueId id) {
    for (; id >= 0 && !keep[id]; id = graph->values.items[id].alias) {
        keep[id] = 1;
        keep_value(graph, keep, graph->values.items[id].within);
    }
}

/* map[old] is a value's new number, or -1 where nothing refers to it. */
static int *number_values(const Graph *graph) {
    int *map = ARENA_ARRAY(graph->arena, int, (size_t)graph->values.count);
    for (int i = 0; i < graph->nodes.count; i++) {
        const Node *node = &graph->nodes.items[i];
        if (node->dead) continue;
        for (int k = 0; k < node->inputs.count; k++) keep_value(graph, map, node->inputs.items[k]);
        for (int k = 0; k < node->outputs.count; k++) keep_value(graph, map, node->outputs.items[k]);
    }
    keep_value(graph, map, graph->input);
    keep_value(graph, map, graph->output);
    keep_value(graph, map, graph->logits);
    int count = 0;
    for (int i = 0; i < graph->values.count; i++) {
        Role role = graph->values.items[i].role;
        map[i] = map[i] || role == ROLE_PARAMETER || role == ROLE_STATE ? count++ : -1;
    }
    return map;
}

void graph_compact(Graph *graph) {
    int *values = number_values(graph);
    int *nodes = ARENA_ARRAY(graph->arena, int, (size_t)graph->nodes.count);
    int node_count = 0, value_count = 0;
    for (int i = 0; i < graph->nodes.count; i++) {
        nodes[i] = graph->nodes.items[i].dead ? -1 : node_count++;
        if (nodes[i] < 0) continue;
        Node *node = &graph->nodes.items[nodes[i]];
        *node = graph->nodes.items[i];
        for (int k = 0; k < node->inputs.count; k++) node->inputs.items[k] = values[node->inputs.items[k]];
        for (int k = 0; k < node->outputs.count; k++) node->outputs.items[k] = values[node->outputs.items[k]];
    }
    for (int i = 0; i < graph->values.count; i++) {
        if (values[i] < 0) continue;
        Value *value = &graph->values.items[values[i]];
        *value = graph->values.items[i];
        value->producer = renumber(nodes, value->producer);
        value->within = renumber(values, value->within);
        value->alias = renumber(values, value->alias);
        value_count++;
    }
    graph->nodes.count = node_count;
    graph->values.count = value_count;
    for (int i = 0; i < graph->layers.count; i++)
        graph->layers.items[i].output = renumber(values, graph->layers.items[i].output);
    graph->input = renumber(values, graph->input);
    graph->output = renumber(values, graph->output);
    graph->logits = renumber(values, graph->logits);
}

static int64_t add_saturated(int64_t a, int64_t b) {
    int64_t sum = extent_add(a, b);
    return sum < 0 ? INT64_MAX / 2 : sum;
}

GraphTotals graph_totals(const Graph *graph) {
    GraphTotals totals = {0};
    for (int i = 0; i < graph->layers.count; i++) {
        const Layer *layer = &graph->layers.items[i];
        totals.parameters = add_saturated(totals.parameters, layer->parameters);
        totals.trainable = add_saturated(totals.trainable, layer->trainable);
        totals.statistics = add_saturated(totals.statistics, layer->statistics);
        totals.macs = add_saturated(totals.macs, layer->macs);
    }
    return totals;
}

int64_t node_layer_macs(const Graph *graph, const Node *node) {
    return node->layer >= 0 ? graph->layers.items[node->layer].macs : 0;
}
