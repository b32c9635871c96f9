/* add, subtract, multiply, maximum, concat: values against plain loops, gradients against differences,
 * registers against doubles. */
#include "ops/op_bench.h"
#include "ops/parts/attrs.h"

enum { NO_NUMBER = -1 };

typedef struct Case {
    const char *name;
    int inputs;
    const char *kinds;   /* of every input: 'x' a value of the shape, 'v' a vector of its channels */
    int number_position; /* among the operands */
} Case;

static const Case cases[] = {
    {"add",      2, "xx",   NO_NUMBER},
    {"add",      4, "xvxx", NO_NUMBER},
    {"add",      2, "vx",   NO_NUMBER},
    {"add",      3, "vvx",  NO_NUMBER},
    {"add",      1, "x",    0        },
    {"add",      2, "xv",   1        },
    {"subtract", 2, "xx",   NO_NUMBER},
    {"subtract", 3, "xvx",  NO_NUMBER},
    {"subtract", 2, "vx",   NO_NUMBER},
    {"subtract", 3, "vvx",  NO_NUMBER},
    {"subtract", 1, "x",    0        },
    {"subtract", 1, "x",    1        },
    {"subtract", 2, "vx",   0        },
    {"subtract", 2, "vx",   1        },
    {"subtract", 2, "xx",   2        },
    {"multiply", 2, "xx",   NO_NUMBER},
    {"multiply", 3, "xvx",  NO_NUMBER},
    {"multiply", 2, "vx",   NO_NUMBER},
    {"multiply", 1, "x",    1        },
    {"multiply", 2, "vx",   0        },
    {"maximum",  2, "xx",   NO_NUMBER},
    {"maximum",  4, "xxxx", NO_NUMBER},
};

static const Shape shapes[] = {
    {.rank = 1, .dim = {19}         },
    {.rank = 2, .dim = {5, 3}       },
    {.rank = 3, .dim = {3, 4, 33}   },
    {.rank = 4, .dim = {2, 3, 3, 70}},
};

static const double NUMBER = 0.75;

typedef struct Setup {
    const Case *of;
    const Shape *shape;
} Setup;

static ValueId build(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Setup *setup = user;
    for (int i = 0; i < setup->of->inputs; i++) {
        Shape vector = {.rank = 1, .dim = {shape_channels(setup->shape)}};
        inputs[(*count)++] = bench_value(bench, setup->of->kinds[i] == 'v' ? vector : *setup->shape);
    }
    bool number = setup->of->number_position != NO_NUMBER;
    const Attr attrs[] = {number ? attr_real(NUMBER) : (Attr){.kind = ATTR_NONE},
                          attr_int(number ? setup->of->number_position : 0)};
    return bench_layer(bench, setup->of->name, attrs_keep(bench->graph, attrs, 2), inputs, *count);
}

static double combine(const char *name, double a, double b) {
    if (!strcmp(name, "add")) return a + b;
    if (!strcmp(name, "subtract")) return a - b;
    if (!strcmp(name, "multiply")) return a * b;
    return a > b ? a : b;
}

static void check_values(const Setup *setup) {
    const Case *of = setup->of;
    OpBench bench = bench_create(true, 1, true);
    ValueId inputs[8];
    int count = 0;
    ValueId y = build(&bench, setup, inputs, &count);
    bench_run(&bench);
    int64_t elements = shape_elements(setup->shape), channels = shape_channels(setup->shape);
    for (int64_t i = 0; i < elements * SAMPLES; i++) {
        double operands[9];
        int operand = 0, next = 0;
        for (; next < count || operand == of->number_position; operand++) {
            if (operand == of->number_position) {
                operands[operand] = NUMBER;
                continue;
            }
            int64_t place = of->kinds[next] == 'v' ? i / elements * channels + i % channels : i;
            operands[operand] = bench_data(&bench, inputs[next++])[place];
        }
        double want = operands[0], got = bench_data(&bench, y)[i];
        for (int k = 1; k < operand; k++) want = combine(of->name, want, operands[k]);
        if (got != want) fail_msg("%s %s [%d] is %.17g, not %.17g", of->name, of->kinds, (int)i, got, want);
    }
    bench_destroy(&bench);
}

static void test_merges(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(cases); i++)
        for (int k = 0; k < COUNT(shapes); k++) {
            const Setup setup = {&cases[i], &shapes[k]};
            check_values(&setup);
            if (k % 2) continue;
            for (int wanted = 0; wanted < cases[i].inputs; wanted++)
                bench_check_gradient(build, &setup, wanted);
            if (k) bench_check_registers(build, &setup, cases[i].inputs - 1);
        }
}

/* The same value twice: both sides contribute; of equal ones the first has the gradient of maximum. */
static ValueId build_twice(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    inputs[(*count)++] = bench_value(bench, shapes[2]);
    const Attr attrs[] = {{.kind = ATTR_NONE}, attr_int(0)};
    ValueId both[] = {inputs[0], inputs[0]};
    return bench_layer(bench, user, attrs_keep(bench->graph, attrs, 2), both, 2);
}

static void test_same_value_twice(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double slope;
    } rows[] = {
        {"add",      2},
        {"subtract", 0},
        {"maximum",  1}
    };
    for (int i = 0; i < COUNT(rows); i++) {
        OpBench bench = bench_create(false, 16, false);
        BenchPair pair = bench_build(&bench, build_twice, rows[i].name, 0);
        bench_run(&bench);
        for (int64_t k = 0; k < bench_elements(&bench, pair.y); k++)
            assert_true(bench_data(&bench, pair.gradient)[k] ==
                        rows[i].slope * bench_data(&bench, pair.dy)[k]);
        bench_destroy(&bench);
    }
}

static ValueId build_concat(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    Shape shape = *(const Shape *)user;
    static const int64_t channels[] = {3, 16, 1, 21};
    for (int i = 0; i < COUNT(channels); i++) {
        shape.dim[shape.rank - 1] = channels[i];
        inputs[(*count)++] = bench_value(bench, shape);
    }
    return bench_layer(bench, "concat", NULL, inputs, *count);
}

static void test_concat(void **state) {
    (void)state;
    for (int s = 0; s < COUNT(shapes); s++) {
        OpBench bench = bench_create(false, 16, true);
        ValueId inputs[8];
        int count = 0;
        ValueId y = build_concat(&bench, &shapes[s], inputs, &count);
        bench_run(&bench);
        int64_t all = shape_channels(&graph_value(bench.graph, y)->shape), before = 0;
        for (int i = 0; i < count; i++) {
            int64_t channels = shape_channels(&graph_value(bench.graph, inputs[i])->shape);
            for (int64_t k = 0; k < bench_elements(&bench, inputs[i]); k++)
                assert_true(bench_data(&bench, inputs[i])[k] ==
                            bench_data(&bench, y)[k / channels * all + before + k % channels]);
            before += channels;
        }
        assert_true(before == all);
        bench_destroy(&bench);
        for (int wanted = 0; wanted < count; wanted++) bench_check_gradient(build_concat, &shapes[s], wanted);
        bench_check_registers(build_concat, &shapes[s], 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges),
        cmocka_unit_test(test_same_value_twice),
        cmocka_unit_test(test_concat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
