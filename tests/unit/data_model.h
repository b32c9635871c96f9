/* A model of a given input, output, loss and data block, with nothing else in it: what loading data asks of
 * one. */
#ifndef TESTS_DATA_MODEL_H
#define TESTS_DATA_MODEL_H

#include "abi.h"

#include <string.h>

typedef struct DataModel {
    cnn_model model;
    cnn_data data;
    cnn_train train;
    const char *files[8]; /* of train and test alike */
    float mean[4], std[4];
} DataModel;

/* Extents end with 0. The model points into itself: do not copy it. */
static inline void data_model_build(DataModel *built, cnn_format format, const int64_t *input,
                                    const int64_t *output, cnn_loss loss) {
    memset(built, 0, sizeof *built);
    cnn_model *model = &built->model;
    model->name = "tried";
    model->compiler_version = "0";
    while (input[model->input_rank]) {
        model->input_shape[model->input_rank] = input[model->input_rank];
        model->input_rank++;
    }
    while (output[model->output_rank]) {
        model->output_shape[model->output_rank] = output[model->output_rank];
        model->output_rank++;
    }
    for (int i = 0; i < 4; i++) built->std[i] = 1;
    built->data = (cnn_data){.format = format,
                             .path = "",
                             .train = built->files,
                             .test = built->files,
                             .scale = 1,
                             .mean = built->mean,
                             .std = built->std};
    built->train = (cnn_train){.loss = loss};
    model->data = &built->data;
    model->train = loss == CNN_LOSS_NONE ? NULL : &built->train;
    model->has_data = 1;
    model->has_train = loss != CNN_LOSS_NONE;
}

#define EXTENTS(...) ((const int64_t[]){__VA_ARGS__, 0})

#endif
