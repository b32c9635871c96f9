/* The summary as text: the table that Keras users know, one row a layer, then the totals (formats.md).
 * Columns are as wide as what stands in them, with a least width each, so that tables of different models
 * look alike. */
#include "output/output.h"

#include "runtime/printable.h"

#include <inttypes.h>
#include <string.h>

enum { NUMBER_TEXT = 32, BYTES_TEXT = 32, LABEL_WIDTH = 28 };

typedef struct Columns {
    int layer, kind, output, parameters, macs;
} Columns;

/* 1234567 as 1,234,567 */
static const char *grouped(int64_t number, char text[NUMBER_TEXT]) {
    char digits[NUMBER_TEXT];
    int count = snprintf(digits, sizeof digits, "%" PRId64, number), at = 0;
    for (int i = 0; i < count; i++) {
        if (i && (count - i) % 3 == 0) text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

static const char *bytes_text(int64_t bytes, char text[BYTES_TEXT]) {
    static const char *const units[] = {"KB", "MB", "GB", "TB", "PB"};
    double amount = (double)bytes / 1024;
    int unit = 0;
    if (bytes < 1024) {
        snprintf(text, BYTES_TEXT, "%" PRId64 " bytes", bytes);
        return text;
    }
    while (amount >= 1024 && unit + 1 < (int)(sizeof units / sizeof *units)) amount /= 1024, unit++;
    snprintf(text, BYTES_TEXT, "%.2f %s", amount, units[unit]);
    return text;
}

static const char *extents_text(const Shape *shape, char text[SHAPE_MAX_RANK * NUMBER_TEXT]) {
    int at = 0;
    text[0] = 0;
    for (int i = 0; i < shape->rank; i++)
        at += snprintf(text + at, NUMBER_TEXT, "%s%" PRId64, i ? "x" : "", shape->dim[i]);
    return text;
}

static void widen(int *width, const char *text, int gap) {
    int wanted = (int)strlen(text) + gap;
    if (*width < wanted) *width = wanted;
}

static Columns measure(const Graph *graph) {
    Columns columns = {.layer = 13, .kind = 10, .output = 13, .parameters = 10, .macs = 13};
    char shape[SHAPE_MAX_RANK * NUMBER_TEXT], number[NUMBER_TEXT];
    for (int i = 0; i < graph->layers.count; i++) {
        const Layer *layer = &graph->layers.items[i];
        widen(&columns.layer, layer->name, 2);
        widen(&columns.kind, layer->kind, 2);
        widen(&columns.output, extents_text(&graph_value((Graph *)graph, layer->output)->shape, shape), 2);
        widen(&columns.parameters, grouped(layer->parameters, number), 0);
        widen(&columns.macs, grouped(layer->macs, number), 2);
    }
    return columns;
}

static void print_layers(FILE *out, const Graph *graph, const Columns *columns) {
    char shape[SHAPE_MAX_RANK * NUMBER_TEXT], parameters[NUMBER_TEXT], macs[NUMBER_TEXT];
    fprintf(out, "%-*s%-*s%-*s%*s%*s\n", columns->layer, "layer", columns->kind, "kind", columns->output,
            "output", columns->parameters, "parameters", columns->macs, "MACs");
    for (int i = 0; i < graph->layers.count; i++) {
        const Layer *layer = &graph->layers.items[i];
        fprintf(out, "%-*s%-*s%-*s%*s%*s\n", columns->layer, layer->name, columns->kind, layer->kind,
                columns->output, extents_text(&graph_value((Graph *)graph, layer->output)->shape, shape),
                columns->parameters, grouped(layer->parameters, parameters), columns->macs,
                grouped(layer->macs, macs));
    }
}

static void print_total(FILE *out, const char *label, int64_t number, const char *after) {
    char text[NUMBER_TEXT];
    fprintf(out, "%s %*s%s\n", label, LABEL_WIDTH - 1 - (int)strlen(label), grouped(number, text), after);
}

static void print_memory(FILE *out, const Model *model, int64_t inference, int64_t training) {
    char run[BYTES_TEXT], train[BYTES_TEXT];
    fprintf(out, "%-20s%s to run one sample", "memory", bytes_text(inference, run));
    if (model->train)
        fprintf(out, ", %s to train a batch of %" PRId64, bytes_text(training, train), model->train->batch);
    fputc('\n', out);
}

void summary_print_text(FILE *out, const Model *model, const char *file, int64_t memory_inference,
                        int64_t memory_training) {
    const Graph *graph = model->graph;
    Columns columns = measure(graph);
    char input[SHAPE_MAX_RANK * NUMBER_TEXT], output[SHAPE_MAX_RANK * NUMBER_TEXT], size[BYTES_TEXT],
        after[64];
    extents_text(&graph_value((Graph *)graph, graph->input)->shape, input);
    extents_text(&graph_value((Graph *)graph, graph->output)->shape, output);
    int title = (int)(strlen(model->name) + strlen(input) + strlen(output)) + 6;
    int width = columns.layer + columns.kind + columns.output + columns.parameters + columns.macs;
    int named = cnn_print_text(NULL, file), room = width - title > named + 2 ? width - title - named : 2;
    fprintf(out, "%s: %s to %s%*s", model->name, input, output, room, "");
    cnn_print_text(out, file);
    fputc('\n', out);
    print_layers(out, graph, &columns);
    GraphTotals totals = graph_totals(graph);
    snprintf(after, sizeof after, "  (%s)", bytes_text(totals.parameters * 4, size));
    print_total(out, "total parameters", totals.parameters, after);
    print_total(out, "trainable", totals.trainable, "");
    print_total(out, "not trainable", totals.parameters - totals.trainable, "");
    if (totals.statistics) print_total(out, "statistics", totals.statistics, "");
    print_total(out, "multiply-adds", totals.macs, "  a sample");
    print_memory(out, model, memory_inference, memory_training);
}
