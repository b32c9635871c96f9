/* The transforms of Winograd's convolution: the matrices are those of a convolution and lose no more digits
 * than is said of them, the steps that are made of each give its product with squares on both sides, and
 * squares of sources give the same points whatever the number of registers, whole and in part. */
#include "ops/conv/winograd_transform.h"
#include "ops/jit.h"

enum { TAPS = 3 };

typedef struct Bench {
    Context cx;
    Machine machine;
    Jit jit;
    KernelCode code;
    LLVMValueRef in, out;
} Bench;

/* A function of two pointers, whose body stands to be written. */
static Bench *bench_create(bool doubles, int width, int registers) {
    Arena *arena = arena_create();
    Bench *bench = ARENA_ARRAY(arena, Bench, 1);
    bench->cx.arena = arena;
    bench->machine =
        (Machine){.pointer_bytes = sizeof(void *), .vector_floats = width, .registers = registers};
    bench->jit = jit_create(true);
    Emit *e = &bench->jit.emit;
    e->cx = &bench->cx;
    e->machine = &bench->machine;
    LLVMTypeRef types[2] = {e->pointer, e->pointer};
    LLVMValueRef function = jit_function(&bench->jit, "f", types, 2);
    bench->code =
        (KernelCode){.emit = e, .width = width, .real = doubles ? e->f64 : e->f32, .function = function};
    bench->in = LLVMGetParam(function, 0);
    bench->out = LLVMGetParam(function, 1);
    return bench;
}

static void bench_call(Bench *bench, void *in, void *out) {
    LLVMBuildRetVoid(bench->jit.emit.builder);
    jit_compile(&bench->jit);
    ((void (*)(void *, void *))jit_address(&bench->jit, "f"))(in, out);
    Arena *arena = bench->cx.arena;
    jit_destroy(&bench->jit);
    arena_destroy(arena);
}

typedef struct Matrix {
    int rows, columns;
    double at[MAX_ALPHA][MAX_ALPHA];
} Matrix;

static Matrix matrix_of(const double *numbers, int rows, int columns, int row_length, bool transposed) {
    Matrix m = {transposed ? columns : rows, transposed ? rows : columns, {{0}}};
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            *(transposed ? &m.at[j][i] : &m.at[i][j]) = numbers[i * row_length + j];
    return m;
}

static bool is_whole(const Matrix *m) {
    for (int i = 0; i < m->rows; i++)
        for (int j = 0; j < m->columns; j++)
            if (m->at[i][j] != rint(m->at[i][j])) return false;
    return true;
}

/* Element (i, j) of m in m^T, or of absolute values. */
static double product_at(const Matrix *m, const double *in, int i, int j, bool absolute) {
    double sum = 0;
    for (int p = 0; p < m->columns; p++)
        for (int q = 0; q < m->columns; q++) {
            double term = m->at[i][p] * in[p * m->columns + q] * m->at[j][q];
            sum += absolute ? fabs(term) : term;
        }
    return sum;
}

static double random_number(uint64_t *state) { /* -2 to 2, a float */
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(int64_t)(*state >> 11) * 0x1p-51 - 2);
}

/* Steps round where the matrix's own products do not: each is rounded once, and there are fewer than
 * ROUNDINGS between a source and its point. */
enum { ROUNDINGS = 32 };

static void check_product(const Matrix *m, const double *in, const double *got, bool exact) {
    for (int i = 0; i < m->rows; i++)
        for (int j = 0; j < m->rows; j++) {
            double want = product_at(m, in, i, j, false), out = got[i * m->rows + j];
            double slack = exact ? 0 : ROUNDINGS * 0x1p-53 * product_at(m, in, i, j, true);
            if (!(fabs(out - want) <= slack))
                fail_msg("point %d, %d of %d rows is %.17g, not %.17g", i, j, m->rows, out, want);
        }
}

/* Both ways of a matrix, on whole numbers, where nothing is rounded if the matrix is whole, too, and on
 * others. */
static void check_matrix(const double *numbers, int rows, int columns, int row_length) {
    for (int way = 0; way < 2; way++)
        for (int whole = 0; whole < 2; whole++) {
            Matrix m = matrix_of(numbers, rows, columns, row_length, way);
            double in[MAX_POINTS], out[MAX_POINTS];
            LLVMValueRef to[MAX_POINTS];
            uint64_t state = 11;
            Bench *bench = bench_create(true, 1, 16);
            KernelCode *code = &bench->code;
            for (int i = 0; i < m.columns * m.columns; i++)
                in[i] = whole ? rint(16 * random_number(&state)) : random_number(&state);
            WinogradSquare square = {
                .corner = bench->in, .row = m.columns, .column = 1, .reg = {1, 1}
            };
            if (way)
                winograd_transpose_emit(code, numbers, rows, columns, row_length, &square, to);
            else
                winograd_transform_emit(code, numbers, rows, columns, row_length, &square, to);
            for (int i = 0; i < m.rows * m.rows; i++)
                code_store(code, to[i], code_at_const(code, bench->out, i), (Register){1, 1});
            bench_call(bench, in, out);
            check_product(&m, in, out, whole && is_whole(&m));
        }
}

static void test_products(void **state) {
    (void)state;
    for (int size = WINOGRAD_LEAST; size <= WINOGRAD_MOST; size++) {
        WinogradTransform t = winograd_transform(size);
        assert_int_equal(t.m, size);
        assert_int_equal(t.alpha, size + TAPS - 1);
        check_matrix(&t.bt[0][0], t.alpha, t.alpha, MAX_ALPHA);
        check_matrix(&t.g[0][0], t.alpha, TAPS, TAPS);
        check_matrix(&t.at[0][0], t.m, t.alpha, MAX_ALPHA);
    }
}

/* y = At [(G g) . (Bt d)] is the convolution: of tap j and source l, result i takes the product where l = i +
 * j, and nothing of others. */
static void test_matrices(void **state) {
    (void)state;
    for (int size = WINOGRAD_LEAST; size <= WINOGRAD_MOST; size++) {
        WinogradTransform t = winograd_transform(size);
        for (int i = 0; i < size; i++)
            for (int j = 0; j < TAPS; j++)
                for (int l = 0; l < t.alpha; l++) {
                    double sum = 0;
                    for (int k = 0; k < t.alpha; k++) sum += t.at[i][k] * t.g[k][j] * t.bt[k][l];
                    if (!(fabs(sum - (l == i + j)) <= 1e-14))
                        fail_msg("m = %d: result %d has %.17g of tap %d, source %d", size, i, sum, j, l);
                }
    }
}

/* Squares lie in a wider image of more channels; what is beside them is no number, and shows in every sum. */
enum { SIDE = MAX_ALPHA + 1, CHANNELS = 20, POINT = 24 };

static void check_source(int size, int registers, int width, int live, bool ahead) {
    WinogradTransform t = winograd_transform(size);
    float image[SIDE * SIDE * CHANNELS], points[MAX_POINTS * POINT];
    uint64_t state = 5;
    for (int i = 0; i < COUNT(image); i++) {
        int column = i / CHANNELS % SIDE, row = i / CHANNELS / SIDE;
        bool inside = row < t.alpha && column < t.alpha && i % CHANNELS < live;
        image[i] = inside ? (float)random_number(&state) : NAN;
    }
    for (int i = 0; i < COUNT(points); i++) points[i] = NAN;
    Bench *bench = bench_create(false, width, registers);
    WinogradSquare square = {
        .corner = bench->in,
        .next = ahead ? code_at_const(&bench->code, bench->in, CHANNELS) : NULL,
        .row = (int64_t)SIDE * CHANNELS,
        .column = CHANNELS,
        .reg = {width, live}
    };
    winograd_source_emit(&bench->code, &t, &square, bench->out, POINT);
    bench_call(bench, image, points);
    Matrix bt = matrix_of(&t.bt[0][0], t.alpha, t.alpha, MAX_ALPHA, false);
    for (int lane = 0; lane < POINT; lane++) {
        double in[MAX_POINTS];
        for (int i = 0; i < t.alpha; i++)
            for (int j = 0; j < t.alpha; j++)
                in[i * t.alpha + j] = lane < live ? image[(i * SIDE + j) * CHANNELS + lane] : 0;
        for (int p = 0; p < t.alpha * t.alpha; p++) {
            double want = product_at(&bt, in, p / t.alpha, p % t.alpha, false);
            double slack = ROUNDINGS * 0x1p-24 * product_at(&bt, in, p / t.alpha, p % t.alpha, true);
            double got = points[p * POINT + lane];
            bool right = lane < width ? fabs(got - want) <= slack : isnan(got);
            if (!right)
                fail_msg("m = %d, %d registers, %d of %d: point %d of lane %d is %.9g, not %.9g", size,
                         registers, live, width, p, lane, got, lane < width ? want : NAN);
        }
    }
}

/* Few registers take groups of rows, many whole squares. */
static void test_sources(void **state) {
    (void)state;
    static const Register reg[] = {
        {1,  1 },
        {4,  4 },
        {4,  3 },
        {8,  8 },
        {16, 16},
        {16, 5 },
        {16, 1 }
    };
    for (int size = WINOGRAD_LEAST; size <= WINOGRAD_MOST; size++)
        for (int registers = 16; registers <= 64; registers *= 2)
            for (int i = 0; i < COUNT(reg); i++)
                check_source(size, registers, reg[i].width, reg[i].live, i % 2);
}

/* What compiler/README.md says of results that 64 channels give: the root of the mean square of their errors,
 * of the results' own. */
static const double most_rounding[] = {0.4e-6, 0.6e-6, 0.9e-6, 1.9e-6, 3.6e-6};

/* to (rows x rows) = matrix from matrix^T, each product and sum rounded. */
static void transform_rounded(const Matrix *m, const float *from, float *to) {
    float half[MAX_POINTS];
    for (int i = 0; i < m->rows; i++)
        for (int j = 0; j < m->columns; j++) {
            float sum = 0;
            for (int k = 0; k < m->columns; k++) sum += (float)m->at[i][k] * from[k * m->columns + j];
            half[i * m->columns + j] = sum;
        }
    for (int i = 0; i < m->rows; i++)
        for (int j = 0; j < m->rows; j++) {
            float sum = 0;
            for (int k = 0; k < m->columns; k++) sum += half[i * m->columns + k] * (float)m->at[j][k];
            to[i * m->rows + j] = sum;
        }
}

static float random_normal(uint64_t *state) { /* nearly: four in a sum */
    double sum = 0;
    for (int i = 0; i < 4; i++) sum += random_number(state);
    return (float)sum;
}

/* A tile of 64 channels: its results in floats by the algorithm, and in doubles by their definition. */
static void make_tile(int size, uint64_t *state, float *got, double *want) {
    enum { DEPTH = 64 };
    WinogradTransform t = winograd_transform(size);
    int alpha = t.alpha, points = alpha * alpha;
    Matrix bt = matrix_of(&t.bt[0][0], alpha, alpha, MAX_ALPHA, false);
    Matrix g = matrix_of(&t.g[0][0], alpha, TAPS, TAPS, false);
    Matrix at = matrix_of(&t.at[0][0], size, alpha, MAX_ALPHA, false);
    float products[MAX_POINTS] = {0}, d[MAX_POINTS], w[TAPS * TAPS], v[MAX_POINTS], u[MAX_POINTS];
    for (int i = 0; i < size * size; i++) want[i] = 0;
    for (int channel = 0; channel < DEPTH; channel++) {
        for (int i = 0; i < points; i++) d[i] = fmaxf(random_normal(state), 0);
        for (int i = 0; i < TAPS * TAPS; i++) w[i] = random_normal(state);
        transform_rounded(&bt, d, v);
        transform_rounded(&g, w, u);
        for (int i = 0; i < points; i++) products[i] += v[i] * u[i];
        for (int i = 0; i < size * size; i++)
            for (int tap = 0; tap < TAPS * TAPS; tap++) {
                int row = i / size + tap / TAPS, column = i % size + tap % TAPS;
                want[i] += (double)d[row * alpha + column] * w[tap];
            }
    }
    transform_rounded(&at, products, got);
}

static void test_rounding(void **state) {
    (void)state;
    enum { TILES = 200 };
    for (int size = WINOGRAD_LEAST; size <= WINOGRAD_MOST; size++) {
        double errors = 0, squares = 0;
        uint64_t random = 3;
        for (int tile = 0; tile < TILES; tile++) {
            float got[MAX_POINTS];
            double want[MAX_POINTS];
            make_tile(size, &random, got, want);
            for (int i = 0; i < size * size; i++) {
                errors += (got[i] - want[i]) * (got[i] - want[i]);
                squares += want[i] * want[i];
            }
        }
        double rounding = sqrt(errors / squares);
        if (!(rounding <= most_rounding[size - WINOGRAD_LEAST]))
            fail_msg("m = %d: errors of %.2g, more than %.2g", size, rounding,
                     most_rounding[size - WINOGRAD_LEAST]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrices),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_sources),
    };
    return cmocka_run_group_tests_name("winograd", tests, NULL, NULL);
}
