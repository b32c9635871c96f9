/* scale, layernorm, groupnorm, lrn: against formulas in doubles, their gradients against differences,
 * registers against doubles, and data whose mean is a thousand deviations off. */
#include "ops/op_bench.h"
#include "ops/parts/attrs.h"

enum { WORKSPACE = 4096 }; /* elements */
static const double EPSILON = 1e-3, ALPHA = 0.7, K = 1.5;

typedef struct Setup {
    const char *op;
    Shape shape;
    int64_t count; /* groups, or lrn's window */
    double beta;
    bool bias; /* scale's */
    double mean;
} Setup;

static const Setup setups[] = {
    {"scale",     {.rank = 3, .dim = {3, 4, 17}},   0,  0,    true,  0   },
    {"scale",     {.rank = 1, .dim = {20}},         0,  0,    false, 0   },
    {"scale",     {.rank = 4, .dim = {2, 3, 2, 3}}, 0,  0,    true,  0   },
    {"layernorm", {.rank = 3, .dim = {3, 4, 16}},   0,  0,    false, 0   },
    {"layernorm", {.rank = 2, .dim = {5, 37}},      0,  0,    false, 1   },
    {"layernorm", {.rank = 1, .dim = {7}},          0,  0,    false, 0   },
    {"layernorm", {.rank = 4, .dim = {2, 1, 3, 3}}, 0,  0,    false, -1  },
    {"groupnorm", {.rank = 3, .dim = {3, 4, 32}},   2,  0,    false, 0   },
    {"groupnorm", {.rank = 2, .dim = {9, 15}},      5,  0,    false, 1   },
    {"groupnorm", {.rank = 1, .dim = {34}},         2,  0,    false, 0   },
    {"groupnorm", {.rank = 4, .dim = {2, 3, 4, 6}}, 6,  0,    false, 0   },
    {"groupnorm", {.rank = 3, .dim = {2, 5, 7}},    1,  0,    false, 0   },
    {"lrn",       {.rank = 3, .dim = {3, 2, 37}},   5,  0.75, false, 0   },
    {"lrn",       {.rank = 2, .dim = {4, 16}},      4,  0.6,  false, 0   },
    {"lrn",       {.rank = 1, .dim = {3}},          9,  1,    false, 0   },
    {"lrn",       {.rank = 4, .dim = {2, 2, 1, 5}}, 2,  0.5,  false, 0   },
    {"lrn",       {.rank = 2, .dim = {2, 4}},       1,  2,    false, 0   },
    {"layernorm", {.rank = 2, .dim = {3, 200}},     0,  0,    false, 1000},
    {"groupnorm", {.rank = 3, .dim = {8, 8, 17}},   17, 0,    false, 1000},
};
enum { PLAIN_SETUPS = COUNT(setups) - 2 };

static ValueId build(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Setup *setup = user;
    bench->frame.workspace = arena_alloc(bench->cx.arena, WORKSPACE * sizeof(double));
    ValueId x = inputs[(*count)++] = bench_value(bench, setup->shape);
    for (int64_t i = 0; i < bench_elements(bench, x); i++) {
        double *place = &bench_data(bench, x)[i];
        *place = (float)(*place + setup->mean);
    }
    const Attr init = {.kind = ATTR_INIT, .init = {.kind = INIT_ONES}};
    const Attr of_scale[] = {attr_bool(setup->bias), init}, of_layernorm[] = {attr_real(EPSILON)},
               of_groupnorm[] = {attr_int(setup->count), attr_real(EPSILON)},
               of_lrn[] = {attr_int(setup->count), attr_real(ALPHA), attr_real(setup->beta), attr_real(K)};
    const Attr *attrs = setup->op[0] == 's'   ? attrs_keep(bench->graph, of_scale, COUNT(of_scale))
                        : setup->op[1] == 'a' ? attrs_keep(bench->graph, of_layernorm, COUNT(of_layernorm))
                        : setup->op[0] == 'g' ? attrs_keep(bench->graph, of_groupnorm, COUNT(of_groupnorm))
                                              : attrs_keep(bench->graph, of_lrn, COUNT(of_lrn));
    return bench_layer(bench, setup->op, attrs, &x, 1);
}

static double number_of(OpBench *bench, const char *name, int64_t channel, double otherwise) {
    for (int id = 0; id < bench->graph->values.count; id++) {
        const Value *value = graph_value(bench->graph, id);
        if (value->role == ROLE_PARAMETER && !strcmp(value->parameter->name, name))
            return bench_data(bench, id)[channel];
    }
    return otherwise;
}

/* Normalises the elements from, from + 1, ... of each of `rows` rows of channels. */
static void normalise(double *x, int64_t rows, int64_t channels, int64_t from, int64_t size) {
    double mean = 0, variance = 0, count = (double)(rows * size);
    for (int64_t i = 0; i < rows * size; i++) mean += x[i / size * channels + from + i % size] / count;
    for (int64_t i = 0; i < rows * size; i++)
        variance += pow(x[i / size * channels + from + i % size] - mean, 2) / count;
    for (int64_t i = 0; i < rows * size; i++) {
        double *place = &x[i / size * channels + from + i % size];
        *place = (*place - mean) / sqrt(variance + EPSILON);
    }
}

static void respond(double *x, const double *from, int64_t channels, const Setup *setup) {
    for (int64_t c = 0; c < channels; c++) {
        double sum = 0;
        for (int64_t j = c - setup->count / 2; j <= c + (setup->count - 1) / 2; j++)
            if (j >= 0 && j < channels) sum += from[j] * from[j];
        x[c] = from[c] / pow(K + ALPHA / (double)setup->count * sum, setup->beta);
    }
}

/* The sample's elements as the layer should give them, weight and bias left out. */
static void expect(double *want, const double *x, const Setup *setup) {
    int64_t elements = shape_elements(&setup->shape), channels = shape_channels(&setup->shape);
    int64_t rows = elements / channels, size = setup->op[0] == 'g' ? channels / setup->count : channels;
    memcpy(want, x, (size_t)elements * sizeof *x);
    if (setup->op[0] == 'g')
        for (int64_t from = 0; from < channels; from += size) normalise(want, rows, channels, from, size);
    for (int64_t row = 0; row < rows; row++) {
        if (!strcmp(setup->op, "layernorm")) normalise(want + row * channels, 1, channels, 0, channels);
        if (!strcmp(setup->op, "lrn")) respond(want + row * channels, x + row * channels, channels, setup);
    }
}

static void check_setup(const Setup *setup, bool inference, bool doubles, int width, bool halos) {
    OpBench bench = bench_create(doubles, width, halos);
    bench.inference = inference;
    ValueId x;
    int count = 0;
    ValueId y = build(&bench, setup, &x, &count);
    bench_run(&bench);
    int64_t elements = shape_elements(&setup->shape), channels = shape_channels(&setup->shape);
    double *want = ARENA_ARRAY(bench.cx.arena, double, (size_t)elements);
    double slack = (doubles ? 1e-12 : 2e-6) * (1 + (setup->op[0] == 'g' ? 50 : 5) * fabs(setup->mean) / 1000);
    for (int64_t i = 0; i < elements * SAMPLES; i++) {
        int64_t c = i % channels;
        if (i % elements == 0) expect(want, bench_data(&bench, x) + i, setup);
        double weight = number_of(&bench, "weight", c, 1), bias = number_of(&bench, "bias", c, 0);
        double wanted = want[i % elements] * weight + bias, got = bench_data(&bench, y)[i];
        if (!(fabs(got - wanted) <= slack * (1 + fabs(wanted))))
            fail_msg("%s: y is %.9g, not %.9g", setup->op, got, wanted);
    }
    bench_destroy(&bench);
}

static void test_results(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(setups); i++)
        for (int kind = 0; kind < 4; kind++) {
            check_setup(&setups[i], kind % 2, true, 1, kind / 2);
            check_setup(&setups[i], kind % 2, false, 16, kind / 2);
            check_setup(&setups[i], kind % 2, false, 4, kind / 2);
        }
}

static void test_gradients(void **state) {
    (void)state;
    for (int i = 0; i < PLAIN_SETUPS; i++) {
        bench_check_gradient(build, &setups[i], 0);
        bench_check_registers(build, &setups[i], 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_gradients),
    };
    return cmocka_run_group_tests_name("norms", tests, NULL, NULL);
}
