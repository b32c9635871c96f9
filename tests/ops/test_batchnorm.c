/* batchnorm: in training against formulas in doubles, its gradients against differences, the running
 * statistics, and data whose mean is a thousand deviations off; its gradients from those of a pool's windows
 * against formulas over the same gradients, placed one by one. */
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

typedef struct Windows { /* of a maximum pool */
    int axes;
    int64_t extent[SPATIAL_MAX], window[SPATIAL_MAX], stride[SPATIAL_MAX];
} Windows;

static const Windows windows[] = {
    {2, {6, 8},    {2, 2},    {2, 2}   },
    {2, {7, 5},    {2, 2},    {2, 2}   },
    {2, {9, 8},    {3, 3},    {3, 3}   },
    {2, {8, 9},    {2, 2},    {3, 3}   },
    {2, {7, 11},   {2, 3},    {5, 4}   },
    {2, {4, 5},    {4, 4},    {4, 4}   },
    {1, {11},      {2},       {2}      },
    {1, {14},      {3},       {5}      },
    {3, {5, 4, 3}, {2, 2, 2}, {2, 2, 2}},
    {3, {4, 3, 7}, {1, 3, 2}, {2, 3, 3}},
};
static const int64_t channel_counts[] = {1, 5, 16, 33, 70};

typedef struct WindowNodes {
    ValueId dy, winners, x, mean, inverse, mean_dy, mean_product, weight;
    ValueId sums, weighted, plain; /* the results; plain: without a weight */
} WindowNodes;

static Attr attr_size(int axes, const int64_t *extents) {
    Attr attr = {.kind = ATTR_SIZE, .size.rank = axes};
    memcpy(attr.size.dim, extents, sizeof *extents * (size_t)axes);
    return attr;
}

static ValueId vector_value(OpBench *bench, int64_t channels) {
    Shape shape = {.rank = 1, .dim = {channels}};
    ValueId id = graph_add_value(bench->graph, ROLE_SHARED, shape, NULL, -1, (Span){0});
    bench_fill(bench, id);
    return id;
}

static ValueId window_node(OpBench *bench, const char *name, const Attr *attrs, const ValueId *inputs,
                           int count, Role role, Shape shape) {
    NodeId node = graph_add_node(bench->graph, op_find(name), attrs, inputs, count, -1, (Span){0});
    return graph_add_output(bench->graph, node, role, shape);
}

static WindowNodes window_nodes(OpBench *bench, const Windows *w, int64_t channels) {
    Shape shape = {.rank = w->axes + 1}, pooled = {.rank = w->axes + 1};
    double places = 1;
    for (int i = 0; i < w->axes; i++) {
        shape.dim[i] = w->extent[i];
        pooled.dim[i] = (w->extent[i] - w->window[i]) / w->stride[i] + 1;
        places *= (double)w->window[i];
    }
    shape.dim[w->axes] = pooled.dim[w->axes] = channels;
    ValueId in[8] = {bench_value(bench, pooled), bench_value(bench, pooled), bench_value(bench, shape)};
    double *winners = bench_data(bench, in[1]);
    for (int64_t i = 0; i < bench_elements(bench, in[1]); i++)
        winners[i] = floor((winners[i] + 2) / 4 * places);
    for (int i = 3; i < COUNT(in); i++) in[i] = vector_value(bench, channels);
    const Padding none = {.kind = PADDING_EXPLICIT, .rank = w->axes};
    const Attr list[] = {attr_size(w->axes, w->window), attr_size(w->axes, w->stride), attr_padding(none),
                         attr_bool(false)};
    const Attr *attrs = attrs_keep(bench->graph, list, COUNT(list));
    WindowNodes nodes = {in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7], -1, -1, -1};
    nodes.sums = window_node(bench, "batchnorm_window_sums", attrs, in, 4, ROLE_LANE,
                             (Shape){.rank = 1, .dim = {2 * channels}});
    nodes.weighted = window_node(bench, "batchnorm_window_grad", attrs, in, 8, ROLE_ACTIVATION, shape);
    nodes.plain = window_node(bench, "batchnorm_window_grad", attrs, in, 7, ROLE_ACTIVATION, shape);
    return nodes;
}

/* Every window's gradient where its winner lies. */
static double *place_gradients(OpBench *bench, const Windows *w, const WindowNodes *nodes) {
    double *placed = ARENA_ARRAY(bench->cx.arena, double, (size_t)bench_elements(bench, nodes->x));
    const Shape *pooled = &graph_value(bench->graph, nodes->dy)->shape;
    int64_t channels = shape_channels(pooled);
    for (int64_t i = 0; i < bench_elements(bench, nodes->dy); i++) {
        int64_t number = i / channels, tap = (int64_t)bench_data(bench, nodes->winners)[i];
        int64_t element = i % channels, scale = channels;
        for (int axis = w->axes - 1; axis >= 0; axis--) {
            int64_t at = number % pooled->dim[axis] * w->stride[axis] + tap % w->window[axis];
            element += at * scale;
            scale *= w->extent[axis];
            number /= pooled->dim[axis];
            tap /= w->window[axis];
        }
        assert_true(placed[element + number * scale] == 0);
        placed[element + number * scale] = bench_data(bench, nodes->dy)[i];
    }
    return placed;
}

static void check_near(const char *what, double got, double want, double slack) {
    if (!(fabs(got - want) <= slack)) fail_msg("%s is %.9g, not %.9g", what, got, want);
}

static void check_window_sums(OpBench *bench, const WindowNodes *nodes, const double *placed, int64_t channel,
                              double unit) {
    int64_t elements = bench_elements(bench, nodes->x), channels = bench_elements(bench, nodes->mean);
    const double *x = bench_data(bench, nodes->x), *sums = bench_data(bench, nodes->sums);
    double mean = bench_data(bench, nodes->mean)[channel], sum = 0, product = 0, size = 0, product_size = 0;
    for (int64_t i = channel; i < elements; i += channels) {
        sum += placed[i];
        product += placed[i] * (x[i] - mean);
        size += fabs(placed[i]);
        product_size += fabs(placed[i]) * (fabs(x[i]) + fabs(mean));
    }
    int64_t terms = bench_elements(bench, nodes->dy) / channels;
    double roundings = fmin((double)terms + 1, 4 * sqrt((double)terms) + 4);
    check_near("the sum of dy", sums[channel], sum, roundings * unit * size);
    check_near("the sum of dy*(x - mean)", sums[channels + channel], product,
               roundings * unit * product_size);
}

static void check_window_grad(OpBench *bench, const WindowNodes *nodes, const double *placed, double unit) {
    enum { ROUNDINGS = 8 };
    int64_t channels = bench_elements(bench, nodes->mean);
    for (int64_t i = 0; i < bench_elements(bench, nodes->x); i++) {
        int64_t c = i % channels;
        double inverse = bench_data(bench, nodes->inverse)[c], weight = bench_data(bench, nodes->weight)[c];
        double mean_dy = bench_data(bench, nodes->mean_dy)[c];
        double normal = (bench_data(bench, nodes->x)[i] - bench_data(bench, nodes->mean)[c]) * inverse;
        double rest = normal * bench_data(bench, nodes->mean_product)[c];
        double want = inverse * (placed[i] - mean_dy - rest);
        double slack = ROUNDINGS * unit * fabs(inverse) * (fabs(placed[i]) + fabs(mean_dy) + fabs(rest));
        check_near("dx", bench_data(bench, nodes->plain)[i], want, slack);
        check_near("dx by a weight", bench_data(bench, nodes->weighted)[i], weight * want,
                   fabs(weight) * slack);
    }
}

static void check_windows(const Windows *w, int64_t channels, bool doubles, int width, bool halos) {
    OpBench bench = bench_create(doubles, width, halos);
    bench.graph->scratch_stride = 32768;
    WindowNodes nodes = window_nodes(&bench, w, channels);
    const double *placed = place_gradients(&bench, w, &nodes);
    double unit = doubles ? 0x1p-53 : 0x1p-24;
    bench_run(&bench);
    for (int64_t c = 0; c < channels; c++) check_window_sums(&bench, &nodes, placed, c, unit);
    check_window_grad(&bench, &nodes, placed, unit);
    bench_destroy(&bench);
}

/* Every pool at every width, every number of channels at every width, though not all three together. */
static void test_windows(void **state) {
    (void)state;
    static const int widths[] = {1, 8, 4, 16};
    for (int i = 0; i < COUNT(windows); i++)
        for (int k = 0; k < COUNT(channel_counts); k++) {
            if (i % COUNT(channel_counts) == k) check_windows(&windows[i], channel_counts[k], true, 1, true);
            check_windows(&windows[i], channel_counts[k], false, widths[(i + k) % 4], true);
            check_windows(&windows[i], channel_counts[k], false, widths[(i + k + 1) % 4], false);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_inference),
        cmocka_unit_test(test_windows),
    };
    return cmocka_run_group_tests_name("batchnorm", tests, NULL, NULL);
}
