/* A compiled model written by hand, for tests of the runtime: input(4) -> center (batchnorm without a
 * variance) -> dense(3) -> cross_entropy, plain sgd. Two stages with a whole-batch function between, packed
 * weights, padded parameter rows. */
#ifndef TESTS_TINY_MODEL_H
#define TESTS_TINY_MODEL_H

#include "abi.h"

enum { TINY_INPUTS = 4, TINY_CLASSES = 3, TINY_ROW = 16, TINY_LANES = 4 };
enum { TINY_WEIGHT = 0, TINY_BIAS = 48, TINY_TRAINED = 64, TINY_MEAN = 64, TINY_PARAMETERS = 80 };

extern const cnn_model tiny_model;

#endif
