/* pad, crop, flatten, reshape, permute and the layers that move channels: every element against its place,
 * gradients against differences, registers against doubles. */
#include "ops/op_bench.h"
#include "ops/parts/attrs.h"

static const Shape shapes[] = {
    {.rank = 2, .dim = {5, 3}      },
    {.rank = 3, .dim = {5, 4, 17}  },
    {.rank = 4, .dim = {3, 4, 5, 2}},
};
static const Padding borders[] = {
    {.kind = PADDING_EXPLICIT, .rank = 1, .begin = {1},       .end = {2}      },
    {.kind = PADDING_EXPLICIT, .rank = 2, .begin = {2, 0},    .end = {1, 1}   },
    {.kind = PADDING_EXPLICIT, .rank = 3, .begin = {0, 1, 2}, .end = {1, 0, 2}},
};
static const double FILL = 2.5;

typedef struct Setup {
    const char *name;
    int which; /* shape and border */
    bool fill;
} Setup;

static ValueId build_border(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Setup *setup = user;
    inputs[(*count)++] = bench_value(bench, shapes[setup->which]);
    const Attr attrs[] = {attr_padding(borders[setup->which]), attr_word("zeros"),
                          setup->fill ? attr_real(FILL) : (Attr){.kind = ATTR_NONE}};
    return bench_layer(bench, setup->name, attrs_keep(bench->graph, attrs, 3), inputs, 1);
}

/* The larger value's element at that place, or `outside` where its border lies. */
static void check_border(OpBench *bench, ValueId larger, ValueId smaller, const Padding *border, bool is_pad,
                         double outside) {
    Shape shape = graph_value(bench->graph, larger)->shape, inner = graph_value(bench->graph, smaller)->shape;
    for (int64_t i = 0; i < bench_elements(bench, larger); i++) {
        int64_t rest = i, place = 0, stride = 1;
        bool inside = true;
        for (int axis = shape.rank - 1; axis >= 0; axis--) {
            int64_t at = rest % shape.dim[axis] - (axis < border->rank ? border->begin[axis] : 0);
            rest /= shape.dim[axis];
            inside = inside && at >= 0 && at < inner.dim[axis];
            place += at * stride;
            stride *= inner.dim[axis];
        }
        place += rest * stride;
        double of_larger = bench_data(bench, larger)[i];
        if (inside)
            assert_true(of_larger == bench_data(bench, smaller)[place]);
        else if (is_pad)
            assert_true(of_larger == outside);
    }
}

static void test_borders(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(shapes) * 3; i++) {
        const Setup setup = {i % 3 < 2 ? "pad" : "crop", i / 3, i % 3 == 1};
        OpBench bench = bench_create(false, 16, i % 2);
        ValueId x;
        int count = 0;
        ValueId y = build_border(&bench, &setup, &x, &count);
        bench_run(&bench);
        bool pad = i % 3 < 2;
        check_border(&bench, pad ? y : x, pad ? x : y, &borders[i / 3], pad, setup.fill ? FILL : 0);
        bench_destroy(&bench);
        bench_check_gradient(build_border, &setup, 0);
        bench_check_registers(build_border, &setup, 0);
    }
}

typedef struct Reshape {
    Shape from, to;
} Reshape;

static const Reshape reshapes[] = {
    {{.rank = 3, .dim = {4, 6, 8}}, {.rank = 1, .dim = {192}}        },
    {{.rank = 1, .dim = {192}},     {.rank = 3, .dim = {8, 2, 12}}   },
    {{.rank = 3, .dim = {4, 6, 8}}, {.rank = 4, .dim = {2, 3, 2, 16}}},
    {{.rank = 2, .dim = {7, 5}},    {.rank = 2, .dim = {5, 7}}       },
    {{.rank = 2, .dim = {16, 20}},  {.rank = 3, .dim = {4, 4, 20}}   },
};

static ValueId build_reshape(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Reshape *reshape = user;
    inputs[(*count)++] = bench_value(bench, reshape->from);
    const Attr dims = {.kind = ATTR_DIMS, .dims = reshape->to};
    if (reshape->to.rank == 1) return bench_layer(bench, "flatten", NULL, inputs, 1);
    return bench_layer(bench, "reshape", attrs_keep(bench->graph, &dims, 1), inputs, 1);
}

static void test_reshapes(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(reshapes); i++)
        for (int halos = 0; halos < 2; halos++) {
            OpBench bench = bench_create(false, 16, halos);
            ValueId x;
            int count = 0;
            ValueId y = build_reshape(&bench, &reshapes[i], &x, &count);
            bench_run(&bench);
            for (int64_t k = 0; k < bench_elements(&bench, x); k++)
                assert_true(bench_data(&bench, x)[k] == bench_data(&bench, y)[k]);
            bench_destroy(&bench);
            bench_check_gradient(build_reshape, &reshapes[i], 0);
        }
}

/* What moves elements without adding any up: where in the sample's input the output's element comes from; -1:
 * it is 0. */
typedef struct Move {
    const char *op;
    Shape shape;
    int64_t a, b; /* integer arguments */
    Shape axes;   /* permute's */
} Move;

static const Move moves[] = {
    {.op = "permute", .shape = {.rank = 3, .dim = {5, 18, 3}}, .axes = {.rank = 3, .dim = {2, 0, 1}}},
    {.op = "permute", .shape = {.rank = 3, .dim = {3, 5, 18}}, .axes = {.rank = 3, .dim = {1, 2, 0}}},
    {.op = "permute", .shape = {.rank = 3, .dim = {4, 3, 17}}, .axes = {.rank = 3, .dim = {1, 0, 2}}},
    {.op = "permute", .shape = {.rank = 2, .dim = {33, 20}}, .axes = {.rank = 2, .dim = {1, 0}}},
    {.op = "permute", .shape = {.rank = 4, .dim = {2, 5, 3, 7}}, .axes = {.rank = 4, .dim = {3, 1, 0, 2}}},
    {.op = "permute", .shape = {.rank = 2, .dim = {3, 4}}, .axes = {.rank = 2, .dim = {0, 1}}},
    {.op = "permute", .shape = {.rank = 1, .dim = {9}}, .axes = {.rank = 1, .dim = {0}}},
    {.op = "channel_shuffle", .shape = {.rank = 3, .dim = {3, 2, 34}}, .a = 2},
    {.op = "channel_shuffle", .shape = {.rank = 4, .dim = {2, 2, 3, 12}}, .a = 3},
    {.op = "channel_shuffle", .shape = {.rank = 1, .dim = {10}}, .a = 5},
    {.op = "channel_shuffle", .shape = {.rank = 2, .dim = {3, 6}}, .a = 6},
    {.op = "channels", .shape = {.rank = 3, .dim = {3, 2, 37}}, .a = 3, .b = 20},
    {.op = "channels", .shape = {.rank = 1, .dim = {8}}, .a = 7, .b = 7},
    {.op = "channels", .shape = {.rank = 2, .dim = {5, 4}}, .a = 0, .b = 3},
    {.op = "pad_channels", .shape = {.rank = 3, .dim = {3, 2, 5}}, .a = 2, .b = 17},
    {.op = "pad_channels", .shape = {.rank = 1, .dim = {5}}, .a = 0, .b = 3},
    {.op = "pad_channels", .shape = {.rank = 4, .dim = {2, 1, 2, 3}}, .a = 1, .b = 0},
};

static int64_t permuted_source(const Move *move, const Shape *to, int64_t i) {
    int64_t place[SHAPE_MAX_RANK], from = 0;
    for (int axis = to->rank - 1; axis >= 0; axis--) {
        place[move->axes.dim[axis]] = i % to->dim[axis];
        i /= to->dim[axis];
    }
    for (int axis = 0; axis < to->rank; axis++) from = from * move->shape.dim[axis] + place[axis];
    return from;
}

static int64_t source_of(const Move *move, const Shape *to, int64_t i) {
    if (move->axes.rank) return permuted_source(move, to, i);
    int64_t channels = shape_channels(&move->shape), c = i % shape_channels(to), row = i / shape_channels(to);
    if (!strcmp(move->op, "channel_shuffle")) c = c % move->a * (channels / move->a) + c / move->a;
    if (!strcmp(move->op, "channels")) c += move->a;
    if (!strcmp(move->op, "pad_channels")) c -= move->a;
    return c < 0 || c >= channels ? -1 : row * channels + c;
}

static ValueId build_move(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Move *move = user;
    inputs[(*count)++] = bench_value(bench, move->shape);
    const Attr axes = {.kind = ATTR_DIMS, .dims = move->axes},
               integers[] = {attr_int(move->a), attr_int(move->b)};
    const Attr *attrs =
        move->axes.rank ? attrs_keep(bench->graph, &axes, 1) : attrs_keep(bench->graph, integers, 2);
    return bench_layer(bench, move->op, attrs, inputs, 1);
}

static void test_moves(void **state) {
    (void)state;
    for (int k = 0; k < COUNT(moves) * 6; k++) {
        const Move *move = &moves[k / 6];
        int width = k % 3 == 0 ? 16 : k % 3 == 1 ? 4 : 1;
        OpBench bench = bench_create(false, width, k % 2);
        ValueId x;
        int count = 0;
        ValueId y = build_move(&bench, move, &x, &count);
        bench_run(&bench);
        const Shape *to = &graph_value(bench.graph, y)->shape;
        int64_t elements = shape_elements(to), from = shape_elements(&move->shape);
        for (int64_t i = 0; i < elements * SAMPLES; i++) {
            int64_t source = source_of(move, to, i % elements);
            double want = source < 0 ? 0 : bench_data(&bench, x)[i / elements * from + source];
            if (bench_data(&bench, y)[i] != want) fail_msg("%s moves element %d", move->op, (int)i);
        }
        bench_destroy(&bench);
        if (k % 6) continue;
        bench_check_gradient(build_move, move, 0);
        bench_check_registers(build_move, move, 0);
    }
}

typedef struct Mirror {
    int which; /* shape and border */
    const char *mode;
} Mirror;

static ValueId build_mirror(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Mirror *mirror = user;
    inputs[(*count)++] = bench_value(bench, shapes[mirror->which]);
    const Attr attrs[] = {attr_padding(borders[mirror->which]), attr_word(mirror->mode), {.kind = ATTR_NONE}};
    return bench_layer(bench, "pad", attrs_keep(bench->graph, attrs, 3), inputs, 1);
}

static int64_t mirrored(int64_t at, int64_t n, bool reflect) {
    if (at < 0) return reflect ? -at : 0;
    if (at >= n) return reflect ? 2 * (n - 1) - at : n - 1;
    return at;
}

static void test_mirrors(void **state) {
    (void)state;
    for (int k = 0; k < COUNT(shapes) * 4; k++) {
        const Mirror mirror = {k / 4, k % 2 ? "reflect" : "replicate"};
        OpBench bench = bench_create(false, 16, k / 2 % 2);
        ValueId x;
        int count = 0;
        ValueId y = build_mirror(&bench, &mirror, &x, &count);
        bench_run(&bench);
        const Shape *outer = &graph_value(bench.graph, y)->shape, *inner = &shapes[mirror.which];
        const Padding *border = &borders[mirror.which];
        for (int64_t i = 0; i < bench_elements(&bench, y); i++) {
            int64_t rest = i, place = 0, stride = 1;
            for (int axis = outer->rank - 1; axis >= 0; axis--) {
                int64_t at = rest % outer->dim[axis];
                if (axis < border->rank) at = mirrored(at - border->begin[axis], inner->dim[axis], k % 2);
                rest /= outer->dim[axis];
                place += at * stride;
                stride *= inner->dim[axis];
            }
            assert_true(bench_data(&bench, y)[i] == bench_data(&bench, x)[place + rest * stride]);
        }
        bench_destroy(&bench);
        bench_check_gradient(build_mirror, &mirror, 0);
        bench_check_registers(build_mirror, &mirror, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_borders),
        cmocka_unit_test(test_reshapes),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_mirrors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
