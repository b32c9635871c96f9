/* What the lists of kernels say of Winograd's: a set of functions for the forward pass and one for the
 * gradient to the input, for each m. */
#include "ops/conv/conv_winograd_rows.h"

#include "ops/conv/conv_kernels.h"
#include "ops/conv/conv_winograd.h"
#include "ops/conv/conv_winograd_weights.h"

/* The shape that a node's kernel works on; halos do not depend on the machine. */
static const Machine any_machine = {.vector_floats = 4};

static WinogradShape forward_shape(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_forward_geometry(graph, node);
    WinogradShape shape = winograd_forward_shape(machine, &g);
    if (node->max_window) { /* rows and columns beyond the last whole window are not computed */
        shape.rows -= shape.rows % node->max_window;
        shape.columns -= shape.columns % node->max_window;
    }
    return shape;
}

static WinogradShape input_grad_shape(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_input_grad_geometry(graph, node);
    return winograd_input_grad_shape(machine, &g);
}

bool winograd_forward_applies(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_forward_geometry(graph, node);
    return winograd_fits(machine, &g);
}

bool winograd_input_grad_applies(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_input_grad_geometry(graph, node);
    return winograd_fits(machine, &g);
}

#define DEFINE_ROW(direction, m, bias)                                                                       \
    double winograd##m##_##direction##_cost(const Machine *machine, const Graph *graph, const Node *node) {  \
        WinogradShape shape = direction##_shape(machine, graph, node);                                       \
        return winograd_cost(machine, &shape, m, graph->alone_bytes > 0);                                    \
    }                                                                                                        \
    bool winograd##m##_##direction##_halo(const Graph *graph, const Node *node, int input, Halo *halo) {     \
        WinogradShape shape = direction##_shape(&any_machine, graph, node);                                  \
        if (input == 0) winograd_halo(&shape, m, halo);                                                      \
        return input == 0;                                                                                   \
    }                                                                                                        \
    int64_t winograd##m##_##direction##_packed(const Machine *machine, const Graph *graph,                   \
                                               const Node *node) {                                           \
        WinogradShape shape = direction##_shape(machine, graph, node);                                       \
        return winograd_packed(&shape, m);                                                                   \
    }                                                                                                        \
    int64_t winograd##m##_##direction##_workspace(const Machine *machine, const Graph *graph,                \
                                                  const Node *node) {                                        \
        WinogradShape shape = direction##_shape(machine, graph, node);                                       \
        return winograd_workspace(machine, &shape, m);                                                       \
    }                                                                                                        \
    void winograd##m##_##direction##_prepare(KernelCode *code) {                                             \
        WinogradShape shape = direction##_shape(code->emit->machine, code->graph, code->node);               \
        winograd_prepare_emit(code, &shape, m);                                                              \
    }                                                                                                        \
    void winograd##m##_##direction##_emit(KernelCode *code) {                                                \
        WinogradShape shape = direction##_shape(code->emit->machine, code->graph, code->node);               \
        winograd_emit(code, &shape, m, bias);                                                                \
    }

DEFINE_ROW(forward, 2, conv_has_bias(code->node))
DEFINE_ROW(forward, 3, conv_has_bias(code->node))
DEFINE_ROW(forward, 4, conv_has_bias(code->node))
DEFINE_ROW(forward, 5, conv_has_bias(code->node))
DEFINE_ROW(forward, 6, conv_has_bias(code->node))
DEFINE_ROW(input_grad, 2, false)
DEFINE_ROW(input_grad, 3, false)
DEFINE_ROW(input_grad, 4, false)
DEFINE_ROW(input_grad, 5, false)
DEFINE_ROW(input_grad, 6, false)

#define DEFINE_WEIGHTS(m)                                                                                    \
    bool winograd##m##_weights_applies(const Machine *machine, const Graph *graph, const Node *node) {       \
        ConvGeometry g = conv_weight_grad_geometry(graph, node);                                             \
        return winograd_weights_fit(machine, &g, m);                                                         \
    }                                                                                                        \
    double winograd##m##_weights_cost(const Machine *machine, const Graph *graph, const Node *node) {        \
        ConvGeometry g = conv_weight_grad_geometry(graph, node);                                             \
        return winograd_weights_cost(machine, &g, m);                                                        \
    }                                                                                                        \
    bool winograd##m##_weights_halo(const Graph *graph, const Node *node, int input, Halo *halo) {           \
        ConvGeometry g = conv_weight_grad_geometry(graph, node);                                             \
        if (input < 2) winograd_weights_halo(&g, m, input, halo);                                            \
        return input < 2;                                                                                    \
    }                                                                                                        \
    int64_t winograd##m##_weights_workspace(const Machine *machine, const Graph *graph, const Node *node) {  \
        ConvGeometry g = conv_weight_grad_geometry(graph, node);                                             \
        return winograd_weights_workspace(machine, &g, m);                                                   \
    }                                                                                                        \
    void winograd##m##_weights_emit(KernelCode *code) {                                                      \
        ConvGeometry g = conv_weight_grad_geometry(code->graph, code->node);                                 \
        winograd_weights_emit(code, &g, m);                                                                  \
    }

DEFINE_WEIGHTS(2)
DEFINE_WEIGHTS(3)
DEFINE_WEIGHTS(4)
DEFINE_WEIGHTS(5)
DEFINE_WEIGHTS(6)
