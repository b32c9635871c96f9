/* The functions that Winograd's rows in the lists of kernels name, and the rows: WINOGRAD_ROW(forward, 2). */
#ifndef CNNC_OPS_CONV_WINOGRAD_ROWS_H
#define CNNC_OPS_CONV_WINOGRAD_ROWS_H

#include "emit/kernel_code.h"

bool winograd_forward_applies(const Machine *machine, const Graph *graph, const Node *node);
bool winograd_input_grad_applies(const Machine *machine, const Graph *graph, const Node *node);

#define DECLARE_ROW(direction, m)                                                                            \
    double winograd##m##_##direction##_cost(const Machine *machine, const Graph *graph, const Node *node);   \
    bool winograd##m##_##direction##_halo(const Graph *graph, const Node *node, int input, Halo *halo);      \
    int64_t winograd##m##_##direction##_packed(const Machine *machine, const Graph *graph,                   \
                                               const Node *node);                                            \
    int64_t winograd##m##_##direction##_workspace(const Machine *machine, const Graph *graph,                \
                                                  const Node *node);                                         \
    void winograd##m##_##direction##_prepare(KernelCode *code);                                              \
    void winograd##m##_##direction##_emit(KernelCode *code);

DECLARE_ROW(forward, 2)
DECLARE_ROW(forward, 3)
DECLARE_ROW(forward, 4)
DECLARE_ROW(forward, 5)
DECLARE_ROW(forward, 6)
DECLARE_ROW(input_grad, 2)
DECLARE_ROW(input_grad, 3)
DECLARE_ROW(input_grad, 4)
DECLARE_ROW(input_grad, 5)
DECLARE_ROW(input_grad, 6)
#undef DECLARE_ROW

#define DECLARE_WEIGHTS(m)                                                                                   \
    bool winograd##m##_weights_applies(const Machine *machine, const Graph *graph, const Node *node);        \
    double winograd##m##_weights_cost(const Machine *machine, const Graph *graph, const Node *node);         \
    bool winograd##m##_weights_halo(const Graph *graph, const Node *node, int input, Halo *halo);            \
    int64_t winograd##m##_weights_workspace(const Machine *machine, const Graph *graph, const Node *node);   \
    void winograd##m##_weights_emit(KernelCode *code);

DECLARE_WEIGHTS(2)
DECLARE_WEIGHTS(3)
DECLARE_WEIGHTS(4)
DECLARE_WEIGHTS(5)
DECLARE_WEIGHTS(6)
#undef DECLARE_WEIGHTS

#define WINOGRAD_ROW(direction, m, pool)                                                                     \
    {.name = "winograd" #m,                                                                                  \
     .applies = winograd_##direction##_applies,                                                              \
     .cost = winograd##m##_##direction##_cost,                                                               \
     .emit = winograd##m##_##direction##_emit,                                                               \
     .halo = winograd##m##_##direction##_halo,                                                               \
     .workspace = winograd##m##_##direction##_workspace,                                                     \
     .packed = winograd##m##_##direction##_packed,                                                           \
     .prepare = winograd##m##_##direction##_prepare,                                                         \
     .epilogue = true,                                                                                       \
     .pools = (pool),                                                                                        \
     .splits = true,                                                                                         \
     .approximate = true}

/* The row of the gradient to the weights. */
#define WINOGRAD_WEIGHTS_ROW(m)                                                                              \
    {.name = "winograd" #m,                                                                                  \
     .applies = winograd##m##_weights_applies,                                                               \
     .cost = winograd##m##_weights_cost,                                                                     \
     .emit = winograd##m##_weights_emit,                                                                     \
     .halo = winograd##m##_weights_halo,                                                                     \
     .workspace = winograd##m##_weights_workspace,                                                           \
     .approximate = true}

#endif
