/* See winograd_transform.h. */
#include "ops/conv/winograd_transform.h"

#include <math.h>
#include <string.h>

/* The finite points of m = 2, 3, ...: of the multiples of 1/8 up to 5/2 that were tried, sets with small
 * errors and many ones in the matrices. Those of both signs share most of their sums; infinity joins them
 * all. */
static const double points[][MAX_ALPHA - 1] = {
    {0, 1, -1},
    {1, -1, 0.5, -0.5},
    {0, 0.75, -0.75, 1.5, -1.5},
    {1, -1, 0.25, -0.25, 1.75, -1.75},
    {0, 1, -1, 2, -2, 0.5, -0.5},
};

/* A polynomial by its coefficients, lowest first, times x - root. */
static void multiply_by_root(double *polynomial, double root) {
    for (int k = MAX_ALPHA - 1; k > 0; k--) polynomial[k] = polynomial[k - 1] - root * polynomial[k];
    polynomial[0] *= -root;
}

WinogradTransform winograd_transform(int m) {
    WinogradTransform t = {.m = m, .alpha = m + 2};
    const double *p = points[m - WINOGRAD_LEAST];
    int infinity = m + 1;
    t.bt[infinity][0] = t.g[infinity][2] = t.at[m - 1][infinity] = 1;
    for (int i = 0; i < infinity; i++) {
        double others = 1, power = 1;
        t.bt[i][0] = 1;
        for (int k = 0; k < infinity; k++) {
            if (k == i) continue;
            others *= p[i] - p[k];
            multiply_by_root(t.bt[i], p[k]);
        }
        multiply_by_root(t.bt[infinity], p[i]);
        for (int k = 0; k < m || k < 3; k++, power *= p[i]) {
            if (k < 3) t.g[i][k] = power / others;
            if (k < m) t.at[k][i] = power;
        }
    }
    return t;
}

WinogradPlace winograd_place(KernelCode *code, LLVMValueRef tile, int64_t a_sample, int64_t a_row) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef sample_tiles = code_int(code, a_sample), row_tiles = code_int(code, a_row);
    LLVMValueRef within = LLVMBuildURem(b, tile, sample_tiles, "");
    return (WinogradPlace){LLVMBuildUDiv(b, tile, sample_tiles, ""), LLVMBuildUDiv(b, within, row_tiles, ""),
                           LLVMBuildURem(b, within, row_tiles, "")};
}

LLVMValueRef winograd_corner(KernelCode *code, const Value *value, LLVMValueRef base,
                             const WinogradPlace *place, int m) {
    LLVMValueRef at = code_mul_const(code, place->sample, code_sample_stride(code, value));
    at = code_add(code, at, code_mul_const(code, place->row, m * value->layout.stride[0]));
    at = code_add(code, at, code_mul_const(code, place->column, m * value->layout.stride[1]));
    return code_at(code, base, at);
}

WinogradSquare winograd_square(KernelCode *code, int input, LLVMValueRef corner, LLVMValueRef channel,
                               Register reg) {
    const int64_t *stride = code_input(code, input)->layout.stride;
    return (WinogradSquare){
        .corner = code_at(code, corner, channel), .row = stride[0], .column = stride[1], .reg = reg};
}

/* One row of the transforms as a straight line of steps: a step's register is `sum` + factor * `term`, or
 * only the product. Registers are numbered, inputs first, then the steps' in order. */
enum { NO_SUM = -1, MOST_STEPS = MAX_ALPHA * MAX_ALPHA };

typedef struct LineStep {
    int sum, term;
    double factor;
} LineStep;

typedef struct Line {
    int inputs, count;
    LineStep steps[MOST_STEPS];
    int outputs[MAX_ALPHA];
} Line;

static int add_step(Line *line, int sum, int term, double factor) {
    line->steps[line->count] = (LineStep){sum, term, factor};
    return line->inputs + line->count++;
}

/* The matrix on its way: row i is the sum of factor[i][j] * register[j]. */
typedef struct Rows {
    int rows, columns, registers[MAX_ALPHA];
    double factors[MAX_ALPHA][MAX_ALPHA];
} Rows;

static int add_terms(Line *line, const int *registers, const double *factors, int count) {
    int first = 0;
    while (first < count && factors[first] != 1) first++;
    int sum = first < count ? registers[first] : NO_SUM;
    for (int j = 0; j < count; j++)
        if (j != first && factors[j] != 0) sum = add_step(line, sum, registers[j], factors[j]);
    return sum;
}

/* Whether two lists of factors are equal but for signs, with both equal and opposite ones. */
static bool twins(const double *a, const double *b, int count, int step) {
    bool equal = false, opposite = false;
    for (int i = 0; i < count; i++) {
        double x = a[(ptrdiff_t)i * step], y = b[(ptrdiff_t)i * step];
        if (x != y && x != -y) return false;
        equal |= x != 0 && x == y;
        opposite |= x != 0 && x == -y;
    }
    return equal && opposite;
}

/* Two inputs that every row takes with factors of the same size: their sum and difference instead. */
static void pair_columns(Line *line, Rows *m, int p, int q) {
    int sum = add_step(line, m->registers[p], m->registers[q], 1);
    int difference = add_step(line, m->registers[p], m->registers[q], -1);
    m->registers[p] = sum;
    m->registers[q] = difference;
    for (int i = 0; i < m->rows; i++) {
        bool equal = m->factors[i][p] == m->factors[i][q];
        m->factors[i][q] = equal ? 0 : m->factors[i][p];
        m->factors[i][p] = equal ? m->factors[i][p] : 0;
    }
}

/* Two rows that differ in signs: what they have in common, and to and from it the rest. */
static void pair_rows(Line *line, const Rows *m, int i, int k) {
    double even[MAX_ALPHA] = {0}, odd[MAX_ALPHA] = {0}, factor = 0;
    for (int j = 0; j < m->columns; j++) {
        double x = m->factors[i][j];
        *(x == m->factors[k][j] ? &even[j] : &odd[j]) = x;
        if (odd[j] != 0 && (factor == 0 || fabs(odd[j]) < fabs(factor))) factor = odd[j];
    }
    for (int j = 0; j < m->columns; j++) odd[j] /= factor;
    int common = add_terms(line, m->registers, even, m->columns);
    int rest = add_terms(line, m->registers, odd, m->columns);
    line->outputs[i] = add_step(line, common, rest, factor);
    line->outputs[k] = add_step(line, common, rest, -factor);
}

/* out = matrix in, in as few steps as its symmetries allow: points of equal size and opposite sign make pairs
 * of rows, or of columns where the matrix is transposed. */
static Line plan_line(const double *matrix, int rows, int columns, int row_length) {
    Line line = {.inputs = columns};
    Rows m = {.rows = rows, .columns = columns};
    for (int j = 0; j < columns; j++) {
        m.registers[j] = j;
        for (int i = 0; i < rows; i++) m.factors[i][j] = matrix[i * row_length + j];
    }
    for (int p = 0; p < columns; p++)
        for (int q = p + 1; q < columns; q++)
            if (twins(&m.factors[0][p], &m.factors[0][q], rows, MAX_ALPHA)) pair_columns(&line, &m, p, q);
    bool done[MAX_ALPHA] = {false};
    for (int i = 0; i < rows; i++) {
        if (done[i]) continue;
        int k = i + 1;
        while (k < rows && (done[k] || !twins(m.factors[i], m.factors[k], columns, 1))) k++;
        if (k < rows) {
            pair_rows(&line, &m, i, k);
            done[k] = true;
        } else {
            line.outputs[i] = add_terms(&line, m.registers, m.factors[i], columns);
        }
    }
    return line;
}

double winograd_source_work(const WinogradTransform *t) {
    Line line = plan_line(&t->bt[0][0], t->alpha, t->alpha, MAX_ALPHA);
    return 2 * t->alpha * line.count + 2 * t->alpha * t->alpha;
}

double winograd_result_work(const WinogradTransform *t) {
    Line line = plan_line(&t->at[0][0], t->m, t->alpha, MAX_ALPHA);
    return (t->alpha + t->m) * line.count + 2 * t->alpha * t->alpha;
}

static LLVMValueRef emit_step(KernelCode *code, const LineStep *step, const LLVMValueRef *registers) {
    LLVMValueRef x = registers[step->term], sum = step->sum == NO_SUM ? NULL : registers[step->sum];
    if (sum && step->factor == 1) return code_fadd(code, sum, x);
    if (sum && step->factor == -1) return code_fsub(code, sum, x);
    LLVMValueRef factor = code_constant_like(code, step->factor, x);
    return sum ? code_fma(code, x, factor, sum) : code_fmul(code, x, factor);
}

static void emit_line(KernelCode *code, const Line *line, int outputs, const LLVMValueRef *in,
                      LLVMValueRef *out, int out_step) {
    LLVMValueRef registers[MAX_ALPHA + MOST_STEPS];
    for (int i = 0; i < line->inputs; i++) registers[i] = in[i];
    for (int i = 0; i < line->count; i++)
        registers[line->inputs + i] = emit_step(code, &line->steps[i], registers);
    for (int i = 0; i < outputs; i++) out[(ptrdiff_t)i * out_step] = registers[line->outputs[i]];
}

/* The rows of a matrix in groups that are made together: twins, then the rest by twos. */
static void order_rows(const double *matrix, int rows, int columns, int row_length, int *order) {
    bool done[MAX_ALPHA] = {false};
    int count = 0;
    for (int i = 0; i < rows; i++)
        for (int k = i + 1; k < rows; k++)
            if (!done[i] && !done[k] &&
                twins(matrix + (ptrdiff_t)i * row_length, matrix + (ptrdiff_t)k * row_length, columns, 1)) {
                order[count++] = i;
                order[count++] = k;
                done[i] = done[k] = true;
            }
    for (int i = 0; i < rows; i++)
        if (!done[i]) order[count++] = i;
}

static bool is_used(const double (*rows)[MAX_ALPHA], int count, int column) {
    for (int i = 0; i < count; i++)
        if (rows[i][column] != 0) return true;
    return false;
}

static LLVMValueRef load_place(KernelCode *code, const WinogradSquare *square, int i, int j) {
    LLVMValueRef place = code_at_const(code, square->corner, i * square->row + j * square->column);
    return code_load(code, place, square->reg);
}

/* Half of the transform for some rows of the matrix: rows x alpha registers of (matrix d). */
static void emit_half(KernelCode *code, const WinogradTransform *t, const WinogradSquare *square,
                      const double (*rows)[MAX_ALPHA], int count, LLVMValueRef *half) {
    Line line = plan_line(&rows[0][0], count, t->alpha, MAX_ALPHA);
    for (int j = 0; j < t->alpha; j++) {
        LLVMValueRef in[MAX_ALPHA] = {NULL};
        for (int i = 0; i < t->alpha; i++)
            if (is_used(rows, count, i)) in[i] = load_place(code, square, i, j);
        emit_line(code, &line, count, in, half + j, t->alpha);
    }
}

void winograd_source_emit(KernelCode *code, const WinogradTransform *t, const WinogradSquare *square,
                          LLVMValueRef to, int64_t point) {
    enum { SPARE = 6, GROUP = 2 };
    int order[MAX_ALPHA], alpha = t->alpha;
    int group = alpha * alpha + SPARE <= code->emit->machine->registers ? alpha : GROUP;
    Line line = plan_line(&t->bt[0][0], alpha, alpha, MAX_ALPHA);
    WinogradSquare again = *square;
    order_rows(&t->bt[0][0], alpha, alpha, MAX_ALPHA, order);
    for (int first = 0; first < alpha; first += group) {
        double rows[MAX_ALPHA][MAX_ALPHA];
        LLVMValueRef half[MAX_POINTS], out[MAX_ALPHA];
        int count = alpha - first < group ? alpha - first : group;
        for (int i = 0; i < count; i++) memcpy(rows[i], t->bt[order[first + i]], sizeof rows[i]);
        if (first) again.corner = code_unknown_address(code, again.corner);
        emit_half(code, t, &again, (const double(*)[MAX_ALPHA])rows, count, half);
        for (int i = 0; i < count; i++) {
            emit_line(code, &line, alpha, half + (ptrdiff_t)i * alpha, out, 1);
            for (int j = 0; j < alpha; j++)
                code_store(code, out[j], code_at_const(code, to, (order[first + i] * alpha + j) * point),
                           (Register){square->reg.width, square->reg.width});
        }
    }
    enum { COVERED = 2 }; /* the rows and columns that tiles before it read */
    for (int i = COVERED; i < alpha && square->next; i++)
        for (int j = COVERED; j < alpha; j++)
            code_prefetch(code, code_at_const(code, square->next, i * square->row + j * square->column), 1);
}

void winograd_transform_emit(KernelCode *code, const double *matrix, int rows, int columns, int row_length,
                             const WinogradSquare *in, LLVMValueRef *out) {
    LLVMValueRef half[MAX_POINTS], column[MAX_ALPHA];
    Line line = plan_line(matrix, rows, columns, row_length);
    for (int j = 0; j < columns; j++) {
        for (int i = 0; i < columns; i++) column[i] = load_place(code, in, i, j);
        emit_line(code, &line, rows, column, half + j, columns);
    }
    for (int i = 0; i < rows; i++)
        emit_line(code, &line, rows, half + (ptrdiff_t)i * columns, out + (ptrdiff_t)i * rows, 1);
}

void winograd_transpose_emit(KernelCode *code, const double *matrix, int rows, int columns, int row_length,
                             const WinogradSquare *in, LLVMValueRef *out) {
    double transposed[MAX_POINTS];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) transposed[j * rows + i] = matrix[i * row_length + j];
    winograd_transform_emit(code, transposed, columns, rows, rows, in, out);
}
