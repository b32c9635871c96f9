/* See philox.h. The counter is (evaluation, layer, sample, step), the key the seed; the step's upper half
 * goes into the key's. */
#include "emit/philox.h"

enum { ROUNDS = 10 };
static const uint32_t MULTIPLIER_0 = 0xD2511F53, MULTIPLIER_1 = 0xCD9E8D57, WEYL_0 = 0x9E3779B9,
                      WEYL_1 = 0xBB67AE85;
/* Keeps the draws of layers apart from the runtime's own (shuffling, initialisation). */
static const uint32_t LAYER_TAG = 0x40000000;

static LLVMTypeRef vector_of(LLVMTypeRef type, int width) {
    return width == 1 ? type : LLVMVectorType(type, (unsigned)width);
}

static LLVMValueRef word(KernelCode *code, uint32_t value, int width) {
    return code_splat(code, code_i32(code, (int32_t)value), width);
}

static LLVMValueRef low_half(KernelCode *code, LLVMValueRef x) {
    return LLVMBuildTrunc(code->emit->builder, x, code->emit->i32, "");
}

static LLVMValueRef high_half(KernelCode *code, LLVMValueRef x) {
    return low_half(code, LLVMBuildLShr(code->emit->builder, x, code_int(code, 32), ""));
}

static void multiply_wide(KernelCode *code, LLVMValueRef x, uint32_t multiplier, int width,
                          LLVMValueRef *high, LLVMValueRef *low) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMTypeRef wide = vector_of(code->emit->i64, width), narrow = vector_of(code->emit->i32, width);
    LLVMValueRef factor = code_splat(code, LLVMConstInt(code->emit->i64, multiplier, false), width);
    LLVMValueRef product = LLVMBuildMul(b, LLVMBuildZExt(b, x, wide, ""), factor, "");
    *low = LLVMBuildTrunc(b, product, narrow, "");
    LLVMValueRef shift = code_splat(code, code_int(code, 32), width);
    *high = LLVMBuildTrunc(b, LLVMBuildLShr(b, product, shift, ""), narrow, "");
}

/* The four words of the evaluations whose numbers stand in `evaluation`, a register of i32. */
static void philox_words(KernelCode *code, LLVMValueRef evaluation, LLVMValueRef sample, int layer, int width,
                         LLVMValueRef words[PHILOX_WORDS]) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef seed = code_frame(code, ABI_frame_seed), step = code_frame(code, ABI_frame_step);
    LLVMValueRef key[2] = {low_half(code, seed),
                           LLVMBuildXor(b, high_half(code, seed), high_half(code, step), "")};
    words[0] = evaluation;
    words[1] = word(code, LAYER_TAG | (uint32_t)layer, width);
    words[2] = code_splat(code, low_half(code, sample), width);
    words[3] = code_splat(code, low_half(code, step), width);
    for (int round = 0; round < ROUNDS; round++) {
        LLVMValueRef high[2], low[2];
        multiply_wide(code, words[0], MULTIPLIER_0, width, &high[0], &low[0]);
        multiply_wide(code, words[2], MULTIPLIER_1, width, &high[1], &low[1]);
        LLVMValueRef k0 = code_splat(code, key[0], width), k1 = code_splat(code, key[1], width);
        words[0] = LLVMBuildXor(b, LLVMBuildXor(b, high[1], words[1], ""), k0, "");
        words[2] = LLVMBuildXor(b, LLVMBuildXor(b, high[0], words[3], ""), k1, "");
        words[1] = low[1];
        words[3] = low[0];
        key[0] = LLVMBuildAdd(b, key[0], code_i32(code, (int32_t)WEYL_0), "");
        key[1] = LLVMBuildAdd(b, key[1], code_i32(code, (int32_t)WEYL_1), "");
    }
}

static LLVMValueRef uniform_of(KernelCode *code, LLVMValueRef bits, int width) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef kept = LLVMBuildLShr(b, bits, word(code, 8, width), "");
    LLVMValueRef number = LLVMBuildSIToFP(b, kept, code_type(code, width), "");
    return code_fmul(code, number, code_constant(code, 0x1p-24, width));
}

/* index, index + 1, ... as i32. */
static LLVMValueRef count_up(KernelCode *code, LLVMValueRef index, int width) {
    LLVMValueRef steps[64], base = code_splat(code, low_half(code, index), width);
    if (width == 1) return base;
    for (int i = 0; i < width; i++) steps[i] = code_i32(code, i);
    return LLVMBuildAdd(code->emit->builder, base, LLVMConstVector(steps, (unsigned)width), "");
}

/* Numbers of the evaluations that hold these elements. */
static LLVMValueRef evaluations_of(KernelCode *code, LLVMValueRef elements, int width) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef block = LLVMBuildLShr(b, elements, word(code, 6, width), "");
    LLVMValueRef counter = LLVMBuildAnd(b, elements, word(code, PHILOX_COUNTERS - 1, width), "");
    return LLVMBuildOr(b, LLVMBuildShl(b, block, word(code, 4, width), ""), counter, "");
}

LLVMValueRef philox_uniform(KernelCode *code, LLVMValueRef index, LLVMValueRef sample, int layer, int width) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef words[PHILOX_WORDS], elements = count_up(code, index, width);
    philox_words(code, evaluations_of(code, elements, width), sample, layer, width, words);
    LLVMValueRef which = LLVMBuildLShr(b, elements, word(code, 4, width), "");
    which = LLVMBuildAnd(b, which, word(code, PHILOX_WORDS - 1, width), "");
    LLVMValueRef bits = words[0];
    for (int w = 1; w < PHILOX_WORDS; w++) {
        LLVMValueRef this_one = LLVMBuildICmp(b, LLVMIntEQ, which, word(code, (uint32_t)w, width), "");
        bits = LLVMBuildSelect(b, this_one, words[w], bits, "");
    }
    return uniform_of(code, bits, width);
}

void philox_uniform_block(KernelCode *code, LLVMValueRef index, LLVMValueRef sample, int layer, int width,
                          LLVMValueRef uniforms[PHILOX_WORDS]) {
    LLVMValueRef words[PHILOX_WORDS], elements = count_up(code, index, width);
    philox_words(code, evaluations_of(code, elements, width), sample, layer, width, words);
    for (int w = 0; w < PHILOX_WORDS; w++) uniforms[w] = uniform_of(code, words[w], width);
}
