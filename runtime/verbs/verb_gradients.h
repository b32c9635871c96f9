/* The gradients of a batch's mean loss, as the compiled code computes them, dropout off. */
#ifndef CNN_GRADIENTS_H
#define CNN_GRADIENTS_H

#include "data/dataset.h"
#include "verbs/session.h"

typedef struct Gradients {
    float *parameters; /* laid out like the trained parameters */
    float *input;      /* batch x input elements */
    float loss;
} Gradients;

/* The whole data set is the batch. The blocks belong to the caller, also where it fails. */
int cnn_gradients_compute(Session *session, const Dataset *dataset, Gradients *gradients);
void cnn_gradients_free(Gradients *gradients);

#endif
