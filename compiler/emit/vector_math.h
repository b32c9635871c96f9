/* exp, log, tanh, ... of a register of floats as polynomials within 4 ULP (2 ULP mostly); of doubles as calls
 * of the C library. Sources stand with each in vector_math.c. Special values as in C's math.h; subnormal
 * results may be zero. */
#ifndef CNNC_EMIT_VECTOR_MATH_H
#define CNNC_EMIT_VECTOR_MATH_H

#include "emit/kernel_code.h"

LLVMValueRef math_exp(KernelCode *code, LLVMValueRef x);
LLVMValueRef math_log(KernelCode *code, LLVMValueRef x);   /* x > 0, or 0 gives -inf */
LLVMValueRef math_log1p(KernelCode *code, LLVMValueRef x); /* accurate near 0 */
LLVMValueRef math_expm1(KernelCode *code, LLVMValueRef x); /* accurate near 0 */
LLVMValueRef math_tanh(KernelCode *code, LLVMValueRef x);
LLVMValueRef math_erf(KernelCode *code, LLVMValueRef x);
LLVMValueRef math_sigmoid(KernelCode *code, LLVMValueRef x);  /* 1/(1+exp(-x)), no overflow */
LLVMValueRef math_softplus(KernelCode *code, LLVMValueRef x); /* log(1+exp(x)), no overflow */
LLVMValueRef math_sqrt(KernelCode *code, LLVMValueRef x);
LLVMValueRef math_abs(KernelCode *code, LLVMValueRef x);

#endif
