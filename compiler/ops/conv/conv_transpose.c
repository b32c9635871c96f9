/* conv_transpose: the gradient of a convolution with respect to its input, as a layer. The convolution it
 * belongs to leads from this layer's output to its input, and everything here is that one's: the result its
 * gradient to the input, the gradients its result and its gradient to the weights with x and dy in each
 * other's place. y[n, i*stride+r*dilation-begin, j*stride+s*dilation-begin, k] += x[n,i,j,c] * w[c,k,r,s],
 * and b[k] everywhere */
#include "emit/kernel_code.h"
#include "graph/backward.h"
#include "graph/shape_call.h"
#include "ops/conv/conv.h"
#include "ops/conv/conv_kernels.h"
#include "ops/parts/attrs.h"

#include <math.h>
#include <string.h>

static const Param params[] = {
    {.name = "filters",
     .type = PARAM_INT,
     .min = 1,
     .max = 1e9,
     .help = "number of kernels, the output's channels"},
    {.name = "kernel", .type = PARAM_SIZE, .min = 1, .help = "extent of a kernel"},
    {.name = "stride",
     .type = PARAM_SIZE,
     .fallback = "1",
     .min = 1,
     .help = "step in the output from one place of the input to the next"},
    {.name = "padding",
     .type = PARAM_PADDING,
     .fallback = "valid",
     .help = "what is cut off the output: valid, same, a size for both sides, or [[begin, end], ...]"},
    {.name = "output_padding",
     .type = PARAM_SIZE,
     .fallback = "0",
     .min = 0,
     .max = HUGE_VAL,
     .help = "added to the end of the output; below the stride"},
    {.name = "dilation",
     .type = PARAM_SIZE,
     .fallback = "1",
     .min = 1,
     .help = "distance of the kernel's taps"},
    {.name = "groups",
     .type = PARAM_INT,
     .fallback = "1",
     .min = 1,
     .max = 1e9,
     .help = "channels and filters are split into that many separate layers"},
    CONV_WEIGHT_ARGUMENTS("(channels, filters/groups, kernel...)"),
};

/* The arguments that decide the extents, for each axis. */
typedef struct Extents {
    const Size *kernel, *stride, *dilation, *output_padding;
    const Padding *padding;
} Extents;

/* Before anything is cut off: (n-1)*stride + dilation*(kernel-1) + 1 + output_padding; -1 on overflow. */
static int64_t uncut_extent(const Extents *e, int i, int64_t n) {
    int64_t span = extent_add(extent_multiply(e->dilation->dim[i], e->kernel->dim[i] - 1), 1);
    int64_t reach = extent_multiply(n - 1, e->stride->dim[i]);
    return extent_add(extent_add(reach, span), e->output_padding->dim[i]);
}

static int64_t cut_of(const Extents *e, int i) {
    int at = e->padding->rank == 1 ? 0 : i;
    return e->padding->kind == PADDING_EXPLICIT ? extent_add(e->padding->begin[at], e->padding->end[at]) : 0;
}

/* -1 on overflow, below 1 where nothing is left. */
static int64_t output_extent(const Extents *e, int i, int64_t n) {
    if (e->padding->kind == PADDING_SAME) return extent_multiply(n, e->stride->dim[i]);
    int64_t uncut = uncut_extent(e, i, n), cut = cut_of(e, i);
    return uncut < 0 || cut < 0 ? -1 : uncut - cut;
}

/* output_padding chooses among the outputs that the convolution would bring to the same input. */
static bool output_padding_fits(ShapeCall *call, const Extents *e) {
    Arena *arena = call->cx->arena;
    for (int i = 0; i < e->output_padding->rank; i++) {
        int64_t wanted = e->output_padding->dim[i];
        if (wanted && e->padding->kind == PADDING_SAME) {
            diag(call->cx->diag, shape_span(call, "output_padding"), E_OUTPUT_PADDING_SAME);
            diag_help(call->cx->diag, "padding=same makes the output as long as the input times the stride");
            return false;
        }
        if (wanted < e->stride->dim[i]) continue;
        diag(call->cx->diag, shape_span(call, "output_padding"), E_OUTPUT_PADDING,
             size_text(arena, e->output_padding), size_text(arena, e->stride));
        Size most = *e->stride;
        for (int k = 0; k < most.rank; k++) most.dim[k]--;
        diag_help(call->cx->diag, "%s at most", size_text(arena, &most));
        return false;
    }
    return true;
}

static bool output_shape(ShapeCall *call, const Extents *e) {
    call->output = *shape_input(call, 0);
    for (int i = 0; i < shape_spatial(&call->output); i++) {
        int64_t n = call->output.dim[i], uncut = uncut_extent(e, i, n), cut = cut_of(e, i);
        call->output.dim[i] = output_extent(e, i, n);
        if (uncut >= 0 && cut >= uncut) {
            diag(call->cx->diag, shape_span(call, "padding"), E_TRANSPOSE_EMPTY, (long long)cut,
                 (long long)uncut);
            shape_note_origin(call, 0);
            return false;
        }
    }
    call->output.dim[shape_spatial(&call->output)] = shape_attr(call, "filters")->integer;
    if (shape_elements(&call->output) > 0) return true;
    diag(call->cx->diag, call->span, E_SIZE_TOO_LARGE, "output of this layer");
    return false;
}

static bool transpose_shape(ShapeCall *call) {
    static const char *const sizes[] = {"kernel", "stride", "dilation", "output_padding"};
    if (!shape_call_rank(call, 2, 1 + SPATIAL_MAX)) return false;
    for (int i = 0; i < COUNT(sizes); i++)
        if (!shape_size_rank(call, sizes[i])) return false;
    if (!shape_padding_rank(call, "padding")) return false;
    int64_t channels = shape_channels(shape_input(call, 0)), filters = shape_attr(call, "filters")->integer;
    int64_t groups = shape_attr(call, "groups")->integer;
    const Extents e = {&shape_attr(call, "kernel")->size, &shape_attr(call, "stride")->size,
                       &shape_attr(call, "dilation")->size, &shape_attr(call, "output_padding")->size,
                       &shape_attr(call, "padding")->padding};
    if (!conv_groups_divide(call, channels, filters, groups) || !output_padding_fits(call, &e) ||
        !output_shape(call, &e))
        return false;
    Shape weight = {
        .rank = 2 + e.kernel->rank, .dim = {channels, filters / groups}
    };
    for (int i = 0; i < e.kernel->rank; i++) weight.dim[2 + i] = e.kernel->dim[i];
    return conv_add_parameters(call, &weight, filters);
}

static int64_t transpose_macs(const Graph *graph, const Node *node) {
    Shape places = graph_value(graph, node->inputs.items[0])->shape;
    places.dim[places.rank - 1] = 1;
    const Value *weight = graph_value(graph, node->inputs.items[1]);
    return extent_multiply(shape_elements(&places), shape_elements(&weight->shape));
}

/* The layer's output for an input of that shape. */
static Shape output_of(const Node *node, const Shape *x) {
    const Extents e = {node_size(node, "kernel"), node_size(node, "stride"), node_size(node, "dilation"),
                       node_size(node, "output_padding"), node_padding(node, "padding")};
    Shape y = *x;
    for (int i = 0; i < shape_spatial(x); i++) y.dim[i] = output_extent(&e, i, x->dim[i]);
    y.dim[shape_spatial(x)] = node_int(node, "filters");
    return y;
}

/* The convolution's gradient to the input, then the bias. The gradient's kernels read the weights transposed,
 * or, of a layer with a filter a channel, as they are; the weights themselves are an operand for the gradient
 * rule. */
static ValueId transpose_lower(Graph *graph, const Node *node, const ValueId *inputs, bool training) {
    (void)training;
    ValueId x = inputs[0], w = inputs[1], read = w;
    Shape x_shape = graph_value(graph, x)->shape, y_shape = output_of(node, &x_shape);
    Shape w_shape = graph_value(graph, w)->shape;
    if (!conv_geometry(node, &y_shape, &x_shape).depthwise) {
        NodeId pack = graph_add_node(graph, op_find("conv_transpose_weights"), node->attrs, &w, 1,
                                     node->layer, node->span);
        read = graph_add_output(graph, pack, ROLE_PACKED, w_shape);
    }
    NodeId apply = graph_add_node(graph, op_find("conv_transpose_apply"), node->attrs,
                                  (ValueId[]){x, read, w}, 3, node->layer, node->span);
    ValueId y = graph_add_output(graph, apply, ROLE_ACTIVATION, y_shape);
    if (!node_bool(node, "bias")) return y;
    NodeId add = graph_add_node(graph, op_find("add_bias"), NULL, (ValueId[]){y, inputs[2]}, 2, node->layer,
                                node->span);
    return graph_add_output(graph, add, ROLE_ACTIVATION, y_shape);
}

/* The weight lies as the convolution's does, whose filters are this layer's channels. */
static void place_weight(const Machine *machine, const Graph *graph, const Node *node, ValueId w) {
    const Value *weight = graph_value(graph, w);
    const Shape *shape = &weight->shape;
    int64_t groups = node_int(node, "groups");
    ConvGeometry g = {.spatial = shape->rank - 2,
                      .filters = shape->dim[0],
                      .channels = shape->dim[1] * groups,
                      .groups = groups,
                      .group_channels = shape->dim[1],
                      .group_filters = shape->dim[0] / groups,
                      .taps = 1,
                      .flip = node_bool(node, "flip")};
    g.depthwise = g.groups == g.channels && g.filters == g.channels && g.channels > 1;
    for (int i = g.spatial - 1; i >= 0; i--) {
        g.axis[i].kernel = shape->dim[2 + i];
        g.tap_stride[i] = g.taps;
        g.taps *= g.axis[i].kernel;
    }
    weight->parameter->storage = conv_weight_storage(machine, &g);
}

static void weights_storage(const Machine *machine, const Graph *graph, const Node *node) {
    place_weight(machine, graph, node, node->inputs.items[0]);
    transpose_weights_storage(machine, graph, node);
}

static void apply_storage(const Machine *machine, const Graph *graph, const Node *node) {
    place_weight(machine, graph, node, node->inputs.items[2]);
}

/* The arguments of the convolution that leads back, without a bias. */
static const Attr *conv_attrs(const Graph *graph, const Node *node) {
    const Op *conv = op_find("conv");
    int64_t filters = shape_channels(&graph_value(graph, node->inputs.items[0])->shape);
    Attr *attrs = ARENA_ARRAY(graph->arena, Attr, (size_t)conv->param_count);
    for (int i = 0; i < conv->param_count; i++) {
        const char *name = conv->params[i].name;
        attrs[i] = *attr_find(node->op, node->attrs, name);
        if (!strcmp(name, "filters")) attrs[i] = attr_int(filters);
        if (!strcmp(name, "bias")) attrs[i] = attr_bool(false);
    }
    return attrs;
}

static void apply_gradient(Backward *b, const Node *node) {
    Graph *graph = backward_graph(b);
    ValueId x = node->inputs.items[0], w = node->inputs.items[2], dy = backward_of_output(b, node, 0);
    const Attr *attrs = conv_attrs(graph, node);
    Shape shape = graph_value(graph, x)->shape;
    if (backward_wants(b, w)) backward_accumulate(b, "conv_weight_grad", attrs, (ValueId[]){dy, x}, 2, w);
    if (backward_wants(b, x))
        backward_contribute(b, x,
                            backward_append(b, "conv", attrs, (ValueId[]){dy, w}, 2, ROLE_ACTIVATION, shape));
}

const Op op_conv_transpose = {
    .name = "conv_transpose",
    .kind = OPK_LAYER,
    .summary =
        "transposed convolution: the gradient of conv with respect to its input, which makes images larger",
    .formula =
        "y[i*stride + r*dilation - begin, j*stride + s*dilation - begin, k] = b[k] + sum of x[i,j,c] * "
        "w[c,k,r,s] over every i,j,r,s that lead there and over c",
    .example = "conv_transpose(32, 4, stride=2, padding=1, activation=relu)",
    .gives = "each spatial axis has (n - 1)*stride - begin - end + dilation*(kernel - 1) + output_padding + "
             "1 places, n*stride with padding=same; filters channels",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = transpose_shape,
    .macs = transpose_macs,
    .lower = transpose_lower,
};

const Op op_conv_transpose_weights = {
    .name = "conv_transpose_weights",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_PARAMETER,
    .summary = "weights of conv_transpose in the order in which it reads them",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .storage = weights_storage,
    .kernels = KERNELS(&transpose_weights_kernel),
};

const Op op_conv_transpose_apply = {
    .name = "conv_transpose_apply",
    .kind = OPK_INTERNAL,
    .summary = "conv_transpose without its bias",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 3,
    .max_inputs = 3,
    .storage = apply_storage,
    .macs = node_layer_macs,
    .gradient = apply_gradient,
    .kernels = conv_input_grad_kernels,
};
