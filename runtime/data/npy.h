/* NPY arrays, versions 1.0 to 3.0: C order, <f4 <f8 |u1 <i4 <i8. Everything else is refused with what was
 * found. */
#ifndef CNN_DATA_NPY_H
#define CNN_DATA_NPY_H

#include "abi.h"
#include "base/file.h"
#include "base/status.h"

typedef enum NpyType { NPY_F4, NPY_F8, NPY_U1, NPY_I4, NPY_I8 } NpyType;

enum { NPY_MAX_RANK = 32, SHAPE_TEXT = 256 };

typedef struct NpyArray {
    NpyType type;
    int32_t rank;
    int64_t shape[NPY_MAX_RANK];
    uint64_t count; /* elements; at least 1 */
    void *data;     /* aligned */
} NpyArray;

int cnn_npy_parse(Reader *reader, NpyArray *array, Failure *failure); /* the reader stays the caller's */
int cnn_npy_read(const char *path, NpyArray *array, Failure *failure);
void cnn_npy_free(NpyArray *array);

double cnn_npy_element(const NpyArray *array, uint64_t index);
/* As floats, in an aligned block of its own; an <f4 array hands over its data. A number beyond float32's
 * range is malformed; the path is that of the array's file. */
int cnn_npy_take_floats(NpyArray *array, const char *path, float **values, Failure *failure);

/* Version 1.0, <f4. */
int cnn_npy_write(const char *path, const float *values, int32_t rank, const int64_t *shape,
                  Failure *failure);

bool cnn_same_shape(int32_t rank, const int64_t *shape, int32_t other_rank, const int64_t *other);
/* "3x28x28" into text, of which SHAPE_TEXT bytes are enough; "()" for rank 0. */
const char *cnn_shape_text(char *text, size_t size, int32_t rank, const int64_t *shape);

#endif
