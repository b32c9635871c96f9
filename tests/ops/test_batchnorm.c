/* batchnorm: in training against formulas in doubles, its gradients against differences, the running
 * statistics, and data whose mean is a thousand deviations off. */
#include "ops/attrs.h"
#include "ops/op_bench.h"

typedef struct Setup {
    Shape shape;
    bool scale, shift;
    double mean, spread;
} Setup;

static const Setup setups[] = {
    {{.rank = 3, .dim = {3, 4, 16}},   true,  true,  0,    1   },
    {{.rank = 3, .dim = {3, 4, 5}},    false, true,  0,    1   },
    {{.rank = 2, .dim = {5, 33}},      true,  false, 0.5,  2   },
    {{.rank = 1, .dim = {7}},          false, false, 0,    1   },
    {{.rank = 4, .dim = {2, 3, 2, 1}}, true,  true,  -1,   1   },
    {{.rank = 3, .dim = {8, 8, 17}},   true,  true,  1000, 0.86},
};
static const double MOMENTUM = 0.8, EPSILON = 1e-3;

static ValueId build(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Setup *setup = user;
    bench->frame.lane_count = 1;
    ValueId x = inputs[(*count)++] = bench_value(bench, setup->shape);
    for (int64_t i = 0; i < bench_elements(bench, x); i++) {
        double *place = &bench_data(bench, x)[i];
        *place = (float)(*place * setup->spread + setup->mean);
    }
    const Attr attrs[] = {attr_real(MOMENTUM), attr_real(EPSILON), attr_bool(setup->scale),
                          attr_bool(setup->shift)};
    return bench_layer(bench, "batchnorm", attrs_keep(bench->graph, attrs, COUNT(attrs)), &x, 1);
}

/* The parameter of that name; -1 where the layer has none. */
static ValueId parameter_of(const OpBench *bench, const char *name) {
    for (int id = 0; id < bench->graph->values.count; id++) {
        const Value *value = graph_value(bench->graph, id);
        if (value->producer < 0 && value->parameter && !strcmp(value->parameter->name, name)) return id;
    }
    return -1;
}

static double number_of(OpBench *bench, const char *name, int64_t channel, double otherwise) {
    ValueId id = parameter_of(bench, name);
    return id < 0 ? otherwise : bench_data(bench, id)[channel];
}

static void check_channel(OpBench *bench, const Setup *setup, const BenchPair *pair, int64_t channel,
                          double running_mean, double running_variance) {
    const double *x = bench_data(bench, pair->wanted), *y = bench_data(bench, pair->y);
    int64_t channels = shape_channels(&setup->shape), elements = bench_elements(bench, pair->wanted);
    double count = (double)(elements / channels), mean = 0, variance = 0;
    for (int64_t i = channel; i < elements; i += channels) mean += x[i] / count;
    for (int64_t i = channel; i < elements; i += channels) variance += (x[i] - mean) * (x[i] - mean) / count;
    double weight = number_of(bench, "weight", channel, 1), bias = number_of(bench, "bias", channel, 0);
    double slack = (bench->doubles ? 1e-11 : 1e-6) * (1 + fabs(mean) / sqrt(variance)) * (1 + fabs(weight));
    for (int64_t i = channel; i < elements; i += channels) {
        double want = (x[i] - mean) / sqrt(variance + EPSILON) * weight + bias;
        if (!(fabs(y[i] - want) <= slack * (1 + fabs(want)))) fail_msg("y is %.9g, not %.9g", y[i], want);
    }
    double got = number_of(bench, "running_mean", channel, NAN);
    double want = MOMENTUM * running_mean + (1 - MOMENTUM) * mean;
    if (!(fabs(got - want) <= 1e-6 * (1 + fabs(want))))
        fail_msg("the running mean is %.9g, not %.9g", got, want);
    got = number_of(bench, "running_var", channel, NAN);
    want = MOMENTUM * running_variance + (1 - MOMENTUM) * variance * count / (count - 1);
    if (!(fabs(got - want) <= 1e-5 * (1 + fabs(want))))
        fail_msg("the running variance is %.9g, not %.9g", got, want);
}

static void check_setup(const Setup *setup, bool doubles, int width) {
    OpBench bench = bench_create(doubles, width, true);
    BenchPair pair = bench_build(&bench, build, setup, 0);
    int64_t channels = shape_channels(&setup->shape);
    size_t bytes = (size_t)channels * sizeof(double);
    double *mean =
        arena_copy(bench.cx.arena, bench_data(&bench, parameter_of(&bench, "running_mean")), bytes);
    double *variance =
        arena_copy(bench.cx.arena, bench_data(&bench, parameter_of(&bench, "running_var")), bytes);
    bench_run(&bench);
    for (int64_t c = 0; c < channels; c++) check_channel(&bench, setup, &pair, c, mean[c], variance[c]);
    for (int id = 0; id < bench.graph->values.count; id++) /* ready for the next batch */
        for (int64_t i = 0; graph_value(bench.graph, id)->role == ROLE_LANE && i < bench_elements(&bench, id);
             i++)
            assert_true(bench_data(&bench, id)[i] == 0);
    bench_destroy(&bench);
}

static void test_training(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(setups); i++) {
        check_setup(&setups[i], true, 1);
        check_setup(&setups[i], false, 16);
        check_setup(&setups[i], false, 4);
    }
}

static void test_gradients(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(setups) - 1; i++) {
        bench_check_gradient(build, &setups[i], 0);
        bench_check_registers(build, &setups[i], 0);
    }
}

/* A lowering for inference is one factor and one summand a channel. */
static void test_inference(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(setups); i++) {
        OpBench bench = bench_create(false, 16, true);
        const Setup *setup = &setups[i];
        bench.inference = true;
        ValueId x;
        int count = 0;
        ValueId y = build(&bench, setup, &x, &count);
        double *variances = bench_data(&bench, parameter_of(&bench, "running_var"));
        int64_t channels = shape_channels(&setup->shape);
        for (int64_t c = 0; c < channels; c++) variances[c] = fabs(variances[c]) + 0.25;
        bench_run(&bench);
        for (int64_t k = 0; k < bench_elements(&bench, y); k++) {
            int64_t c = k % channels;
            double centred = bench_data(&bench, x)[k] - number_of(&bench, "running_mean", c, NAN);
            double want = centred / sqrt(number_of(&bench, "running_var", c, NAN) + EPSILON) *
                              number_of(&bench, "weight", c, 1) +
                          number_of(&bench, "bias", c, 0);
            double got = bench_data(&bench, y)[k];
            if (!(fabs(got - want) <= 1e-6 * (4 + fabs(want)))) fail_msg("y is %.9g, not %.9g", got, want);
        }
        bench_destroy(&bench);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_inference),
    };
    return cmocka_run_group_tests_name("batchnorm", tests, NULL, NULL);
}
