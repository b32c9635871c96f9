/* batchnorm: in training against formulas in doubles, its gradients against differences, the running
 * statistics, and data whose mean is a thousand deviations off; its gradients from those of a pool's windows
 * against formulas over the same gradients, placed one by one. */
#include "ops/op_bench.h"
#include "ops/parts/attrs.h"

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

/* What tells the nodes which place of a window won: the pool, or what x was normalised with. */
typedef struct Judging {
    bool kept, scale, shift;
} Judging;

static const Judging judgings[] = {
    {true,  true,  false},
    {true,  false, false},
    {false, true,  true },
    {false, true,  false},
    {false, false, true },
    {false, false, false},
};

typedef struct WindowNodes {
    ValueId dy, x, mean, inverse, mean_dy, mean_product, weight, bias, winners; /* -1: none */
    ValueId sums, dx;                                                           /* the results */
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

/* Those of the pool, then how winners are told. */
static const Attr *window_attrs(OpBench *bench, const Windows *w, const Judging *judging) {
    const Padding none = {.kind = PADDING_EXPLICIT, .rank = w->axes};
    const Attr list[] = {attr_size(w->axes, w->window),
                         attr_size(w->axes, w->stride),
                         attr_padding(none),
                         attr_bool(false),
                         attr_bool(judging->scale),
                         attr_bool(judging->shift),
                         attr_bool(judging->kept)};
    return attrs_keep(bench->graph, list, COUNT(list));
}

static Shape pooled_shape(const Windows *w, const Shape *shape) {
    Shape pooled = *shape;
    for (int i = 0; i < w->axes; i++) pooled.dim[i] = (w->extent[i] - w->window[i]) / w->stride[i] + 1;
    return pooled;
}

/* The nodes over inputs that are there; those that the judging does not name are not looked at. */
static void add_window_nodes(OpBench *bench, const Windows *w, const Judging *judging, WindowNodes *nodes) {
    const Attr *attrs = window_attrs(bench, w, judging);
    const Shape shape = graph_value(bench->graph, nodes->x)->shape;
    ValueId last = judging->kept ? nodes->winners : nodes->bias;
    bool ends = judging->kept || judging->shift;
    ValueId in[8] = {nodes->dy, nodes->x, nodes->mean};
    int count = 3;
    if (!judging->kept) in[count++] = nodes->inverse;
    if (!judging->kept && judging->scale) in[count++] = nodes->weight;
    if (ends) in[count++] = last;
    nodes->sums = window_node(bench, "batchnorm_window_sums", attrs, in, count, ROLE_LANE,
                              (Shape){.rank = 1, .dim = {2 * shape_channels(&shape)}});
    in[3] = nodes->inverse;
    in[4] = nodes->mean_dy;
    in[5] = nodes->mean_product;
    count = 6;
    if (judging->scale) in[count++] = nodes->weight;
    if (ends) in[count++] = last;
    nodes->dx = window_node(bench, "batchnorm_window_grad", attrs, in, count, ROLE_ACTIVATION, shape);
}

static WindowNodes window_inputs(OpBench *bench, const Windows *w, int64_t channels) {
    Shape shape = {.rank = w->axes + 1};
    for (int i = 0; i < w->axes; i++) shape.dim[i] = w->extent[i];
    shape.dim[w->axes] = channels;
    Shape pooled = pooled_shape(w, &shape);
    WindowNodes nodes = {.winners = -1, .sums = -1, .dx = -1};
    nodes.dy = bench_value(bench, pooled);
    nodes.x = bench_value(bench, shape);
    ValueId *vectors[] = {&nodes.mean,         &nodes.inverse, &nodes.mean_dy,
                          &nodes.mean_product, &nodes.weight,  &nodes.bias};
    for (int i = 0; i < COUNT(vectors); i++) *vectors[i] = vector_value(bench, channels);
    return nodes;
}

/* The second sample has few values, the third has one: their windows have several maxima. Weights have both
 * signs, and one is 0; a bias is so large that floats round to it whatever x is. */
static void make_ties(OpBench *bench, const WindowNodes *nodes) {
    int64_t elements = bench_elements(bench, nodes->x);
    for (int64_t i = elements / SAMPLES; i < elements; i++) {
        double *x = &bench_data(bench, nodes->x)[i];
        *x = i < elements / SAMPLES * 2 ? floor(*x * 2) / 2 : 0.25;
    }
    if (bench_elements(bench, nodes->weight) < 3) return;
    bench_data(bench, nodes->weight)[1] = 0;
    bench_data(bench, nodes->bias)[2] = 0x1p30;
}

static WindowNodes window_nodes(OpBench *bench, const Windows *w, const Judging *judging, int64_t channels) {
    WindowNodes nodes = window_inputs(bench, w, channels);
    make_ties(bench, &nodes);
    if (judging->kept) {
        nodes.winners = bench_value(bench, graph_value(bench->graph, nodes.dy)->shape);
        double *winners = bench_data(bench, nodes.winners), places = 1;
        for (int i = 0; i < w->axes; i++) places *= (double)w->window[i];
        for (int64_t i = 0; i < bench_elements(bench, nodes.winners); i++)
            winners[i] = floor((winners[i] + 2) / 4 * places);
    }
    if (!judging->scale) nodes.weight = -1;
    if (!judging->shift) nodes.bias = -1;
    add_window_nodes(bench, w, judging, &nodes);
    return nodes;
}

/* The element of x at place `tap` of the window that is element i of dy. */
static int64_t place_of(OpBench *bench, const Windows *w, const WindowNodes *nodes, int64_t i, int64_t tap) {
    const Shape *pooled = &graph_value(bench->graph, nodes->dy)->shape;
    int64_t channels = shape_channels(pooled), number = i / channels, element = i % channels;
    int64_t scale = channels;
    for (int axis = w->axes - 1; axis >= 0; axis--) {
        int64_t at = number % pooled->dim[axis] * w->stride[axis] + tap % w->window[axis];
        element += at * scale;
        scale *= w->extent[axis];
        number /= pooled->dim[axis];
        tap /= w->window[axis];
    }
    return element + number * scale;
}

static double channel_number(OpBench *bench, ValueId vector, int64_t channel, double otherwise) {
    return vector < 0 ? otherwise : bench_data(bench, vector)[channel];
}

/* What the normalisation made of that element, as the program rounds it. */
static double normalised(OpBench *bench, const WindowNodes *nodes, int64_t element) {
    int64_t c = element % bench_elements(bench, nodes->mean);
    double centred = bench_data(bench, nodes->x)[element] - bench_data(bench, nodes->mean)[c];
    double factor = bench_data(bench, nodes->inverse)[c] * channel_number(bench, nodes->weight, c, 1);
    double result = centred * factor + channel_number(bench, nodes->bias, c, 0);
    return bench->doubles ? result : (float)result;
}

/* The first place of the window that has its maximum, or the one that was kept. */
static int64_t winner_of(OpBench *bench, const Windows *w, const WindowNodes *nodes, int64_t i) {
    if (nodes->winners >= 0)
        return place_of(bench, w, nodes, i, (int64_t)bench_data(bench, nodes->winners)[i]);
    int64_t places = 1, best = -1;
    for (int axis = 0; axis < w->axes; axis++) places *= w->window[axis];
    for (int64_t tap = 0; tap < places; tap++) {
        int64_t element = place_of(bench, w, nodes, i, tap);
        if (best < 0 || normalised(bench, nodes, element) > normalised(bench, nodes, best)) best = element;
    }
    return best;
}

/* Every window's gradient where its winner lies. */
static double *place_gradients(OpBench *bench, const Windows *w, const WindowNodes *nodes) {
    double *placed = ARENA_ARRAY(bench->cx.arena, double, (size_t)bench_elements(bench, nodes->x));
    for (int64_t i = 0; i < bench_elements(bench, nodes->dy); i++) {
        int64_t element = winner_of(bench, w, nodes, i);
        assert_true(placed[element] == 0);
        placed[element] = bench_data(bench, nodes->dy)[i];
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
        double inverse = bench_data(bench, nodes->inverse)[c];
        double weight = channel_number(bench, nodes->weight, c, 1);
        double mean_dy = bench_data(bench, nodes->mean_dy)[c];
        double normal = (bench_data(bench, nodes->x)[i] - bench_data(bench, nodes->mean)[c]) * inverse;
        double rest = normal * bench_data(bench, nodes->mean_product)[c];
        double want = inverse * (placed[i] - mean_dy - rest);
        double slack = ROUNDINGS * unit * fabs(inverse) * (fabs(placed[i]) + fabs(mean_dy) + fabs(rest));
        check_near("dx", bench_data(bench, nodes->dx)[i], weight * want, fabs(weight) * slack);
    }
}

static void check_windows(const Windows *w, const Judging *judging, int64_t channels, bool doubles, int width,
                          bool halos) {
    OpBench bench = bench_create(doubles, width, halos);
    bench.graph->scratch_stride = 32768;
    WindowNodes nodes = window_nodes(&bench, w, judging, channels);
    const double *placed = place_gradients(&bench, w, &nodes);
    double unit = doubles ? 0x1p-53 : 0x1p-24;
    bench_run(&bench);
    for (int64_t c = 0; c < channels; c++) check_window_sums(&bench, &nodes, placed, c, unit);
    check_window_grad(&bench, &nodes, placed, unit);
    bench_destroy(&bench);
}

/* Every pool, every number of channels and every way to tell the winner at every width, and all the pairs of
 * them, though not all together. */
static void test_windows(void **state) {
    (void)state;
    static const int widths[] = {1, 8, 4, 16};
    for (int i = 0; i < COUNT(windows); i++)
        for (int k = 0; k < COUNT(channel_counts); k++)
            for (int j = (i + k) % 2; j < COUNT(judgings); j += 2) {
                const Judging *judging = &judgings[j];
                int64_t channels = channel_counts[k];
                if (i % COUNT(channel_counts) == k)
                    check_windows(&windows[i], judging, channels, true, 1, true);
                check_windows(&windows[i], judging, channels, false, widths[(i + k + j) / 2 % 4], k % 2);
            }
}

/* A normalisation, perhaps relu or relu6, and a pool that keeps its winners: who finds them again makes the
 * same bits of the gradient as who reads them. */
static void check_found(const Windows *w, const Judging *judging, int64_t channels, int width,
                        const char *activation) {
    OpBench bench = bench_create(false, width, true);
    bench.graph->scratch_stride = 32768;
    WindowNodes found = window_inputs(&bench, w, channels);
    make_ties(&bench, &found);
    const Shape shape = graph_value(bench.graph, found.x)->shape;
    const Shape pooled = graph_value(bench.graph, found.dy)->shape;
    const Attr list[] = {attr_real(MOMENTUM), attr_real(EPSILON), attr_bool(judging->scale),
                         attr_bool(judging->shift)};
    ValueId in[5] = {found.x, found.mean, found.inverse};
    int count = 3;
    if (judging->scale) in[count++] = found.weight;
    if (judging->shift) in[count++] = found.bias;
    ValueId y = window_node(&bench, "batchnorm_apply", attrs_keep(bench.graph, list, COUNT(list)), in, count,
                            ROLE_ACTIVATION, shape);
    if (activation) y = window_node(&bench, activation, NULL, &y, 1, ROLE_ACTIVATION, shape);
    NodeId pool = graph_add_node(bench.graph, op_find("maxpool"), window_attrs(&bench, w, judging), &y, 1, -1,
                                 (Span){0});
    ValueId maxima = graph_add_output(bench.graph, pool, ROLE_ACTIVATION, pooled);
    found.winners = graph_add_output(bench.graph, pool, ROLE_ACTIVATION, pooled);
    if (activation)
        found.dy = window_node(&bench, arena_printf(bench.cx.arena, "%s_grad", activation), NULL,
                               (ValueId[]){found.dy, maxima}, 2, ROLE_ACTIVATION, pooled);
    WindowNodes kept = found;
    add_window_nodes(&bench, w, judging, &found);
    add_window_nodes(&bench, w, &(Judging){true, judging->scale, false}, &kept);
    bench_run(&bench);
    for (int64_t i = 0; i < bench_elements(&bench, kept.sums); i++)
        assert_true(bench_data(&bench, found.sums)[i] == bench_data(&bench, kept.sums)[i]);
    for (int64_t i = 0; i < bench_elements(&bench, kept.dx); i++)
        assert_true(bench_data(&bench, found.dx)[i] == bench_data(&bench, kept.dx)[i]);
    bench_destroy(&bench);
}

static void test_found_winners(void **state) {
    (void)state;
    static const char *const activations[] = {NULL, "relu", "relu6"};
    static const int widths[] = {1, 8, 4, 16};
    for (int i = 0; i < COUNT(windows); i++)
        for (int j = 0; j < COUNT(judgings); j++)
            if (!judgings[j].kept)
                check_found(&windows[i], &judgings[j], channel_counts[(2 * i + j) % COUNT(channel_counts)],
                            widths[(i + j) % 4], activations[(i + j) % COUNT(activations)]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training),      cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_inference),     cmocka_unit_test(test_windows),
        cmocka_unit_test(test_found_winners),
    };
    return cmocka_run_group_tests_name("batchnorm", tests, NULL, NULL);
}
