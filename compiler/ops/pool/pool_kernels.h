/* The kernels that pools with windows share with those over the whole input. */
#ifndef CNNC_OPS_POOL_KERNELS_H
#define CNNC_OPS_POOL_KERNELS_H

#include "graph/backward.h"

#include <math.h>

/* Rows of the arguments that say how windows lie; by themselves those of maxpool and its gradients. */
#define POOL_WINDOW_ROWS                                                                                     \
    {.name = "window", .type = PARAM_SIZE, .min = 1, .max = HUGE_VAL, .help = "extent of the window"},       \
        {.name = "stride",                                                                                   \
         .type = PARAM_SIZE,                                                                                 \
         .fallback = "=window",                                                                              \
         .min = 1,                                                                                           \
         .max = HUGE_VAL,                                                                                    \
         .help = "step from one window to the next"},                                                        \
        {.name = "padding",                                                                                  \
         .type = PARAM_PADDING,                                                                              \
         .fallback = "valid",                                                                                \
         .help = "valid, same, a size for both sides, or [[begin, end], ...]"},                              \
        {.name = "ceil",                                                                                     \
         .type = PARAM_BOOL,                                                                                 \
         .fallback = "false",                                                                                \
         .help = "keep the partial window at the end of an axis"}

enum { POOL_WINDOW_PARAMS = 4 };
extern const Param pool_window_params[POOL_WINDOW_PARAMS];
extern const Kernel *const max_kernels[], *const mean_kernels[];
extern const Kernel *const max_grad_kernels[], *const mean_grad_kernels[], *const winner_grad_kernels[];

/* Has the node keep its windows' winners and appends maxpool_winner_grad(winners, dy). */
void pool_winner_gradient(Backward *b, const Node *node);
/* Appends op(x, dy), and op(dy). */
void pool_max_gradient(Backward *b, const Node *node, const char *op);
void pool_mean_gradient(Backward *b, const Node *node, const char *op);

#endif
