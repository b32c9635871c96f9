/* Appends the backward nodes: the loss's output seeds a walk over the forward nodes from the last to the
 * first. Where the form wants the input's gradient, that is stored at the end. Takes a form with one loss
 * node; gives ordinary nodes. */
#include "graph/backward.h"
#include "passes/pass.h"

static const Node *find_loss(const Graph *graph) {
    for (int i = graph->nodes.count - 1; i >= 0; i--) {
        const Node *node = graph_node(graph, i);
        if (!node->dead && node->op->kind == OPK_LOSS && node->outputs.count) return node;
    }
    return NULL;
}

void autodiff_run(PassContext *pc, Graph *graph) {
    (void)pc;
    if (!graph->form->backward) return;
    const Node *loss = find_loss(graph);
    if (!loss) internal_error("the form %s has no loss to differentiate", graph->form->name);
    bool store_input = graph->form->input_gradient;
    Backward *b = backward_create(graph, store_input ? graph->input : -1);
    backward_contribute(b, loss->inputs.items[0], loss->outputs.items[0]);
    backward_walk(b);
    if (!store_input) return;
    ValueId gradient = backward_of_value(b, graph->input);
    if (gradient < 0)
        return; /* no path leads back to the input: its gradient is zero, as the output block starts */
    graph_add_node(graph, op_of_role(OPROLE_STORE), NULL, &gradient, 1, -1, (Span){0});
}
