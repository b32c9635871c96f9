/* Draws against Random123, dropout's and drop_path's counts, masks and gradients, at any width and layout the
 * same. */
#include "emit/philox.h"
#include "ops/op_bench.h"
#include "ops/parts/attrs.h"

#include <Random123/philox.h>

enum { SEED = 5, STEP = 1, LAYER = -1 };

/* What philox.h promises of element e. */
static double expected_uniform(int64_t element, uint64_t sample, int layer) {
    philox4x32_ctr_t counter = {
        {(uint32_t)(element / 64 * 16 + element % 16), 0x40000000u | (uint32_t)layer, (uint32_t)sample,
         STEP}
    };
    philox4x32_key_t key = {
        {SEED, 0}
    };
    return (philox4x32(counter, key).v[element % 64 / 16] >> 8) * 0x1p-24;
}

typedef struct Setup {
    Shape shape;
    double rate;
    bool spatial, path; /* whole channels; drop_path */
} Setup;

static ValueId build(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Setup *setup = user;
    inputs[(*count)++] = bench_value(bench, setup->shape);
    const Attr attrs[] = {attr_real(setup->rate), attr_bool(setup->spatial)};
    if (setup->path) return bench_layer(bench, "drop_path", attrs_keep(bench->graph, attrs, 1), inputs, 1);
    return bench_layer(bench, "dropout", attrs_keep(bench->graph, attrs, 2), inputs, 1);
}

static const Setup setups[] = {
    {{.rank = 1, .dim = {200}},        0.25,  false, false},
    {{.rank = 3, .dim = {5, 4, 13}},   0.5,   false, false},
    {{.rank = 3, .dim = {5, 4, 70}},   0.3,   true,  false},
    {{.rank = 2, .dim = {9, 16}},      0.999, false, false},
    {{.rank = 4, .dim = {2, 3, 4, 6}}, 0.2,   false, false},
    {{.rank = 1, .dim = {50}},         0.5,   true,  false},
    {{.rank = 3, .dim = {3, 4, 5}},    1,     false, false},
    {{.rank = 3, .dim = {4, 3, 37}},   0.5,   false, true },
    {{.rank = 1, .dim = {20}},         0.6,   false, true },
    {{.rank = 2, .dim = {5, 4}},       1,     false, true },
};

/* Every element is x/(1 - rate) exactly where its uniform is not below the rate, else 0; the samples' numbers
 * come from the frame's `numbers`, or where those are missing from its `order`. */
static void check(const Setup *setup, int width, bool halos, bool ordered, bool numbered) {
    static const uint32_t order[SAMPLES] = {41, 7, 1000000}, others[SAMPLES] = {2, 0, 1};
    OpBench bench = bench_create(false, width, halos);
    bench.frame.order = !ordered ? NULL : numbered ? others : order;
    bench.frame.numbers = numbered ? order : NULL;
    BenchPair pair = bench_build(&bench, build, setup, 0);
    bench_run(&bench);
    ValueId x = pair.wanted;
    int64_t elements = shape_elements(&setup->shape), channels = shape_channels(&setup->shape);
    for (int64_t i = 0; i < elements * SAMPLES; i++) {
        uint64_t sample = ordered || numbered ? order[i / elements] : (uint64_t)(i / elements);
        int64_t element = setup->path ? 0 : setup->spatial ? i % channels : i % elements;
        bool keep = expected_uniform(element, sample, LAYER) >= (float)setup->rate;
        float want = keep ? (float)bench_data(&bench, x)[i] / (float)(1 - setup->rate) : 0;
        assert_true(bench_data(&bench, pair.y)[i] == want);
        float dx = keep ? (float)bench_data(&bench, pair.dy)[i] / (float)(1 - setup->rate) : 0;
        assert_true(bench_data(&bench, pair.gradient)[i] == dx);
    }
    bench_destroy(&bench);
}

static void test_draws(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(setups); i++)
        for (int width = 1; width <= 16; width *= 4)
            for (int kind = 0; kind < 8; kind++) check(&setups[i], width, kind % 2, kind / 2 % 2, kind / 4);
}

static void test_not_random(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(setups); i++) {
        OpBench bench = bench_create(false, 16, false);
        bench.frame.random = 0;
        BenchPair pair = bench_build(&bench, build, &setups[i], 0);
        bench_run(&bench);
        for (int64_t k = 0; k < bench_elements(&bench, pair.y); k++) {
            assert_true(bench_data(&bench, pair.y)[k] == bench_data(&bench, pair.wanted)[k]);
            assert_true(bench_data(&bench, pair.gradient)[k] == bench_data(&bench, pair.dy)[k]);
        }
        bench_destroy(&bench);
    }
}

/* Of a million draws at 0.2 four fifths stay, within 4.9 standard deviations; another step draws others. */
static void test_counts(void **state) {
    (void)state;
    const Setup setup = {
        {.rank = 1, .dim = {333334}},
        0.2, false, false
    };
    int kept[2] = {0}, differing = 0;
    OpBench benches[2];
    ValueId y[2];
    for (int step = 0; step < 2; step++) {
        benches[step] = bench_create(false, 16, false);
        benches[step].graph->scratch_stride = 333344;
        benches[step].frame.step = (uint64_t)step;
        ValueId x;
        int count = 0;
        y[step] = build(&benches[step], &setup, &x, &count);
        bench_run(&benches[step]);
    }
    for (int64_t i = 0; i < bench_elements(&benches[0], y[0]); i++) {
        bool first = bench_data(&benches[0], y[0])[i] != 0, second = bench_data(&benches[1], y[1])[i] != 0;
        kept[0] += first;
        kept[1] += second;
        differing += first != second;
    }
    for (int step = 0; step < 2; step++) {
        assert_in_range(kept[step], 800002 - 1960, 800002 + 1960);
        bench_destroy(&benches[step]);
    }
    assert_in_range(differing, 318000, 322000);
}

static void test_inference(void **state) {
    (void)state;
    OpBench bench = bench_create(false, 16, false);
    ValueId x = bench_value(&bench, setups[0].shape);
    const Attr attrs[] = {attr_real(0.5), attr_bool(false)};
    Graph *model = graph_clone(bench.cx.arena, bench.graph, FORM_MODEL);
    NodeId node = graph_add_node(model, op_find("dropout"), attrs, &x, 1, -1, (Span){0});
    assert_int_equal(op_find("dropout")->lower(bench.graph, graph_node(model, node), &x, false), x);
    bench_destroy(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_not_random),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_inference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
