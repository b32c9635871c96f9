/* dense: every unit sees every input. y[n,u] = b[u] + sum over i of x[n,i] * w[u,i] */
#include "graph/backward.h"
#include "graph/shape_call.h"
#include "ops/dense/dense_kernels.h"

static const Param params[] = {
    {.name = "units", .type = PARAM_INT, .min = 1, .max = 1e9, .help = "number of outputs"},
    {.name = "bias", .type = PARAM_BOOL, .fallback = "true", .help = "add a trained number a unit"},
    {.name = "activation", .type = PARAM_WORD, .fallback = "none", .help = "applied to the result"},
    {.name = "init", .type = PARAM_INIT, .fallback = "glorot_uniform", .help = "how the weights start"},
    {.name = "bias_init", .type = PARAM_INIT, .fallback = "zeros", .help = "how the bias starts"},
    {.name = "trainable", .type = PARAM_BOOL, .fallback = "true", .help = "false: they stay as they start"},
    {.name = "weights", .type = PARAM_TENSOR, .fallback = "none", .help = "fixed weights, (units, inputs)"},
};

static bool dense_shape(ShapeCall *call) {
    const Shape *x = shape_input(call, 0);
    Arena *arena = call->cx->arena;
    if (x->rank != 1) {
        diag(call->cx->diag, call->span, E_DENSE_INPUT, shape_text(arena, x));
        shape_note_origin(call, 0);
        diag_help(call->cx->diag, "flatten or global_avgpool before it makes a vector");
        return false;
    }
    int64_t units = shape_attr(call, "units")->integer, inputs = x->dim[0];
    call->output = (Shape){.rank = 1, .dim = {units}};
    const Attr *given = shape_attr(call, "weights"), *trainable = shape_attr(call, "trainable");
    bool fixed = given->kind == ATTR_TENSOR;
    ParameterInfo weight = {
        .name = "weight",
        .shape = {.rank = 2, .dim = {units, inputs}},
        .init = shape_attr(call, "init")->init,
        .fan_in = inputs,
        .fan_out = units,
        .decay = true,
        .trainable = fixed ? trainable->given && trainable->boolean : trainable->boolean
    };
    if (shape_elements(&weight.shape) < 0) {
        diag(call->cx->diag, call->span, E_SIZE_TOO_LARGE, "weight of this layer");
        return false;
    }
    if (fixed) {
        if (!shape_equal(&given->tensor.shape, &weight.shape)) {
            diag(call->cx->diag, shape_span(call, "weights"), E_DENSE_WEIGHTS,
                 shape_text(arena, &given->tensor.shape), shape_text(arena, &weight.shape));
            shape_note_origin(call, 0);
            return false;
        }
        weight.init.kind = INIT_VALUES;
        weight.values = given->tensor.values;
    }
    shape_add_parameter(call, weight);
    if (shape_attr(call, "bias")->boolean)
        shape_add_parameter(call, (ParameterInfo){
                                      .name = "bias",
                                      .shape = {.rank = 1, .dim = {units}},
                                      .init = shape_attr(call, "bias_init")->init,
                                      .fan_in = inputs,
                                      .fan_out = units,
                                      .trainable = weight.trainable
        });
    return true;
}

static int64_t dense_macs(const Graph *graph, const Node *node) {
    return shape_elements(&graph_value(graph, node->inputs.items[1])->shape);
}

static void dense_storage(const Machine *machine, const Graph *graph, const Node *node) {
    ParameterInfo *weight = graph_value(graph, node->inputs.items[1])->parameter;
    Panels panels = panels_plan(machine, 1, weight->shape.dim[0], weight->shape.dim[1]);
    weight->storage = panels_storage(&panels, &weight->shape, (int64_t[]){0, 1});
}

static void dense_gradient(Backward *b, const Node *node) {
    Graph *graph = backward_graph(b);
    ValueId x = node->inputs.items[0], w = node->inputs.items[1], dy = backward_of_output(b, node, 0);
    ValueId bias = dense_has_bias(node) ? node->inputs.items[2] : -1;
    Shape x_shape = graph_value(graph, x)->shape, w_shape = graph_value(graph, w)->shape;
    if (backward_wants(b, w)) backward_accumulate(b, "dense_weight_grad", NULL, (ValueId[]){x, dy}, 2, w);
    if (bias >= 0 && backward_wants(b, bias)) backward_accumulate(b, "bias_grad", NULL, &dy, 1, bias);
    if (!backward_wants(b, x)) return;
    ValueId wt = backward_append(b, "transpose_weights", NULL, &w, 1, ROLE_PACKED, w_shape);
    ValueId dx =
        backward_append(b, "dense_input_grad", NULL, (ValueId[]){dy, wt}, 2, ROLE_ACTIVATION, x_shape);
    backward_contribute(b, x, dx);
}

const Op op_dense = {
    .name = "dense",
    .kind = OPK_LAYER,
    .summary = "fully connected: every unit sees every input",
    .formula = "y[u] = b[u] + sum over i of x[i] * w[u,i]",
    .example = "dense(10, activation=softmax)",
    .gives = "(units), of a vector",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = dense_shape,
    .storage = dense_storage,
    .macs = dense_macs,
    .gradient = dense_gradient,
    .kernels = KERNELS(&dense_direct_forward, &dense_chains_forward, &dense_reference_forward),
};

const Op op_dense_input_grad = {
    .name = "dense_input_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of dense with respect to its input",
    .min_inputs = 2,
    .max_inputs = 2,
    .macs = node_layer_macs,
    .kernels = KERNELS(&dense_direct_input_grad, &dense_reference_input_grad),
};

const Op op_dense_weight_grad = {
    .name = "dense_weight_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of dense with respect to its weights, added to the accumulator",
    .min_inputs = 2,
    .max_inputs = 2,
    .macs = node_layer_macs,
    .kernels = KERNELS(&dense_direct_weight_grad, &dense_reference_weight_grad),
};
