/* Made-up samples and targets of the right kind for a model, for checks and timings: standard normals, class
 * numbers, and where the input goes through an embedding, whole numbers of its vocabulary. */
#ifndef CNN_MADEUP_H
#define CNN_MADEUP_H

#include "base/rng.h"
#include "data/dataset.h"

/* Free with cnn_madeup_free. group: which of the stream's data sets. */
int cnn_madeup_create(const cnn_model *model, uint32_t samples, uint64_t seed, RandomStream stream,
                      uint32_t group, Dataset *dataset, Failure *failure);
void cnn_madeup_free(Dataset *dataset);
/* The vocabulary that samples are numbers of; 0 where they are plain numbers. */
int64_t cnn_madeup_vocabulary(const cnn_model *model);

#endif
