/* The summary as one JSON object (formats.md), a layer at a time, so that a million of them need no memory.
 * Integers are written digit by digit: a double, which cJSON keeps numbers in, is exact only up to 2^53. */
#include "output/output.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>

static cJSON *integer(int64_t number) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, number);
    return cJSON_CreateRaw(text);
}

static cJSON *extents(const Shape *shape) {
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < shape->rank; i++) cJSON_AddItemToArray(list, integer(shape->dim[i]));
    return list;
}

static void add(cJSON *object, const char *key, cJSON *item) {
    cJSON_AddItemToObjectCS(object, key, item);
}

/* Prints and releases the item. */
static void print(FILE *out, cJSON *item) {
    char *text = cJSON_PrintUnformatted(item);
    fputs(text, out);
    cJSON_free(text);
    cJSON_Delete(item);
}

static void print_member(FILE *out, const char *before, const char *key, cJSON *item) {
    fprintf(out, "%s\"%s\": ", before, key);
    print(out, item);
}

static void print_layer(FILE *out, const Graph *graph, const Layer *layer) {
    cJSON *row = cJSON_CreateObject(), *inputs = cJSON_CreateArray();
    for (int i = 0; i < layer->inputs.count; i++)
        cJSON_AddItemToArray(inputs, cJSON_CreateString(layer->inputs.items[i]));
    add(row, "name", cJSON_CreateString(layer->name));
    add(row, "kind", cJSON_CreateString(layer->kind));
    add(row, "line", integer(layer->span.line));
    add(row, "inputs", inputs);
    add(row, "output", extents(&graph->values.items[layer->output].shape));
    add(row, "parameters", integer(layer->parameters));
    add(row, "trainable", integer(layer->trainable));
    if (layer->statistics) add(row, "statistics", integer(layer->statistics));
    add(row, "macs", integer(layer->macs));
    print(out, row);
}

void summary_print_json(FILE *out, const Model *model, int64_t memory_inference, int64_t memory_training) {
    const Graph *graph = model->graph;
    GraphTotals totals = graph_totals(graph);
    print_member(out, "{", "model", cJSON_CreateString(model->name));
    print_member(out, ", ", "input", extents(&graph->values.items[graph->input].shape));
    print_member(out, ", ", "output", extents(&graph->values.items[graph->output].shape));
    fputs(",\n \"layers\": [", out);
    for (int i = 0; i < graph->layers.count; i++) {
        if (i) fputs(",\n            ", out);
        print_layer(out, graph, &graph->layers.items[i]);
    }
    fputs("],\n", out);
    print_member(out, " ", "parameters", integer(totals.parameters));
    print_member(out, ", ", "trainable", integer(totals.trainable));
    if (totals.statistics) print_member(out, ", ", "statistics", integer(totals.statistics));
    print_member(out, ", ", "bytes", integer(totals.parameters * 4));
    print_member(out, ", ", "macs", integer(totals.macs));
    cJSON *memory = cJSON_CreateObject();
    add(memory, "inference", integer(memory_inference));
    add(memory, "training", integer(memory_training));
    print_member(out, ",\n ", "memory", memory);
    fputs("}\n", out);
}
