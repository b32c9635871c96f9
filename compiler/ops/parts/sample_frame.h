/* What a loss reads from and writes to the frame: a sample's targets, its loss, its metric. */
#ifndef CNNC_OPS_SAMPLE_FRAME_H
#define CNNC_OPS_SAMPLE_FRAME_H

#include "emit/kernel_code.h"

/* Where the micro-batch's sample n lies among the frame's samples and targets, i64. */
LLVMValueRef data_set_index(KernelCode *code, LLVMValueRef sample);

/* Writes the sample's loss, a double: as float, or in a program of doubles as it is. */
void store_loss(KernelCode *code, LLVMValueRef sample, LLVMValueRef loss);

/* Writes metric number `which` of `count` a sample, a float, unless nobody asks for metrics. */
void store_metric(KernelCode *code, LLVMValueRef sample, int64_t count, LLVMValueRef which,
                  LLVMValueRef metric);

/* 1 / (samples of the batch * share): a scalar of code->real, what makes a sum's gradient that of the batch's
 * mean. */
LLVMValueRef mean_gradient_factor(KernelCode *code, int64_t share);

/* A scalar of code->real as double. */
LLVMValueRef scalar_as_double(KernelCode *code, LLVMValueRef x);

#endif
