/* softmax, log_softmax and the losses: against formulas in doubles, gradients against differences, logits so
 * large that a careless exponential overflows, ties and numbers that are none. */
#include "ops/op_bench.h"
#include "ops/parts/attrs.h"

static const Shape shapes[] = {
    {.rank = 1, .dim = {10}      },
    {.rank = 1, .dim = {1}       },
    {.rank = 1, .dim = {37}      },
    {.rank = 3, .dim = {3, 2, 16}},
    {.rank = 2, .dim = {5, 3}    },
};

typedef struct Setup {
    const char *name;
    const Shape *shape;
    double spread, argument; /* argument: label_smoothing, delta */
} Setup;

static ValueId spread_input(OpBench *bench, const Setup *setup) {
    ValueId x = bench_value(bench, *setup->shape);
    for (int64_t i = 0; i < bench_elements(bench, x); i++)
        bench_data(bench, x)[i] = (float)(bench_data(bench, x)[i] * setup->spread);
    return x;
}

static ValueId build_softmax(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Setup *setup = user;
    inputs[(*count)++] = spread_input(bench, setup);
    return bench_layer(bench, setup->name, NULL, inputs, 1);
}

static double row_log_sum(const double *z, int64_t classes) {
    double most = -INFINITY, sum = 0;
    for (int64_t c = 0; c < classes; c++) most = fmax(most, z[c]);
    for (int64_t c = 0; c < classes; c++) sum += exp(z[c] - most);
    return most + log(sum);
}

static void check_softmax(const Setup *setup) {
    OpBench bench = bench_create(false, 16, true);
    ValueId x;
    int count = 0;
    ValueId y = build_softmax(&bench, setup, &x, &count);
    bench_run(&bench);
    int64_t classes = shape_channels(setup->shape);
    for (int64_t i = 0; i < bench_elements(&bench, y); i++) {
        const double *row = bench_data(&bench, x) + i / classes * classes;
        double logarithm = row[i % classes] - row_log_sum(row, classes);
        bool is_log = strstr(setup->name, "log");
        double want = is_log ? logarithm : exp(logarithm), got = bench_data(&bench, y)[i];
        if (!(fabs(got - want) <= 1.2e-6 * (is_log ? 1 + fabs(want) : 1)))
            fail_msg("%s is %.9g, not %.9g", setup->name, got, want);
    }
    bench_destroy(&bench);
}

static void test_softmax(void **state) {
    (void)state;
    static const char *const names[] = {"softmax", "log_softmax"};
    for (int i = 0; i < COUNT(shapes) * 2; i++) {
        Setup setup = {.name = names[i % 2], .shape = &shapes[i / 2], .spread = 1};
        check_softmax(&setup);
        bench_check_gradient(build_softmax, &setup, 0);
        bench_check_registers(build_softmax, &setup, 0);
        setup.spread = 5000;
        check_softmax(&setup);
    }
}

typedef struct LossRun {
    OpBench bench;
    ValueId z, gradient;
    int64_t positions; /* of a sample: rows for cross_entropy, else elements */
    int32_t *classes;
    float *targets, *metric;
    double loss[SAMPLES];
} LossRun;

static const uint32_t order[SAMPLES] = {4, 0, 2}; /* of a data set of five */
enum { DATA_SET = 5 };

static bool is_cross_entropy(const Setup *setup) {
    return !strcmp(setup->name, "cross_entropy");
}

static void make_targets(LossRun *run, const Setup *setup, int64_t elements) {
    int64_t classes = shape_channels(setup->shape);
    run->positions = is_cross_entropy(setup) ? elements / classes : elements;
    run->classes = ARENA_ARRAY(run->bench.cx.arena, int32_t, (size_t)(DATA_SET * elements));
    run->targets = ARENA_ARRAY(run->bench.cx.arena, float, (size_t)(DATA_SET * elements));
    run->metric = ARENA_ARRAY(run->bench.cx.arena, float, (size_t)(SAMPLES * elements));
    bool binary = !strcmp(setup->name, "binary_cross_entropy");
    for (int64_t i = 0; i < DATA_SET * elements; i++) {
        double number = random_number(&run->bench);
        run->classes[i] = (int32_t)(fabs(number) * 1e4) % (int32_t)classes;
        run->targets[i] = binary ? number > 0 : (float)number;
    }
}

/* The loss of logits `z` (NULL: random ones), its gradient and its metrics. */
static LossRun loss_run(const Setup *setup, bool doubles, int width, const double *z) {
    LossRun run = {.bench = bench_create(doubles, width, true)};
    OpBench *bench = &run.bench;
    run.z = spread_input(bench, setup);
    int64_t elements = shape_elements(setup->shape);
    make_targets(&run, setup, elements);
    if (z) memcpy(bench_data(bench, run.z), z, sizeof(double) * (size_t)(SAMPLES * elements));
    const Op *op = op_find(setup->name);
    Attr attr = attr_real(setup->argument);
    NodeId node =
        graph_add_node(bench->graph, op, attrs_keep(bench->graph, &attr, 1), &run.z, 1, -1, (Span){0});
    run.gradient = graph_add_output(bench->graph, node, ROLE_ACTIVATION, *setup->shape);
    float loss[SAMPLES];
    bench->frame.loss = doubles ? (float *)run.loss : loss;
    bench->frame.metric = run.metric;
    bench->frame.order = order;
    bench->frame.targets = is_cross_entropy(setup) ? (const void *)run.classes : run.targets;
    bench_run(bench);
    for (int n = 0; !doubles && n < SAMPLES; n++) run.loss[n] = loss[n];
    return run;
}

typedef struct Terms {
    double loss, slope, metric;
} Terms;

static Terms element_terms(const Setup *setup, double z, double t) {
    double d = z - t, a = setup->argument;
    if (!strcmp(setup->name, "mse")) return (Terms){d * d, 2 * d, fabs(d)};
    if (!strcmp(setup->name, "mae")) return (Terms){fabs(d), (d > 0) - (d < 0), fabs(d)};
    if (!strcmp(setup->name, "huber"))
        return fabs(d) <= a ? (Terms){d * d / 2, d, fabs(d)}
                            : (Terms){a * (fabs(d) - a / 2), d > 0 ? a : -a, fabs(d)};
    double s = z > 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
    return (Terms){fmax(z, 0) - z * t + log1p(exp(-fabs(z))), s - t, (z > 0) == (t > 0.5)};
}

static void check_number(const Setup *setup, const char *what, double got, double want, double slack) {
    if (!(fabs(got - want) <= slack)) fail_msg("%s: %s is %.9g, not %.9g", setup->name, what, got, want);
}

static void check_elements(LossRun *run, const Setup *setup, double unit) {
    int64_t elements = run->positions;
    for (int n = 0; n < SAMPLES; n++) {
        double loss = 0, metric = 0;
        for (int64_t i = 0; i < elements; i++) {
            double z = bench_data(&run->bench, run->z)[n * elements + i];
            Terms terms = element_terms(setup, z, run->targets[order[n] * elements + i]);
            loss += terms.loss / (double)elements;
            metric += terms.metric / (double)elements;
            double share = 1 / (double)(SAMPLES * elements);
            check_number(setup, "the gradient", bench_data(&run->bench, run->gradient)[n * elements + i],
                         terms.slope * share, unit * share * (1 + fabs(terms.slope)));
        }
        check_number(setup, "the loss", run->loss[n], loss, unit * (1 + fabs(loss)));
        check_number(setup, "the metric", run->metric[n], metric, 1e-6 * (1 + metric));
    }
}

/* One position: adds its loss, checks gradient and metric. */
static double check_row(LossRun *run, const Setup *setup, int n, int64_t position, double unit) {
    int64_t classes = shape_channels(setup->shape), row = n * run->positions + position;
    const double *z = bench_data(&run->bench, run->z) + row * classes;
    const double *gradient = bench_data(&run->bench, run->gradient) + row * classes;
    int32_t target = run->classes[order[n] * run->positions + position];
    double sum = row_log_sum(z, classes), loss = 0, share = 1 / (double)(SAMPLES * run->positions);
    int above = 0;
    for (int64_t c = 0; c < classes; c++) {
        double wanted = setup->argument / (double)classes + (c == target ? 1 - setup->argument : 0);
        loss += wanted * (sum - z[c]);
        check_number(setup, "the gradient", gradient[c], (exp(z[c] - sum) - wanted) * share, unit * share);
        above += z[c] > z[target] || (z[c] == z[target] && c < target);
    }
    check_number(setup, "the metric", run->metric[row], above, 0);
    return loss;
}

static void check_loss(const Setup *setup, bool doubles, int width) {
    LossRun run = loss_run(setup, doubles, width, NULL);
    double unit = doubles ? 1e-12 : 3e-6;
    if (!is_cross_entropy(setup)) check_elements(&run, setup, unit);
    for (int n = 0; is_cross_entropy(setup) && n < SAMPLES; n++) {
        double loss = 0;
        for (int64_t p = 0; p < run.positions; p++)
            loss += check_row(&run, setup, n, p, unit) / (double)run.positions;
        check_number(setup, "the loss", run.loss[n], loss, unit * (1 + fabs(loss)));
    }
    bench_destroy(&run.bench);
}

static void test_losses(void **state) {
    (void)state;
    static const Setup losses[] = {
        {"cross_entropy",        NULL, 1,    0  },
        {"cross_entropy",        NULL, 2,    0.2},
        {"cross_entropy",        NULL, 5000, 0  },
        {"cross_entropy",        NULL, 5000, 0.1},
        {"binary_cross_entropy", NULL, 2,    0  },
        {"binary_cross_entropy", NULL, 5000, 0  },
        {"mse",                  NULL, 1,    0  },
        {"mae",                  NULL, 3,    0  },
        {"huber",                NULL, 1,    1  },
        {"huber",                NULL, 1,    0.3},
    };
    for (int i = 0; i < COUNT(losses) * COUNT(shapes); i++) {
        Setup setup = losses[i / COUNT(shapes)];
        setup.shape = &shapes[i % COUNT(shapes)];
        check_loss(&setup, true, 1);
        check_loss(&setup, false, 16);
        check_loss(&setup, false, 4);
    }
}

/* A net that says the same for every class is right where the first one is asked for, and one that says
 * nothing is never right. */
static void test_undecided_logits(void **state) {
    (void)state;
    const Setup setup = {"cross_entropy", &shapes[0], 1, 0};
    double z[SAMPLES * 10];
    for (int i = 0; i < SAMPLES * 10; i++) z[i] = 3;
    LossRun run = loss_run(&setup, false, 16, z);
    for (int n = 0; n < SAMPLES; n++) {
        assert_true(run.metric[n] == (float)run.classes[order[n]]);
        check_number(&setup, "the loss", run.loss[n], log(10), 1e-6);
    }
    bench_destroy(&run.bench);
    for (int i = 0; i < SAMPLES * 10; i++) z[i] = NAN;
    run = loss_run(&setup, false, 16, z);
    for (int n = 0; n < SAMPLES; n++) {
        assert_true(run.metric[n] > 0);
        assert_true(isnan(run.loss[n]));
    }
    bench_destroy(&run.bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_undecided_logits),
    };
    return cmocka_run_group_tests_name("losses", tests, NULL, NULL);
}
