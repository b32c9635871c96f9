/* Gradients of a convolution whose dy is mostly zeros, as it is behind a max pool: only what is not zero is
 * multiplied. The products and their number follow the data; the sums are exact, in an order of their own. */
#ifndef CNNC_OPS_CONV_SPARSE_H
#define CNNC_OPS_CONV_SPARSE_H

#include "ops/conv/conv_geometry.h"

/* The share of dy that its producer leaves alive, at most: 1 where nothing is known. */
double conv_density(const Graph *graph, ValueId dy);

/* Can the kernel take this geometry? The gradient to the input takes no padding. */
bool conv_sparse_fits(const Machine *machine, const ConvGeometry *g, bool input_grad);
/* Cycles a sample for that density. */
double conv_sparse_cost(const Machine *machine, const ConvGeometry *g, bool input_grad, double density);
/* Elements of workspace for the gradient to the weights. */
int64_t conv_sparse_workspace(const Machine *machine, const ConvGeometry *g);

void conv_sparse_input_grad_emit(KernelCode *code);
void conv_sparse_weight_grad_emit(KernelCode *code);

#endif
