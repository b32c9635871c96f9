/* The learning rate of every batch, as the train block's schedule says (abi.h, cnn_schedule), and the count
 * of epochs without progress. Plain data: a copy is a state to go on from. */
#ifndef CNN_LEARNING_RATE_H
#define CNN_LEARNING_RATE_H

#include "abi.h"

#include <stdbool.h>

/* Epochs since the smallest loss. */
typedef struct Patience {
    double best;    /* HUGE_VAL: none yet */
    int64_t waited; /* epochs since it */
} Patience;

typedef struct LearningRate {
    const cnn_schedule *schedule;
    double base;             /* the optimizer's rate, or one_cycle's largest */
    int64_t epochs, batches; /* of the training; of an epoch */
    double scale;            /* what plateau made of it so far */
    Patience plateau;
} LearningRate;

/* given: the rate that replaces the train block's; NULL for none. */
LearningRate cnn_learning_rate_open(const cnn_train *train, const double *given, int64_t epochs,
                                    int64_t batches);
/* The rate of a batch; epochs and batches count from 0. */
double cnn_learning_rate_at(const LearningRate *rate, int64_t epoch, int64_t batch);
/* After an epoch: the loss that plateau watches. */
void cnn_learning_rate_report(LearningRate *rate, double loss);

Patience cnn_patience_open(void);
/* After an epoch. Progress is a loss below the smallest so far times (1 - threshold); a loss that is not
 * finite never is. Returns the epochs since the last progress. */
int64_t cnn_patience_report(Patience *patience, double loss, double threshold);

#endif
