/* Loss, metrics and confusion of a set of samples in inference mode. */
#ifndef CNN_EVALUATE_H
#define CNN_EVALUATE_H

#include "data/dataset.h"
#include "run/metrics.h"
#include "run/program.h"

typedef struct Evaluator {
    Program program;
    float *loss, *metric, *output;
    uint32_t *order; /* consecutive numbers, where the caller has no order of its own */
} Evaluator;

/* with_output: confusion will be asked for. samples: the most that one call takes. */
int cnn_evaluator_open(Evaluator *evaluator, const cnn_model *model, Threads *pool, float *parameters,
                       int64_t samples, bool with_output, Failure *failure);
void cnn_evaluator_close(Evaluator *evaluator);
/* order: data set indices of the samples, or NULL for the first `count`. confusion: classes x classes counts,
 * one row per true class, which are added to; or NULL. Parameters are read anew at each call. */
void cnn_evaluator_run(Evaluator *evaluator, const Dataset *dataset, const uint32_t *order, int64_t count,
                       Metrics *metrics, int64_t *confusion);

#endif
