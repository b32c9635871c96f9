/* What comes before every name of a weight file and is no part of the model's names: "module." of weights
 * that were saved from inside another module. */
#ifndef CNN_NAME_PREFIX_H
#define CNN_NAME_PREFIX_H

#include "weights/safetensors.h"

/* Takes it off the file's names and copies it (cut where size is too small); "" where the names are the
 * model's as they stand, or have nothing in common. */
void cnn_name_prefix_remove(TensorFile *file, const cnn_model *model, char *prefix, size_t size);

#endif
