/* Warnings: what can be trained and does not learn. A loss that takes logits behind an activation that limits
 * them, softmax over one value, a warm-up that outlasts the training. */
#include "sema/elaborator.h"

/* The node that made a value, those left aside that only gave its elements another shape; NULL for an input.
 */
static const Node *maker_of(const Graph *graph, ValueId value) {
    for (;;) {
        NodeId producer = graph_value(graph, value)->producer;
        if (producer < 0) return NULL;
        const Node *node = graph_node(graph, producer);
        if (!node->op->view) return node;
        value = node->inputs.items[0];
    }
}

/* Where the user wrote the operator: the word in activation=, or the layer. */
static Span place_of(const Graph *graph, const Node *node) {
    if (node->layer < 0) return node->span;
    const Layer *layer = &graph->layers.items[node->layer];
    return layer->activation.source && node->op->kind == OPK_ACTIVATION ? layer->activation : node->span;
}

static const Op *find_op(OpKind kind, Meaning meaning) {
    int count;
    const Op *const *table = op_table(&count);
    for (int i = 0; i < count; i++)
        if (table[i]->kind == kind && (kind == OPK_LOSS ? table[i]->predicts : table[i]->meaning) == meaning)
            return table[i];
    return NULL;
}

static void help_logits(Elaborator *e, const Op *op, const Op *loss, const Node *taken) {
    if (taken) {
        note(e, place_of(e->graph, taken), "%s here is enough: the loss takes it in", taken->op->name);
        return;
    }
    const Op *other = op->meaning == MEANING_NUMBERS ? NULL : find_op(OPK_LOSS, op->meaning);
    const Op *proper = find_op(OPK_ACTIVATION, loss->predicts);
    if (other && other != loss) help(e, "%s goes with the loss %s", op->name, other->name);
    if (proper) help(e, "with %s end the model in %s or in no activation", loss->name, proper->name);
}

static void warn_logits(Elaborator *e, const TrainSettings *train) {
    const Op *loss = train->loss;
    const Graph *graph = e->graph;
    if (!loss->absorbs) return;
    NodeId last = graph_value(graph, graph->output)->producer;
    const Node *taken = last < 0 ? NULL : graph_node(graph, last);
    if (taken && !(loss->absorbs >> taken->op->meaning & 1)) taken = NULL;
    const Node *node = maker_of(graph, taken ? taken->inputs.items[0] : graph->output);
    if (!node || node->op->kind != OPK_ACTIVATION || node->op->unlimited) return;
    bool shifted = node->op->meaning == MEANING_LOG_PROBABILITIES && loss->predicts == MEANING_PROBABILITIES;
    if (shifted) return; /* logits of the same probabilities */
    report(e, place_of(graph, node), W_LOGITS, loss->name, node->op->name);
    help_logits(e, node->op, loss, taken);
}

static bool is_over_classes(Meaning meaning) {
    return meaning == MEANING_PROBABILITIES || meaning == MEANING_LOG_PROBABILITIES;
}

static void warn_single_classes(Elaborator *e, const TrainSettings *train) {
    const Graph *graph = e->graph;
    bool told = false;
    for (int i = 0; i < graph->nodes.count; i++) {
        const Node *node = graph_node(graph, i);
        if (!is_over_classes(node->op->meaning)) continue;
        if (shape_channels(&graph_value(graph, node->outputs.items[0])->shape) != 1) continue;
        report(e, place_of(graph, node), W_SINGLE_CLASS, node->op->name);
        help(e, "for yes or no: one value, sigmoid and binary_cross_entropy; for two classes: two values");
        told = true;
    }
    if (told || !train || train->loss->predicts != MEANING_PROBABILITIES) return;
    if (shape_channels(&graph_value(graph, graph->output)->shape) != 1) return;
    report(e, train->loss_span, W_SINGLE_CLASS, train->loss->name);
    help(e, "for yes or no: binary_cross_entropy; for two classes: an output of two values");
}

static void warn_warmup(Elaborator *e, const TrainSettings *train) {
    for (int i = 0; i < train->schedule->param_count; i++) {
        const Attr *attr = &train->schedule_attrs[i];
        if (strcmp(train->schedule->params[i].name, "warmup") || attr->real <= (double)train->epochs)
            continue;
        report(e, attr->span, W_WARMUP, attr->real, (double)train->epochs);
    }
}

void warn_hopeless(Elaborator *e, const Model *model) {
    const TrainSettings *train = model->train;
    if (train) warn_logits(e, train);
    warn_single_classes(e, train);
    if (train) warn_warmup(e, train);
}
