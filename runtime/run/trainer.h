/* Training steps: forward, backward and update of one batch, the same bits for any number of threads. */
#ifndef CNN_TRAINER_H
#define CNN_TRAINER_H

#include "data/dataset.h"
#include "run/metrics.h"
#include "run/program.h"

typedef struct Trainer {
    Program program;
    float *loss, *metric;
    void *slots;     /* the optimizer's slots */
    int64_t chunk;   /* elements of one call of update */
    double *squares; /* clip_norm: the sum of squares of each chunk's gradient */
} Trainer;

/* parameters are trained where they lie. batch: the largest. */
int cnn_trainer_open(Trainer *trainer, const cnn_model *model, Threads *pool, float *parameters,
                     int64_t batch, uint64_t seed, float learning_rate, Failure *failure);
void cnn_trainer_close(Trainer *trainer);

typedef enum StepResult { STEP_DONE, STEP_LOSS_NOT_FINITE, STEP_UPDATE_NOT_FINITE } StepResult;

/* One step. Where the loss is not finite nothing is updated. frame.step counts the steps that were begun. */
StepResult cnn_trainer_step(Trainer *trainer, const Batch *batch, Metrics *metrics);

/* After a step on the data set's samples order[0 .. count) that failed: the first place that holds a value
 * that is not finite, as "layer conv_2, tensor output" in text. */
void cnn_trainer_diagnose(Trainer *trainer, const Dataset *dataset, const uint32_t *order, int64_t count,
                          char *text, size_t size);
/* The first parameter, in the model's order, with a value that is not finite in a block laid out like the
 * parameters (or like the trained ones alone); -1: none. */
int32_t cnn_first_not_finite(const cnn_model *model, const float *block, bool trained_only);

#endif
