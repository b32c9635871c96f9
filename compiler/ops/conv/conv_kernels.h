/* The kernels of the convolutions, a file each; the rows that list them stand in conv.c and depthwise.c.
 * Forward: inputs x, w, b where there is a bias; output y. Gradient to the input: dy and the transposed
 * weights (depthwise: the weights themselves); output dx. Gradient to the weights: x, dy; output the
 * accumulator, laid out as the weights. */
#ifndef CNNC_OPS_CONV_KERNELS_H
#define CNNC_OPS_CONV_KERNELS_H

#include "ops/conv/conv_geometry.h"

/* Geometry of each kind of node, from where its x and y stand. */
ConvGeometry conv_forward_geometry(const Graph *graph, const Node *node);
ConvGeometry conv_input_grad_geometry(const Graph *graph, const Node *node);
ConvGeometry conv_weight_grad_geometry(const Graph *graph, const Node *node);

/* Does the forward node have a bias? (Its third input, unless that belongs to the epilogue.) */
bool conv_has_bias(const Node *node);

extern const Kernel conv_forward_kernels[8], conv_input_grad_kernels[9], conv_weight_grad_kernels[10];

/* Cycles a sample of direct sums at the machine's peak, in any of the three directions. */
double conv_direct_cost(const Machine *machine, const ConvGeometry *g, bool input_grad);
void conv_direct_forward_emit(KernelCode *code);
void conv_direct_input_grad_emit(KernelCode *code);
void conv_direct_weight_grad_emit(KernelCode *code);
/* conv_packed_weights.c */
bool conv_packed_weights_fit(const Machine *machine, const ConvGeometry *g);
double conv_packed_weights_cost(const Machine *machine, const ConvGeometry *g); /* cycles a sample */
int64_t conv_packed_weights_workspace(const Machine *machine, const ConvGeometry *g);
void conv_packed_weight_grad_emit(KernelCode *code);
/* conv_depthwise.c: is it a filter a channel, and are there few enough kinds of residue classes? */
bool conv_depthwise_fits(const ConvGeometry *g, bool input_grad);
void conv_depthwise_forward_emit(KernelCode *code);
void conv_depthwise_input_grad_emit(KernelCode *code);
void conv_depthwise_weight_grad_emit(KernelCode *code);
void conv_reference_forward_emit(KernelCode *code);
void conv_reference_input_grad_emit(KernelCode *code);
void conv_reference_weight_grad_emit(KernelCode *code);

/* Cycles a sample. */
double conv_depthwise_forward_cost(const Machine *machine, const Graph *graph, const Node *node);
double conv_depthwise_input_grad_cost(const Machine *machine, const Graph *graph, const Node *node);
double conv_depthwise_weight_grad_cost(const Machine *machine, const Graph *graph, const Node *node);
double conv_reference_forward_cost(const Machine *machine, const Graph *graph, const Node *node);
double conv_reference_input_grad_cost(const Machine *machine, const Graph *graph, const Node *node);
double conv_reference_weight_grad_cost(const Machine *machine, const Graph *graph, const Node *node);

#endif
