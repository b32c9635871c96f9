/* See contraction.h. The tile is straight-line code inside the loops of the reduction; levels that lie behind
 * one another in memory are merged, the innermost ones unrolled. */
#include "emit/contraction.h"

/* Multiply-adds of straight-line code in one loop body: enough to hide the loop, few enough to stay in the
 * decoder's cache and in registers. */
enum { BODY_FMAS = 64, LARGEST_UNROLL = 8 };

void tile_add_level(Tile *tile, int64_t count, int64_t a_stride, int64_t b_stride) {
    if (tile->level_count >= TILE_MAX_LEVELS) internal_error("too many reduction levels");
    tile->levels[tile->level_count++] = (Level){count, NULL, a_stride, b_stride};
}

void tile_add_dynamic_level(Tile *tile, LLVMValueRef count, int64_t a_stride, int64_t b_stride) {
    tile_add_level(tile, 0, a_stride, b_stride);
    tile->levels[tile->level_count - 1].dynamic_count = count;
}

Register tile_register(const KernelCode *code, const Tile *tile, int v) {
    return (Register){code->width, v == tile->vectors - 1 ? tile->last_live : code->width};
}

int tile_max_rows(const Machine *machine, int vectors) {
    int rows = (machine->registers - 1 - vectors) / vectors;
    return rows < 1 ? 1 : rows > 14 ? 14 : rows;
}

Cut cut_evenly(int64_t n, int64_t most) {
    int64_t pieces = (n + most - 1) / most;
    int64_t large = (n + pieces - 1) / pieces;
    int64_t large_count = n - pieces * (large - 1);
    return (Cut){large, large_count, large > 1 ? pieces - large_count : 0};
}

/* Drops levels of one step and joins neighbours whose inner level fills exactly one step of the outer. */
static void merge_levels(Tile *tile) {
    int kept = 0;
    for (int i = 0; i < tile->level_count; i++) {
        Level level = tile->levels[i];
        if (!level.dynamic_count && level.count == 1) continue;
        Level *outer = kept ? &tile->levels[kept - 1] : NULL;
        if (outer && !outer->dynamic_count && !level.dynamic_count &&
            outer->a_stride == level.a_stride * level.count &&
            outer->b_stride == level.b_stride * level.count) {
            *outer = (Level){outer->count * level.count, NULL, level.a_stride, level.b_stride};
            continue;
        }
        tile->levels[kept++] = level;
    }
    tile->level_count = kept;
}

typedef struct Reduction {
    KernelCode *code;
    Tile *tile;
    LLVMValueRef variables[TILE_MAX_ROWS][TILE_MAX_VECTORS];
} Reduction;

/* One step of the reduction at constant distances from a and b. */
static void emit_step(Reduction *r, LLVMValueRef a, LLVMValueRef b, int64_t a_offset, int64_t b_offset) {
    KernelCode *code = r->code;
    Tile *tile = r->tile;
    LLVMValueRef vectors[TILE_MAX_VECTORS];
    /* Overlapping rows read the same numbers in different steps: LLVM would keep these in registers until
     * accumulators go to the stack. */
    LLVMValueRef row = code_unknown_address(code, code_at_const(code, a, a_offset));
    for (int v = 0; v < tile->vectors && tile->ahead; v++)
        code_prefetch(code, code_at_const(code, b, b_offset + tile->vector_offset[v] + tile->ahead), 2);
    for (int v = 0; v < tile->vectors; v++)
        vectors[v] = code_load(code, code_at_const(code, b, b_offset + tile->vector_offset[v]),
                               tile_register(code, tile, v));
    for (int m = 0; m < tile->rows; m++) {
        LLVMValueRef scalar =
            code_load(code, code_at_const(code, row, tile->row_offset[m]), (Register){1, 1});
        LLVMValueRef splat = code_splat(code, scalar, code->width);
        for (int v = 0; v < tile->vectors; v++)
            tile->acc[m][v] = code_fma(code, splat, vectors[v], tile->acc[m][v]);
    }
}

static void get_accumulators(Reduction *r) {
    for (int m = 0; m < r->tile->rows; m++)
        for (int v = 0; v < r->tile->vectors; v++) r->tile->acc[m][v] = code_get(r->code, r->variables[m][v]);
}

static void set_accumulators(Reduction *r) {
    for (int m = 0; m < r->tile->rows; m++)
        for (int v = 0; v < r->tile->vectors; v++) code_set(r->code, r->variables[m][v], r->tile->acc[m][v]);
}

/* All levels from `level` on as straight-line code. */
static void emit_unrolled(Reduction *r, int level, LLVMValueRef a, LLVMValueRef b, int64_t a_offset,
                          int64_t b_offset) {
    if (level >= r->tile->level_count || level == TILE_MAX_LEVELS) {
        emit_step(r, a, b, a_offset, b_offset);
        return;
    }
    const Level *l = &r->tile->levels[level];
    for (int64_t i = 0; i < l->count; i++)
        emit_unrolled(r, level + 1, a, b, a_offset + i * l->a_stride, b_offset + i * l->b_stride);
}

/* The number of steps from `level` inward, or -1 where it is only known at run time. */
static int64_t steps_inside(const Tile *tile, int level) {
    int64_t steps = 1;
    for (int i = level; i < tile->level_count; i++) {
        if (tile->levels[i].dynamic_count) return -1;
        steps *= tile->levels[i].count;
        if (steps > LARGEST_UNROLL) return steps;
    }
    return steps;
}

static int64_t largest_unroll(const KernelCode *code, const Tile *tile) {
    if (code->compact) return 1;
    int64_t unroll = BODY_FMAS / (tile->rows * tile->vectors);
    return unroll < 1 ? 1 : unroll > LARGEST_UNROLL ? LARGEST_UNROLL : unroll;
}

static void emit_body(Reduction *r, int level, LLVMValueRef a, LLVMValueRef b, int64_t repeats) {
    const Level *l = &r->tile->levels[level];
    get_accumulators(r);
    for (int64_t i = 0; i < repeats; i++) emit_unrolled(r, level + 1, a, b, i * l->a_stride, i * l->b_stride);
    set_accumulators(r);
}

static void emit_levels(Reduction *r, int level, LLVMValueRef a, LLVMValueRef b) {
    KernelCode *code = r->code;
    const Tile *tile = r->tile;
    int64_t unroll = largest_unroll(code, tile), steps = steps_inside(tile, level);
    if (steps >= 0 && steps <= unroll) {
        get_accumulators(r);
        emit_unrolled(r, level, a, b, 0, 0);
        set_accumulators(r);
        return;
    }
    const Level *l = &tile->levels[level];
    LLVMValueRef count = l->dynamic_count ? l->dynamic_count : code_int(code, l->count);
    int64_t inside = steps_inside(tile, level + 1);
    bool innermost = inside >= 0 && inside <= unroll;
    int64_t repeats = innermost && !l->dynamic_count ? unroll / inside : 1;
    /* A loop of one round and its rest would be one long body. */
    if (repeats < l->count && l->count < 2 * repeats) repeats = l->count / 2;
    int64_t whole = l->dynamic_count ? 0 : l->count / repeats * repeats;
    Loop loop =
        loop_begin(code, code_int(code, 0), l->dynamic_count ? count : code_int(code, whole), repeats);
    LLVMValueRef a_here = code_at(code, a, code_mul_const(code, loop.index, l->a_stride));
    LLVMValueRef b_here = code_at(code, b, code_mul_const(code, loop.index, l->b_stride));
    if (innermost)
        emit_body(r, level, a_here, b_here, repeats);
    else
        emit_levels(r, level + 1, a_here, b_here);
    loop_end(code, &loop);
    if (!l->dynamic_count && whole < l->count)
        emit_body(r, level, code_at_const(code, a, whole * l->a_stride),
                  code_at_const(code, b, whole * l->b_stride), l->count - whole);
}

void contraction_emit(KernelCode *code, Tile *tile) {
    merge_levels(tile);
    Reduction r = {.code = code, .tile = tile};
    for (int m = 0; m < tile->rows; m++)
        for (int v = 0; v < tile->vectors; v++)
            r.variables[m][v] = code_variable(code, code_type(code, code->width), tile->acc[m][v]);
    emit_levels(&r, 0, tile->a, tile->b);
    get_accumulators(&r);
}

void contraction_accumulate(KernelCode *code, Tile *tile, LLVMValueRef target, int64_t row_stride) {
    Register whole = {code->width, code->width};
    for (int pass = 0; pass < 2; pass++) {
        for (int m = 0; m < tile->rows; m++)
            for (int v = 0; v < tile->vectors; v++) {
                LLVMValueRef at = code_at_const(code, target, m * row_stride + (int64_t)v * code->width);
                if (pass)
                    code_store(code, tile->acc[m][v], at, whole);
                else
                    tile->acc[m][v] = code_load(code, at, whole);
            }
        if (!pass) contraction_emit(code, tile);
    }
}
