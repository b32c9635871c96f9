/* The first values of a model's parameters. A draw is keyed by (seed, parameter, logical element), so it
 * depends neither on the storage layout nor on threads. */
#ifndef CNN_INIT_H
#define CNN_INIT_H

#include "abi.h"

#include <stdbool.h>

/* Does the model fix the value of every parameter, so that none is drawn at random? */
bool cnn_parameters_are_fixed(const cnn_model *model);

/* Do all elements of the parameter begin with the same number? */
bool cnn_parameter_begins_even(const cnn_parameter *parameter);

/* Fills the whole block (parameter_elements floats); the padding, in which no element lies, becomes 0. */
void cnn_parameters_initialise(const cnn_model *model, uint64_t seed, float *block);

#endif
