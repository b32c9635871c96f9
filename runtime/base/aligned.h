/* Blocks that start on a CNN_ALIGNMENT boundary, as generated code wants them, and products of sizes
 * that cannot overflow unnoticed. Large blocks ask the system for large pages. */
#ifndef CNN_ALIGNED_H
#define CNN_ALIGNED_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* count elements of element_size bytes, zero. A block has at least one cache line, so that count 0 gives one
 * too. */
int cnn_aligned_allocate(void **block, uint64_t count, uint64_t element_size, const char *purpose,
                         Failure *failure);
/* The same without zeros, for what is written before it is read: memory that nobody touches costs nothing. */
int cnn_aligned_reserve(void **block, uint64_t count, uint64_t element_size, const char *purpose,
                        Failure *failure);
void cnn_aligned_free(void *block); /* NULL is fine */

/* *product = a * b; false where it does not fit. */
static inline bool cnn_multiply(uint64_t a, uint64_t b, uint64_t *product) {
    return !__builtin_mul_overflow(a, b, product);
}

#endif
