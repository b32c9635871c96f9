/* Philox4x32-10 (Salmon et al., SC'11) in generated code: every random draw of a training step, keyed by the
 * seed and counted by (element, layer, sample, step), so that draws do not depend on order, threads,
 * micro-batches or the width of a register. */
#ifndef CNNC_EMIT_PHILOX_H
#define CNNC_EMIT_PHILOX_H

#include "emit/kernel_code.h"

/* One evaluation is of 16 counters and gives four words of each. Elements are dealt out in blocks of 64:
 * element e has counter e % 16 of its block's evaluation and word e % 64 / 16, so registers e, e+16, e+32,
 * e+48 come from one evaluation at any width up to 16. */
enum { PHILOX_BLOCK = 64, PHILOX_COUNTERS = 16, PHILOX_WORDS = 4 };

/* A register of width uniforms in [0, 1), multiples of 2^-24, for elements index, index+1, ... of a sample.
 * index is i64; the sample's data set number (i64) and the layer's number complete the counter. */
LLVMValueRef philox_uniform(KernelCode *code, LLVMValueRef index, LLVMValueRef sample, int layer, int width);

/* The same for elements index + 16*w + (0 .. width-1), w from 0 to 3, in one evaluation: index % 64 is below
 * 16 and index a multiple of width. */
void philox_uniform_block(KernelCode *code, LLVMValueRef index, LLVMValueRef sample, int layer, int width,
                          LLVMValueRef uniforms[PHILOX_WORDS]);

#endif
