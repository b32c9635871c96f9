/* Copying and filling boxes of per-sample values: what concat, pad, crop and slices of channels
 * are made of. */
#ifndef CNNC_OPS_BOX_H
#define CNNC_OPS_BOX_H

#include "emit/kernel_code.h"

/* A box of `extent` elements (every axis of a sample, channels last) whose first element is at `at` in the
 * value. */
typedef struct BoxPlace {
    const Value *value;
    LLVMValueRef base; /* its pointer */
    int64_t at[SHAPE_MAX_RANK];
} BoxPlace;

/* For every sample of the micro-batch. Nothing where an extent is 0. */
void box_copy(KernelCode *code, const Shape *extent, const BoxPlace *from, const BoxPlace *to);
void box_fill(KernelCode *code, const Shape *extent, double number, const BoxPlace *to);

/* How many elements at the end of the value's axes lie without gaps: its channels at least, all of a sample's
 * at most. */
int64_t value_run(const Value *value);

#endif
