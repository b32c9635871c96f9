/* Reads the printed form of a graph back (text_printer.c), with `//` comments for the tests. The first fault
 * is reported and ends the reading; what was read is verified, so a graph that comes out is sound. */
#include "base/map.h"
#include "graph/text.h"
#include "graph/text_words.h"
#include "graph/verifier.h"

#include <errno.h>
#include <stdlib.h>

typedef enum TokenKind { TOKEN_WORD, TOKEN_SIGN, TOKEN_LINE, TOKEN_END } TokenKind;

typedef struct Token {
    TokenKind kind;
    const char *text; /* of a word; a sign is one character */
    char sign;
    Span span;
} Token;

typedef struct Reader {
    Context *cx;
    Graph *graph;
    const Source *source;
    const char *at, *line_start;
    int line;
    Token token;
    Map *values, *layers; /* by name: index + 1 */
    bool failed;
} Reader;

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_.+-", c));
}

static void skip_blanks(Reader *r) {
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r') r->at++;
    if (r->at[0] == '/' && r->at[1] == '/') r->at += strcspn(r->at, "\n");
}

static void next(Reader *r) {
    skip_blanks(r);
    const char *start = r->at;
    int column = (int)(start - r->line_start) + 1;
    r->token = (Token){
        .span = {r->source, r->line, column, r->line, column + 1}
    };
    if (!*start) {
        r->token.kind = TOKEN_END;
    } else if (*start == '\n') {
        r->token.kind = TOKEN_LINE;
        r->line_start = ++r->at;
        r->line++;
    } else if (is_word(*start)) {
        while (is_word(*r->at)) r->at++;
        r->token.kind = TOKEN_WORD;
        r->token.text = arena_strndup(r->cx->arena, start, (size_t)(r->at - start));
        r->token.span.end_column = column + (int)(r->at - start);
    } else {
        r->token.kind = TOKEN_SIGN;
        r->token.sign = *r->at++;
    }
}

static void fail(Reader *r, const char *expected) {
    if (!r->failed) diag(r->cx->diag, r->token.span, E_PRINTED_GRAPH, expected);
    r->failed = true;
}

static bool is_sign(const Reader *r, char sign) {
    return r->token.kind == TOKEN_SIGN && r->token.sign == sign;
}

static bool accept_sign(Reader *r, char sign) {
    if (r->failed || !is_sign(r, sign)) return false;
    next(r);
    return true;
}

static void expect_sign(Reader *r, char sign) {
    if (!accept_sign(r, sign)) fail(r, arena_printf(r->cx->arena, "expected '%c'", sign));
}

static bool accept_word(Reader *r, const char *word) {
    if (r->failed || r->token.kind != TOKEN_WORD || strcmp(r->token.text, word)) return false;
    next(r);
    return true;
}

static const char *expect_name(Reader *r, const char *what) {
    const char *text = r->token.text;
    if (r->failed || r->token.kind != TOKEN_WORD) {
        fail(r, arena_printf(r->cx->arena, "expected %s", what));
        return "";
    }
    next(r);
    return text;
}

static int expect_one_of(Reader *r, const char *const *words, int count, const char *what) {
    for (int i = 0; i < count; i++)
        if (accept_word(r, words[i])) return i;
    fail(r, arena_printf(r->cx->arena, "expected %s", what));
    return 0;
}

static bool is_integer_text(const char *text, int64_t *integer) {
    char *end;
    errno = 0;
    *integer = strtoll(text, &end, 10);
    return !errno && end != text && !*end;
}

static int64_t expect_integer(Reader *r) {
    int64_t integer = 0;
    if (r->failed || r->token.kind != TOKEN_WORD || !is_integer_text(r->token.text, &integer)) {
        fail(r, "expected an integer");
        return 0;
    }
    next(r);
    return integer;
}

static int expect_small(Reader *r) {
    int64_t integer = expect_integer(r);
    if (integer < 0 || integer > INT32_MAX) fail(r, "the number before this is out of range");
    return r->failed ? 0 : (int)integer;
}

static double expect_real(Reader *r) {
    char *end = NULL;
    double real = !r->failed && r->token.kind == TOKEN_WORD ? strtod(r->token.text, &end) : 0;
    if (!end || end == r->token.text || *end) {
        fail(r, "expected a number");
        return 0;
    }
    next(r);
    return real;
}

/* (1, 2, 3): at most `most` of them; returns how many. */
static int read_integers(Reader *r, int64_t *items, int most) {
    int count = 0;
    expect_sign(r, '(');
    if (accept_sign(r, ')')) return 0;
    do {
        int64_t item = expect_integer(r);
        if (count == most) fail(r, "too many numbers before this");
        if (!r->failed) items[count++] = item;
    } while (accept_sign(r, ','));
    expect_sign(r, ')');
    return count;
}

static void read_exact_integers(Reader *r, int64_t *items, int count) {
    if (read_integers(r, items, count) != count) fail(r, "too few numbers before this");
}

static Shape read_shape(Reader *r) {
    Shape shape = {0};
    shape.rank = read_integers(r, shape.dim, SHAPE_MAX_RANK);
    if (shape_elements(&shape) < 0) fail(r, "the shape before this is too large");
    return shape;
}

static const double *read_reals(Reader *r, int64_t count) {
    VEC(double) reals = {0};
    expect_sign(r, '(');
    if (!is_sign(r, ')')) {
        do {
            double real = expect_real(r);
            vec_push(r->cx->arena, &reals, real);
        } while (accept_sign(r, ','));
    }
    expect_sign(r, ')');
    if (reals.count != count) fail(r, "the numbers before this are not as many as the shape has elements");
    return reals.items;
}

static Init read_init(Reader *r) {
    Init init = {.kind = (InitKind)expect_one_of(r, init_words, INIT_COUNT, "an initialiser")};
    init.value = expect_real(r);
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
    if (r->token.kind == TOKEN_WORD && is_integer_text(r->token.text, &attr.integer)) {
        next(r);
        return attr;
    }
    attr = (Attr){.kind = ATTR_REAL};
    attr.real = expect_real(r);
    return attr;
}

static Attr read_attr(Reader *r) {
    Attr attr = {0};
    if (accept_word(r, "none")) return attr;
    if (accept_word(r, "true")) return (Attr){.kind = ATTR_BOOL, .boolean = true};
    if (accept_word(r, "false")) return (Attr){.kind = ATTR_BOOL};
    if (accept_word(r, "size")) {
        attr.kind = ATTR_SIZE;
        attr.size.rank = read_integers(r, attr.size.dim, SPATIAL_MAX);
    } else if (accept_word(r, "valid")) {
        attr = (Attr){.kind = ATTR_PADDING, .padding = {.kind = PADDING_VALID}};
    } else if (accept_word(r, "same")) {
        attr = (Attr){.kind = ATTR_PADDING, .padding = {.kind = PADDING_SAME}};
    } else if (accept_word(r, "pads")) {
        attr = (Attr){.kind = ATTR_PADDING, .padding = read_pads(r)};
    } else if (accept_word(r, "word")) {
        attr = (Attr){.kind = ATTR_WORD, .word = expect_name(r, "a word")};
    } else if (accept_word(r, "init")) {
        attr = (Attr){.kind = ATTR_INIT, .init = read_init(r)};
    } else if (accept_word(r, "tensor")) {
        attr = (Attr){.kind = ATTR_TENSOR, .tensor = {.shape = read_shape(r)}};
        attr.tensor.values = read_reals(r, shape_elements(&attr.tensor.shape));
    } else if (accept_word(r, "dims")) {
        attr = (Attr){.kind = ATTR_DIMS, .dims = read_shape(r)};
    } else {
        attr = read_number_attr(r);
    }
    return attr;
}

/* Arguments that are not written are none. */
static const Attr *read_attrs(Reader *r, const Op *op) {
    Attr *attrs = ARENA_ARRAY(r->cx->arena, Attr, (size_t)op->param_count);
    if (!accept_sign(r, '{')) return attrs;
    do {
        const char *name = expect_name(r, "the name of an argument");
        int index = 0;
        while (index < op->param_count && strcmp(op->params[index].name, name)) index++;
        if (index == op->param_count)
            fail(r, arena_printf(r->cx->arena, "%s has no argument %s", op->name, name));
        expect_sign(r, '=');
        Attr attr = read_attr(r);
        if (!r->failed) attrs[index] = attr;
    } while (accept_sign(r, ','));
    expect_sign(r, '}');
    return attrs;
}

static const Op *read_op(Reader *r) {
    const char *name = expect_name(r, "an operator");
    const Op *op = op_find(name);
    if (!op) fail(r, arena_printf(r->cx->arena, "there is no operator %s before this", name));
    return op;
}

/* Behind its sign: the index of that name. */
static int read_known(Reader *r, const Map *map, const char *what) {
    const char *name = expect_name(r, what);
    int index = (int)(intptr_t)map_get(map, name) - 1;
    if (index < 0) fail(r, arena_printf(r->cx->arena, "there is no %s %s before this", what, name));
    return index;
}

static ValueId read_value_name(Reader *r) {
    expect_sign(r, '%');
    return read_known(r, r->values, "value");
}

static ValueId read_optional_value(Reader *r) {
    return accept_word(r, "none") ? -1 : read_value_name(r);
}

static int read_layer_name(Reader *r) {
    return accept_sign(r, '@') ? read_known(r, r->layers, "layer") : -1;
}

static void read_layer(Reader *r) {
    Layer layer = {.name = expect_name(r, "a name"), .kind = expect_name(r, "a kind")};
    expect_sign(r, '(');
    while (!r->failed && !is_sign(r, ')')) {
        vec_push(r->cx->arena, &layer.inputs, expect_name(r, "a layer's name"));
        if (!accept_sign(r, ',')) break;
    }
    expect_sign(r, ')');
    if (!accept_word(r, "output")) fail(r, "expected output");
    layer.output = read_optional_value(r);
    int64_t counts[4] = {0};
    if (accept_word(r, "counts")) read_exact_integers(r, counts, COUNT(counts));
    layer.parameters = counts[0];
    layer.trainable = counts[1];
    layer.statistics = counts[2];
    layer.macs = counts[3];
    vec_push(r->cx->arena, &r->graph->layers, layer);
}

static void read_storage(Reader *r, ParameterInfo *info) {
    int64_t block[5];
    read_exact_integers(r, block, COUNT(block));
    if (r->failed) return;
    Storage *s = &info->storage;
    s->size = block[0];
    s->group = block[1];
    s->group_stride = block[2];
    s->block = block[3];
    s->block_stride = block[4];
    read_exact_integers(r, s->stride, info->shape.rank);
}

static ParameterInfo *read_parameter(Reader *r, Shape shape) {
    ParameterInfo *info = ARENA_NEW(r->cx->arena, ParameterInfo);
    info->shape = shape;
    info->name = expect_name(r, "a name");
    if (accept_word(r, "init")) info->init = read_init(r);
    int64_t fan[2] = {0};
    if (accept_word(r, "fan")) read_exact_integers(r, fan, COUNT(fan));
    info->fan_in = fan[0];
    info->fan_out = fan[1];
    info->trainable = accept_word(r, "trainable");
    info->decay = accept_word(r, "decay");
    info->statistic = accept_word(r, "statistic");
    if (accept_word(r, "storage")) read_storage(r, info);
    if (accept_word(r, "values")) info->values = read_reals(r, shape_elements(&shape));
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
    Value value = {.producer = -1, .alias = -1};
    expect_sign(r, '%');
    value.name = expect_name(r, "a name");
    value.role = (Role)expect_one_of(r, role_words, ROLE_COUNT, "a role");
    value.shape = read_shape(r);
    value.layer = read_layer_name(r);
    if (accept_word(r, "of")) {
        ValueId of = read_value_name(r);
        if (!r->failed && of >= r->graph->values.count) fail(r, "the parameter stands after its gradient");
        if (!r->failed) value.parameter = graph_value(r->graph, of)->parameter;
    } else if (accept_word(r, "name")) {
        value.parameter = read_parameter(r, value.shape);
    }
    if (accept_word(r, "elements")) value.elements = expect_integer(r);
    if (accept_word(r, "alias")) value.alias = read_value_name(r);
    if (accept_word(r, "layout")) value.layout = read_layout(r, value.shape.rank);
    if (accept_word(r, "region")) {
        value.region = (Region)expect_one_of(r, region_words, REGION_COUNT, "a region");
        value.offset = expect_integer(r);
    }
    vec_push(r->cx->arena, &r->graph->values, value);
}

static int read_operand(Reader *r) {
    if (accept_sign(r, '$')) return -1;
    expect_sign(r, '#');
    return expect_small(r);
}

static void read_step(Reader *r, Node *node) {
    EpilogueStep step = {.op = read_op(r)};
    expect_sign(r, '(');
    do {
        int operand = read_operand(r);
        if (step.input_count == COUNT(step.inputs)) fail(r, "too many operands before this");
        if (!r->failed) step.inputs[step.input_count++] = operand;
    } while (accept_sign(r, ','));
    expect_sign(r, ')');
    if (r->failed) return;
    step.attrs = read_attrs(r, step.op);
    step.layer = read_layer_name(r);
    vec_push(r->cx->arena, &node->epilogue, step);
}

static const Kernel *read_kernel(Reader *r, const Op *op) {
    const char *name = expect_name(r, "a kernel");
    for (int i = 0; i < op->kernel_count; i++)
        if (!strcmp(op->kernels[i].name, name)) return &op->kernels[i];
    fail(r, arena_printf(r->cx->arena, "%s has no kernel %s", op->name, name));
    return NULL;
}

static void read_outputs(Reader *r, Node *node) {
    if (!is_sign(r, '%')) return;
    do {
        ValueId output = read_value_name(r);
        if (r->failed || output >= r->graph->values.count) {
            fail(r, "the values stand after this node");
            return;
        }
        Value *value = graph_value(r->graph, output);
        if (value->producer >= 0) fail(r, "the value before this is made twice");
        value->producer = r->graph->nodes.count;
        vec_push(r->cx->arena, &node->outputs, output);
    } while (accept_sign(r, ','));
    expect_sign(r, '=');
}

static void read_node(Reader *r) {
    Node node = {0};
    read_outputs(r, &node);
    node.op = read_op(r);
    expect_sign(r, '(');
    while (!r->failed && !is_sign(r, ')')) {
        ValueId input = read_value_name(r);
        vec_push(r->cx->arena, &node.inputs, input);
        if (!accept_sign(r, ',')) break;
    }
    expect_sign(r, ')');
    if (r->failed) return;
    node.attrs = read_attrs(r, node.op);
    node.layer = read_layer_name(r);
    while (accept_word(r, "then")) read_step(r, &node);
    if (accept_word(r, "stage")) node.stage = expect_small(r);
    if (accept_word(r, "kernel")) node.kernel = read_kernel(r, node.op);
    if (accept_word(r, "cost")) node.cost = expect_real(r);
    node.dead = accept_word(r, "dead");
    vec_push(r->cx->arena, &r->graph->nodes, node);
}

static void read_ends(Reader *r) {
    if (accept_word(r, "input")) r->graph->input = read_value_name(r);
    if (accept_word(r, "output")) r->graph->output = read_value_name(r);
    if (accept_word(r, "logits")) r->graph->logits = read_value_name(r);
}

static void read_plan(Reader *r) {
    Graph *g = r->graph;
    if (accept_word(r, "stages")) g->stage_count = expect_small(r);
    if (accept_word(r, "micro_batch")) g->micro_batch = expect_small(r);
    if (accept_word(r, "lanes")) g->lanes = expect_small(r);
    if (accept_word(r, "scratch_stride")) g->scratch_stride = expect_integer(r);
    if (accept_word(r, "batch_stride")) g->batch_stride = expect_integer(r);
    if (accept_word(r, "lane_elements")) g->lane_elements = expect_integer(r);
    if (accept_word(r, "shared_elements")) g->shared_elements = expect_integer(r);
    if (accept_word(r, "packed_elements")) g->packed_elements = expect_integer(r);
    if (accept_word(r, "serial")) g->serial = expect_small(r);
}

static void read_line(Reader *r) {
    if (r->token.kind == TOKEN_WORD) {
        if (accept_word(r, "layer"))
            read_layer(r);
        else if (accept_word(r, "value"))
            read_value(r);
        else if (accept_word(r, "node"))
            read_node(r);
        else if (accept_word(r, "ends"))
            read_ends(r);
        else if (accept_word(r, "plan"))
            read_plan(r);
        else
            fail(r, "expected layer, value, node, ends or plan");
    }
    if (!r->failed && r->token.kind != TOKEN_LINE && r->token.kind != TOKEN_END)
        fail(r, "expected the end of the line");
}

static void restart(Reader *r) {
    r->at = r->line_start = r->source->text;
    r->line = 1;
    next(r);
}

static void know(Reader *r, Map *map, int index) {
    if (r->token.kind != TOKEN_WORD) return;
    if (map_get(map, r->token.text)) fail(r, "this name stands here a second time");
    map_set(map, r->token.text, (void *)(intptr_t)(index + 1));
}

/* Lines refer to later ones, so names are collected first. */
static void collect_names(Reader *r) {
    int values = 0, layers = 0;
    for (restart(r); !r->failed && r->token.kind != TOKEN_END; next(r)) {
        if (accept_word(r, "value") && accept_sign(r, '%'))
            know(r, r->values, values++);
        else if (accept_word(r, "layer"))
            know(r, r->layers, layers++);
        while (r->token.kind != TOKEN_LINE && r->token.kind != TOKEN_END) next(r);
        if (r->token.kind == TOKEN_END) break;
    }
}

static void read_heading(Reader *r) {
    while (r->token.kind == TOKEN_LINE) next(r);
    if (!accept_word(r, "graph")) fail(r, "expected graph");
    const char *name = expect_name(r, "the model's name");
    const char *form = expect_name(r, "the form's name");
    r->graph = graph_create(r->cx->arena, name, form);
    r->graph->training = accept_word(r, "training");
}

Graph *graph_read(Context *cx, const Source *source) {
    Reader r = {.cx = cx, .source = source, .values = map_create(cx->arena), .layers = map_create(cx->arena)};
    collect_names(&r);
    restart(&r);
    if (!r.failed) read_heading(&r);
    while (!r.failed && r.token.kind != TOKEN_END) {
        read_line(&r);
        if (r.token.kind == TOKEN_LINE) next(&r);
    }
    if (r.failed) return NULL;
    const char *fault = graph_fault(cx->arena, r.graph);
    if (!fault) return r.graph;
    fail(&r, fault);
    return NULL;
}
