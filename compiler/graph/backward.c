/* The walk that turns a graph's forward nodes into gradients: which values want one, the contributions to
 * each, and their sums. Reverse-mode differentiation; a value's contributions are all there when the walk
 * reaches its producer. */
#include "graph/backward.h"

enum { SUM_MAX = 2 }; /* operands of one node: each sum can go into an epilogue */

typedef struct Contributions {
    VEC(ValueId) items;
} Contributions;

struct Backward {
    Graph *graph;
    const Node *node;            /* whose rule is at work */
    int value_count, node_count; /* of the forward graph */
    bool *wants;                 /* by value of the forward graph */
    Contributions *contributions;
};

static void mark_wanted(Backward *b, ValueId wanted) {
    const Graph *graph = b->graph;
    for (int i = 0; i < b->value_count; i++) {
        const Value *value = graph_value(graph, i);
        b->wants[i] = i == wanted || (value->role == ROLE_PARAMETER && value->parameter->trainable);
    }
    for (int i = 0; i < b->node_count; i++) {
        const Node *node = graph_node(graph, i);
        bool leads = false;
        for (int k = 0; k < node->inputs.count; k++) leads = leads || b->wants[node->inputs.items[k]];
        if (node->dead || !leads || !node->op->gradient) continue;
        for (int k = 0; k < node->outputs.count; k++) b->wants[node->outputs.items[k]] = true;
    }
}

Backward *backward_create(Graph *graph, ValueId wanted) {
    Backward *b = ARENA_NEW(graph->arena, Backward);
    *b = (Backward){.graph = graph, .value_count = graph->values.count, .node_count = graph->nodes.count};
    b->wants = ARENA_ARRAY(graph->arena, bool, (size_t)b->value_count);
    b->contributions = ARENA_ARRAY(graph->arena, Contributions, (size_t)b->value_count);
    mark_wanted(b, wanted);
    return b;
}

bool backward_wants(const Backward *b, ValueId input) {
    return input >= 0 && input < b->value_count && b->wants[input];
}

void backward_contribute(Backward *b, ValueId value, ValueId gradient) {
    if (!backward_wants(b, value) || gradient < 0) return;
    const Value *of = graph_value(b->graph, value), *by = graph_value(b->graph, gradient);
    if (!shape_equal(&of->shape, &by->shape))
        internal_error("the gradient of %s is %s, not %s", of->name, shape_text(b->graph->arena, &by->shape),
                       shape_text(b->graph->arena, &of->shape));
    vec_push(b->graph->arena, &b->contributions[value].items, gradient);
}

/* Sums as many contributions as one node takes, as often as it takes; in the order in which they came. */
ValueId backward_of_value(Backward *b, ValueId value) {
    if (!backward_wants(b, value)) return -1;
    Contributions *c = &b->contributions[value];
    if (!c->items.count) return -1;
    ValueId sum = c->items.items[0];
    const Value *of = graph_value(b->graph, value);
    Shape shape = of->shape;
    int layer = of->layer;
    Span origin = of->origin;
    for (int next = 1; next < c->items.count;) {
        ValueId operands[SUM_MAX] = {sum};
        int count = 1;
        while (count < SUM_MAX && next < c->items.count) operands[count++] = c->items.items[next++];
        NodeId node = graph_add_node(b->graph, op_of_role(OPROLE_SUM), NULL, operands, count, layer, origin);
        sum = graph_add_output(b->graph, node, ROLE_ACTIVATION, shape);
    }
    c->items.items[0] = sum;
    c->items.count = 1;
    return sum;
}

ValueId backward_of_output(const Backward *b, const Node *node, int i) {
    ValueId output = node->outputs.items[i];
    if (!backward_wants(b, output)) return -1;
    const Contributions *c = &b->contributions[output];
    return c->items.count ? c->items.items[0] : -1;
}

static NodeId append_node(Backward *b, const char *name, const Attr *attrs, const ValueId *inputs,
                          int input_count) {
    const Op *op = op_find(name);
    if (!op) internal_error("there is no operator '%s'", name);
    int layer = b->node ? b->node->layer : -1;
    Span span = b->node ? b->node->span : (Span){0};
    return graph_add_node(b->graph, op, attrs, inputs, input_count, layer, span);
}

ValueId backward_append(Backward *b, const char *op, const Attr *attrs, const ValueId *inputs,
                        int input_count, Role role, Shape shape) {
    return graph_add_output(b->graph, append_node(b, op, attrs, inputs, input_count), role, shape);
}

void backward_accumulate(Backward *b, const char *op, const Attr *attrs, const ValueId *inputs,
                         int input_count, ValueId parameter) {
    if (!backward_wants(b, parameter)) return;
    Graph *graph = b->graph;
    NodeId node = append_node(b, op, attrs, inputs, input_count);
    ValueId gradient = graph_add_output(graph, node, ROLE_GRADIENT, graph_value(graph, parameter)->shape);
    Value *value = graph_value(graph, gradient);
    const Value *of = graph_value(graph, parameter);
    value->parameter = of->parameter;
    /* A parameter that is accumulated twice has two values with one memory. */
    Contributions *earlier = &b->contributions[parameter];
    value->name = earlier->items.count ? arena_printf(graph->arena, "%s.grad.%d", of->name, gradient)
                                       : arena_printf(graph->arena, "%s.grad", of->name);
    vec_push(graph->arena, &earlier->items, gradient);
}

NodeId backward_last(const Backward *b) {
    return b->graph->nodes.count - 1;
}
Graph *backward_graph(const Backward *b) {
    return b->graph;
}

void backward_walk(Backward *b) {
    for (int i = b->node_count - 1; i >= 0; i--) {
        Node node = *graph_node(b->graph, i); /* a copy: appended nodes move the array */
        if (node.dead || !node.op->gradient) continue;
        b->node = &node;
        bool reached = false;
        for (int k = 0; k < node.outputs.count; k++)
            reached = backward_of_value(b, node.outputs.items[k]) >= 0 || reached;
        if (reached) node.op->gradient(b, &node);
    }
    b->node = NULL;
}
