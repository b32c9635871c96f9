/* upsample, depth_to_space: every element against the formula in plain loops, on one to three axes, factors
 * that differ, places at the borders; gradients against differences, registers against doubles. */
#include "ops/op_bench.h"
#include "ops/parts/attrs.h"

typedef struct Case {
    Shape shape;
    int64_t factor[SPATIAL_MAX];
    const char *mode;
    bool aligned;
} Case;

static const Case cases[] = {
    {{.rank = 3, .dim = {4, 3, 17}},   {2, 2},    "nearest",  false},
    {{.rank = 3, .dim = {2, 5, 3}},    {3, 1},    "nearest",  false},
    {{.rank = 2, .dim = {7, 5}},       {4},       "nearest",  false},
    {{.rank = 4, .dim = {2, 3, 2, 4}}, {2, 1, 3}, "nearest",  false},
    {{.rank = 3, .dim = {4, 3, 17}},   {2, 2},    "bilinear", false},
    {{.rank = 3, .dim = {4, 1, 3}},    {3, 4},    "bilinear", false},
    {{.rank = 3, .dim = {1, 5, 70}},   {2, 3},    "bilinear", false},
    {{.rank = 2, .dim = {7, 5}},       {5},       "bilinear", false},
    {{.rank = 4, .dim = {2, 3, 2, 3}}, {2, 1, 3}, "bilinear", false},
    {{.rank = 3, .dim = {4, 3, 17}},   {2, 2},    "bilinear", true },
    {{.rank = 3, .dim = {1, 6, 3}},    {3, 4},    "bilinear", true },
    {{.rank = 2, .dim = {7, 80}},      {3},       "bilinear", true },
    {{.rank = 4, .dim = {2, 3, 2, 3}}, {2, 3, 1}, "bilinear", true },
};

static ValueId build(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Case *of = user;
    inputs[(*count)++] = bench_value(bench, of->shape);
    Attr factor = {.kind = ATTR_SIZE, .size.rank = of->shape.rank - 1};
    memcpy(factor.size.dim, of->factor, sizeof of->factor);
    const Attr attrs[] = {factor, attr_word(of->mode), attr_bool(of->aligned)};
    return bench_layer(bench, "upsample", attrs_keep(bench->graph, attrs, 3), inputs, 1);
}

/* Where place i of the output lies along the axis. */
static double position_of(const Case *of, int axis, int64_t i) {
    double n = (double)of->shape.dim[axis], factor = (double)of->factor[axis];
    if (!strcmp(of->mode, "nearest")) return (double)(i / of->factor[axis]);
    double at = of->aligned ? (n * factor > 1 ? (double)i * (n - 1) / (n * factor - 1) : 0)
                            : ((double)i + 0.5) / factor - 0.5;
    return fmin(fmax(at, 0), n - 1);
}

/* Output element `number` (samples included): a sum over all of the input. */
static double expected(const Case *of, const double *x, int64_t number) {
    int axes = of->shape.rank - 1;
    int64_t channels = of->shape.dim[axes], channel = number % channels, rest = number / channels, places = 1;
    double at[SPATIAL_MAX], sum = 0;
    for (int i = axes - 1; i >= 0; i--) {
        int64_t extent = of->shape.dim[i] * of->factor[i];
        at[i] = position_of(of, i, rest % extent);
        rest /= extent;
        places *= of->shape.dim[i];
    }
    for (int64_t place = 0; place < places; place++) {
        double weight = 1;
        int64_t left = place;
        for (int i = axes - 1; i >= 0; i--) {
            weight *= fmax(0, 1 - fabs(at[i] - (double)(left % of->shape.dim[i])));
            left /= of->shape.dim[i];
        }
        sum += weight * x[(rest * places + place) * channels + channel];
    }
    return sum;
}

static void check_values(const Case *of, bool doubles, int width) {
    OpBench bench = bench_create(doubles, width, true);
    ValueId x;
    int count = 0;
    ValueId y = build(&bench, of, &x, &count);
    bench_run(&bench);
    for (int64_t i = 0; i < bench_elements(&bench, y); i++) {
        double got = bench_data(&bench, y)[i], want = expected(of, bench_data(&bench, x), i);
        if (!(fabs(got - want) <= (!strcmp(of->mode, "nearest") ? 0 : doubles ? 1e-14 : 1e-6)))
            fail_msg("case %d, element %d: %.9g, not %.9g", (int)(of - cases), (int)i, got, want);
    }
    bench_destroy(&bench);
}

static void test_upsample(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        check_values(&cases[i], false, 16);
        check_values(&cases[i], true, 1);
        bench_check_gradient(build, &cases[i], 0);
        bench_check_registers(build, &cases[i], 0);
    }
}

typedef struct Blocks {
    Shape shape;
    int64_t factor[SPATIAL_MAX];
    const char *kernel;
} Blocks;

static const Blocks blocks[] = {
    {{.rank = 3, .dim = {3, 2, 4 * 17}},   {2, 2},    NULL       },
    {{.rank = 3, .dim = {3, 2, 4 * 17}},   {2, 2},    "reference"},
    {{.rank = 3, .dim = {2, 3, 9}},        {3, 3},    NULL       },
    {{.rank = 3, .dim = {2, 1, 6 * 33}},   {3, 2},    NULL       },
    {{.rank = 3, .dim = {2, 2, 16 * 5}},   {4, 4},    NULL       },
    {{.rank = 2, .dim = {5, 2 * 16}},      {2},       NULL       },
    {{.rank = 4, .dim = {2, 1, 3, 8 * 3}}, {2, 2, 2}, NULL       },
    {{.rank = 3, .dim = {2, 2, 20 * 3}},   {4, 5},    NULL       },
};

static ValueId build_blocks(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Blocks *of = user;
    bench->kernel = of->kernel;
    inputs[(*count)++] = bench_value(bench, of->shape);
    Attr factor = {.kind = ATTR_SIZE, .size.rank = of->shape.rank - 1};
    memcpy(factor.size.dim, of->factor, sizeof of->factor);
    return bench_layer(bench, "depth_to_space", attrs_keep(bench->graph, &factor, 1), inputs, 1);
}

/* Where output element `number` (samples included) comes from. */
static int64_t origin_of(const Blocks *of, int64_t number) {
    int axes = of->shape.rank - 1;
    int64_t block = 1, place = 0, scale = 1, in_block = 0, step = 1;
    for (int i = 0; i < axes; i++) block *= of->factor[i];
    int64_t channels = of->shape.dim[axes] / block, channel = number % channels, rest = number / channels;
    for (int i = axes - 1; i >= 0; i--) {
        int64_t at = rest % (of->shape.dim[i] * of->factor[i]);
        rest /= of->shape.dim[i] * of->factor[i];
        place += at / of->factor[i] * scale;
        in_block += at % of->factor[i] * step;
        scale *= of->shape.dim[i];
        step *= of->factor[i];
    }
    return (rest * scale + place) * of->shape.dim[axes] + channel * block + in_block;
}

static void test_depth_to_space(void **state) {
    (void)state;
    for (int k = 0; k < COUNT(blocks); k++) {
        for (int width = 1; width <= 16; width *= 4) {
            OpBench bench = bench_create(false, width, k % 2);
            BenchPair pair = bench_build(&bench, build_blocks, &blocks[k], 0);
            bench_run(&bench);
            for (int64_t i = 0; i < bench_elements(&bench, pair.y); i++) {
                int64_t from = origin_of(&blocks[k], i);
                assert_true(bench_data(&bench, pair.y)[i] == bench_data(&bench, pair.wanted)[from]);
                assert_true(bench_data(&bench, pair.gradient)[from] == bench_data(&bench, pair.dy)[i]);
            }
            bench_destroy(&bench);
        }
        bench_check_gradient(build_blocks, &blocks[k], 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upsample),
        cmocka_unit_test(test_depth_to_space),
    };
    return cmocka_run_group_tests_name("resampling", tests, NULL, NULL);
}
