/* Philox4x32-10 (Salmon et al., SC'11) in generated code: every random draw of a training step, keyed by the seed and counted by
 * (element, layer, sample, step), so that draws do not depend on order or threads. */
#ifndef CNNC_EMIT_PHILOX_H
#define CNNC_EMIT_PHILOX_H

#include "emit/kernel_code.h"

/* A register of width uniforms in [0, 1): element i of it belongs to counter (index + i). index is i64, the sample's data
 * set number and the layer's number complete the counter. */
LLVMValueRef philox_uniform(KernelCode *code, LLVMValueRef index, LLVMValueRef sample, int layer, int width);

#endif
