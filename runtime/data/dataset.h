/* The samples and targets that a model's data block names, in memory, checked against the model's input,
 * output and loss. */
#ifndef CNN_DATA_DATASET_H
#define CNN_DATA_DATASET_H

#include "abi.h"
#include "base/status.h"

#include <stdbool.h>

typedef struct Dataset {
    const void *samples; /* count x input elements of sample_kind: goes to cnn_frame.samples */
    const void *targets; /* int32 class indices or floats: goes to cnn_frame.targets; NULL for a model without
                            a train block */
    uint32_t count;      /* at least 1 */
    int32_t sample_kind; /* cnn_sample_kind. Floats are scaled and normalised already, bytes not */
    int64_t sample_elements, target_elements; /* a sample */
} Dataset;

/* Samples that a step takes together: what goes to cnn_frame under these names. */
typedef struct Batch {
    const void *samples, *targets;
    const uint32_t *order, *numbers;
    int64_t count;
    int32_t sample_kind;
} Batch;

/* data_dir replaces the data block's path, NULL leaves it. STATUS_USAGE where the model has no data block or
 * it names no such files. */
int cnn_dataset_load(const cnn_model *model, const char *data_dir, bool test, Dataset *dataset,
                     Failure *failure);
void cnn_dataset_free(Dataset *dataset);

/* An NPY file of samples for `run` and `gradients`: the input's shape, or a batch of it, as floats; as they
 * are, or with the data block's scale, mean and std where there is one. Targets NULL. */
int cnn_dataset_load_samples(const cnn_model *model, const char *path, bool scaled, Dataset *dataset,
                             Failure *failure);
/* Does the data block change samples? */
bool cnn_dataset_is_scaled(const cnn_model *model);
/* Adds the targets of an NPY file: as many as there are samples. */
int cnn_dataset_load_targets(const cnn_model *model, const char *path, Dataset *dataset, Failure *failure);

/* Elements of a sample and of a target, as the loss takes it. */
int64_t cnn_input_elements(const cnn_model *model);
int64_t cnn_output_elements(const cnn_model *model);
int64_t cnn_target_elements(const cnn_model *model);

#endif
