/* Makes a form of the model's graph: the parameters as they are, `load` in the place of the input, every
 * layer lowered for inference or for training, and at the end what the form is for: `store`, the loss, or
 * both. Takes a checked model; gives a graph without any pass applied. */
#include "passes/pass.h"

static int param_index(const Op *op, const char *name) {
    for (int i = 0; i < op->param_count; i++)
        if (!strcmp(op->params[i].name, name)) return i;
    internal_error("%s has no argument %s", op->name, name);
}

/* A list of the data block: none where it is empty. */
static Attr list_attr(const double *values, int count) {
    Attr attr = {.kind = count ? ATTR_TENSOR : ATTR_NONE};
    if (count)
        attr.tensor = (Tensor){
            .shape = {.rank = 1, .dim = {count}},
              .values = values
        };
    return attr;
}

static void add_load(Graph *graph, const Graph *model, const DataSettings *data) {
    const Op *op = op_of_role(OPROLE_LOAD);
    Attr *attrs = ARENA_ARRAY(graph->arena, Attr, (size_t)op->param_count);
    attrs[param_index(op, "scale")] = (Attr){.kind = ATTR_REAL, .real = data ? data->scale : 1};
    if (data) {
        attrs[param_index(op, "mean")] = list_attr(data->mean.items, data->mean.count);
        attrs[param_index(op, "std")] = list_attr(data->std.items, data->std.count);
    }
    const Value *input = graph_value(model, model->input);
    NodeId node = graph_add_node(graph, op, attrs, NULL, 0, -1, input->origin);
    graph->input = graph_add_output(graph, node, ROLE_INPUT, input->shape);
    graph_value(graph, graph->input)->name = "input";
}

/* Parameters keep their information, so that all forms agree on where each lies. */
static void copy_parameters(Graph *graph, const Graph *model, ValueId *map) {
    for (int i = 0; i < model->values.count; i++) {
        const Value *value = graph_value(model, i);
        if (value->role != ROLE_PARAMETER && value->role != ROLE_STATE) continue;
        map[i] = graph_add_value(graph, value->role, value->shape, value->name, value->layer, value->origin);
        graph_value(graph, map[i])->parameter = value->parameter;
    }
}

static ValueId copy_node(Graph *graph, const Graph *model, const Node *node, const ValueId *inputs) {
    NodeId copy =
        graph_add_node(graph, node->op, node->attrs, inputs, node->inputs.count, node->layer, node->span);
    return graph_add_output(graph, copy, ROLE_ACTIVATION, graph_value(model, node->outputs.items[0])->shape);
}

static void lower_node(Graph *graph, const Graph *model, const Node *node, ValueId *map) {
    if (node->outputs.count != 1) internal_error("%s has %d outputs", node->op->name, node->outputs.count);
    ValueId *inputs = ARENA_ARRAY(graph->arena, ValueId, (size_t)node->inputs.count);
    for (int i = 0; i < node->inputs.count; i++) {
        inputs[i] = map[node->inputs.items[i]];
        if (inputs[i] < 0) internal_error("an input of %s comes after it", node->op->name);
    }
    ValueId output = node->op->lower ? node->op->lower(graph, node, inputs, graph->training)
                                     : copy_node(graph, model, node, inputs);
    const Shape *want = &graph_value(model, node->outputs.items[0])->shape;
    if (output < 0 || !shape_equal(&graph_value(graph, output)->shape, want))
        internal_error("lowering %s changed its shape", node->op->name);
    map[node->outputs.items[0]] = output;
}

/* The value of the model's graph that the loss reads. */
static ValueId loss_operand(const Graph *model, const Op *loss) {
    NodeId producer = graph_value(model, model->output)->producer;
    if (producer < 0) return model->output;
    const Node *last = graph_node(model, producer);
    return loss->absorbs & 1u << last->op->meaning ? last->inputs.items[0] : model->output;
}

static void add_loss(Graph *graph, const TrainSettings *train, bool seeds) {
    NodeId node =
        graph_add_node(graph, train->loss, train->loss_attrs, &graph->logits, 1, -1, train->loss_span);
    if (seeds) graph_add_output(graph, node, ROLE_ACTIVATION, graph_value(graph, graph->logits)->shape);
}

/* All forms share one block, so this is decided before a pass drops what nothing reads: a form without a
 * layer's node still keeps the place of its parameters. */
void store_parameters(const PassContext *pc, Graph *graph) {
    for (int i = 0; i < graph->nodes.count; i++) {
        const Node *node = graph_node(graph, i);
        if (node->op->storage) node->op->storage(pc->machine, graph, node);
    }
}

Graph *form_create(PassContext *pc, Form which) {
    const FormTraits *form = form_traits(which);
    const Graph *model = pc->model->graph;
    const TrainSettings *train = pc->model->train;
    if (form->loss && !train) internal_error("the form %s needs a train block", form->name);
    Arena *arena = pc->cx->arena;
    Graph *graph = graph_create(arena, model->name, which);
    graph->training = form->training;
    graph->doubles = form->doubles || pc->cx->options.double_precision;
    for (int i = 0; i < model->layers.count; i++) vec_push(arena, &graph->layers, model->layers.items[i]);

    ValueId *map = ARENA_ARRAY(arena, ValueId, (size_t)model->values.count);
    for (int i = 0; i < model->values.count; i++) map[i] = -1;
    add_load(graph, model, pc->model->data);
    map[model->input] = graph->input;
    copy_parameters(graph, model, map);
    for (int i = 0; i < model->nodes.count; i++)
        if (!model->nodes.items[i].dead) lower_node(graph, model, graph_node(model, i), map);
    for (int i = 0; i < graph->layers.count; i++) {
        ValueId output = model->layers.items[i].output;
        graph->layers.items[i].output = output < 0 ? -1 : map[output];
    }
    store_parameters(pc, graph);
    if (form->loss) graph->logits = map[loss_operand(model, train->loss)];
    /* Where nobody stores the output, a final softmax that the loss includes is not needed. */
    graph->output = form->stores ? map[model->output] : graph->logits;
    if (form->stores)
        graph_add_node(graph, op_of_role(OPROLE_STORE), NULL, &graph->output, 1, -1,
                       graph_value(graph, graph->output)->origin);
    if (form->loss) add_loss(graph, train, form->backward);
    return graph;
}
