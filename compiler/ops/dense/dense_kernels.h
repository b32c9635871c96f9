/* The kernels of dense: inputs and outputs as conv_kernels.h has them, with samples in the place of
 * positions. */
#ifndef CNNC_OPS_DENSE_KERNELS_H
#define CNNC_OPS_DENSE_KERNELS_H

#include "emit/contraction.h"
#include "emit/panels.h"

bool dense_has_bias(const Node *node);

enum { DENSE_ADDITION = 4 }; /* cycles from a multiply-add to one that adds to its sum */

/* Cycles a sample of the direct kernels, forward and gradient to the input. */
double dense_rows_cost(const KernelCall *call);

extern const Kernel dense_direct_forward, dense_direct_input_grad, dense_direct_weight_grad;
extern const Kernel dense_chains_forward; /* for one sample and few units */
extern const Kernel dense_reference_forward, dense_reference_input_grad, dense_reference_weight_grad;

#endif
