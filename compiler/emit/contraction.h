/* The one micro-kernel: a tile of accumulators, rows x vectors, to which products are added in registers,
 *     acc[m][v] += broadcast(A[row_offset[m] + i*a]) * vector(B[vector_offset[v] + i*b])
 * summed over a nest of reduction levels. Forward convolution, both of its gradients and dense layers are all
 * this, with other strides. */
#ifndef CNNC_EMIT_CONTRACTION_H
#define CNNC_EMIT_CONTRACTION_H

#include "emit/kernel_code.h"

enum { TILE_MAX_ROWS = 32, TILE_MAX_VECTORS = 8, TILE_MAX_LEVELS = 6 };

/* One loop of the reduction: strides in elements. */
typedef struct Level {
    int64_t count;
    LLVMValueRef dynamic_count; /* i64, in place of count where not NULL */
    int64_t a_stride, b_stride;
} Level;

typedef struct Tile {
    int rows, vectors;
    int64_t row_offset[TILE_MAX_ROWS];       /* of A, elements */
    int64_t vector_offset[TILE_MAX_VECTORS]; /* of B, elements */
    int last_live;                 /* live elements of the last vector of B; the register's width where all */
    Level levels[TILE_MAX_LEVELS]; /* outermost first */
    int level_count;
    /* Elements: what lies so far behind the registers of B is fetched beside them; 0: nothing. */
    int64_t ahead;
    LLVMValueRef a, b;                                 /* pointers to offset 0 */
    LLVMValueRef acc[TILE_MAX_ROWS][TILE_MAX_VECTORS]; /* in: initial values; out: sums */
} Tile;

void tile_add_level(Tile *tile, int64_t count, int64_t a_stride, int64_t b_stride);
void tile_add_dynamic_level(Tile *tile, LLVMValueRef count, int64_t a_stride, int64_t b_stride);
/* The register of vector v. */
Register tile_register(const KernelCode *code, const Tile *tile, int v);
void contraction_emit(KernelCode *code, Tile *tile);
/* The same, added to sums in memory: row m's registers lie side by side at target + m*row_stride, padded to
 * whole registers. */
void contraction_accumulate(KernelCode *code, Tile *tile, LLVMValueRef target, int64_t row_stride);

/* How many rows fit beside that many vectors without spilling: rows*vectors + vectors + 1 <= registers. */
int tile_max_rows(const Machine *machine, int vectors);

/* A run of n places cut into pieces of at most `most`, as equal as can be: `large_count` pieces of `large`
 * and then `small_count` of large - 1 (a piece of size 0 has count 0). */
typedef struct Cut {
    int64_t large, large_count, small_count;
} Cut;
Cut cut_evenly(int64_t n, int64_t most);

#endif
