/* Checks the rules that every pass relies on and must keep: indices in range, topological order, values and
 * producers that agree, unique names, roles that fit the domain of their node, shapes of elementwise nodes
 * and views, sound epilogues, and where values lie (memory_verifier.c). */
#include "graph/verifier.h"
#include "base/map.h"
#include "graph/text.h"

typedef struct Check {
    Arena *arena;
    const Graph *graph;
} Check;

#define FAULT(check, ...) return arena_printf((check)->arena, __VA_ARGS__)

static bool in_range(const Graph *graph, ValueId id) {
    return id >= 0 && id < graph->values.count;
}
static bool is_layer(const Graph *graph, int layer) {
    return layer >= -1 && layer < graph->layers.count;
}
static bool is_parameter(Role role) {
    return role == ROLE_PARAMETER || role == ROLE_STATE;
}
static bool is_per_sample(Role role) {
    return role == ROLE_INPUT || role == ROLE_ACTIVATION;
}

static const char *value_roles_fault(const Check *c, const Value *v) {
    bool has_info = is_parameter(v->role) || v->role == ROLE_GRADIENT;
    if (has_info && !v->parameter) FAULT(c, "%s has no parameter", v->name);
    if (!has_info && v->parameter) FAULT(c, "%s is no parameter but has one", v->name);
    if (has_info && !shape_equal(&v->shape, &v->parameter->shape))
        FAULT(c, "%s has not its parameter's shape", v->name);
    if (is_parameter(v->role) && v->producer >= 0) FAULT(c, "parameter %s is made by a node", v->name);
    if (!is_parameter(v->role) && v->role != ROLE_INPUT && v->producer < 0)
        FAULT(c, "nothing makes %s", v->name);
    return NULL;
}

static const char *part_fault(const Check *c, ValueId id) {
    const Graph *graph = c->graph;
    const Value *v = graph_value(graph, id);
    int steps = 0;
    for (ValueId at = id; at != -1; at = graph_value(graph, at)->within, steps++) {
        if (!in_range(graph, at)) FAULT(c, "%s is a part of nothing", v->name);
        if (steps > graph->values.count) FAULT(c, "%s is a part of itself", v->name);
    }
    if (v->within < 0) return NULL;
    const Value *of = graph_value(graph, v->within);
    Shape shape = v->shape;
    if (shape.rank < 1 || shape.rank != of->shape.rank) FAULT(c, "%s is no part of %s", v->name, of->name);
    shape.dim[shape.rank - 1] = shape_channels(&of->shape);
    if (!shape_equal(&shape, &of->shape) || v->channel < 0 ||
        v->channel > shape_channels(&of->shape) - shape_channels(&v->shape))
        FAULT(c, "%s is no part of %s", v->name, of->name);
    return NULL;
}

static const char *value_fault(const Check *c, ValueId id) {
    const Graph *graph = c->graph;
    const Value *v = graph_value(graph, id);
    if (v->role < ROLE_INPUT || v->role > ROLE_PACKED) FAULT(c, "%s has no role", v->name);
    if (v->shape.rank < 0 || v->shape.rank > SHAPE_MAX_RANK || shape_elements(&v->shape) < 0)
        FAULT(c, "the shape of %s is no shape", v->name);
    if (!is_layer(graph, v->layer)) FAULT(c, "%s is of layer %d", v->name, v->layer);
    if (v->alias != -1 && !in_range(graph, v->alias)) FAULT(c, "%s is an alias of nothing", v->name);
    ValueId root = id;
    for (int steps = 0; root >= 0 && graph_value(graph, root)->alias >= 0; steps++) {
        if (steps > graph->values.count) FAULT(c, "%s is an alias of itself", v->name);
        root = graph_value(graph, root)->alias;
        if (root >= graph->values.count) FAULT(c, "%s is an alias of nothing", v->name);
    }
    if (v->producer < -1 || v->producer >= graph->nodes.count)
        FAULT(c, "%s is made by node %d", v->name, v->producer);
    const char *fault = value_roles_fault(c, v);
    if (!fault) fault = part_fault(c, id);
    if (fault || v->producer < 0) return fault;
    const Node *producer = graph_node(graph, v->producer);
    for (int i = 0; i < producer->outputs.count; i++)
        if (producer->outputs.items[i] == id) return NULL;
    FAULT(c, "%s is no output of its producer, a %s", v->name, producer->op->name);
}

/* Which values may a node of the domain read and make? */
static bool may_read(Domain domain, Role role) {
    if (domain == DOMAIN_SAMPLE) return role != ROLE_LANE && role != ROLE_GRADIENT;
    if (domain == DOMAIN_BATCH) return !is_per_sample(role);
    return is_parameter(role) || role == ROLE_PACKED;
}

static bool may_make(Domain domain, Role role) {
    if (domain == DOMAIN_SAMPLE) return is_per_sample(role) || role == ROLE_GRADIENT || role == ROLE_LANE;
    if (domain == DOMAIN_BATCH) return role == ROLE_SHARED || role == ROLE_GRADIENT;
    return role == ROLE_PACKED;
}

static const char *operands_fault(const Check *c, NodeId id) {
    const Graph *graph = c->graph;
    const Node *node = graph_node(graph, id);
    const char *op = node->op->name;
    for (int i = 0; i < node->inputs.count; i++) {
        ValueId input = node->inputs.items[i];
        if (!in_range(graph, input)) FAULT(c, "input %d of a %s is value %d", i, op, input);
        const Value *value = graph_value(graph, input);
        if (value->producer >= id) FAULT(c, "a %s reads %s before it is made", op, value->name);
        if (value->producer >= 0 && graph_node(graph, value->producer)->dead)
            FAULT(c, "a %s reads %s, whose producer is dead", op, value->name);
        if (!may_read(node->op->domain, value->role)) FAULT(c, "a %s may not read %s", op, value->name);
    }
    for (int i = 0; i < node->outputs.count; i++) {
        ValueId output = node->outputs.items[i];
        if (!in_range(graph, output)) FAULT(c, "output %d of a %s is value %d", i, op, output);
        const Value *value = graph_value(graph, output);
        if (value->producer != id) FAULT(c, "a %s makes %s, which has another producer", op, value->name);
        if (!may_make(node->op->domain, value->role)) FAULT(c, "a %s may not make %s", op, value->name);
    }
    return NULL;
}

/* An elementwise operand lies as the result does, or is a vector with a value a channel. */
static bool is_readable(const Shape *operand, const Shape *result) {
    if (shape_equal(operand, result)) return true;
    return operand->rank == 1 && result->rank > 1 && operand->dim[0] == shape_channels(result);
}

static const char *step_fault(const Check *c, const Node *node, const EpilogueStep *step) {
    const Value *result = graph_value(c->graph, node->outputs.items[0]);
    int running = 0;
    if (!step->op->elementwise) FAULT(c, "%s stands in an epilogue", step->op->name);
    if (!is_layer(c->graph, step->layer)) FAULT(c, "a step %s is of layer %d", step->op->name, step->layer);
    if (step->input_count < 1 || step->input_count > COUNT(step->inputs))
        FAULT(c, "a step %s has %d operands", step->op->name, step->input_count);
    for (int i = 0; i < step->input_count; i++) {
        int input = step->inputs[i];
        running += input == -1;
        if (input < -1 || input >= node->inputs.count)
            FAULT(c, "a step %s reads input %d", step->op->name, input);
        if (input >= 0 &&
            !is_readable(&graph_value(c->graph, node->inputs.items[input])->shape, &result->shape))
            FAULT(c, "a step %s reads an input of another shape", step->op->name);
    }
    if (running != 1) FAULT(c, "a step %s reads the running result %d times", step->op->name, running);
    return NULL;
}

static const char *kernel_fault(const Check *c, const Node *node, const Kernel *kernel) {
    if (!kernel) return NULL;
    if (node->max_window && !kernel->pools)
        FAULT(c, "kernel %s of %s does not pool", kernel->name, node->op->name);
    if (node->epilogue.count && !kernel->epilogue)
        FAULT(c, "kernel %s of %s applies no epilogue", kernel->name, node->op->name);
    return NULL;
}

static const char *epilogue_fault(const Check *c, const Node *node) {
    const char *faults[] = {kernel_fault(c, node, node->kernel), kernel_fault(c, node, node->alone)};
    for (int i = 0; i < COUNT(faults); i++)
        if (faults[i]) return faults[i];
    if (!node->epilogue.count) return NULL;
    if (!node->outputs.count || node->op->domain != DOMAIN_SAMPLE)
        FAULT(c, "a %s has an epilogue", node->op->name);
    for (int i = 0; i < node->epilogue.count; i++) {
        const char *fault = step_fault(c, node, &node->epilogue.items[i]);
        if (fault) return fault;
    }
    return NULL;
}

static const char *shapes_fault(const Check *c, const Node *node) {
    if (!node->outputs.count || !node->inputs.count) return NULL;
    const Graph *graph = c->graph;
    const Shape *result = &graph_value(graph, node->outputs.items[0])->shape;
    if (node->op->view) {
        if (shape_elements(&graph_value(graph, node->inputs.items[0])->shape) != shape_elements(result))
            FAULT(c, "a %s has another number of elements", node->op->name);
        return NULL;
    }
    if (!node->op->elementwise || node->max_window) return NULL;
    int own = node_operands(node);
    for (int i = 0; i < own; i++)
        if (!is_readable(&graph_value(graph, node->inputs.items[i])->shape, result))
            FAULT(c, "input %d of a %s does not fit its result", i, node->op->name);
    return NULL;
}

static const char *node_fault(const Check *c, NodeId id) {
    const Node *node = graph_node(c->graph, id);
    if (!node->op) FAULT(c, "node %d has no operator", id);
    if (node->op->param_count && !node->attrs) FAULT(c, "a %s has no arguments", node->op->name);
    if (!is_layer(c->graph, node->layer)) FAULT(c, "a %s is of layer %d", node->op->name, node->layer);
    if (node->inputs.count < node->op->min_inputs)
        FAULT(c, "a %s has only %d inputs", node->op->name, node->inputs.count);
    const char *fault = operands_fault(c, id);
    if (!fault) fault = epilogue_fault(c, node);
    if (!fault) fault = shapes_fault(c, node);
    return fault;
}

static const char *names_fault(const Check *c) {
    Map *names = map_create(c->arena);
    for (int i = 0; i < c->graph->values.count; i++) {
        Value *value = graph_value(c->graph, i);
        if (!value->name) FAULT(c, "value %d has no name", i);
        if (map_get(names, value->name)) FAULT(c, "two values are called %s", value->name);
        map_set(names, value->name, value);
    }
    return NULL;
}

static const char *ends_fault(const Check *c) {
    const Graph *graph = c->graph;
    ValueId ends[] = {graph->input, graph->output, graph->logits};
    for (int i = 0; i < COUNT(ends); i++)
        if (ends[i] < -1 || ends[i] >= graph->values.count)
            FAULT(c, "an end of the graph is value %d", ends[i]);
    if (graph->input < 0) FAULT(c, "the graph has no input");
    for (int i = 0; i < graph->layers.count; i++)
        if (graph->layers.items[i].output < -1 || graph->layers.items[i].output >= graph->values.count)
            FAULT(c, "the value of layer %s is %d", graph->layers.items[i].name,
                  graph->layers.items[i].output);
    return NULL;
}

const char *graph_fault(Arena *arena, const Graph *graph) {
    Check c = {arena, graph};
    const char *fault = names_fault(&c);
    if (!fault) fault = ends_fault(&c);
    for (int i = 0; i < graph->values.count && !fault; i++) fault = value_fault(&c, i);
    for (int i = 0; i < graph->nodes.count && !fault; i++)
        if (!graph->nodes.items[i].dead) fault = node_fault(&c, i);
    bool placed = graph->micro_batch > 0; /* the memory pass decides that last */
    if (placed && !fault) fault = memory_fault(arena, graph);
    return fault;
}

void graph_verify(const Graph *graph, const char *after) {
    Arena *arena = arena_create(); /* of its own: huge graphs are verified often */
    const char *fault = graph_fault(arena, graph);
    if (fault) internal_error("the graph %s is broken after %s: %s", graph->form->name, after, fault);
    arena_destroy(arena);
}
