/* The kernels that pools with windows share with those over the whole input. */
#ifndef CNNC_OPS_POOL_KERNELS_H
#define CNNC_OPS_POOL_KERNELS_H

#include "graph/backward.h"

enum { POOL_KERNELS = 2, POOL_GRAD_KERNELS = 4, WINNER_GRAD_KERNELS = 1, POOL_WINDOW_PARAMS = 4 };
extern const Param pool_window_params[POOL_WINDOW_PARAMS]; /* arguments of maxpool and its gradients */
extern const Kernel max_kernels[POOL_KERNELS], mean_kernels[POOL_KERNELS];
extern const Kernel max_grad_kernels[POOL_GRAD_KERNELS], mean_grad_kernels[POOL_GRAD_KERNELS];
extern const Kernel winner_grad_kernels[WINNER_GRAD_KERNELS];

/* Has the node keep its windows' winners and appends maxpool_winner_grad(winners, dy). */
void pool_winner_gradient(Backward *b, const Node *node);
/* What the place with that number gets of its window's gradient: all where it won. `inside` as PoolVisit. */
LLVMValueRef pool_winner_share(KernelCode *code, LLVMValueRef winner, LLVMValueRef share, LLVMValueRef tap,
                               bool inside, int width);
/* Appends op(x, dy), and op(dy). */
void pool_max_gradient(Backward *b, const Node *node, const char *op);
void pool_mean_gradient(Backward *b, const Node *node, const char *op);

#endif
