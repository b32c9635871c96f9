/* The lists of the convolutions' kernels, best first. */
#include "ops/conv/conv_kernels.h"

const Kernel *const conv_forward_kernels[] = {
    &conv_depthwise_forward, &conv_direct_forward,    &winograd2_forward,
    &winograd3_forward,      &winograd4_forward,      &winograd5_forward,
    &winograd6_forward,      &conv_reference_forward, NULL,
};

const Kernel *const conv_input_grad_kernels[] = {
    &conv_depthwise_input_grad, &conv_direct_input_grad,
    &winograd2_input_grad,      &winograd3_input_grad,
    &winograd4_input_grad,      &winograd5_input_grad,
    &winograd6_input_grad,      &conv_sparse_input_grad,
    &conv_reference_input_grad, NULL,
};

const Kernel *const conv_weight_grad_kernels[] = {
    &conv_depthwise_weight_grad,
    &conv_direct_weight_grad,
    &conv_packed_weight_grad,
    &conv_sparse_weight_grad,
    &winograd2_weight_grad,
    &winograd3_weight_grad,
    &winograd4_weight_grad,
    &winograd5_weight_grad,
    &winograd6_weight_grad,
    &conv_reference_weight_grad,
    NULL,
};
