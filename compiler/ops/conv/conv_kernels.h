/* The kernels of the convolutions, a file each, and the lists of them. Forward: inputs x, w, b where there is
 * a bias; output y. Gradient to the input: dy and the transposed weights (depthwise: the weights themselves);
 * output dx. Gradient to the weights: x, dy; output the accumulator, laid out as the weights. */
#ifndef CNNC_OPS_CONV_KERNELS_H
#define CNNC_OPS_CONV_KERNELS_H

#include "ops/conv/conv_geometry.h"

/* Best first, ended by NULL. */
extern const Kernel *const conv_forward_kernels[], *const conv_input_grad_kernels[],
                                                       *const conv_weight_grad_kernels[];

extern const Kernel conv_depthwise_forward, conv_depthwise_input_grad, conv_depthwise_weight_grad;
extern const Kernel conv_direct_forward, conv_direct_input_grad, conv_direct_weight_grad;
extern const Kernel conv_packed_weight_grad;
extern const Kernel conv_sparse_input_grad, conv_sparse_weight_grad;
extern const Kernel conv_reference_forward, conv_reference_input_grad, conv_reference_weight_grad;
/* By the number of results along an axis of a tile. */
extern const Kernel winograd2_forward, winograd3_forward, winograd4_forward, winograd5_forward,
    winograd6_forward;
extern const Kernel winograd2_input_grad, winograd3_input_grad, winograd4_input_grad, winograd5_input_grad,
    winograd6_input_grad;
extern const Kernel winograd2_weight_grad, winograd3_weight_grad, winograd4_weight_grad,
    winograd5_weight_grad, winograd6_weight_grad;

/* Kernel.applies: two axes, one group, 3x3 taps, a stride and a dilation of 1. */
bool winograd_applies(const KernelCall *call);
/* Kernel.applies: anything but a filter a channel. */
bool conv_direct_applies(const KernelCall *call);
/* Cycles a sample of direct sums at the machine's peak, in the direction of the kernel asked about. */
double conv_direct_cost(const KernelCall *call);

#endif
