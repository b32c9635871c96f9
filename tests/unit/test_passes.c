/* Forms, autodiff, simplify and fuse over random graphs, judged by an interpreter of graphs: gradients equal
 * finite differences, and no pass changes a bit of any output or gradient. Every graph on the way is
 * verified, and printed and read back. */
#define _GNU_SOURCE
#include "base/map.h"
#include "graph/text.h"
#include "graph/verifier.h"
#include "passes/pass.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROOM = 12, GRAPHS = 400, ROWS = 3, CHANNELS = 4 };

static const Span nowhere = {0};

typedef struct Tensors {
    double input[ROOM], target[ROOM], stored[ROOM];
    double loss;
    int stores;
    Map *parameters, *gradients; /* by the parameter's name: double[ROOM * ROOM] */
} Tensors;

static uint64_t random_state;

static uint64_t draw(uint64_t below) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 33) % below;
}

static double draw_real(void) {
    return (double)draw(1u << 30) / (1u << 29) - 1;
}

/* The interpreter: one sample, doubles. */

static bool is_op(const Op *op, const char *name) {
    return !strcmp(op->name, name);
}

static double map_merge(const Op *op, const Attr *attrs, const double *in) {
    double a = in[0], b = 0;
    if (is_op(op, "subtract_from")) return in[1] - in[0];
    const Attr *number = attr_find(op, attrs, "number");
    if (number->kind == ATTR_NONE) {
        b = in[1];
    } else {
        bool first = attr_find(op, attrs, "number_position")->integer == 0;
        a = first ? number->real : in[0];
        b = first ? in[0] : number->real;
    }
    return is_op(op, "add") ? a + b : is_op(op, "subtract") ? a - b : a * b;
}

static double map_one(const Op *op, const Attr *attrs, const double *in) {
    if (is_op(op, "relu")) return in[0] > 0 ? in[0] : 0;
    if (is_op(op, "tanh")) return tanh(in[0]);
    if (is_op(op, "sigmoid")) return 1 / (1 + exp(-in[0]));
    if (is_op(op, "relu_grad")) return in[1] > 0 ? in[0] : 0;
    if (is_op(op, "tanh_grad")) return in[0] * (1 - in[1] * in[1]);
    if (is_op(op, "sigmoid_grad")) return in[0] * in[1] * (1 - in[1]);
    return map_merge(op, attrs, in);
}

static double element(const Graph *graph, double *const *data, ValueId id, const Shape *result, int64_t i) {
    const Shape *shape = &graph_value(graph, id)->shape;
    bool vector = shape->rank == 1 && result->rank > 1;
    return data[id][vector ? i % shape_channels(result) : i];
}

static void run_own(const Graph *graph, const Node *node, double *const *data, Tensors *t, double *y) {
    const Op *op = node->op;
    const ValueId *in = node->inputs.items;
    ValueId out = node->outputs.count ? node->outputs.items[0] : in[0];
    const Shape *shape = &graph_value(graph, out)->shape;
    int64_t elements = shape_elements(shape);
    const double *x = node->inputs.count ? data[in[0]] : NULL,
                 *w = node->inputs.count > 1 ? data[in[1]] : NULL;
    if (op->elementwise) {
        for (int64_t i = 0; i < elements; i++) {
            double operands[4];
            for (int k = 0; k < node_operands(node); k++) operands[k] = element(graph, data, in[k], shape, i);
            y[i] = map_one(op, node->attrs, operands);
        }
    } else if (is_op(op, "load")) {
        memcpy(y, t->input, sizeof t->input);
    } else if (is_op(op, "store")) {
        memcpy(t->stored, x, sizeof t->stored);
        t->stores++;
    } else if (is_op(op, "mse")) {
        t->loss = 0;
        for (int64_t i = 0; i < elements; i++) {
            t->loss += (x[i] - t->target[i]) * (x[i] - t->target[i]) / 2;
            if (y) y[i] = x[i] - t->target[i];
        }
    } else if (is_op(op, "view") || is_op(op, "bias_grad")) {
        memcpy(y, x, sizeof(double) * (size_t)elements);
    } else if (is_op(op, "transpose_weights")) {
        memcpy(y, x, sizeof(double) * ROOM * ROOM);
    } else if (is_op(op, "sum_positions")) {
        int64_t all = shape_elements(&graph_value(graph, in[0])->shape);
        for (int64_t i = 0; i < elements; i++) y[i] = 0;
        for (int64_t i = 0; i < all; i++) y[i % elements] += x[i];
    } else if (is_op(op, "dense")) {
        int64_t inputs = shape_elements(&graph_value(graph, in[0])->shape);
        for (int64_t k = 0; k < elements; k++) {
            y[k] = node_bool(node, "bias") ? data[in[2]][k] : 0;
            for (int64_t c = 0; c < inputs; c++) y[k] += w[k * inputs + c] * x[c];
        }
    } else if (is_op(op, "dense_input_grad")) {
        int64_t units = shape_elements(&graph_value(graph, in[0])->shape);
        for (int64_t c = 0; c < elements; c++) {
            y[c] = 0;
            for (int64_t k = 0; k < units; k++) y[c] += w[k * elements + c] * x[k];
        }
    } else if (is_op(op, "dense_weight_grad")) {
        int64_t inputs = shape->dim[1];
        for (int64_t i = 0; i < elements; i++) y[i] = w[i / inputs] * x[i % inputs];
    } else {
        fail_msg("the interpreter does not know %s", op->name);
    }
}

static void run_epilogue(const Graph *graph, const Node *node, double *const *data, double *y) {
    const Shape *shape = &graph_value(graph, node->outputs.items[0])->shape;
    for (int s = 0; s < node->epilogue.count; s++) {
        const EpilogueStep *step = &node->epilogue.items[s];
        for (int64_t i = 0; i < shape_elements(shape); i++) {
            double operands[4];
            for (int k = 0; k < step->input_count; k++)
                operands[k] = step->inputs[k] < 0
                                  ? y[i]
                                  : element(graph, data, node->inputs.items[step->inputs[k]], shape, i);
            y[i] = map_one(step->op, step->attrs, operands);
        }
    }
}

static const char *parameter_of(const Graph *graph, const Value *gradient) {
    for (int i = 0; i < graph->values.count; i++) {
        const Value *value = graph_value(graph, i);
        if (value->role == ROLE_PARAMETER && value->parameter == gradient->parameter) return value->name;
    }
    fail_msg("%s has no parameter", gradient->name);
    return NULL;
}

static void add_gradient(Arena *arena, const Graph *graph, const Value *value, const double *y, Tensors *t) {
    const char *name = parameter_of(graph, value);
    double *sum = map_get(t->gradients, name);
    if (!sum) map_set(t->gradients, name, sum = ARENA_ARRAY(arena, double, ROOM *ROOM));
    for (int64_t i = 0; i < shape_elements(&value->shape); i++) sum[i] += y[i];
}

static void interpret(Arena *arena, const Graph *graph, Tensors *t) {
    t->gradients = map_create(arena);
    t->stores = 0;
    double **data = ARENA_ARRAY(arena, double *, (size_t)graph->values.count);
    for (int i = 0; i < graph->values.count; i++) {
        const Value *value = graph_value(graph, i);
        data[i] = value->role == ROLE_PARAMETER ? map_get(t->parameters, value->name)
                                                : ARENA_ARRAY(arena, double, ROOM *ROOM);
    }
    for (int i = 0; i < graph->nodes.count; i++) {
        const Node *node = graph_node(graph, i);
        double *y = node->outputs.count ? data[node->outputs.items[0]] : NULL;
        run_own(graph, node, data, t, y);
        if (node->epilogue.count) run_epilogue(graph, node, data, y);
        if (!y) continue;
        const Value *value = graph_value(graph, node->outputs.items[0]);
        if (value->role == ROLE_GRADIENT) add_gradient(arena, graph, value, y, t);
    }
}

/* Random models. */

typedef struct Maker {
    Graph *graph;
    Tensors *tensors;
    VEC(ValueId) values;
} Maker;

static ValueId pick(const Maker *m) {
    /* Recent values more often, so that graphs are deep as well as wide. */
    int count = m->values.count, from = draw(2) && count > 4 ? count - 4 : 0;
    return m->values.items[from + (int)draw((uint64_t)(count - from))];
}

static Shape shape_of_value(const Maker *m, ValueId id) {
    return graph_value(m->graph, id)->shape;
}

static void append(Maker *m, const char *name, const Attr *attrs, const ValueId *inputs, int count,
                   Shape shape) {
    char *layer_name = arena_printf(m->graph->arena, "layer_%d", m->graph->layers.count);
    Layer layer = {.name = layer_name, .kind = name};
    vec_push(m->graph->arena, &m->graph->layers, layer);
    int index = m->graph->layers.count - 1;
    NodeId node = graph_add_node(m->graph, op_find(name), attrs, inputs, count, index, nowhere);
    ValueId output = graph_add_output(m->graph, node, ROLE_ACTIVATION, shape);
    m->graph->layers.items[index].output = output;
    vec_push(m->graph->arena, &m->values, output);
}

static void append_merge(Maker *m) {
    static const char *const names[] = {"add", "subtract", "multiply"};
    const char *name = names[draw(3)];
    ValueId inputs[4] = {pick(m)};
    Shape shape = shape_of_value(m, inputs[0]);
    int count = 1, wanted = 1 + (int)draw(4);
    for (int tries = 0; tries < 20 && count < wanted; tries++) {
        ValueId other = pick(m);
        Shape s = shape_of_value(m, other);
        bool spreads = (s.rank == 1 && shape.rank == 2 && s.dim[0] == CHANNELS) ||
                       (s.rank == 2 && shape.rank == 1 && shape.dim[0] == CHANNELS);
        if (!shape_equal(&s, &shape) && !spreads) continue;
        if (s.rank > shape.rank) shape = s;
        inputs[count++] = other;
    }
    const Op *op = op_find(name);
    Attr *attrs = ARENA_ARRAY(m->graph->arena, Attr, (size_t)op->param_count);
    attrs[1] = (Attr){.kind = ATTR_INT};
    if (count == 1 || !draw(4)) {
        attrs[0] = (Attr){.kind = ATTR_REAL, .real = draw_real()};
        attrs[1].integer = (int64_t)draw((uint64_t)count + 1);
    }
    append(m, name, attrs, inputs, count, shape);
}

static ValueId make_parameter(Maker *m, const char *name, Shape shape) {
    ParameterInfo info = {.name = name, .shape = shape, .trainable = draw(4) != 0};
    ValueId id = graph_add_parameter(m->graph, &info, m->graph->layers.count - 1, nowhere);
    /* Names are those of the layer before: unique, as a layer makes one node. */
    double *values = ARENA_ARRAY(m->graph->arena, double, ROOM *ROOM);
    for (int64_t i = 0; i < shape_elements(&shape); i++) values[i] = draw_real() / 2;
    map_set(m->tensors->parameters, graph_value(m->graph, id)->name, values);
    return id;
}

static void append_dense(Maker *m) {
    ValueId x = pick(m);
    Shape shape = shape_of_value(m, x);
    if (shape.rank != 1) return;
    int64_t units = draw(2) ? CHANNELS : ROWS * CHANNELS;
    bool bias = draw(2);
    ValueId inputs[3] = {
        x, make_parameter(m, "weight", (Shape){2, {units, shape.dim[0]}}
           )
    };
    if (bias) inputs[2] = make_parameter(m, "bias", (Shape){1, {units}});
    const Op *op = op_find("dense");
    Attr *attrs = ARENA_ARRAY(m->graph->arena, Attr, (size_t)op->param_count);
    for (int i = 0; i < op->param_count; i++) {
        if (!strcmp(op->params[i].name, "bias")) attrs[i] = (Attr){.kind = ATTR_BOOL, .boolean = bias};
        if (!strcmp(op->params[i].name, "units")) attrs[i] = (Attr){.kind = ATTR_INT, .integer = units};
    }
    append(m, "dense", attrs, inputs, bias ? 3 : 2, (Shape){1, {units}});
}

static void append_view(Maker *m) {
    ValueId x = pick(m);
    if (shape_elements(&graph_value(m->graph, x)->shape) != ROWS * CHANNELS) return;
    Shape shape = draw(2) ? (Shape){1, {ROWS * CHANNELS}} : (Shape){2, {ROWS, CHANNELS}};
    append(m, "view", NULL, &x, 1, shape);
}

static Graph *random_model(Arena *arena, Tensors *t) {
    static const char *const unary[] = {"relu", "tanh", "sigmoid"};
    Maker m = {.graph = graph_create(arena, "m", FORM_MODEL), .tensors = t};
    vec_push(arena, &m.graph->layers, (Layer){.name = "first", .kind = "input", .output = -1});
    m.graph->input = graph_add_value(m.graph, ROLE_INPUT,
                                     (Shape){
                                         2, {ROWS, CHANNELS}
    },
                                     "in", -1, nowhere);
    vec_push(arena, &m.values, m.graph->input);
    for (int left = 2 + (int)draw(14); left > 0; left--) {
        switch (draw(8)) {
        case 0:
        case 1:
        case 2: append_merge(&m); break;
        case 3:
        case 4: append_dense(&m); break;
        case 5: append_view(&m); break;
        default: {
            ValueId x = pick(&m);
            append(&m, unary[draw(3)], NULL, &x, 1, shape_of_value(&m, x));
        }
        }
    }
    m.graph->output = m.values.items[m.values.count - 1];
    return m.graph;
}

/* What must hold. */

typedef struct Trial {
    Context cx;
    Model model;
    TrainSettings train;
    Tensors tensors;
} Trial;

static void assert_sound(Trial *trial, const Graph *graph, const char *after) {
    const char *fault = graph_fault(trial->cx.arena, graph);
    if (fault) {
        graph_print(stderr, graph);
        fail_msg("after %s: %s", after, fault);
    }
    char *text = NULL, *again = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    graph_print(out, graph);
    fclose(out);
    Source source = {.name = "printed", .text = text, .length = length};
    const Graph *back = graph_read(&trial->cx, &source);
    diag_flush(trial->cx.diag);
    assert_non_null(back);
    out = open_memstream(&again, &length);
    graph_print(out, back);
    fclose(out);
    assert_string_equal(again, text);
    free(text);
    free(again);
}

typedef struct Comparison {
    const Tensors *other;
    int count;
} Comparison;

static void compare_gradient(const char *name, void *value, void *user) {
    Comparison *c = user;
    const double *other = map_get(c->other->gradients, name);
    assert_non_null(other);
    assert_memory_equal(value, other, sizeof(double) * ROOM * ROOM);
    c->count++;
}

/* Runs simplify and fuse; after each the results are the same bits. */
static void passes_change_nothing(Trial *trial, PassContext *pc, Graph *graph) {
    Tensors before = trial->tensors, after = trial->tensors;
    interpret(trial->cx.arena, graph, &before);
    for (int pass = 0; pass < 2; pass++) {
        (pass ? fuse_run : simplify_run)(pc, graph);
        assert_sound(trial, graph, pass ? "fuse" : "simplify");
        interpret(trial->cx.arena, graph, &after);
        assert_int_equal(after.stores, before.stores);
        assert_memory_equal(after.stored, before.stored, sizeof before.stored);
        assert_memory_equal(&after.loss, &before.loss, sizeof before.loss);
        Comparison there = {&after, 0}, back = {&before, 0};
        map_each(before.gradients, compare_gradient, &there);
        map_each(after.gradients, compare_gradient, &back);
        assert_int_equal(there.count, back.count);
    }
}

static double loss_of(Trial *trial, const Graph *check) {
    Tensors t = trial->tensors;
    interpret(trial->cx.arena, check, &t);
    return t.loss;
}

/* The central difference at *x; NaN where two step sizes disagree, which means a kink. */
static double difference(Trial *trial, const Graph *check, double *x) {
    double at = *x, slopes[2];
    for (int i = 0; i < 2; i++) {
        double h = i ? 1e-5 : 3e-6;
        *x = at + h;
        double above = loss_of(trial, check);
        *x = at - h;
        slopes[i] = (above - loss_of(trial, check)) / (2 * h);
    }
    *x = at;
    return fabs(slopes[0] - slopes[1]) > 1e-5 * (1 + fabs(slopes[0])) ? NAN : slopes[1];
}

static void assert_slope(double gradient, double slope) {
    if (!isnan(slope) && fabs(gradient - slope) > 2e-5 * (1 + fabs(slope)))
        fail_msg("gradient %.9g where the slope is %.9g", gradient, slope);
}

static void gradients_are_slopes(Trial *trial, const Graph *gradients, const Graph *check) {
    Tensors t = trial->tensors;
    interpret(trial->cx.arena, gradients, &t);
    for (int i = 0; i < ROWS * CHANNELS; i += 5) {
        double slope = difference(trial, check, &trial->tensors.input[i]);
        assert_slope(t.stores ? t.stored[i] : 0, slope);
    }
    for (int i = 0; i < gradients->values.count; i++) {
        const Value *value = graph_value(gradients, i);
        if (value->role != ROLE_PARAMETER) continue;
        double *w = map_get(trial->tensors.parameters, value->name);
        const double *dw = map_get(t.gradients, value->name);
        if (!value->parameter->trainable) assert_null(dw);
        if (!value->parameter->trainable) continue;
        for (int64_t k = 0; k < shape_elements(&value->shape); k += 5)
            assert_slope(dw ? dw[k] : 0, difference(trial, check, &w[k]));
    }
}

static const Machine any_machine = {
    .vector_floats = 4, .registers = 16, .fma_ports = 1, .l1_bytes = 32 << 10, .l2_bytes = 256 << 10};

static void try_one(uint64_t seed) {
    random_state = seed * 2654435761u + 1;
    Trial trial = {.cx.arena = arena_create()};
    trial.cx.diag = diag_create(trial.cx.arena, stderr, DIAG_TEXT, false);
    trial.tensors.parameters = map_create(trial.cx.arena);
    for (int i = 0; i < ROOM; i++) {
        trial.tensors.input[i] = draw_real();
        trial.tensors.target[i] = draw_real();
    }
    trial.train.loss = op_find("mse");
    trial.model = (Model){.name = "m", .train = &trial.train};
    trial.model.graph = random_model(trial.cx.arena, &trial.tensors);
    assert_null(graph_fault(trial.cx.arena, trial.model.graph));
    Graph *forms[FORM_COUNT];
    PassContext pc = {.cx = &trial.cx, .model = &trial.model, .machine = &any_machine};
    for (int form = 0; form < FORM_COUNT; form++) {
        forms[form] = form_create(&pc, (Form)form);
        assert_sound(&trial, forms[form], "lowering");
        autodiff_run(&pc, forms[form]);
        assert_sound(&trial, forms[form], "autodiff");
    }
    gradients_are_slopes(&trial, forms[FORM_GRADIENTS], forms[FORM_CHECK]);
    for (int form = 0; form < FORM_COUNT; form++) passes_change_nothing(&trial, &pc, forms[form]);
    for (int i = 1; i < forms[FORM_PROBE]->layers.count; i++)
        assert_true(forms[FORM_PROBE]->layers.items[i].output >= 0);
    arena_destroy(trial.cx.arena);
}

static void random_graphs_keep_their_meaning(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) try_one(seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs_keep_their_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
