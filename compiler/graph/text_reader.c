/* Reads the printed form of a graph back (text_printer.c), with `//` comments for the tests. The first fault
 * is reported and ends the reading; what was read is verified, so a graph that comes out is sound. */
#include "base/map.h"
#include "graph/text.h"
#include "graph/text_token.h"
#include "graph/text_words.h"
#include "graph/verifier.h"

#include <stdint.h>

typedef struct Reader {
    TokenReader tokens;
    Arena *arena;
    Graph *graph;
    Map *values, *layers; /* by name: index + 1 */
} Reader;

/* (1, 2, 3): at most `most` of them; returns how many. */
static int read_integers(Reader *r, int64_t *items, int most) {
    int count = 0;
    text_expect_sign(&r->tokens, '(');
    if (text_accept_sign(&r->tokens, ')')) return 0;
    do {
        int64_t item = text_expect_integer(&r->tokens);
        if (count == most) text_fail_last(&r->tokens, "there are too many numbers");
        if (!r->tokens.failed) items[count++] = item;
    } while (text_accept_sign(&r->tokens, ','));
    text_expect_sign(&r->tokens, ')');
    return count;
}

static void read_exact_integers(Reader *r, int64_t *items, int count) {
    if (read_integers(r, items, count) != count) text_fail_last(&r->tokens, "there are too few numbers");
}

static Shape read_shape(Reader *r) {
    Shape shape = {0};
    shape.rank = read_integers(r, shape.dim, SHAPE_MAX_RANK);
    if (shape_elements(&shape) < 0) text_fail_last(&r->tokens, "this shape is too large");
    return shape;
}

static const double *read_reals(Reader *r, int64_t count) {
    VEC(double) reals = {0};
    text_expect_sign(&r->tokens, '(');
    if (!text_is_sign(&r->tokens, ')')) {
        do {
            double real = text_expect_real(&r->tokens);
            vec_push(r->arena, &reals, real);
        } while (text_accept_sign(&r->tokens, ','));
    }
    text_expect_sign(&r->tokens, ')');
    if (reals.count != count)
        text_fail_last(&r->tokens, "there are not as many numbers as the shape has elements");
    return reals.items;
}

static Init read_init(Reader *r) {
    Init init = {.kind = (InitKind)text_expect_one_of(&r->tokens, init_words, INIT_COUNT, "an initialiser")};
    init.value = text_expect_real(&r->tokens);
    return init;
}

static Padding read_pads(Reader *r) {
    Padding padding = {.kind = PADDING_EXPLICIT};
    padding.rank = read_integers(r, padding.begin, SPATIAL_MAX);
    read_exact_integers(r, padding.end, padding.rank);
    return padding;
}

static Attr read_number_attr(Reader *r) {
    Attr attr = {.kind = ATTR_INT};
    if (text_is_integer(&r->tokens)) {
        attr.integer = text_expect_integer(&r->tokens);
        return attr;
    }
    attr = (Attr){.kind = ATTR_REAL};
    attr.real = text_expect_real(&r->tokens);
    return attr;
}

static Attr read_attr(Reader *r) {
    Attr attr = {0};
    if (text_accept_word(&r->tokens, "none")) return attr;
    if (text_accept_word(&r->tokens, "true")) return (Attr){.kind = ATTR_BOOL, .boolean = true};
    if (text_accept_word(&r->tokens, "false")) return (Attr){.kind = ATTR_BOOL};
    if (text_accept_word(&r->tokens, "size")) {
        attr.kind = ATTR_SIZE;
        attr.size.rank = read_integers(r, attr.size.dim, SPATIAL_MAX);
    } else if (text_accept_word(&r->tokens, "valid")) {
        attr = (Attr){.kind = ATTR_PADDING, .padding = {.kind = PADDING_VALID}};
    } else if (text_accept_word(&r->tokens, "same")) {
        attr = (Attr){.kind = ATTR_PADDING, .padding = {.kind = PADDING_SAME}};
    } else if (text_accept_word(&r->tokens, "pads")) {
        attr = (Attr){.kind = ATTR_PADDING, .padding = read_pads(r)};
    } else if (text_accept_word(&r->tokens, "word")) {
        attr = (Attr){.kind = ATTR_WORD, .word = text_expect_name(&r->tokens, "a word")};
    } else if (text_accept_word(&r->tokens, "init")) {
        attr = (Attr){.kind = ATTR_INIT, .init = read_init(r)};
    } else if (text_accept_word(&r->tokens, "tensor")) {
        attr = (Attr){.kind = ATTR_TENSOR, .tensor = {.shape = read_shape(r)}};
        attr.tensor.values = read_reals(r, shape_elements(&attr.tensor.shape));
    } else if (text_accept_word(&r->tokens, "dims")) {
        attr = (Attr){.kind = ATTR_DIMS, .dims = read_shape(r)};
    } else {
        attr = read_number_attr(r);
    }
    return attr;
}

/* Arguments that are not written are none. */
static const Attr *read_attrs(Reader *r, const Op *op) {
    Attr *attrs = ARENA_ARRAY(r->arena, Attr, (size_t)op->param_count);
    if (!text_accept_sign(&r->tokens, '{')) return attrs;
    do {
        const char *name = text_expect_name(&r->tokens, "the name of an argument");
        int index = 0;
        while (index < op->param_count && strcmp(op->params[index].name, name)) index++;
        if (index == op->param_count)
            text_fail_last(&r->tokens, arena_printf(r->arena, "%s has no argument %s", op->name, name));
        text_expect_sign(&r->tokens, '=');
        Attr attr = read_attr(r);
        if (!r->tokens.failed) attrs[index] = attr;
    } while (text_accept_sign(&r->tokens, ','));
    text_expect_sign(&r->tokens, '}');
    return attrs;
}

static const Op *read_op(Reader *r) {
    const char *name = text_expect_name(&r->tokens, "an operator");
    const Op *op = op_find(name);
    if (!op) text_fail_last(&r->tokens, arena_printf(r->arena, "there is no operator %s", name));
    return op;
}

/* Behind its sign: the index of that name. */
static int read_known(Reader *r, const Map *map, const char *what) {
    const char *name = text_expect_name(&r->tokens, what);
    int index = (int)(intptr_t)map_get(map, name) - 1;
    if (index < 0) text_fail_last(&r->tokens, arena_printf(r->arena, "there is no %s %s", what, name));
    return index;
}

static ValueId read_value_name(Reader *r) {
    text_expect_sign(&r->tokens, '%');
    return read_known(r, r->values, "value");
}

static ValueId read_optional_value(Reader *r) {
    return text_accept_word(&r->tokens, "none") ? -1 : read_value_name(r);
}

static int read_layer_name(Reader *r) {
    return text_accept_sign(&r->tokens, '@') ? read_known(r, r->layers, "layer") : -1;
}

static void read_layer(Reader *r) {
    Layer layer = {.name = text_expect_name(&r->tokens, "a name"),
                   .kind = text_expect_name(&r->tokens, "a kind")};
    text_expect_sign(&r->tokens, '(');
    while (!r->tokens.failed && !text_is_sign(&r->tokens, ')')) {
        vec_push(r->arena, &layer.inputs, text_expect_name(&r->tokens, "a layer's name"));
        if (!text_accept_sign(&r->tokens, ',')) break;
    }
    text_expect_sign(&r->tokens, ')');
    if (!text_accept_word(&r->tokens, "output")) text_fail(&r->tokens, "expected output");
    layer.output = read_optional_value(r);
    int64_t counts[4] = {0};
    if (text_accept_word(&r->tokens, "counts")) read_exact_integers(r, counts, COUNT(counts));
    layer.parameters = counts[0];
    layer.trainable = counts[1];
    layer.statistics = counts[2];
    layer.macs = counts[3];
    vec_push(r->arena, &r->graph->layers, layer);
}

static void read_storage(Reader *r, ParameterInfo *info) {
    int64_t block[6];
    read_exact_integers(r, block, COUNT(block));
    if (r->tokens.failed) return;
    Storage *s = &info->storage;
    s->size = block[0];
    s->origin = block[1];
    s->group = block[2];
    s->group_stride = block[3];
    s->block = block[4];
    s->block_stride = block[5];
    read_exact_integers(r, s->stride, info->shape.rank);
}

static ParameterInfo *read_parameter(Reader *r, Shape shape) {
    ParameterInfo *info = ARENA_NEW(r->arena, ParameterInfo);
    info->shape = shape;
    info->name = text_expect_name(&r->tokens, "a name");
    if (text_accept_word(&r->tokens, "init")) info->init = read_init(r);
    int64_t fan[2] = {0};
    if (text_accept_word(&r->tokens, "fan")) read_exact_integers(r, fan, COUNT(fan));
    info->fan_in = fan[0];
    info->fan_out = fan[1];
    info->trainable = text_accept_word(&r->tokens, "trainable");
    info->decay = text_accept_word(&r->tokens, "decay");
    info->statistic = text_accept_word(&r->tokens, "statistic");
    if (text_accept_word(&r->tokens, "storage")) read_storage(r, info);
    if (text_accept_word(&r->tokens, "values")) info->values = read_reals(r, shape_elements(&shape));
    return info;
}

static Layout read_layout(Reader *r, int rank) {
    Layout layout = {0};
    int64_t place[2] = {0};
    read_exact_integers(r, layout.before, SPATIAL_MAX);
    read_exact_integers(r, layout.after, SPATIAL_MAX);
    read_exact_integers(r, layout.stride, rank);
    read_exact_integers(r, place, COUNT(place));
    layout.origin = place[0];
    layout.size = place[1];
    return layout;
}

static void read_value(Reader *r) {
    Value value = {.producer = -1, .within = -1, .alias = -1};
    text_expect_sign(&r->tokens, '%');
    value.name = text_expect_name(&r->tokens, "a name");
    value.role = (Role)text_expect_one_of(&r->tokens, role_words, ROLE_COUNT, "a role");
    value.shape = read_shape(r);
    value.layer = read_layer_name(r);
    if (text_accept_word(&r->tokens, "of")) {
        ValueId of = read_value_name(r);
        if (!r->tokens.failed && of >= r->graph->values.count)
            text_fail(&r->tokens, "the parameter stands after its gradient");
        if (!r->tokens.failed) value.parameter = graph_value(r->graph, of)->parameter;
    } else if (text_accept_word(&r->tokens, "name")) {
        value.parameter = read_parameter(r, value.shape);
    }
    if (text_accept_word(&r->tokens, "elements")) value.elements = text_expect_integer(&r->tokens);
    if (text_accept_word(&r->tokens, "within")) {
        value.within = read_value_name(r);
        if (!text_accept_word(&r->tokens, "at")) text_fail(&r->tokens, "expected at");
        value.channel = text_expect_integer(&r->tokens);
    }
    if (text_accept_word(&r->tokens, "alias")) value.alias = read_value_name(r);
    if (text_accept_word(&r->tokens, "layout")) value.layout = read_layout(r, value.shape.rank);
    if (text_accept_word(&r->tokens, "region")) {
        value.region = (Region)text_expect_one_of(&r->tokens, region_words, REGION_COUNT, "a region");
        value.offset = text_expect_integer(&r->tokens);
        if (value.region == REGION_PARAMETERS && value.parameter) value.parameter->offset = value.offset;
    }
    vec_push(r->arena, &r->graph->values, value);
}

static int read_operand(Reader *r) {
    if (text_accept_sign(&r->tokens, '$')) return -1;
    text_expect_sign(&r->tokens, '#');
    return text_expect_small(&r->tokens);
}

static void read_step(Reader *r, Node *node) {
    EpilogueStep step = {.op = read_op(r)};
    text_expect_sign(&r->tokens, '(');
    do {
        int operand = read_operand(r);
        if (step.input_count == COUNT(step.inputs)) text_fail_last(&r->tokens, "there are too many operands");
        if (!r->tokens.failed) step.inputs[step.input_count++] = operand;
    } while (text_accept_sign(&r->tokens, ','));
    text_expect_sign(&r->tokens, ')');
    if (r->tokens.failed) return;
    step.attrs = read_attrs(r, step.op);
    step.layer = read_layer_name(r);
    vec_push(r->arena, &node->epilogue, step);
}

static const Kernel *read_kernel(Reader *r, const Op *op) {
    const char *name = text_expect_name(&r->tokens, "a kernel");
    for (int i = 0; i < op->kernel_count; i++)
        if (!strcmp(op->kernels[i].name, name)) return &op->kernels[i];
    text_fail_last(&r->tokens, arena_printf(r->arena, "%s has no kernel %s", op->name, name));
    return NULL;
}

static void read_outputs(Reader *r, Node *node) {
    if (!text_is_sign(&r->tokens, '%')) return;
    do {
        ValueId output = read_value_name(r);
        if (r->tokens.failed || output >= r->graph->values.count) {
            text_fail(&r->tokens, "the values stand after this node");
            return;
        }
        Value *value = graph_value(r->graph, output);
        if (value->producer >= 0) text_fail_last(&r->tokens, "this value is made twice");
        value->producer = r->graph->nodes.count;
        vec_push(r->arena, &node->outputs, output);
    } while (text_accept_sign(&r->tokens, ','));
    text_expect_sign(&r->tokens, '=');
}

static void read_node(Reader *r) {
    Node node = {0};
    read_outputs(r, &node);
    node.op = read_op(r);
    text_expect_sign(&r->tokens, '(');
    while (!r->tokens.failed && !text_is_sign(&r->tokens, ')')) {
        ValueId input = read_value_name(r);
        vec_push(r->arena, &node.inputs, input);
        if (!text_accept_sign(&r->tokens, ',')) break;
    }
    text_expect_sign(&r->tokens, ')');
    if (r->tokens.failed) return;
    node.attrs = read_attrs(r, node.op);
    node.layer = read_layer_name(r);
    while (text_accept_word(&r->tokens, "then")) read_step(r, &node);
    if (text_accept_word(&r->tokens, "max_window")) node.max_window = text_expect_small(&r->tokens);
    if (text_accept_word(&r->tokens, "stage")) node.stage = text_expect_small(&r->tokens);
    if (text_accept_word(&r->tokens, "kernel")) node.kernel = read_kernel(r, node.op);
    if (text_accept_word(&r->tokens, "cost")) node.cost = text_expect_real(&r->tokens);
    if (text_accept_word(&r->tokens, "alone")) node.alone = read_kernel(r, node.op);
    if (text_accept_word(&r->tokens, "alone_cost")) node.alone_cost = text_expect_real(&r->tokens);
    node.late = text_accept_word(&r->tokens, "late");
    node.dead = text_accept_word(&r->tokens, "dead");
    vec_push(r->arena, &r->graph->nodes, node);
}

static void read_ends(Reader *r) {
    if (text_accept_word(&r->tokens, "input")) r->graph->input = read_value_name(r);
    if (text_accept_word(&r->tokens, "output")) r->graph->output = read_value_name(r);
    if (text_accept_word(&r->tokens, "logits")) r->graph->logits = read_value_name(r);
}

static void read_micro_batches(Reader *r) {
    Graph *g = r->graph;
    if (!text_accept_word(&r->tokens, "micro_batches")) return;
    g->stage_micro_batches = ARENA_ARRAY(r->arena, int, (size_t)g->stage_count);
    for (int i = 0; i < g->stage_count; i++) g->stage_micro_batches[i] = text_expect_small(&r->tokens);
}

static void read_plan(Reader *r) {
    Graph *g = r->graph;
    if (text_accept_word(&r->tokens, "stages")) g->stage_count = text_expect_small(&r->tokens);
    read_micro_batches(r);
    if (text_accept_word(&r->tokens, "micro_batch")) g->micro_batch = text_expect_small(&r->tokens);
    if (text_accept_word(&r->tokens, "lanes")) g->lanes = text_expect_small(&r->tokens);
    if (text_accept_word(&r->tokens, "scratch_stride")) g->scratch_stride = text_expect_integer(&r->tokens);
    if (text_accept_word(&r->tokens, "batch_stride")) g->batch_stride = text_expect_integer(&r->tokens);
    if (text_accept_word(&r->tokens, "lane_elements")) g->lane_elements = text_expect_integer(&r->tokens);
    if (text_accept_word(&r->tokens, "shared_elements")) g->shared_elements = text_expect_integer(&r->tokens);
    if (text_accept_word(&r->tokens, "packed_elements")) g->packed_elements = text_expect_integer(&r->tokens);
    if (text_accept_word(&r->tokens, "workspace_elements"))
        g->workspace_elements = text_expect_integer(&r->tokens);
    if (text_accept_word(&r->tokens, "parameter_elements"))
        g->parameter_elements = text_expect_integer(&r->tokens);
    if (text_accept_word(&r->tokens, "trained_elements"))
        g->trained_elements = text_expect_integer(&r->tokens);
    if (text_accept_word(&r->tokens, "decayed_elements"))
        g->decayed_elements = text_expect_integer(&r->tokens);
    if (text_accept_word(&r->tokens, "serial")) g->serial = text_expect_small(&r->tokens);
}

static void read_line(Reader *r) {
    if (r->tokens.token.kind == TOKEN_WORD) {
        if (text_accept_word(&r->tokens, "layer"))
            read_layer(r);
        else if (text_accept_word(&r->tokens, "value"))
            read_value(r);
        else if (text_accept_word(&r->tokens, "node"))
            read_node(r);
        else if (text_accept_word(&r->tokens, "ends"))
            read_ends(r);
        else if (text_accept_word(&r->tokens, "plan"))
            read_plan(r);
        else
            text_fail(&r->tokens, "expected layer, value, node, ends or plan");
    }
    if (!r->tokens.failed && r->tokens.token.kind != TOKEN_LINE && r->tokens.token.kind != TOKEN_END)
        text_fail(&r->tokens, "expected the end of the line");
}

static void know(Reader *r, Map *map, int index) {
    if (r->tokens.token.kind != TOKEN_WORD) return;
    if (map_get(map, r->tokens.token.text)) text_fail(&r->tokens, "this name stands here a second time");
    map_set(map, r->tokens.token.text, (void *)(intptr_t)(index + 1));
}

/* Lines refer to later ones, so names are collected first. */
static void collect_names(Reader *r) {
    int values = 0, layers = 0;
    for (text_restart(&r->tokens); !r->tokens.failed && r->tokens.token.kind != TOKEN_END;
         text_next(&r->tokens)) {
        if (text_accept_word(&r->tokens, "value") && text_accept_sign(&r->tokens, '%'))
            know(r, r->values, values++);
        else if (text_accept_word(&r->tokens, "layer"))
            know(r, r->layers, layers++);
        while (r->tokens.token.kind != TOKEN_LINE && r->tokens.token.kind != TOKEN_END) text_next(&r->tokens);
        if (r->tokens.token.kind == TOKEN_END) break;
    }
}

static void read_heading(Reader *r) {
    while (r->tokens.token.kind == TOKEN_LINE) text_next(&r->tokens);
    if (!text_accept_word(&r->tokens, "graph")) text_fail(&r->tokens, "expected graph");
    const char *name = text_expect_name(&r->tokens, "the model's name");
    const char *word = text_expect_name(&r->tokens, "the form's name");
    Form form = FORM_MODEL;
    if (!r->tokens.failed && !form_find(word, &form))
        text_fail(&r->tokens, "its form is none that the passes know");
    r->graph = graph_create(r->arena, name, form);
    r->graph->doubles = r->graph->form->doubles || r->tokens.cx->options.double_precision;
    r->graph->training = text_accept_word(&r->tokens, "training");
}

Graph *graph_read(Context *cx, const Source *source) {
    Reader r = {
        .arena = cx->arena,
        .tokens = {.cx = cx, .source = source},
        .values = map_create(cx->arena),
        .layers = map_create(cx->arena)
    };
    collect_names(&r);
    text_restart(&r.tokens);
    if (!r.tokens.failed) read_heading(&r);
    while (!r.tokens.failed && r.tokens.token.kind != TOKEN_END) {
        read_line(&r);
        if (r.tokens.token.kind == TOKEN_LINE) text_next(&r.tokens);
    }
    if (r.tokens.failed) return NULL;
    const char *fault = graph_fault(cx->arena, r.graph);
    if (!fault) return r.graph;
    text_fail(&r.tokens, fault);
    return NULL;
}
