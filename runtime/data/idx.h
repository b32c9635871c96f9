/* IDX files of unsigned bytes, as MNIST and its relatives have them, plain or gzip. */
#ifndef CNN_DATA_IDX_H
#define CNN_DATA_IDX_H

#include "base/file.h"
#include "base/status.h"

enum { IDX_MAX_RANK = 8 };

typedef struct IdxArray {
    int32_t rank;
    int64_t shape[IDX_MAX_RANK]; /* the first is the samples */
    uint64_t count;              /* bytes; at least 1 */
    uint8_t *data;               /* aligned */
} IdxArray;

int cnn_idx_parse(Reader *reader, IdxArray *array, Failure *failure); /* the reader stays the caller's */
void cnn_idx_free(IdxArray *array);

#endif
