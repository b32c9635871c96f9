/* Winograd's minimal filtering for the gradient to 3x3 weights of stride 1: dw = G^T (sum over tiles of (A dy
 * A^T) . (B^T x B)) G, the transposed algorithm of conv_winograd.h. Inputs x and dy; the sums of one
 * micro-batch are added to the accumulator. */
#ifndef CNNC_OPS_CONV_WINOGRAD_WEIGHTS_H
#define CNNC_OPS_CONV_WINOGRAD_WEIGHTS_H

#include "ops/conv/conv_geometry.h"

/* The sums need much room, so not every number of channels can be taken. */
bool winograd_weights_fit(const Machine *machine, const ConvGeometry *g, int m);
double winograd_weights_cost(const Machine *machine, const ConvGeometry *g, int m); /* cycles a sample */
void winograd_weights_halo(const ConvGeometry *g, int m, int input, Halo *halo);
int64_t winograd_weights_workspace(const Machine *machine, const ConvGeometry *g, int m);
void winograd_weights_emit(KernelCode *code, const ConvGeometry *g, int m);

#endif
