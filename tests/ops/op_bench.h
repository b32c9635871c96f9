/* For tests of operators: a small graph of values with random contents, laid out without gaps, or with halos
 * and as parts of values of more channels, whose nodes are compiled and run one after the other, forward and
 * backward. Contents are doubles by rows, all samples of a value behind one another; what lies around a value
 * must stay as it was. */
#ifndef CNNC_TESTS_OPS_OP_BENCH_H
#define CNNC_TESTS_OPS_OP_BENCH_H

#include "abi.h"
#include "graph/backward.h"
#include "ops/jit.h"

enum { SAMPLES = 3 };
static const double UNTOUCHED = -12345;

typedef struct OpBench {
    Context cx;
    Machine machine;
    Graph *graph;
    cnn_frame frame;
    double **data; /* by value */
    int capacity;
    bool halos; /* values of more than one axis lie within a border, and so do the channels of each place */
    bool doubles;
    bool inference; /* layers are lowered for inference, not for training */
    int width;
    uint64_t random;
    const char *kernel; /* the one that nodes take whose operator has it; NULL: each the first that
                           applies */
} OpBench;

static inline double random_number(OpBench *bench) { /* -2 to 2 */
    bench->random = bench->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)(bench->random >> 11) * 0x1p-51 - 2;
}

static inline OpBench bench_create(bool doubles, int width, bool halos) {
    OpBench bench = {
        .cx = {.arena = arena_create()}, .doubles = doubles, .width = width, .halos = halos, .random = 7};
    bench.graph = graph_create(bench.cx.arena, "bench", FORM_MODEL);
    bench.graph->scratch_stride = 16384;
    bench.machine = (Machine){.pointer_bytes = sizeof(void *), .vector_floats = width};
    bench.capacity = 256;
    bench.data = ARENA_ARRAY(bench.cx.arena, double *, (size_t)bench.capacity);
    bench.frame = (cnn_frame){.count = SAMPLES, .batch_size = SAMPLES, .seed = 5, .step = 1, .random = 1};
    return bench;
}

static inline void bench_destroy(OpBench *bench) {
    arena_destroy(bench->cx.arena);
}

static inline int64_t bench_elements(const OpBench *bench, ValueId id) {
    const Value *value = graph_value(bench->graph, id);
    return shape_elements(&value->shape) * (value_per_sample(value) ? SAMPLES : 1);
}

static inline double *bench_data(OpBench *bench, ValueId id) {
    assert_true(id >= 0 && id < bench->capacity);
    if (!bench->data[id])
        bench->data[id] = ARENA_ARRAY(bench->cx.arena, double, (size_t)bench_elements(bench, id));
    return bench->data[id];
}

static inline void bench_fill(OpBench *bench, ValueId id) {
    double *data = bench_data(bench, id);
    /* Floats, so that the program of floats starts from the same numbers. */
    for (int64_t i = 0; i < bench_elements(bench, id); i++) data[i] = (float)random_number(bench);
}

static inline ValueId bench_value(OpBench *bench, Shape shape) {
    ValueId id = graph_add_value(bench->graph, ROLE_ACTIVATION, shape, NULL, -1, (Span){0});
    bench_fill(bench, id);
    return id;
}

/* A layer's node as elaboration makes it: shape rule, parameters, attributes (NULL: none), then lowered. */
static inline ValueId bench_layer(OpBench *bench, const char *name, const Attr *attrs, const ValueId *inputs,
                                  int count) {
    const Op *op = op_find(name);
    assert_non_null(op);
    ShapeCall call = {.cx = &bench->cx,
                      .graph = bench->graph,
                      .op = op,
                      .attrs = attrs,
                      .inputs = inputs,
                      .input_count = count,
                      .layer = -1,
                      .output = graph_value(bench->graph, inputs[0])->shape};
    assert_true(!op->shape || op->shape(&call));
    ValueId operands[8];
    memcpy(operands, inputs, sizeof *inputs * (size_t)count);
    for (int i = 0; i < call.parameters.count; i++) {
        operands[count] = graph_add_parameter(bench->graph, &call.parameters.items[i], -1, (Span){0});
        bench_fill(bench, operands[count++]);
    }
    if (op->lower) {
        /* The layer's own node stands in a graph of its own, as in the compiler. */
        Graph *model = graph_clone(bench->cx.arena, bench->graph, FORM_MODEL);
        NodeId node = graph_add_node(model, op, attrs, operands, count, -1, (Span){0});
        return op->lower(bench->graph, graph_node(model, node), operands, !bench->inference);
    }
    NodeId node = graph_add_node(bench->graph, op, attrs, operands, count, -1, (Span){0});
    return graph_add_output(bench->graph, node, ROLE_ACTIVATION, call.output);
}

enum { CHANNELS_BEFORE = 2, CHANNELS_AFTER = 3 };

static inline void bench_lay_out(OpBench *bench, Value *value) {
    int spatial = shape_spatial(&value->shape);
    int64_t stride = 1;
    value->layout = (Layout){0};
    for (int axis = spatial; axis >= 0; axis--) {
        bool halo = bench->halos && value_per_sample(value), part = axis == spatial;
        value->layout.stride[axis] = stride;
        if (halo) value->layout.origin += part ? CHANNELS_BEFORE : (1 + axis) * stride;
        stride *= value->shape.dim[axis] + (!halo ? 0 : part ? CHANNELS_BEFORE + CHANNELS_AFTER : 2 + axis);
    }
    value->layout.size = stride;
    value->region = value_per_sample(value) ? REGION_SCRATCH : REGION_PARAMETERS;
    assert_true(value->layout.size <= bench->graph->scratch_stride);
}

/* What a lane adds up is doubles in a program of floats, too. */
static inline bool bench_in_doubles(const OpBench *bench, const Value *value) {
    return bench->doubles || value->role == ROLE_LANE;
}

static inline double real_get(bool doubles, const void *memory, int64_t i) {
    return doubles ? ((const double *)memory)[i] : ((const float *)memory)[i];
}

static inline void real_set(bool doubles, void *memory, int64_t i, double number) {
    if (doubles)
        ((double *)memory)[i] = number;
    else
        ((float *)memory)[i] = (float)number;
}

/* Where in its memory the value's element number i (samples included) lies. */
static inline int64_t bench_place(const OpBench *bench, const Value *value, int64_t i) {
    int64_t place = 0;
    for (int axis = value->shape.rank - 1; axis >= 0; axis--) {
        place += i % value->shape.dim[axis] * value->layout.stride[axis];
        i /= value->shape.dim[axis];
    }
    return place + value->layout.origin + i * bench->graph->scratch_stride;
}

static inline void bench_pack(OpBench *bench, ValueId id, void *memory, int64_t room) {
    const Value *value = graph_value(bench->graph, id);
    bool made = value->producer >= 0, doubles = bench_in_doubles(bench, value);
    for (int64_t i = 0; i < room; i++) real_set(doubles, memory, i, UNTOUCHED);
    for (int64_t i = 0; i < bench_elements(bench, id); i++)
        real_set(doubles, memory, bench_place(bench, value, i), made ? 0 : bench_data(bench, id)[i]);
}

static inline void bench_unpack(OpBench *bench, ValueId id, void *memory, int64_t room) {
    const Value *value = graph_value(bench->graph, id);
    double *data = bench_data(bench, id);
    bool doubles = bench_in_doubles(bench, value);
    for (int64_t i = 0; i < bench_elements(bench, id); i++) {
        int64_t place = bench_place(bench, value, i);
        data[i] = real_get(doubles, memory, place);
        real_set(doubles, memory, place, UNTOUCHED);
    }
    for (int64_t i = 0; i < room; i++)
        if (real_get(doubles, memory, i) != UNTOUCHED) fail_msg("%s wrote beside its elements", value->name);
}

static inline const Kernel *bench_kernel(const OpBench *bench, const Node *node) {
    const Kernel *first = NULL;
    for (int i = 0; node->op->kernels[i]; i++) {
        KernelCall call = kernel_call(node->op->kernels[i], &bench->machine, bench->graph, node);
        if (call.kernel->applies && !call.kernel->applies(&call)) continue;
        if (bench->kernel && !strcmp(call.kernel->name, bench->kernel)) return call.kernel;
        if (!first) first = call.kernel;
    }
    return first;
}

static inline void bench_emit(OpBench *bench, Jit *jit, Node *node, const char *name) {
    Emit *e = &jit->emit;
    LLVMTypeRef types[16] = {e->pointer, e->i64, e->i64};
    LLVMValueRef pointers[16];
    int operands = node->inputs.count + node->outputs.count;
    for (int i = 0; i < operands; i++) types[3 + i] = e->pointer;
    node->kernel = bench_kernel(bench, node);
    LLVMValueRef function = jit_function(jit, name, types, 3 + operands);
    for (int i = 0; i < operands; i++) pointers[i] = LLVMGetParam(function, (unsigned)(3 + i));
    KernelCode code = {.emit = e,
                       .graph = bench->graph,
                       .node = node,
                       .width = bench->width,
                       .real = bench->doubles ? e->f64 : e->f32,
                       .function = function,
                       .frame = LLVMGetParam(function, 0),
                       .count = LLVMGetParam(function, 1),
                       .first = LLVMGetParam(function, 2),
                       .inputs = pointers,
                       .outputs = pointers + node->inputs.count};
    node->kernel->emit(&code);
    LLVMBuildRetVoid(e->builder);
}

enum { MOST_OPERANDS = 9 };
typedef void (*Kernel9)(const cnn_frame *, int64_t, int64_t, void *, void *, void *, void *, void *, void *,
                        void *, void *, void *);

/* Runs every node, on what the values hold that no node makes. */
static inline void bench_run(OpBench *bench) {
    Graph *graph = bench->graph;
    Jit jit = jit_create(true);
    jit.emit.cx = &bench->cx;
    jit.emit.machine = &bench->machine;
    int64_t room = graph->scratch_stride * SAMPLES;
    char **memory = ARENA_ARRAY(bench->cx.arena, char *, (size_t)graph->values.count);
    for (int i = 0; i < graph->values.count; i++) {
        bench_lay_out(bench, graph_value(graph, i));
        memory[i] = arena_alloc(bench->cx.arena, (size_t)room * sizeof(double));
        bench_pack(bench, i, memory[i], room);
    }
    char name[32];
    for (int i = 0; i < graph->nodes.count; i++) {
        snprintf(name, sizeof name, "node%d", i);
        bench_emit(bench, &jit, graph_node(graph, i), name);
    }
    jit_compile(&jit);
    for (int i = 0; i < graph->nodes.count; i++) {
        const Node *node = graph_node(graph, i);
        void *p[MOST_OPERANDS] = {0};
        int operands = 0;
        assert_true(node->inputs.count + node->outputs.count <= MOST_OPERANDS);
        for (int k = 0; k < node->inputs.count + node->outputs.count; k++) {
            ValueId id =
                k < node->inputs.count ? node->inputs.items[k] : node->outputs.items[k - node->inputs.count];
            int64_t origin = graph_value(graph, id)->layout.origin;
            p[operands++] = memory[id] + (size_t)origin * (bench->doubles ? sizeof(double) : sizeof(float));
        }
        snprintf(name, sizeof name, "node%d", i);
        ((Kernel9)jit_address(&jit, name))(&bench->frame, SAMPLES, 0, p[0], p[1], p[2], p[3], p[4], p[5],
                                           p[6], p[7], p[8]);
    }
    for (int i = 0; i < graph->values.count; i++) bench_unpack(bench, i, memory[i], room);
    jit_destroy(&jit);
}

/* What a test is about: makes inputs and nodes, tells the inputs whose gradients are checked, and returns the
 * output. */
typedef ValueId (*BenchBuild)(OpBench *bench, const void *user, ValueId *inputs, int *input_count);

/* The graph forward and backward, towards input number `wanted` and every parameter. */
typedef struct BenchPair {
    ValueId y, dy, wanted, gradient;
} BenchPair;

static inline BenchPair bench_build(OpBench *bench, BenchBuild build, const void *user, int wanted) {
    ValueId inputs[8];
    int count = 0;
    BenchPair pair = {.y = build(bench, user, inputs, &count)};
    pair.dy = bench_value(bench, graph_value(bench->graph, pair.y)->shape);
    pair.wanted = wanted < count ? inputs[wanted] : -1;
    Backward *b = backward_create(bench->graph, pair.wanted);
    backward_contribute(b, pair.y, pair.dy);
    backward_walk(b);
    pair.gradient = backward_of_value(b, pair.wanted);
    return pair;
}

static inline double bench_dot(OpBench *bench, ValueId a, ValueId b) {
    double sum = 0;
    for (int64_t i = 0; i < bench_elements(bench, a); i++)
        sum += bench_data(bench, a)[i] * bench_data(bench, b)[i];
    return sum;
}

/* sum(dy * y) where the input and the parameters are moved by `step` along a direction; `slope`: what the
 * gradients say that it grows by. */
static inline double bench_moved(bool halos, BenchBuild build, const void *user, int wanted, double step,
                                 double *slope) {
    OpBench bench = bench_create(true, 1, halos);
    BenchPair pair = bench_build(&bench, build, user, wanted);
    OpBench direction = bench_create(true, 1, false); /* for its random numbers alone */
    direction.random = 99;
    int values = bench.graph->values.count;
    double **moves = ARENA_ARRAY(bench.cx.arena, double *, (size_t)values);
    for (int id = 0; id < values; id++) {
        if (id != pair.wanted && graph_value(bench.graph, id)->role != ROLE_PARAMETER) continue;
        int64_t elements = bench_elements(&bench, id);
        moves[id] = ARENA_ARRAY(bench.cx.arena, double, (size_t)elements);
        for (int64_t i = 0; i < elements; i++) {
            moves[id][i] = random_number(&direction);
            bench_data(&bench, id)[i] += step * moves[id][i];
        }
    }
    bench_run(&bench);
    *slope = 0;
    for (int id = 0; id < values; id++) {
        const Value *value = graph_value(bench.graph, id);
        ValueId gradient = id == pair.wanted ? pair.gradient : -1;
        for (int g = 0; value->role == ROLE_PARAMETER && g < values; g++)
            if (graph_value(bench.graph, g)->role == ROLE_GRADIENT &&
                graph_value(bench.graph, g)->parameter == value->parameter)
                gradient = g;
        if (!moves[id]) continue;
        assert_true(gradient >= 0);
        for (int64_t i = 0; i < bench_elements(&bench, id); i++)
            *slope += moves[id][i] * bench_data(&bench, gradient)[i];
    }
    double sum = bench_dot(&bench, pair.y, pair.dy);
    bench_destroy(&direction);
    bench_destroy(&bench);
    return sum;
}

/* Gradients against central differences along a random direction. */
static inline void bench_check_gradient(BenchBuild build, const void *user, int wanted) {
    const double step = 1e-6;
    double slope, unused;
    bench_moved(true, build, user, wanted, 0, &slope);
    double up = bench_moved(true, build, user, wanted, step, &unused);
    double down = bench_moved(true, build, user, wanted, -step, &unused);
    double difference = (up - down) / (2 * step);
    if (!(fabs(difference - slope) <= 1e-6 * (1 + fabs(slope))))
        fail_msg("the gradient says %.9g, differences %.9g", slope, difference);
}

/* The same graph in registers of floats, with halos and without, gives what the doubles give. */
static inline void bench_check_registers(BenchBuild build, const void *user, int wanted) {
    OpBench exact = bench_create(true, 1, false);
    bench_build(&exact, build, user, wanted);
    bench_run(&exact);
    for (int width = 1; width <= 16; width *= 4)
        for (int halos = 0; halos < 2; halos++) {
            OpBench bench = bench_create(false, width, halos);
            bench_build(&bench, build, user, wanted);
            bench_run(&bench);
            for (int id = 0; id < bench.graph->values.count; id++)
                for (int64_t i = 0; i < bench_elements(&bench, id); i++) {
                    double want = bench_data(&exact, id)[i], got = bench_data(&bench, id)[i];
                    if (!(fabs(got - want) <= 3e-6 * (1 + fabs(want))))
                        fail_msg("%s[%d] is %.9g, not %.9g (width %d)", graph_value(bench.graph, id)->name,
                                 (int)i, got, want, width);
                }
            bench_destroy(&bench);
        }
    bench_destroy(&exact);
}

#endif
