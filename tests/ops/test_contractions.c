/* conv, conv_transpose, depthwise and dense with integers: forward, gradient to the input and to the weights
 * equal plain loops in double precision bit for bit, whatever the kernel, the registers' width and number,
 * the border, and whether values lie alone or as parts of others. Winograd's kernels come within a bound of
 * their own: 1e-5 of the sum of the products' sizes, where a misplaced product would be off by 1. */
#include "abi.h"
#include "emit/panels.h"
#include "graph/backward.h"
#include "ops/jit.h"
#include "ops/rooms.h"
#include "passes/pass.h"

enum { CASES = 30, SAMPLES = 5 };

typedef struct Case {
    Context cx;
    Machine machine;
    Graph *graph;
    uint64_t random;
    int spatial;
    WindowAxis axis[SPATIAL_MAX];
    int64_t channels, filters, groups; /* the convolution's */
    bool dense, depthwise, transposed; /* transposed: the layer leads from the convolution's y to its x */
    bool parts;                        /* values lie as parts of others */
    double tolerance;
    ValueId x, w, b, y, dy, dx, dw;
    double *x_data, *w_data, *b_data, *dy_data;
} Case;

static int64_t draw(Case *c, int64_t from, int64_t to) {
    c->random = c->random * 6364136223846793005u + 1442695040888963407u;
    return from + (int64_t)((c->random >> 33) % (uint64_t)(to - from + 1));
}

static double *integers(Case *c, int64_t count) {
    double *data = ARENA_ARRAY(c->cx.arena, double, (size_t)count);
    for (int64_t i = 0; i < count; i++) data[i] = (double)draw(c, -32, 32);
    return data;
}

static int64_t elements(const Case *c, ValueId id) {
    return shape_elements(&graph_value(c->graph, id)->shape);
}

/* A window's padding, and an input in which it finds room at up to `more` places. */
static void draw_axis(Case *c, int i, WindowAxis window, int64_t more) {
    WindowAxis *axis = &c->axis[i];
    *axis = window;
    axis->begin = draw(c, 0, 2);
    axis->end = draw(c, 0, 2);
    int64_t reach = axis->dilation * (axis->kernel - 1) + 1, pads = axis->begin + axis->end;
    axis->input = draw(c, reach > pads ? reach - pads : 1, more + reach);
    axis->output = (axis->input + pads - reach) / axis->stride + 1;
}

/* A convolution with odd numbers everywhere. */
static void draw_geometry(Case *c) {
    c->dense = draw(c, 0, 5) == 0;
    c->depthwise = !c->dense && draw(c, 0, 3) == 0;
    c->spatial = c->dense ? 0 : (int)draw(c, 1, 3);
    static const int64_t counts[] = {1, 2, 3, 5, 7, 8, 16, 17, 31, 33};
    c->groups = draw(c, 0, 3) ? 1 : draw(c, 2, 3);
    if (c->dense) c->groups = 1;
    c->channels = c->groups * counts[draw(c, 0, COUNT(counts) - 1)];
    c->filters = c->groups * counts[draw(c, 0, COUNT(counts) - 1)];
    if (c->depthwise) {
        c->groups = c->channels;
        c->filters = c->channels * draw(c, 1, 2);
    }
    static const int64_t extents[] = {0, 40, 17, 7};
    for (int i = 0; i < c->spatial; i++)
        draw_axis(c, i,
                  (WindowAxis){.kernel = draw(c, 1, 5), .stride = draw(c, 1, 3), .dilation = draw(c, 1, 2)},
                  extents[c->spatial]);
    c->transposed = !c->dense && !c->depthwise && draw(c, 0, 2) == 0;
}

/* What comes in and goes out of the layer. */
static int64_t in_channels(const Case *c) {
    return c->transposed ? c->filters : c->channels;
}
static int64_t out_channels(const Case *c) {
    return c->transposed ? c->channels : c->filters;
}
static int64_t in_extent(const Case *c, int i) {
    return c->transposed ? c->axis[i].output : c->axis[i].input;
}
static int64_t out_extent(const Case *c, int i) {
    return c->transposed ? c->axis[i].input : c->axis[i].output;
}

/* Few units and more of them, inputs in numbers that nothing divides. */
static void draw_dense(Case *c) {
    c->dense = true;
    c->groups = 1;
    c->channels = draw(c, 1, 300);
    c->filters = draw(c, 1, 70);
}

/* What Winograd's kernels take: 3x3, stride 1. */
static void draw_small_kernel(Case *c) {
    static const int64_t counts[] = {1, 3, 8, 16, 17, 33, 40};
    c->spatial = 2;
    c->groups = 1;
    c->channels = counts[draw(c, 0, COUNT(counts) - 1)];
    c->filters = counts[draw(c, 0, COUNT(counts) - 1)];
    if (c->channels == c->filters && c->channels == 1) c->filters = 2;
    for (int i = 0; i < 2; i++) {
        WindowAxis *axis = &c->axis[i];
        *axis = (WindowAxis){
            .kernel = 3, .stride = 1, .dilation = 1, .begin = draw(c, 0, 2), .end = draw(c, 0, 2)};
        axis->input = draw(c, 3, 15);
        axis->output = axis->input + axis->begin + axis->end - 2;
    }
    c->tolerance = 1e-5 * 9 * 256 * (double)(c->channels > c->filters ? c->channels : c->filters);
}

/* A filter a channel, with more taps than make straight-line code, or long strides. */
static void draw_large_depthwise(Case *c) {
    static const int64_t counts[] = {2, 8, 17, 33}, least[] = {0, 120, 11, 5}, strides[] = {0, 20, 8, 4};
    c->depthwise = true;
    c->spatial = (int)draw(c, 1, 3);
    c->channels = c->filters = c->groups = counts[draw(c, 0, COUNT(counts) - 1)];
    bool many = draw(c, 0, 1);
    int64_t from = many ? least[c->spatial] : 1;
    for (int i = 0; i < c->spatial; i++)
        draw_axis(c, i,
                  (WindowAxis){.kernel = draw(c, from, from + from / 4 + 2),
                               .stride = draw(c, 1, many ? 3 : strides[c->spatial]),
                               .dilation = many ? draw(c, 1, 2) : 1},
                  many ? 9 : 2 * strides[c->spatial] + 1);
}

static Attr *attributes(Case *c, const Op *op) {
    Attr *attrs = ARENA_ARRAY(c->cx.arena, Attr, (size_t)op->param_count);
    Size kernel = {.rank = c->spatial}, stride = kernel, dilation = kernel, rest = kernel;
    Padding padding = {.kind = PADDING_EXPLICIT, .rank = c->spatial};
    for (int i = 0; i < c->spatial; i++) {
        kernel.dim[i] = c->axis[i].kernel;
        stride.dim[i] = c->axis[i].stride;
        dilation.dim[i] = c->axis[i].dilation;
        padding.begin[i] = c->axis[i].begin;
        padding.end[i] = c->axis[i].end;
        rest.dim[i] = (c->axis[i].input + c->axis[i].begin + c->axis[i].end -
                       c->axis[i].dilation * (c->axis[i].kernel - 1) - 1) %
                      c->axis[i].stride;
    }
    const struct {
        const char *name;
        Attr attr;
    } values[] = {
        {"filters",        {.kind = ATTR_INT, .integer = out_channels(c)}         },
        {"units",          {.kind = ATTR_INT, .integer = c->filters}              },
        {"multiplier",     {.kind = ATTR_INT, .integer = c->filters / c->channels}},
        {"groups",         {.kind = ATTR_INT, .integer = c->groups}               },
        {"kernel",         {.kind = ATTR_SIZE, .size = kernel}                    },
        {"stride",         {.kind = ATTR_SIZE, .size = stride}                    },
        {"dilation",       {.kind = ATTR_SIZE, .size = dilation}                  },
        {"padding",        {.kind = ATTR_PADDING, .padding = padding}             },
        {"output_padding", {.kind = ATTR_SIZE, .size = rest}                      },
        {"bias",           {.kind = ATTR_BOOL, .boolean = true}                   },
        {"trainable",      {.kind = ATTR_BOOL, .boolean = true}                   },
        {"flip",           {.kind = ATTR_BOOL, .boolean = false}                  },
        {"init",           {.kind = ATTR_INIT, .init = {.kind = INIT_ZEROS}}      },
        {"bias_init",      {.kind = ATTR_INIT, .init = {.kind = INIT_ZEROS}}      },
    };
    for (int p = 0; p < op->param_count; p++)
        for (int v = 0; v < COUNT(values); v++)
            if (!strcmp(op->params[p].name, values[v].name)) attrs[p] = values[v].attr;
    return attrs;
}

static ValueId append(Case *c, const char *op, const Attr *attrs, const ValueId *inputs, int count, Role role,
                      Shape shape) {
    NodeId node = graph_add_node(c->graph, op_find(op), attrs, inputs, count, -1, (Span){0});
    return graph_add_output(c->graph, node, role, shape);
}

/* The layer's output and its gradients for any dy, by its own rules. */
static void build_by_rules(Case *c, const Op *op, const Attr *attrs, const ValueId *inputs) {
    Graph *model = graph_clone(c->cx.arena, c->graph, FORM_MODEL);
    NodeId node = graph_add_node(model, op, attrs, inputs, 3, -1, (Span){0});
    c->y = op->lower(c->graph, graph_node(model, node), inputs, true);
    c->dy =
        graph_add_value(c->graph, ROLE_ACTIVATION, graph_value(c->graph, c->y)->shape, "dy", -1, (Span){0});
    Backward *b = backward_create(c->graph, c->x);
    backward_contribute(b, c->y, c->dy);
    backward_walk(b);
    c->dx = backward_of_value(b, c->x);
    for (int i = 0; i < c->graph->values.count; i++) {
        const Value *value = graph_value(c->graph, i);
        if (value->role == ROLE_GRADIENT && value->parameter == graph_value(c->graph, c->w)->parameter)
            c->dw = i;
    }
}

/* The same, node by node, as conv's and dense's gradient rules would append them. */
static void build_by_hand(Case *c, const char *name, const Attr *attrs, Shape input, Shape output) {
    c->y = append(c, name, attrs, (ValueId[]){c->x, c->w, c->b}, 3, ROLE_ACTIVATION, output);
    c->dy = graph_add_value(c->graph, ROLE_ACTIVATION, output, "dy", -1, (Span){0});
    char row[64];
    snprintf(row, sizeof row, "%s_weight_grad", name);
    ParameterInfo *info = graph_value(c->graph, c->w)->parameter;
    c->dw = append(c, row, attrs, (ValueId[]){c->x, c->dy}, 2, ROLE_GRADIENT, info->shape);
    graph_value(c->graph, c->dw)->parameter = info;
    bool direct = c->groups == c->channels && c->filters == c->channels && c->channels > 1 && !c->dense;
    ValueId wt = direct ? c->w : append(c, "transpose_weights", NULL, &c->w, 1, ROLE_PACKED, info->shape);
    snprintf(row, sizeof row, "%s_input_grad", name);
    c->dx = append(c, row, attrs, (ValueId[]){c->dy, wt}, 2, ROLE_ACTIVATION, input);
}

static void build(Case *c) {
    const char *name = c->dense        ? "dense"
                       : c->depthwise  ? "depthwise"
                       : c->transposed ? "conv_transpose"
                                       : "conv";
    const Op *op = op_find(name);
    c->graph = graph_create(c->cx.arena, "case", FORM_PROBE); /* every value keeps its room */
    Shape input = {.rank = c->spatial + 1};
    for (int i = 0; i < c->spatial; i++) input.dim[i] = in_extent(c, i);
    input.dim[c->spatial] = in_channels(c);
    c->x = graph_add_value(c->graph, ROLE_ACTIVATION, input, "x", -1, (Span){0});
    Attr *attrs = attributes(c, op);
    ShapeCall call = {
        .cx = &c->cx, .graph = c->graph, .op = op, .attrs = attrs, .inputs = &c->x, .input_count = 1};
    assert_true(op->shape(&call));
    for (int i = 0; i < c->spatial; i++) assert_int_equal(call.output.dim[i], out_extent(c, i));
    for (int i = 0; i < call.parameters.count; i++) call.parameters.items[i].trainable = true;
    c->w = graph_add_parameter(c->graph, &call.parameters.items[0], -1, (Span){0});
    c->b = graph_add_parameter(c->graph, &call.parameters.items[1], -1, (Span){0});
    if (op->lower)
        build_by_rules(c, op, attrs, (ValueId[]){c->x, c->w, c->b});
    else
        build_by_hand(c, name, attrs, input, call.output);
}

/* Sums over every place of y, tap, and channel: the one loop nest from which all three results follow. */
typedef void (*Product)(Case *c, int64_t n, int64_t y, int64_t x, int64_t w, double *result);

static void each_product(Case *c, Product product, double *result) {
    int64_t taps = 1, places = 1, inputs = 1;
    for (int i = 0; i < c->spatial; i++) {
        taps *= c->axis[i].kernel;
        places *= c->axis[i].output;
        inputs *= c->axis[i].input;
    }
    int64_t group_channels = c->channels / c->groups, group_filters = c->filters / c->groups;
    for (int64_t n = 0; n < SAMPLES; n++)
        for (int64_t place = 0; place < places; place++)
            for (int64_t tap = 0; tap < taps; tap++) {
                int64_t at = 0, place_left = place, tap_left = tap, scale = 1;
                bool inside = true;
                for (int i = c->spatial - 1; i >= 0; i--) {
                    const WindowAxis *a = &c->axis[i];
                    int64_t here =
                        place_left % a->output * a->stride + tap_left % a->kernel * a->dilation - a->begin;
                    inside = inside && here >= 0 && here < a->input;
                    at += here * scale;
                    scale *= a->input;
                    place_left /= a->output;
                    tap_left /= a->kernel;
                }
                for (int64_t k = 0; inside && k < c->filters; k++)
                    for (int64_t q = 0; q < group_channels; q++)
                        product(c, n, (n * places + place) * c->filters + k,
                                (n * inputs + at) * c->channels + k / group_filters * group_channels + q,
                                (k * group_channels + q) * taps + tap, result);
            }
}

/* y and x: places of the convolution's output and input, whichever way the layer goes. */
static void forward_product(Case *c, int64_t n, int64_t y, int64_t x, int64_t w, double *result) {
    (void)n;
    result[c->transposed ? x : y] += c->x_data[c->transposed ? y : x] * c->w_data[w];
}

static void input_product(Case *c, int64_t n, int64_t y, int64_t x, int64_t w, double *result) {
    (void)n;
    result[c->transposed ? y : x] += c->dy_data[c->transposed ? x : y] * c->w_data[w];
}

static void weight_product(Case *c, int64_t n, int64_t y, int64_t x, int64_t w, double *result) {
    (void)n;
    result[w] += c->dy_data[c->transposed ? x : y] * c->x_data[c->transposed ? y : x];
}

/* Memory of a region, where a value's element number i of sample n lies. */
static int64_t sample_place(const Case *c, ValueId id, int64_t n, int64_t i) {
    const Value *value = graph_value(c->graph, id);
    int64_t at = value->offset + n * c->graph->scratch_stride;
    for (int axis = value->shape.rank - 1; axis >= 0; axis--) {
        at += i % value->shape.dim[axis] * value->layout.stride[axis];
        i /= value->shape.dim[axis];
    }
    return at;
}

static int64_t weight_place(const Case *c, int64_t i) {
    const Value *value = graph_value(c->graph, c->w);
    const Storage *s = &value->parameter->storage;
    int64_t at = s->origin;
    for (int axis = value->shape.rank - 1; axis > 0; axis--) {
        at += i % value->shape.dim[axis] * s->stride[axis];
        i /= value->shape.dim[axis];
    }
    return at + i / s->group * s->group_stride + i % s->group / s->block * s->block_stride +
           i % s->group % s->block;
}

static void emit_node(Case *c, Jit *jit, Node *node, int number, bool prepare) {
    Emit *e = &jit->emit;
    LLVMTypeRef types[9] = {e->pointer, e->i64, e->i64};
    LLVMValueRef pointers[8];
    int operands = node->inputs.count + node->outputs.count;
    for (int i = 0; i <= operands; i++) types[3 + i] = e->pointer;
    char name[32];
    snprintf(name, sizeof name, "%s%d", prepare ? "prepare" : "node", number);
    LLVMValueRef function = jit_function(jit, name, types, 4 + operands);
    for (int i = 0; i < operands; i++) pointers[i] = LLVMGetParam(function, (unsigned)(3 + i));
    KernelCode code = {.emit = e,
                       .graph = c->graph,
                       .node = node,
                       .width = c->machine.vector_floats,
                       .real = e->f32,
                       .function = function,
                       .frame = LLVMGetParam(function, 0),
                       .count = LLVMGetParam(function, 1),
                       .first = LLVMGetParam(function, 2),
                       .inputs = pointers,
                       .outputs = pointers + node->inputs.count,
                       .packed = LLVMGetParam(function, (unsigned)(3 + operands))};
    if (prepare)
        node->kernel->prepare(&code);
    else
        node->kernel->emit(&code);
    LLVMBuildRetVoid(e->builder);
}

static void fill(Case *c, const Blocks *blocks) {
    for (int64_t n = 0; n < SAMPLES; n++) {
        for (int64_t i = 0; i < elements(c, c->x); i++)
            blocks->of[REGION_SCRATCH][sample_place(c, c->x, n, i)] =
                (float)c->x_data[n * elements(c, c->x) + i];
        for (int64_t i = 0; i < elements(c, c->dy); i++)
            blocks->of[REGION_SCRATCH][sample_place(c, c->dy, n, i)] =
                (float)c->dy_data[n * elements(c, c->dy) + i];
    }
    float *parameters = blocks->of[REGION_PARAMETERS];
    for (int64_t i = 0; i < elements(c, c->w); i++)
        parameters[graph_value(c->graph, c->w)->offset + weight_place(c, i)] = (float)c->w_data[i];
    for (int64_t i = 0; i < elements(c, c->b); i++)
        parameters[graph_value(c->graph, c->b)->offset + i] = (float)c->b_data[i];
}

static void run_nodes(Case *c, Jit *jit, const Blocks *blocks) {
    float *scratch = blocks->of[REGION_SCRATCH];
    const cnn_frame frame = {.scratch = scratch,
                             .workspace = scratch + c->graph->micro_batch * c->graph->scratch_stride};
    typedef void (*Kernel6)(const cnn_frame *, int64_t, int64_t, void *, void *, void *, void *, void *,
                            void *);
    for (int i = 0; i < c->graph->nodes.count; i++) {
        const Node *node = graph_node(c->graph, i);
        void *p[6] = {0};
        int operands = 0;
        for (int k = 0; k < node->inputs.count + node->outputs.count; k++) {
            const Value *value =
                graph_value(c->graph, k < node->inputs.count ? node->inputs.items[k]
                                                             : node->outputs.items[k - node->inputs.count]);
            p[operands++] = blocks->of[value->region] + value->offset;
        }
        p[operands] = blocks->of[REGION_PACKED] + node->packed_offset;
        int64_t count = node->op->domain == DOMAIN_SAMPLE ? SAMPLES : 1;
        for (int prepare = node->kernel->packed != NULL; prepare >= 0; prepare--) {
            char name[32];
            snprintf(name, sizeof name, "%s%d", prepare ? "prepare" : "node", i);
            ((Kernel6)jit_address(jit, name))(&frame, count, 0, p[0], p[1], p[2], p[3], p[4], p[5]);
        }
    }
}

/* x and dy are nobody's results: they get rooms of their own behind the planned ones. */
static void place_given(Case *c, ValueId id) {
    Value *value = graph_value(c->graph, id);
    value->region = REGION_SCRATCH;
    value->offset = c->graph->scratch_stride + value->layout.origin;
    c->graph->scratch_stride += (value->layout.size + 31) / 16 * 16;
}

static void check(const Case *c, const char *what, int64_t i, float got, double want, const char *kernel) {
    if (!(fabs((double)got - want) <= c->tolerance))
        fail_msg("%s[%d] is %.9g, not %.9g: %s kernel, %d floats, %d axes, %d -> %d channels in %d groups",
                 what, (int)i, (double)got, want, kernel, c->machine.vector_floats, c->spatial,
                 (int)c->channels, (int)c->filters, (int)c->groups);
}

static void run_case(Case *c, const char *kernel, int width, int registers) {
    build(c);
    c->machine = (Machine){.pointer_bytes = sizeof(void *), .vector_floats = width, .registers = registers};
    c->machine.l1_bytes = 2048;
    c->machine.l2_bytes = 1 << 20;
    KernelChoice choice = {"*", kernel};
    c->cx.options = (Options){.strict = c->tolerance == 0, .kernels = &choice, .kernel_count = 1};
    PassContext pc = {.cx = &c->cx, .machine = &c->machine};
    schedule_run(&pc, c->graph);
    bool plain = !strcmp(kernel, "reference");
    for (int i = 0; i < c->graph->nodes.count && !plain; i++)
        assert_string_not_equal(graph_node(c->graph, i)->kernel->name, "reference");
    layout_run(&pc, c->graph);
    if (c->parts) gaps_open(c->graph);
    memory_run(&pc, c->graph);
    c->graph->micro_batch = SAMPLES;
    place_given(c, c->x);
    place_given(c, c->dy);
    c->random = 3;
    c->x_data = integers(c, SAMPLES * elements(c, c->x));
    c->dy_data = integers(c, SAMPLES * elements(c, c->dy));
    c->w_data = integers(c, elements(c, c->w));
    c->b_data = integers(c, elements(c, c->b));
    Jit jit = jit_create(true);
    jit.emit.cx = &c->cx;
    jit.emit.machine = &c->machine;
    for (int i = 0; i < c->graph->nodes.count; i++) {
        Node *node = graph_node(c->graph, i);
        emit_node(c, &jit, node, i, false);
        if (node->kernel->packed) emit_node(c, &jit, node, i, true);
    }
    jit_compile(&jit);
    Blocks blocks = blocks_create(c->cx.arena, c->graph);
    if (c->parts) gaps_visit(c->graph, blocks.of[REGION_SCRATCH], SAMPLES, true);
    fill(c, &blocks);
    run_nodes(c, &jit, &blocks);
    jit_destroy(&jit);
    if (c->parts) assert_true(gaps_visit(c->graph, blocks.of[REGION_SCRATCH], SAMPLES, false));

    double *y = ARENA_ARRAY(c->cx.arena, double, (size_t)(SAMPLES * elements(c, c->y)));
    double *dx = ARENA_ARRAY(c->cx.arena, double, (size_t)(SAMPLES * elements(c, c->x)));
    double *dw = ARENA_ARRAY(c->cx.arena, double, (size_t)elements(c, c->w));
    each_product(c, forward_product, y);
    each_product(c, input_product, dx);
    each_product(c, weight_product, dw);
    const float *scratch = blocks.of[REGION_SCRATCH];
    for (int64_t n = 0; n < SAMPLES; n++) {
        for (int64_t i = 0, size = elements(c, c->y); i < size; i++)
            check(c, "y", i, scratch[sample_place(c, c->y, n, i)],
                  y[n * size + i] + c->b_data[i % out_channels(c)], kernel);
        for (int64_t i = 0, size = elements(c, c->x); i < size; i++)
            check(c, "dx", i, scratch[sample_place(c, c->dx, n, i)], dx[n * size + i], kernel);
    }
    const float *gradient = blocks.of[REGION_LANE] + graph_value(c->graph, c->dw)->offset;
    for (int64_t i = 0; i < elements(c, c->w); i++)
        check(c, "dw", i, gradient[weight_place(c, i)], dw[i], kernel);
}

/* Kernels that are forced where they apply; "best" leaves the choice to the estimates. */
typedef struct Runs {
    const char *name;
    int width, registers;
    void (*draw)(Case *c);
    const char *kernels[3];
} Runs;

static void run_kernels(void **state) {
    const Runs *runs = *state;
    for (int k = 0; k < COUNT(runs->kernels) && runs->kernels[k]; k++)
        for (int number = 0; number < CASES; number++) {
            Case c = {.random = (uint64_t)number * 7919 + 1, .parts = number % 2};
            c.cx.arena = arena_create();
            runs->draw(&c);
            run_case(&c, runs->kernels[k], runs->width, runs->registers);
            arena_destroy(c.cx.arena);
        }
}

/* CNNC_TEST_ONLY: the tests whose names match the pattern, for a processor that has these registers alone. */
int main(void) {
    static Runs rows[] = {
        {"wide_registers_are_exact",          16, 32, draw_geometry,        {"best", "sparse"}                     },
        {"middle_registers_are_exact",        8,  16, draw_geometry,        {"best", "sparse"}                     },
        {"narrow_registers_are_exact",        4,  14, draw_geometry,        {"best"}                               },
        {"scalars_are_exact",                 1,  16, draw_geometry,        {"best"}                               },
        {"reference_kernels_are_exact",       16, 32, draw_geometry,        {"reference"}                          },
        {"wide_depthwise_of_many_is_exact",   16, 32, draw_large_depthwise, {"best"}                               },
        {"middle_depthwise_of_many_is_exact", 8,  16, draw_large_depthwise, {"best"}                               },
        {"narrow_depthwise_of_many_is_exact", 4,  14, draw_large_depthwise, {"best"}                               },
        {"wide_dense_is_exact",               16, 32, draw_dense,           {"chains", "best"}                     },
        {"middle_dense_is_exact",             8,  16, draw_dense,           {"chains", "best"}                     },
        {"narrow_dense_is_exact",             4,  14, draw_dense,           {"chains", "best"}                     },
        {"scalar_dense_is_exact",             1,  16, draw_dense,           {"chains", "best"}                     },
        {"wide_winograd_is_within_bound",     16, 32, draw_small_kernel,    {"winograd2", "winograd3", "winograd4"}},
        {"large_winograd_is_within_bound",    16, 32, draw_small_kernel,    {"winograd5", "winograd6"}             },
        {"middle_winograd_is_within_bound",   8,  16, draw_small_kernel,    {"winograd4", "winograd6"}             },
        {"narrow_winograd_is_within_bound",   4,  14, draw_small_kernel,    {"winograd3", "winograd5"}             },
    };
    struct CMUnitTest tests[COUNT(rows)];
    for (int i = 0; i < COUNT(rows); i++)
        tests[i] =
            (struct CMUnitTest){.name = rows[i].name, .test_func = run_kernels, .initial_state = &rows[i]};
    if (getenv("CNNC_TEST_ONLY")) cmocka_set_test_filter(getenv("CNNC_TEST_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
