/* What the functions of a generated header call: instances of a model inside another program. An instance is
 * one block of memory, the caller's or from the heap, and holds everything that a forward pass works in:
 * nothing is allocated after it was made, nothing is global, and instances know nothing of each other. One
 * call at a time on an instance; different ones may be used by different threads. */
#ifndef CNN_EMBED_H
#define CNN_EMBED_H

#include "abi.h"

#include <stddef.h>

/* What load and forward return; cnn_embed_error words them. */
typedef enum EmbedError {
    EMBED_OK = 0,
    EMBED_ARGUMENT = -1,   /* a null pointer, or more samples than memory can hold */
    EMBED_NO_WEIGHTS = -2, /* forward before load */
    EMBED_MALFORMED = -3,
    EMBED_FILE = -4,
    EMBED_MEMORY = -5
} EmbedError;

typedef struct cnn_instance cnn_instance;

/* Bytes of an instance, room to align it included. 0 where no memory holds the model, or where it was
 * compiled for another version of this library. */
size_t cnn_embed_size(const cnn_model *model);
/* An instance in cnn_embed_size(model) bytes of the caller's, aligned or not, which stay the caller's and in
 * their place. NULL where `memory` is NULL, or where the size is 0. */
cnn_instance *cnn_embed_init(const cnn_model *model, void *memory);
/* An instance from the heap; NULL where there is none. */
cnn_instance *cnn_embed_create(const cnn_model *model);
/* Gives back what create took; an instance in the caller's memory has nothing to give back. NULL is fine. */
void cnn_embed_destroy(cnn_instance *instance);

/* The weights from a file. A failed load leaves the instance as it was. */
int cnn_embed_load(cnn_instance *instance, const char *path);
/* samples inputs, floats as they are, one behind another without gaps; outputs likewise. The two must not
 * overlap. */
int cnn_embed_forward(cnn_instance *instance, const float *input, float *output, size_t samples);

/* The error in words; "unknown error" for what is none. */
const char *cnn_embed_error(int error);
/* What exactly made the last load fail (the file, the tensor), on one line; "" where it did not fail. */
const char *cnn_embed_detail(const cnn_instance *instance);

#endif
