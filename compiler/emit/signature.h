/* The signature of a double-precision program: a hash of every decision at a kink (the side of a relu, the
 * winner of a pool), by which a check by finite differences sees that a step crossed one. */
#ifndef CNNC_EMIT_SIGNATURE_H
#define CNNC_EMIT_SIGNATURE_H

#include "emit/kernel_code.h"

/* Folds a decision, an integer of any width up to i64 or a vector of i1, into the number at frame.signature
 * unless that is NULL. Emits nothing in a program of floats. */
void code_fold_signature(KernelCode *code, LLVMValueRef decision);

#endif
