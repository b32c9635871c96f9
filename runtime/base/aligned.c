/* Aligned blocks from the C library's allocator. */
#define _GNU_SOURCE /* madvise */
#include "base/aligned.h"

#include "abi.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LARGE_PAGE = 2 << 20, LARGE_BLOCK = 8 << 20 };

static int reserve(void **block, uint64_t *rounded, uint64_t count, uint64_t element_size,
                   const char *purpose, Failure *failure) {
    *block = NULL;
    *rounded = 0;
    uint64_t bytes;
    if (!cnn_multiply(count, element_size, &bytes) || bytes > PTRDIFF_MAX - LARGE_PAGE)
        return cnn_fail(failure, STATUS_MEMORY, "out of memory: %llu elements of %llu bytes for %s",
                        (unsigned long long)count, (unsigned long long)element_size, purpose);
    uint64_t alignment = bytes >= LARGE_BLOCK ? LARGE_PAGE : CNN_ALIGNMENT;
    *rounded = (bytes + alignment - 1) / alignment * alignment;
    if (*rounded == 0) *rounded = alignment;
    *block = aligned_alloc(alignment, *rounded);
    if (!*block) return cnn_fail_memory(failure, purpose, bytes);
    if (alignment == LARGE_PAGE) (void)madvise(*block, *rounded, MADV_HUGEPAGE);
    return STATUS_OK;
}

int cnn_aligned_allocate(void **block, uint64_t count, uint64_t element_size, const char *purpose,
                         Failure *failure) {
    uint64_t rounded;
    int status = reserve(block, &rounded, count, element_size, purpose, failure);
    if (!status) memset(*block, 0, rounded);
    return status;
}

int cnn_aligned_reserve(void **block, uint64_t count, uint64_t element_size, const char *purpose,
                        Failure *failure) {
    uint64_t rounded;
    return reserve(block, &rounded, count, element_size, purpose, failure);
}

void cnn_aligned_free(void *block) {
    free(block);
}
