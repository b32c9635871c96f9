/* A model's parameters between the weight file's layout (PyTorch's) and the parameter block's. */
#ifndef CNN_WEIGHTS_H
#define CNN_WEIGHTS_H

#include "abi.h"
#include "base/status.h"
#include "weights/parameter_walk.h"
#include "weights/safetensors.h"

/* block is the whole parameter block, or one laid out like it (gradients, optimizer slots). Scatter leaves
 * what no element is stored in as it is: begin with a zeroed block. */
void cnn_parameter_gather(const cnn_parameter *parameter, const float *block, float *logical);
void cnn_parameter_scatter(const cnn_parameter *parameter, const float *logical, float *block);

enum { WEIGHTS_PREFIX = 64 };

/* Names and shapes must be exactly the model's, and all values finite; the block is touched only where all is
 * well. A prefix that all names of the file share is taken off; removed gets it, or "". */
int cnn_weights_read(const char *path, const cnn_model *model, float *block, char removed[WEIGHTS_PREFIX],
                     Failure *failure);
int cnn_weights_write(const char *path, const cnn_model *model, const float *block, Failure *failure);

/* The same, from a file that is open, and for checkpoints: prefix comes before every name ("" for none); with
 * trained_only, the trainable parameters alone, block being a slot of trained_elements. Other names in the
 * file are let be where prefix is not "". */
int cnn_weights_take(const TensorFile *file, const cnn_model *model, const char *prefix, bool trained_only,
                     float *block, Failure *failure);

/* A block's tensors by name, for cnn_tensors_write; names and values belong to the list. */
typedef struct TensorList {
    Tensor *tensors;
    int32_t count, capacity;
} TensorList;

int cnn_tensor_list_add_block(TensorList *list, const cnn_model *model, const char *prefix, bool trained_only,
                              const float *block, Failure *failure);
/* Copies name and values. */
int cnn_tensor_list_add(TensorList *list, const char *name, int32_t rank, const int64_t *shape,
                        const float *values, Failure *failure);
void cnn_tensor_list_free(TensorList *list);

/* The gradients of parameters (a block laid out like the trained parameters), of the input (batch x input
 * shape, or NULL) and the loss, as `gradients` writes them. */
int cnn_gradients_write(const char *path, const cnn_model *model, const float *gradients, const float *input,
                        int64_t batch, float loss, Failure *failure);

#endif
