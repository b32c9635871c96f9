/* pad, crop, flatten, reshape: every element against its place, gradients against differences, registers
 * against doubles. */
#include "ops/attrs.h"
#include "ops/op_bench.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_borders),
        cmocka_unit_test(test_reshapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
