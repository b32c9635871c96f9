/* Every activation: the value against the formula, gradients against differences, registers against doubles.
 */
#include "ops/op_bench.h"
#include "ops/parts/attrs.h"

typedef struct Case {
    const char *name;
    double (*exact)(double x, double parameter);
    double parameter;
    bool has_parameter, weights; /* weights: the parameter is a trained one */
} Case;

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}
static double exact_relu(double x, double p) {
    return (void)p, x > 0 ? x : 0;
}
static double exact_relu6(double x, double p) {
    return (void)p, fmin(fmax(x, 0), 6);
}
static double exact_leaky(double x, double p) {
    return x > 0 ? x : p * x;
}
static double exact_elu(double x, double p) {
    return x > 0 ? x : p * expm1(x);
}
static double exact_selu(double x, double p) {
    (void)p;
    return 1.0507009873554804934 * (x > 0 ? x : 1.6732632423543772848 * expm1(x));
}
static double exact_gelu(double x, double p) {
    return (void)p, x * 0.5 * (1 + erf(x / sqrt(2)));
}
static double exact_silu(double x, double p) {
    return (void)p, x * sigmoid(x);
}
static double exact_hard_sigmoid(double x, double p) {
    return (void)p, fmin(fmax(x + 3, 0), 6) / 6;
}
static double exact_hard_swish(double x, double p) {
    return x * exact_hard_sigmoid(x, p);
}
static double exact_sigmoid(double x, double p) {
    return (void)p, sigmoid(x);
}
static double exact_tanh(double x, double p) {
    return (void)p, tanh(x);
}
static double exact_softplus(double x, double p) {
    return (void)p, log1p(exp(x));
}
static double exact_mish(double x, double p) {
    return (void)p, x * tanh(log1p(exp(x)));
}

static const Case cases[] = {
    {.name = "relu", .exact = exact_relu},
    {.name = "relu6", .exact = exact_relu6},
    {.name = "leaky_relu", .exact = exact_leaky, .parameter = 0.01, .has_parameter = true},
    {.name = "leaky_relu", .exact = exact_leaky, .parameter = 0, .has_parameter = true},
    {.name = "leaky_relu", .exact = exact_leaky, .parameter = -0.5, .has_parameter = true},
    {.name = "prelu", .exact = exact_leaky, .weights = true},
    {.name = "elu", .exact = exact_elu, .parameter = 1, .has_parameter = true},
    {.name = "elu", .exact = exact_elu, .parameter = 0.3, .has_parameter = true},
    {.name = "elu", .exact = exact_elu, .parameter = -0.3, .has_parameter = true},
    {.name = "selu", .exact = exact_selu},
    {.name = "gelu", .exact = exact_gelu},
    {.name = "silu", .exact = exact_silu},
    {.name = "hard_sigmoid", .exact = exact_hard_sigmoid},
    {.name = "hard_swish", .exact = exact_hard_swish},
    {.name = "sigmoid", .exact = exact_sigmoid},
    {.name = "tanh", .exact = exact_tanh},
    {.name = "softplus", .exact = exact_softplus},
    {.name = "mish", .exact = exact_mish},
};

static const Shape shapes[] = {
    {.rank = 1, .dim = {37}        },
    {.rank = 2, .dim = {5, 3}      },
    {.rank = 3, .dim = {3, 4, 33}  },
    {.rank = 4, .dim = {2, 3, 2, 5}},
};

typedef struct Setup {
    const Case *of;
    const Shape *shape;
    double spread; /* factor of the inputs */
} Setup;

static ValueId build(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Setup *setup = user;
    inputs[(*count)++] = bench_value(bench, *setup->shape);
    double *x = bench_data(bench, inputs[0]);
    for (int64_t i = 0; i < bench_elements(bench, inputs[0]); i++) x[i] *= setup->spread;
    const Attr attr = attr_real(setup->of->parameter);
    const Attr *attrs = setup->of->has_parameter ? attrs_keep(bench->graph, &attr, 1) : NULL;
    return bench_layer(bench, setup->of->name, attrs, inputs, 1);
}

static void check_values(const Setup *setup) {
    OpBench bench = bench_create(true, 1, true);
    ValueId input;
    int count = 0;
    ValueId y = build(&bench, setup, &input, &count);
    bench_run(&bench);
    ValueId weight = setup->of->weights ? bench.graph->nodes.items[0].inputs.items[1] : -1;
    int64_t channels = shape_channels(setup->shape);
    for (int64_t i = 0; i < bench_elements(&bench, y); i++) {
        double parameter = weight >= 0 ? bench_data(&bench, weight)[i % channels] : setup->of->parameter;
        double x = bench_data(&bench, input)[i], want = setup->of->exact(x, parameter);
        double got = bench_data(&bench, y)[i];
        if (!(fabs(got - want) <= 1e-14 * (1 + fabs(want))))
            fail_msg("%s(%.17g) is %.17g, not %.17g", setup->of->name, x, got, want);
    }
    bench_destroy(&bench);
}

static void test_activations(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(cases); i++)
        for (int k = 0; k < COUNT(shapes); k++) {
            const Setup setup = {&cases[i], &shapes[k], k == 1 ? 20 : 4};
            check_values(&setup);
            bench_check_gradient(build, &setup, 0);
            if (k >= 2) bench_check_registers(build, &setup, 0);
        }
}

/* Values that are no ordinary numbers, through maps of floats: NaN stays NaN, infinities have their limits, a
 * gradient at 0 is that of the left side, and nothing turns into NaN by itself. */
typedef struct Extreme {
    const char *name;
    double x, y, dx;
} Extreme;

static const Extreme extremes[] = {
    {"relu",         NAN,      NAN,      0                 },
    {"relu",         0,        0,        0                 },
    {"relu",         INFINITY, INFINITY, 1                 },
    {"relu6",        6,        6,        0                 },
    {"relu6",        NAN,      NAN,      0                 },
    {"selu",         INFINITY, INFINITY, 1.0507009873554805},
    {"gelu",         1e4,      1e4,      1                 },
    {"gelu",         -1e4,     0,        0                 },
    {"silu",         1e4,      1e4,      1                 },
    {"silu",         -1e4,     0,        0                 },
    {"mish",         1e4,      1e4,      1                 },
    {"mish",         -1e4,     0,        0                 },
    {"softplus",     1e4,      1e4,      1                 },
    {"softplus",     -1e4,     0,        0                 },
    {"sigmoid",      -1e4,     0,        0                 },
    {"sigmoid",      1e4,      1,        0                 },
    {"tanh",         1e4,      1,        0                 },
    {"hard_swish",   -3,       0,        0                 },
    {"hard_swish",   3,        3,        1                 },
    {"hard_sigmoid", NAN,      NAN,      0                 },
};

static ValueId build_extreme(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Extreme *extreme = user;
    inputs[(*count)++] = bench_value(bench, (Shape){.rank = 1, .dim = {16}});
    for (int64_t i = 0; i < bench_elements(bench, inputs[0]); i++)
        bench_data(bench, inputs[0])[i] = extreme->x;
    return bench_layer(bench, extreme->name, NULL, inputs, 1);
}

static void expect(const Extreme *extreme, const char *what, double got, double want) {
    bool equal = isnan(want)   ? isnan(got)
                 : isinf(want) ? got == want
                               : fabs(got - want) <= 1e-6 * (1 + fabs(want));
    if (!equal) fail_msg("%s of %g: %s is %g, not %g", extreme->name, extreme->x, what, got, want);
}

static void test_extremes(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(extremes); i++) {
        OpBench bench = bench_create(false, 16, false);
        BenchPair pair = bench_build(&bench, build_extreme, &extremes[i], 0);
        bench_run(&bench);
        double dy = bench_data(&bench, pair.dy)[3];
        expect(&extremes[i], "y", bench_data(&bench, pair.y)[3], extremes[i].y);
        expect(&extremes[i], "dx", bench_data(&bench, pair.gradient)[3] / dy, extremes[i].dx);
        bench_destroy(&bench);
    }
}

/* In a program of doubles the side of a corner is told to the signature, and the same inputs give the same
 * one. */
static uint64_t signature_of(double first) {
    uint64_t signature = 1;
    const Setup setup = {&cases[0], &shapes[0], 1};
    OpBench bench = bench_create(true, 1, false);
    ValueId input;
    int count = 0;
    build(&bench, &setup, &input, &count);
    bench_data(&bench, input)[0] = first;
    bench.frame.signature = &signature;
    bench_run(&bench);
    bench_destroy(&bench);
    return signature;
}

static void test_signature(void **state) {
    (void)state;
    assert_true(signature_of(0.5) == signature_of(0.25));
    assert_true(signature_of(0.5) != signature_of(-0.5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_signature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
