/* The printed form of a graph, a line a layer, value and node,. Whatever is printed, reader.c reads back to
 * the same. Spans are not printed: they belong to the text that the graph came from. */
#include "graph/text.h"
#include "graph/text_words.h"

#include <inttypes.h>
#include <stdlib.h>

const char *const role_words[ROLE_COUNT] = {"input",    "activation", "parameter", "state",
                                            "gradient", "lane",       "shared",    "packed"};
const char *const region_words[REGION_COUNT] = {"none",   "parameters", "packed", "lane",
                                                "shared", "batch",      "scratch"};
const char *const init_words[INIT_COUNT] = {
#define FIXED(name, word, argument) #word,
#define DRAWN(name, word, argument) #word,
#define GIVEN(name, word)           #word,
#include "runtime/initialisers.def"
#undef FIXED
#undef DRAWN
#undef GIVEN
};

/* Enough digits to come back as the same bits; always with a point, an exponent or a letter, so that it is no
 * integer. */
static void print_real(FILE *out, double real) {
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, real);
        if (strtod(text, NULL) == real) break;
    }
    fprintf(out, "%s%s", text, strpbrk(text, ".eni") ? "" : ".0");
}

void text_print_integers(FILE *out, const int64_t *items, int count) {
    fputc('(', out);
    for (int i = 0; i < count; i++) fprintf(out, "%s%" PRId64, i ? ", " : "", items[i]);
    fputc(')', out);
}

static void print_reals(FILE *out, const double *items, int64_t count) {
    fputc('(', out);
    for (int64_t i = 0; i < count; i++) {
        if (i) fputs(", ", out);
        print_real(out, items[i]);
    }
    fputc(')', out);
}

static void print_shape(FILE *out, const Shape *shape) {
    text_print_integers(out, shape->dim, shape->rank);
}

static void print_padding(FILE *out, const Padding *padding) {
    if (padding->kind == PADDING_VALID) fputs("valid", out);
    if (padding->kind == PADDING_SAME) fputs("same", out);
    if (padding->kind != PADDING_EXPLICIT) return;
    fputs("pads", out);
    text_print_integers(out, padding->begin, padding->rank);
    text_print_integers(out, padding->end, padding->rank);
}

static void print_init(FILE *out, Init init) {
    fprintf(out, "init %s ", init_words[init.kind]);
    print_real(out, init.value);
}

static void print_tensor(FILE *out, const Tensor *tensor) {
    int64_t elements = shape_elements(&tensor->shape);
    fputs("tensor", out);
    print_shape(out, &tensor->shape);
    print_reals(out, tensor->values, elements);
}

static void print_attr(FILE *out, const Attr *attr) {
    switch (attr->kind) {
    case ATTR_NONE: fputs("none", out); break;
    case ATTR_INT: fprintf(out, "%" PRId64, attr->integer); break;
    case ATTR_REAL: print_real(out, attr->real); break;
    case ATTR_BOOL: fputs(attr->boolean ? "true" : "false", out); break;
    case ATTR_SIZE:
        fputs("size", out);
        text_print_integers(out, attr->size.dim, attr->size.rank);
        break;
    case ATTR_PADDING: print_padding(out, &attr->padding); break;
    case ATTR_WORD: fprintf(out, "word %s", attr->word); break;
    case ATTR_INIT: print_init(out, attr->init); break;
    case ATTR_TENSOR: print_tensor(out, &attr->tensor); break;
    case ATTR_DIMS:
        fputs("dims", out);
        print_shape(out, &attr->dims);
        break;
    }
}

void text_print_attrs(FILE *out, const Op *op, const Attr *attrs) {
    if (!op->param_count) return;
    fputs(" {", out);
    for (int i = 0; i < op->param_count; i++) {
        fprintf(out, "%s%s=", i ? ", " : "", op->params[i].name);
        print_attr(out, &attrs[i]);
    }
    fputc('}', out);
}

static void print_layer_name(FILE *out, const Graph *graph, int layer) {
    if (layer >= 0) fprintf(out, " @%s", graph->layers.items[layer].name);
}

void text_print_epilogue(FILE *out, const Graph *graph, const Node *node) {
    for (int i = 0; i < node->epilogue.count; i++) {
        const EpilogueStep *step = &node->epilogue.items[i];
        fprintf(out, " then %s(", step->op->name);
        for (int k = 0; k < step->input_count; k++) {
            if (k) fputs(", ", out);
            if (step->inputs[k] < 0)
                fputc('$', out);
            else
                fprintf(out, "#%d", step->inputs[k]);
        }
        fputc(')', out);
        text_print_attrs(out, step->op, step->attrs);
        if (graph) print_layer_name(out, graph, step->layer);
    }
}

static void print_value_name(FILE *out, const Graph *graph, ValueId id) {
    if (id < 0)
        fputs("none", out);
    else
        fprintf(out, "%%%s", graph->values.items[id].name);
}

static void print_storage(FILE *out, const ParameterInfo *info) {
    const Storage *s = &info->storage;
    int64_t block[] = {s->size, s->origin, s->group, s->group_stride, s->block, s->block_stride};
    fputs(" storage", out);
    text_print_integers(out, block, COUNT(block));
    text_print_integers(out, s->stride, info->shape.rank);
}

static void print_parameter(FILE *out, const ParameterInfo *info) {
    fprintf(out, " name %s ", info->name);
    print_init(out, info->init);
    fprintf(out, " fan(%" PRId64 ", %" PRId64 ")", info->fan_in, info->fan_out);
    if (info->trainable) fputs(" trainable", out);
    if (info->decay) fputs(" decay", out);
    if (info->statistic) fputs(" statistic", out);
    print_storage(out, info);
    if (!info->values) return;
    fputs(" values", out);
    print_reals(out, info->values, shape_elements(&info->shape));
}

static bool has_layout(const Value *value) {
    return value->layout.size != 0;
}

static void print_layout(FILE *out, const Value *value) {
    const Layout *layout = &value->layout;
    fputs(" layout", out);
    text_print_integers(out, layout->before, SPATIAL_MAX);
    text_print_integers(out, layout->after, SPATIAL_MAX);
    text_print_integers(out, layout->stride, value->shape.rank);
    fprintf(out, "(%" PRId64 ", %" PRId64 ")", layout->origin, layout->size);
}

/* The parameter that a gradient belongs to: they share the information. */
static ValueId owner(const Graph *graph, const Value *gradient) {
    for (int i = 0; i < graph->values.count; i++) {
        const Value *value = &graph->values.items[i];
        if (value->role == ROLE_PARAMETER && value->parameter == gradient->parameter) return i;
    }
    return -1;
}

static void print_value(FILE *out, const Graph *graph, const Value *value) {
    fprintf(out, "value %%%s %s ", value->name, role_words[value->role]);
    print_shape(out, &value->shape);
    print_layer_name(out, graph, value->layer);
    if (value->role == ROLE_GRADIENT) {
        fputs(" of ", out);
        print_value_name(out, graph, owner(graph, value));
    } else if (value->parameter) {
        print_parameter(out, value->parameter);
    }
    if (value->elements) fprintf(out, " elements %" PRId64, value->elements);
    if (value->within >= 0) {
        fputs(" within ", out);
        print_value_name(out, graph, value->within);
        fprintf(out, " at %" PRId64, value->channel);
    }
    if (value->alias >= 0) {
        fputs(" alias ", out);
        print_value_name(out, graph, value->alias);
    }
    if (has_layout(value)) print_layout(out, value);
    if (value->region) fprintf(out, " region %s %" PRId64, region_words[value->region], value->offset);
    fputc('\n', out);
}

static void print_names(FILE *out, const Graph *graph, const ValueId *ids, int count) {
    for (int i = 0; i < count; i++) {
        if (i) fputs(", ", out);
        print_value_name(out, graph, ids[i]);
    }
}

static void print_node(FILE *out, const Graph *graph, const Node *node) {
    fputs("node ", out);
    print_names(out, graph, node->outputs.items, node->outputs.count);
    fprintf(out, "%s%s(", node->outputs.count ? " = " : "", node->op->name);
    print_names(out, graph, node->inputs.items, node->inputs.count);
    fputc(')', out);
    text_print_attrs(out, node->op, node->attrs);
    print_layer_name(out, graph, node->layer);
    text_print_epilogue(out, graph, node);
    if (node->max_window) fprintf(out, " max_window %d", node->max_window);
    if (node->stage) fprintf(out, " stage %d", node->stage);
    if (node->kernel) fprintf(out, " kernel %s", node->kernel->name);
    if (node->cost != 0) {
        fputs(" cost ", out);
        print_real(out, node->cost);
    }
    if (node->alone) fprintf(out, " alone %s", node->alone->name);
    if (node->alone_cost != 0) {
        fputs(" alone_cost ", out);
        print_real(out, node->alone_cost);
    }
    if (node->late) fputs(" late", out);
    if (node->dead) fputs(" dead", out);
    fputc('\n', out);
}

static void print_layer(FILE *out, const Graph *graph, const Layer *layer) {
    fprintf(out, "layer %s %s(", layer->name, layer->kind);
    for (int i = 0; i < layer->inputs.count; i++) fprintf(out, "%s%s", i ? ", " : "", layer->inputs.items[i]);
    fputs(") output ", out);
    print_value_name(out, graph, layer->output);
    int64_t counts[] = {layer->parameters, layer->trainable, layer->statistics, layer->macs};
    fputs(" counts", out);
    text_print_integers(out, counts, COUNT(counts));
    fputc('\n', out);
}

static void print_place(FILE *out, const Graph *graph, const char *label, ValueId id) {
    if (id < 0) return;
    fprintf(out, " %s ", label);
    print_value_name(out, graph, id);
}

static void print_number(FILE *out, const char *label, int64_t number) {
    if (number) fprintf(out, " %s %" PRId64, label, number);
}

static void print_graph_fields(FILE *out, const Graph *graph) {
    fputs("ends", out);
    print_place(out, graph, "input", graph->input);
    print_place(out, graph, "output", graph->output);
    print_place(out, graph, "logits", graph->logits);
    fputs("\nplan", out);
    print_number(out, "stages", graph->stage_count);
    if (graph->stage_micro_batches) fputs(" micro_batches", out);
    for (int i = 0; i < graph->stage_count && graph->stage_micro_batches; i++)
        fprintf(out, " %d", graph->stage_micro_batches[i]);
    print_number(out, "micro_batch", graph->micro_batch);
    print_number(out, "lanes", graph->lanes);
    print_number(out, "scratch_stride", graph->scratch_stride);
    print_number(out, "batch_stride", graph->batch_stride);
    print_number(out, "lane_elements", graph->lane_elements);
    print_number(out, "shared_elements", graph->shared_elements);
    print_number(out, "packed_elements", graph->packed_elements);
    print_number(out, "workspace_elements", graph->workspace_elements);
    print_number(out, "parameter_elements", graph->parameter_elements);
    print_number(out, "trained_elements", graph->trained_elements);
    print_number(out, "decayed_elements", graph->decayed_elements);
    print_number(out, "serial", graph->serial);
    fputc('\n', out);
}

void graph_print(FILE *out, const Graph *graph) {
    fprintf(out, "graph %s %s%s\n", graph->name, graph->form->name, graph->training ? " training" : "");
    for (int i = 0; i < graph->layers.count; i++) print_layer(out, graph, &graph->layers.items[i]);
    for (int i = 0; i < graph->values.count; i++) print_value(out, graph, &graph->values.items[i]);
    for (int i = 0; i < graph->nodes.count; i++) print_node(out, graph, &graph->nodes.items[i]);
    print_graph_fields(out, graph);
}
