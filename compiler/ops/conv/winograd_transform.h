/* The matrices of F(m x m, 3 x 3) and the code that applies them to a square of registers. Matrices: Toom and
 * Cook's construction over m + 1 points and infinity (Winograd, 1980; Lavin and Gray, 2015). */
#ifndef CNNC_OPS_WINOGRAD_TRANSFORM_H
#define CNNC_OPS_WINOGRAD_TRANSFORM_H

#include "emit/kernel_code.h"

#include <stddef.h>

enum {
    WINOGRAD_LEAST = 2,
    WINOGRAD_MOST = 6,
    MAX_ALPHA = WINOGRAD_MOST + 2,
    MAX_POINTS = MAX_ALPHA * MAX_ALPHA
};
enum { WINOGRAD_AHEAD = 4 }; /* how many tiles ahead of the one that is read are prefetched; measured */

/* y = At [(G g) . (Bt d)], one dimension; rows are zero-filled to MAX_ALPHA. */
typedef struct WinogradTransform {
    int m, alpha; /* alpha = m + 2 */
    double bt[MAX_ALPHA][MAX_ALPHA], g[MAX_ALPHA][3], at[WINOGRAD_MOST][MAX_ALPHA];
} WinogradTransform;

/* The instructions that transforming one register of sources, or of results, takes: products, loads and
 * stores. */
double winograd_source_work(const WinogradTransform *t);
double winograd_result_work(const WinogradTransform *t);

/* Products of a tile for a channel and a filter. */
static inline int64_t winograd_points(int m) {
    return (int64_t)(m + 2) * (m + 2);
}

/* Tiles that cover n places; n made a multiple of `to`. */
static inline int64_t winograd_tiles(int64_t n, int m) {
    return (n + m - 1) / m;
}
static inline int64_t winograd_round_up(int64_t n, int64_t to) {
    return (n + to - 1) / to * to;
}

/* m is WINOGRAD_LEAST to WINOGRAD_MOST. */
WinogradTransform winograd_transform(int m);

/* Where a tile lies: its sample, its row and column in tiles. */
typedef struct WinogradPlace {
    LLVMValueRef sample, row, column;
} WinogradPlace;

/* The place of tile number `tile` among those of all samples; a_sample, a_row: tiles of a sample, of a row.
 */
WinogradPlace winograd_place(KernelCode *code, LLVMValueRef tile, int64_t a_sample, int64_t a_row);
/* The tile's first place of a value, tiles lying m places apart. */
LLVMValueRef winograd_corner(KernelCode *code, const Value *value, LLVMValueRef base,
                             const WinogradPlace *place, int m);

/* A square of positions, a register at each: the address of the first, the distances of rows and columns in
 * elements. */
typedef struct WinogradSquare {
    LLVMValueRef corner;
    LLVMValueRef next; /* the address of a later tile, to be prefetched; or NULL */
    int64_t row, column;
    Register reg;
} WinogradSquare;

/* The square of an input, from that channel on. */
WinogradSquare winograd_square(KernelCode *code, int input, LLVMValueRef corner, LLVMValueRef channel,
                               Register reg);

/* Bt d B of a square of sources: the points lie from `to` on, `point` elements apart. Squares of more
 * registers than there are go in groups of rows, and their places are read again for each. */
void winograd_source_emit(KernelCode *code, const WinogradTransform *t, const WinogradSquare *square,
                          LLVMValueRef to, int64_t point);

/* out (rows x rows) = matrix in matrix^T, in the square of columns x columns; a row of the matrix is
 * row_length numbers long. */
void winograd_transform_emit(KernelCode *code, const double *matrix, int rows, int columns, int row_length,
                             const WinogradSquare *in, LLVMValueRef *out);
/* The same with the matrix's transpose: out is columns x columns, in rows x rows. */
void winograd_transpose_emit(KernelCode *code, const double *matrix, int rows, int columns, int row_length,
                             const WinogradSquare *in, LLVMValueRef *out);

#endif
