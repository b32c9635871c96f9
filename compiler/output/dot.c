/* The model's graph for Graphviz: a box a layer with its kind, output shape and parameters, an arrow for each
 * value that it reads. */
#include "output/output.h"

#include <inttypes.h>

static void print_quoted(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

/* A label's lines, in quotes: what is in them is escaped but for the breaks between them. */
static void print_label(FILE *out, const char *first, const char *second, const char *third) {
    const char *lines[] = {first, second, third};
    fputs(" [label=\"", out);
    for (int i = 0; i < COUNT(lines); i++) {
        if (i && lines[i][0]) fputs("\\n", out);
        for (const char *c = lines[i]; *c; c++) {
            if (*c == '"' || *c == '\\') fputc('\\', out);
            fputc(*c, out);
        }
    }
    fputs("\"]", out);
}

static const char *value_shape(const Graph *graph, ValueId value) {
    return value < 0 ? "" : shape_text(graph->arena, &graph_value(graph, value)->shape);
}

static void print_layer(FILE *out, const Graph *graph, const Layer *layer) {
    const char *parameters =
        layer->parameters ? arena_printf(graph->arena, "%" PRId64 " parameters", layer->parameters) : "";
    const char *kind = strcmp(layer->kind, layer->name)
                           ? arena_printf(graph->arena, "%s: %s", layer->name, layer->kind)
                           : layer->name;
    fputs("  ", out);
    print_quoted(out, layer->name);
    print_label(out, kind, value_shape(graph, layer->output), parameters);
    fputs(";\n", out);
    for (int i = 0; i < layer->inputs.count; i++) {
        fputs("  ", out);
        print_quoted(out, layer->inputs.items[i]);
        fputs(" -> ", out);
        print_quoted(out, layer->name);
        fputs(";\n", out);
    }
}

void dot_print(FILE *out, const Model *model) {
    const Graph *graph = model->graph;
    fputs("digraph ", out);
    print_quoted(out, model->name);
    fputs(" {\n  node [shape=box, fontname=\"sans-serif\"];\n  \"input\"", out);
    print_label(out, "input", value_shape(graph, graph->input), "");
    fputs(";\n", out);
    for (int i = 0; i < graph->layers.count; i++) print_layer(out, graph, &graph->layers.items[i]);
    fputs("}\n", out);
}
