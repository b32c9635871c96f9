/* Winograd's minimal filtering for 3x3 kernels of stride 1, F(m x m, 3 x 3) with m = 2 to 6 (Lavin and Gray,
 * "Fast Algorithms for Convolutional Neural Networks", 2015): m*m outputs take (m+2)^2 products a channel
 * instead of 9 m*m. Forward, and the gradient to the input, which is the same with transposed weights.
 * Rounding errors are a few times those of the direct sum. */
#ifndef CNNC_OPS_CONV_WINOGRAD_H
#define CNNC_OPS_CONV_WINOGRAD_H

#include "ops/conv/conv_geometry.h"

/* A convolution as this algorithm sees it: `source` channels are summed over, panels of weights give `target`
 * channels. */
typedef struct WinogradShape {
    int64_t source, target;
    int64_t rows, columns;       /* of the result */
    int64_t begin[2], extent[2]; /* padding before the source, and its size */
    Panels panels;               /* of the weights as they come: [panel][3x3][source][P] */
} WinogradShape;

WinogradShape winograd_forward_shape(const Machine *machine, const ConvGeometry *g);
WinogradShape winograd_input_grad_shape(const Machine *machine, const ConvGeometry *g);

bool winograd_fits(const Machine *machine, const ConvGeometry *g);
/* Cycles a sample; alone: of one that runs by itself. */
double winograd_cost(const Machine *machine, const WinogradShape *shape, int m, bool alone);
void winograd_halo(const WinogradShape *shape, int m, Halo *halo);
int64_t winograd_packed(const WinogradShape *shape, int m);
int64_t winograd_workspace(const Machine *machine, const WinogradShape *shape, int m);

/* Input 0 is the source, input 1 the weights; bias: input 2 is added to the result. */
void winograd_prepare_emit(KernelCode *code, const WinogradShape *shape, int m);
void winograd_emit(KernelCode *code, const WinogradShape *shape, int m, bool bias);

#endif
