/* The safetensors format: named float tensors and strings, read with everything checked that the format's
 * specification asks for, and written through a temporary file. Weights, gradients and checkpoints are such
 * files. */
#ifndef CNN_SAFETENSORS_H
#define CNN_SAFETENSORS_H

#include "abi.h"
#include "base/file.h"
#include "base/status.h"

typedef struct Tensor {
    const char *name;
    int32_t rank; /* 0: a scalar */
    int64_t shape[CNN_MAX_RANK];
    const float *values; /* row-major */
    const char *type;    /* of a tensor that was read, as the header says: "F32"; writing ignores it */
} Tensor;

typedef struct Metadata {
    const char *key, *value;
} Metadata;

/* A file in memory. F16 and BF16 tensors are widened to float; tensors of other types have values NULL. */
typedef struct TensorFile {
    char *path;
    Tensor *tensors; /* in the order of their names */
    int32_t tensor_count, metadata_count;
    Metadata *metadata;
    void *header, *bytes, *widened; /* what the above points into */
} TensorFile;

int cnn_tensors_read(const char *path, TensorFile *file, Failure *failure);
int cnn_tensors_parse(Reader *reader, TensorFile *file, Failure *failure); /* the reader stays the caller's */
void cnn_tensors_free(TensorFile *file);

const Tensor *cnn_tensors_find(const TensorFile *file, const char *name);  /* or NULL */
const char *cnn_tensors_metadata(const TensorFile *file, const char *key); /* or NULL */

/* Names must differ. cnnc.model and cnnc.version are added to the metadata where model is not NULL. */
int cnn_tensors_write(const char *path, const cnn_model *model, const Tensor *tensors, int32_t tensor_count,
                      const Metadata *metadata, int32_t metadata_count, Failure *failure);

#endif
