/* The kernels of dense: inputs and outputs as conv_kernels.h has them, with samples in the place of
 * positions. */
#ifndef CNNC_OPS_DENSE_KERNELS_H
#define CNNC_OPS_DENSE_KERNELS_H

#include "emit/contraction.h"
#include "emit/panels.h"

bool dense_has_bias(const Node *node);

void dense_forward_emit(KernelCode *code);
void dense_chains_emit(KernelCode *code); /* for one sample and few units */
void dense_input_grad_emit(KernelCode *code);
void dense_weight_grad_emit(KernelCode *code);
void dense_reference_forward_emit(KernelCode *code);
void dense_reference_input_grad_emit(KernelCode *code);
void dense_reference_weight_grad_emit(KernelCode *code);

/* Cycles a sample; rows: forward and gradient to the input. */
double dense_rows_cost(const Machine *machine, const Graph *graph, const Node *node);
double dense_chains_cost(const Machine *machine, const Graph *graph, const Node *node);
double dense_weight_grad_cost(const Machine *machine, const Graph *graph, const Node *node);
double dense_reference_rows_cost(const Machine *machine, const Graph *graph, const Node *node);
double dense_reference_weight_grad_cost(const Machine *machine, const Graph *graph, const Node *node);

/* Cycles that the additions of a single sample's sums wait for each other, each register holding one sum; 0
 * in a batch. */
double dense_single_waits(const Machine *machine, const Graph *graph, const Node *node);
bool dense_chains_applies(const Machine *machine, const Graph *graph, const Node *node);

#endif
