/* See winograd_transform.h. */
#include "ops/winograd_transform.h"

/* clang-format off */
static const WinogradTransform transforms[] = {
    {.m = 2, .alpha = 4,
     .bt = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
     .g = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}},
     .at = {{1, 1, 1, 0}, {0, 1, -1, -1}}},
    {.m = 3, .alpha = 5,
     .bt = {{2, -1, -2, 1, 0}, {0, -2, -1, 1, 0}, {0, 2, -3, 1, 0}, {0, -1, 0, 1, 0}, {0, 2, -1, -2, 1}},
     .g = {{0.5, 0, 0}, {-0.5, -0.5, -0.5}, {-1.0/6, 1.0/6, -1.0/6}, {1.0/6, 1.0/3, 2.0/3}, {0, 0, 1}},
     .at = {{1, 1, 1, 1, 0}, {0, 1, -1, 2, 0}, {0, 1, 1, 4, 1}}},
    {.m = 4, .alpha = 6,
     .bt = {{4, 0, -5, 0, 1, 0}, {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
            {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}},
     .g = {{0.25, 0, 0}, {-1.0/6, -1.0/6, -1.0/6}, {-1.0/6, 1.0/6, -1.0/6},
           {1.0/24, 1.0/12, 1.0/6}, {1.0/24, -1.0/12, 1.0/6}, {0, 0, 1}},
     .at = {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}}},
};
/* clang-format on */

const WinogradTransform *winograd_transform(int m) {
    return &transforms[m - 2];
}

static int nonzeros(const double *matrix, int count) {
    int sum = 0;
    for (int i = 0; i < count; i++) sum += matrix[i] != 0;
    return sum;
}

double winograd_source_work(const WinogradTransform *t) {
    return 2 * t->alpha * nonzeros(&t->bt[0][0], MAX_ALPHA * MAX_ALPHA) + 2 * t->alpha * t->alpha;
}

double winograd_result_work(const WinogradTransform *t) {
    return (t->alpha + t->m) * nonzeros(&t->at[0][0], 4 * MAX_ALPHA) + 2 * t->alpha * t->alpha;
}

/* out = matrix in, the coefficients 1 and -1 without a product. */
static void multiply(KernelCode *code, const double *matrix, int rows, int columns, int row_length,
                     const LLVMValueRef *in, int in_step, LLVMValueRef *out, int out_step) {
    for (int i = 0; i < rows; i++) {
        LLVMValueRef sum = NULL;
        for (int j = 0; j < columns; j++) {
            double factor = matrix[i * row_length + j];
            LLVMValueRef x = in[j * in_step];
            if (factor == 0) continue;
            if (!sum)
                sum = factor == 1 ? x : code_fmul(code, x, code_constant_like(code, factor, x));
            else if (factor == 1)
                sum = code_fadd(code, sum, x);
            else if (factor == -1)
                sum = code_fsub(code, sum, x);
            else
                sum = code_fma(code, x, code_constant_like(code, factor, x), sum);
        }
        out[i * out_step] = sum;
    }
}

void winograd_transform_emit(KernelCode *code, const double *matrix, int rows, int columns, int row_length,
                             const LLVMValueRef *in, LLVMValueRef *out) {
    LLVMValueRef half[MAX_POINTS];
    for (int j = 0; j < columns; j++)
        multiply(code, matrix, rows, columns, row_length, in + j, columns, half + j, columns);
    for (int i = 0; i < rows; i++)
        multiply(code, matrix, rows, columns, row_length, half + (ptrdiff_t)i * columns, 1,
                 out + (ptrdiff_t)i * rows, 1);
}

void winograd_transpose_emit(KernelCode *code, const double *matrix, int rows, int columns, int row_length,
                             const LLVMValueRef *in, LLVMValueRef *out) {
    double transposed[MAX_POINTS];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) transposed[j * rows + i] = matrix[i * row_length + j];
    winograd_transform_emit(code, transposed, columns, rows, rows, in, out);
}
