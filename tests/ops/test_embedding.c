/* embedding: rows of the table, numbers that are none of the vocabulary included, and the table's gradient.
 */
#include "ops/op_bench.h"
#include "ops/parts/attrs.h"

enum { VOCABULARY = 5 };

typedef struct Setup {
    int64_t length, dim;
    bool wild; /* numbers outside the vocabulary too */
} Setup;

static const Setup setups[] = {
    {7,  16, false},
    {4,  37, false},
    {1,  1,  false},
    {13, 3,  true },
    {6,  20, true },
};
static const double wild_numbers[] = {-1, 5, 3e38, -3e38, NAN, INFINITY, -INFINITY, 4.5, 16777216, -0.5, 2};

static ValueId build(OpBench *bench, const void *user, ValueId *inputs, int *count) {
    const Setup *setup = user;
    ValueId numbers = bench_value(bench, (Shape){.rank = 1, .dim = {setup->length}});
    for (int64_t i = 0; i < bench_elements(bench, numbers); i++)
        bench_data(bench, numbers)[i] =
            setup->wild ? wild_numbers[i % COUNT(wild_numbers)] : (double)(i * 7 % VOCABULARY);
    const Attr attrs[] = {attr_int(VOCABULARY), attr_int(setup->dim)};
    (void)inputs, (void)count; /* the numbers have no gradient */
    return bench_layer(bench, "embedding", attrs_keep(bench->graph, attrs, COUNT(attrs)), &numbers, 1);
}

static int64_t row_of(double number) {
    return number >= VOCABULARY - 1 ? VOCABULARY - 1 : number > 0 ? (int64_t)number : 0;
}

static void check_setup(const Setup *setup, int width, bool halos) {
    OpBench bench = bench_create(false, width, halos);
    BenchPair pair = bench_build(&bench, build, setup, 0);
    ValueId numbers = -1, table = -1, gradient = -1;
    for (int id = 0; id < bench.graph->values.count; id++) {
        const Value *value = graph_value(bench.graph, id);
        if (value->role == ROLE_PARAMETER) table = id;
        if (value->role == ROLE_GRADIENT) gradient = id;
        if (numbers < 0 && value->shape.rank == 1) numbers = id;
    }
    bench_run(&bench);
    double *want = ARENA_ARRAY(bench.cx.arena, double, (size_t)(VOCABULARY * setup->dim));
    for (int64_t i = 0; i < bench_elements(&bench, pair.y); i++) {
        int64_t place = row_of(bench_data(&bench, numbers)[i / setup->dim]) * setup->dim + i % setup->dim;
        assert_true(bench_data(&bench, pair.y)[i] == bench_data(&bench, table)[place]);
        want[place] += bench_data(&bench, pair.dy)[i];
    }
    for (int64_t i = 0; i < VOCABULARY * setup->dim; i++) {
        double got = bench_data(&bench, gradient)[i];
        if (!(fabs(got - want[i]) <= 1e-5)) fail_msg("the gradient is %.9g, not %.9g", got, want[i]);
    }
    bench_destroy(&bench);
}

static void test_rows(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(setups); i++)
        for (int width = 1; width <= 16; width *= 4)
            for (int halos = 0; halos < 2; halos++) check_setup(&setups[i], width, halos);
}

static void test_gradient(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(setups); i++) bench_check_gradient(build, &setups[i], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_gradient),
    };
    return cmocka_run_group_tests_name("embedding", tests, NULL, NULL);
}
