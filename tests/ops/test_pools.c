/* maxpool, avgpool, the global and the adaptive ones: every kernel, on one to three axes, clipped,
 * overlapping and gapped, against plain loops; gradients against differences where no two elements are equal,
 * and by hand where they are. */
#include "ops/op_bench.h"
#include "ops/parts/attrs.h"

typedef struct Case {
    const char *name;
    Shape shape;
    int64_t window, stride, padding; /* window: of an adaptive pool the number of cells */
    bool same, ceil, count_padding;
} Case;

static const Case cases[] = {
    {"maxpool",          {.rank = 3, .dim = {6, 8, 16}},   2, 2, 0, false, false, false},
    {"maxpool",          {.rank = 3, .dim = {7, 5, 3}},    2, 2, 0, false, false, false},
    {"maxpool",          {.rank = 3, .dim = {7, 5, 17}},   2, 2, 0, false, true,  false},
    {"maxpool",          {.rank = 3, .dim = {7, 9, 5}},    3, 2, 1, false, false, false},
    {"maxpool",          {.rank = 3, .dim = {8, 6, 5}},    3, 2, 1, false, true,  false},
    {"maxpool",          {.rank = 3, .dim = {6, 7, 3}},    3, 1, 0, true,  false, false},
    {"maxpool",          {.rank = 3, .dim = {8, 7, 3}},    2, 3, 1, false, false, false},
    {"maxpool",          {.rank = 2, .dim = {13, 4}},      3, 4, 0, false, true,  false},
    {"maxpool",          {.rank = 4, .dim = {4, 5, 4, 3}}, 2, 2, 0, false, false, false},
    {"avgpool",          {.rank = 3, .dim = {6, 8, 16}},   2, 2, 0, false, false, false},
    {"avgpool",          {.rank = 3, .dim = {7, 5, 3}},    2, 3, 1, false, false, true },
    {"avgpool",          {.rank = 3, .dim = {7, 9, 5}},    3, 2, 1, false, true,  false},
    {"avgpool",          {.rank = 3, .dim = {8, 9, 5}},    4, 3, 2, false, true,  true },
    {"avgpool",          {.rank = 3, .dim = {6, 7, 17}},   3, 2, 0, true,  false, true },
    {"avgpool",          {.rank = 2, .dim = {13, 4}},      3, 4, 0, false, true,  false},
    {"avgpool",          {.rank = 4, .dim = {4, 5, 4, 3}}, 3, 2, 1, false, false, false},
    {"global_maxpool",   {.rank = 3, .dim = {5, 7, 19}},   0, 0, 0, false, false, false},
    {"global_maxpool",   {.rank = 3, .dim = {13, 14, 3}},  0, 0, 0, false, false, false},
    {"global_avgpool",   {.rank = 4, .dim = {3, 2, 5, 6}}, 0, 0, 0, false, false, false},
    {"global_avgpool",   {.rank = 2, .dim = {200, 5}},     0, 0, 0, false, false, false},
    {"adaptive_maxpool", {.rank = 3, .dim = {6, 8, 17}},   2, 0, 0, false, false, false},
    {"adaptive_maxpool", {.rank = 3, .dim = {7, 9, 3}},    3, 0, 0, false, false, false},
    {"adaptive_maxpool", {.rank = 4, .dim = {4, 5, 3, 2}}, 2, 0, 0, false, false, false},
    {"adaptive_avgpool", {.rank = 3, .dim = {13, 8, 16}},  7, 0, 0, false, false, false},
    {"adaptive_avgpool", {.rank = 3, .dim = {3, 9, 5}},    4, 0, 0, false, false, false},
    {"adaptive_avgpool", {.rank = 2, .dim = {12, 5}},      4, 0, 0, false, false, false},
};
static const char *const kernels[] = {NULL, "looped", "scatter", "tiled"};

typedef struct Setup {
    const Case *of;
    const char *kernel;
    bool equal; /* inputs of few values, many of them equal */
} Setup;

static bool is_global(const Case *of) {
    return of->window == 0;
}
static bool is_adaptive(const Case *of) {
    return strstr(of->name, "adaptive");
}
static bool is_max(const Case *of) {
    return strstr(of->name, "max");
}

static Attr attr_size(int rank, int64_t extent) {
    Attr attr = {.kind = ATTR_SIZE, .size.rank = rank};
    for (int i = 0; i < rank; i++) attr.size.dim[i] = extent;
    return attr;
}

static Padding padding_of(const Case *of) {
    Padding padding = {.kind = of->same ? PADDING_SAME : PADDING_EXPLICIT, .rank = of->shape.rank - 1};
    for (int i = 0; i < padding.rank; i++) padding.begin[i] = padding.end[i] = of->padding;
    return padding;
}

static ValueId build(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Setup *setup = user;
    const Case *of = setup->of;
    bench->kernel = setup->kernel;
    ValueId x = inputs[(*count)++] = bench_value(bench, of->shape);
    if (setup->equal)
        for (int64_t i = 0; i < bench_elements(bench, x); i++)
            bench_data(bench, x)[i] = rint(bench_data(bench, x)[i]);
    int axes = of->shape.rank - 1;
    const Attr attrs[] = {attr_size(axes, of->window), attr_size(axes, of->stride),
                          attr_padding(padding_of(of)), attr_bool(of->ceil), attr_bool(of->count_padding)};
    const Attr *kept = attrs_keep(bench->graph, attrs, is_adaptive(of) ? 1 : is_max(of) ? 4 : 5);
    return bench_layer(bench, of->name, is_global(of) ? NULL : kept, &x, 1);
}

static WindowAxis axis_of(const Case *of, int i) {
    int64_t extent = of->shape.dim[i];
    WindowAxis axis = {.input = extent, .kernel = extent, .stride = extent, .dilation = 1, .output = 1};
    if (is_global(of)) return axis;
    if (is_adaptive(of)) {
        axis.output = of->window;
        return axis;
    }
    axis.kernel = of->window;
    axis.stride = of->stride;
    Padding padding = padding_of(of);
    window_axis_fit(&axis, &padding, i, of->ceil);
    return axis;
}

typedef struct Window { /* what plain loops find */
    double result;
    double count;
    int64_t winner; /* number of the element in x */
} Window;

/* The window of output element `number` (samples included), an element after the other. */
static Window look(const Case *of, const double *x, int64_t number) {
    int axes = of->shape.rank - 1;
    int64_t channels = shape_channels(&of->shape), channel = number % channels, rest = number / channels;
    int64_t start[SPATIAL_MAX], taps = 1, counted = 1;
    WindowAxis axis[SPATIAL_MAX];
    for (int i = axes - 1; i >= 0; i--) {
        axis[i] = axis_of(of, i);
        int64_t at = rest % axis[i].output;
        start[i] = at * axis[i].stride - axis[i].begin;
        if (is_adaptive(of)) {
            start[i] = at * axis[i].input / axis[i].output;
            axis[i].kernel = ((at + 1) * axis[i].input + axis[i].output - 1) / axis[i].output - start[i];
        }
        rest /= axis[i].output;
        taps *= axis[i].kernel;
        int64_t stop = start[i] + axis[i].kernel, padded = axis[i].input + axis[i].end;
        counted *= (stop < padded ? stop : padded) - start[i];
    }
    Window window = {.result = is_max(of) ? -INFINITY : 0};
    for (int64_t tap = 0; tap < taps; tap++) {
        int64_t place = 0, left = tap, scale = 1, at[SPATIAL_MAX];
        bool inside = true;
        for (int i = axes - 1; i >= 0; i--) {
            at[i] = start[i] + left % axis[i].kernel;
            left /= axis[i].kernel;
            inside = inside && at[i] >= 0 && at[i] < axis[i].input;
            place += at[i] * scale;
            scale *= axis[i].input;
        }
        if (!inside) continue;
        int64_t element = (rest * scale + place) * channels + channel;
        window.count++;
        if (!is_max(of)) {
            window.result += x[element];
        } else if (x[element] > window.result) {
            window.result = x[element];
            window.winner = element;
        }
    }
    if (of->count_padding) window.count = (double)counted;
    if (!is_max(of)) window.result /= window.count;
    return window;
}

static void check_values(const Setup *setup, bool doubles, int width) {
    OpBench bench = bench_create(doubles, width, true);
    BenchPair pair = bench_build(&bench, build, setup, 0);
    bench_run(&bench);
    const double *x = bench_data(&bench, pair.wanted), *dy = bench_data(&bench, pair.dy);
    double *dx = bench_data(&bench, pair.gradient);
    double *wins = ARENA_ARRAY(bench.cx.arena, double, (size_t)bench_elements(&bench, pair.wanted));
    for (int64_t i = 0; i < bench_elements(&bench, pair.y); i++) {
        Window window = look(setup->of, x, i);
        double got = bench_data(&bench, pair.y)[i], slack = is_max(setup->of) ? 0 : doubles ? 1e-14 : 3e-6;
        if (!(fabs(got - window.result) <= slack))
            fail_msg("%s is %.9g, not %.9g (case %d, %s)", setup->of->name, got, window.result,
                     (int)(setup->of - cases), setup->kernel ? setup->kernel : "first");
        wins[window.winner] += dy[i];
    }
    for (int64_t i = 0; is_max(setup->of) && i < bench_elements(&bench, pair.wanted); i++)
        if (!(fabs(dx[i] - wins[i]) <= 1e-6))
            fail_msg("%s has the gradient %.9g, not %.9g (case %d, %s)", setup->of->name, dx[i], wins[i],
                     (int)(setup->of - cases), setup->kernel ? setup->kernel : "first");
    bench_destroy(&bench);
}

static void test_values(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(cases); i++)
        for (int k = 0; k < COUNT(kernels); k++)
            for (int equal = 0; equal < 2; equal++) {
                const Setup setup = {&cases[i], kernels[k], equal};
                check_values(&setup, false, 16);
                if (k < 2) check_values(&setup, true, 1);
            }
}

static void test_gradients(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        const Setup setup = {&cases[i], kernels[i % COUNT(kernels)], false};
        bench_check_gradient(build, &setup, 0);
        bench_check_registers(build, &setup, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_gradients),
    };
    return cmocka_run_group_tests_name("pools", tests, NULL, NULL);
}
