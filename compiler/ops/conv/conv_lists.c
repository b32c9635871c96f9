/* The kernels of the convolutions, best first, and what they ask for. */
#include "ops/conv/conv_kernels.h"
#include "ops/conv/conv_sparse.h"
#include "ops/conv/conv_winograd_rows.h"

static const Shape *input_shape(const Graph *graph, const Node *node, int i) {
    return &graph_value(graph, node->inputs.items[i])->shape;
}

static const Shape *output_shape(const Graph *graph, const Node *node) {
    return &graph_value(graph, node->outputs.items[0])->shape;
}

ConvGeometry conv_forward_geometry(const Graph *graph, const Node *node) {
    return conv_geometry(node, input_shape(graph, node, 0), output_shape(graph, node));
}

ConvGeometry conv_input_grad_geometry(const Graph *graph, const Node *node) {
    return conv_geometry(node, output_shape(graph, node), input_shape(graph, node, 0));
}

ConvGeometry conv_weight_grad_geometry(const Graph *graph, const Node *node) {
    return conv_geometry(node, input_shape(graph, node, 0), input_shape(graph, node, 1));
}

bool conv_has_bias(const Node *node) {
    return node_bool(node, "bias");
}

static bool forward_depthwise(const Machine *machine, const Graph *graph, const Node *node) {
    (void)machine;
    ConvGeometry g = conv_forward_geometry(graph, node);
    return conv_depthwise_fits(&g, false);
}

static bool forward_direct(const Machine *machine, const Graph *graph, const Node *node) {
    (void)machine;
    return !conv_forward_geometry(graph, node).depthwise;
}

static bool input_grad_depthwise(const Machine *machine, const Graph *graph, const Node *node) {
    (void)machine;
    ConvGeometry g = conv_input_grad_geometry(graph, node);
    return conv_depthwise_fits(&g, true);
}

static bool input_grad_direct(const Machine *machine, const Graph *graph, const Node *node) {
    (void)machine;
    return !conv_input_grad_geometry(graph, node).depthwise;
}

static bool weight_grad_depthwise(const Machine *machine, const Graph *graph, const Node *node) {
    (void)machine;
    ConvGeometry g = conv_weight_grad_geometry(graph, node);
    return conv_depthwise_fits(&g, false);
}

static bool weight_grad_direct(const Machine *machine, const Graph *graph, const Node *node) {
    (void)machine;
    return !conv_weight_grad_geometry(graph, node).depthwise;
}

static bool forward_halo(const Graph *graph, const Node *node, int input, Halo *halo) {
    if (input != 0) return false;
    ConvGeometry g = conv_forward_geometry(graph, node);
    conv_input_halo(&g, halo);
    return true;
}

static bool weight_grad_halo(const Graph *graph, const Node *node, int input, Halo *halo) {
    if (input != 0) return false;
    ConvGeometry g = conv_weight_grad_geometry(graph, node);
    conv_input_halo(&g, halo);
    return true;
}

/* dy is read wherever a tap of some place of x lands. */
static bool input_grad_halo(const Graph *graph, const Node *node, int input, Halo *halo) {
    if (input != 0) return false;
    ConvGeometry g = conv_input_grad_geometry(graph, node);
    for (int i = 0; i < g.spatial; i++) {
        const WindowAxis *axis = &g.axis[i];
        halo->before[i] = halo->after[i] = 0;
        for (int64_t residue = 0; residue < axis->stride && residue < axis->input; residue++) {
            ResidueClass c = conv_residue_class(axis, residue);
            if (!c.taps) continue;
            int64_t last = c.origin + c.places - 1 + (c.taps - 1) * c.y_step;
            if (-c.origin > halo->before[i]) halo->before[i] = -c.origin;
            if (last - (axis->output - 1) > halo->after[i]) halo->after[i] = last - (axis->output - 1);
        }
    }
    return true;
}

static bool input_grad_sparse(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_input_grad_geometry(graph, node);
    return conv_sparse_fits(machine, &g, true);
}

static double input_grad_sparse_cost(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_input_grad_geometry(graph, node);
    return conv_sparse_cost(machine, &g, true, conv_density(graph, node->inputs.items[0]));
}

static double input_grad_direct_cost(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_input_grad_geometry(graph, node);
    return conv_direct_cost(machine, &g, true);
}

static bool weight_grad_sparse(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_weight_grad_geometry(graph, node);
    return conv_sparse_fits(machine, &g, false);
}

static double weight_grad_sparse_cost(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_weight_grad_geometry(graph, node);
    return conv_sparse_cost(machine, &g, false, conv_density(graph, node->inputs.items[1]));
}

static double weight_grad_direct_cost(const Machine *machine, const Graph *graph, const Node *node) {
    static const double efficiency = 0.6; /* of the peak: places lie far apart */
    ConvGeometry g = conv_weight_grad_geometry(graph, node);
    return conv_direct_cost(machine, &g, false) / efficiency;
}

static int64_t weight_grad_sparse_workspace(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_weight_grad_geometry(graph, node);
    return conv_sparse_workspace(machine, &g);
}

static bool weight_grad_packed(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_weight_grad_geometry(graph, node);
    return conv_packed_weights_fit(machine, &g);
}

static double weight_grad_packed_cost(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_weight_grad_geometry(graph, node);
    return conv_packed_weights_cost(machine, &g);
}

static int64_t weight_grad_packed_workspace(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_weight_grad_geometry(graph, node);
    return conv_packed_weights_workspace(machine, &g);
}

static double forward_direct_cost(const Machine *machine, const Graph *graph, const Node *node) {
    ConvGeometry g = conv_forward_geometry(graph, node);
    return conv_direct_cost(machine, &g, false);
}

const Kernel conv_forward_kernels[8] = {
    {.name = "depthwise",
     .applies = forward_depthwise,
     .cost = conv_depthwise_forward_cost,
     .emit = conv_depthwise_forward_emit,
     .halo = forward_halo,
     .epilogue = true,
     .splits = true,
     .doubles = true},
    {.name = "direct",
     .applies = forward_direct,
     .cost = forward_direct_cost,
     .emit = conv_direct_forward_emit,
     .halo = forward_halo,
     .epilogue = true,
     .pools = true,
     .splits = true,
     .doubles = true},
    WINOGRAD_ROW(forward, 2, true),
    WINOGRAD_ROW(forward, 3, false),
    WINOGRAD_ROW(forward, 4, true),
    WINOGRAD_ROW(forward, 5, false),
    WINOGRAD_ROW(forward, 6, true),
    {.name = "reference",
     .cost = conv_reference_forward_cost,
     .emit = conv_reference_forward_emit,
     .epilogue = true},
};

const Kernel conv_input_grad_kernels[9] = {
    {.name = "depthwise",
     .applies = input_grad_depthwise,
     .cost = conv_depthwise_input_grad_cost,
     .emit = conv_depthwise_input_grad_emit,
     .halo = input_grad_halo,
     .epilogue = true,
     .doubles = true},
    {.name = "direct",
     .applies = input_grad_direct,
     .cost = input_grad_direct_cost,
     .emit = conv_direct_input_grad_emit,
     .halo = input_grad_halo,
     .epilogue = true,
     .doubles = true},
    WINOGRAD_ROW(input_grad, 2, false),
    WINOGRAD_ROW(input_grad, 3, false),
    WINOGRAD_ROW(input_grad, 4, false),
    WINOGRAD_ROW(input_grad, 5, false),
    WINOGRAD_ROW(input_grad, 6, false),
    {.name = "sparse",
     .applies = input_grad_sparse,
     .cost = input_grad_sparse_cost,
     .emit = conv_sparse_input_grad_emit,
     .epilogue = true,
     .approximate = true},
    {.name = "reference",
     .cost = conv_reference_input_grad_cost,
     .emit = conv_reference_input_grad_emit,
     .epilogue = true},
};

const Kernel conv_weight_grad_kernels[10] = {
    {.name = "depthwise",
     .applies = weight_grad_depthwise,
     .cost = conv_depthwise_weight_grad_cost,
     .emit = conv_depthwise_weight_grad_emit,
     .halo = weight_grad_halo},
    {.name = "direct",
     .applies = weight_grad_direct,
     .cost = weight_grad_direct_cost,
     .emit = conv_direct_weight_grad_emit,
     .halo = weight_grad_halo},
    {.name = "packed",
     .applies = weight_grad_packed,
     .cost = weight_grad_packed_cost,
     .emit = conv_packed_weight_grad_emit,
     .halo = weight_grad_halo,
     .workspace = weight_grad_packed_workspace},
    {.name = "sparse",
     .applies = weight_grad_sparse,
     .cost = weight_grad_sparse_cost,
     .emit = conv_sparse_weight_grad_emit,
     .halo = weight_grad_halo,
     .workspace = weight_grad_sparse_workspace,
     .approximate = true},
    WINOGRAD_WEIGHTS_ROW(2),
    WINOGRAD_WEIGHTS_ROW(3),
    WINOGRAD_WEIGHTS_ROW(4),
    WINOGRAD_WEIGHTS_ROW(5),
    WINOGRAD_WEIGHTS_ROW(6),
    {.name = "reference", .cost = conv_reference_weight_grad_cost, .emit = conv_reference_weight_grad_emit},
};
