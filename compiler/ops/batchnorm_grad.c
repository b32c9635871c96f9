/* The gradient of batch normalisation in training, through the batch's own statistics (Ioffe and Szegedy,
 * 2015): dx = weight*inverse * (dy - mean(dy) - xhat*mean(dy*xhat)), xhat = (x - mean)*inverse; dweight = sum
 * dy*xhat; dbias = sum dy. */
#include "ops/batchnorm.h"
#include "ops/elementwise_op.h"

void batchnorm_apply_gradient(Backward *b, const Node *node) {
    Graph *graph = backward_graph(b);
    ChannelInputs own = batchnorm_inputs(node->attrs, 3);
    const ValueId *in = node->inputs.items;
    ValueId x = in[0], mean = in[1], inverse = in[2], dy = backward_of_output(b, node, 0);
    if (dy < 0) return;
    Shape shape = graph_value(graph, x)->shape;
    int64_t channels = shape_channels(&shape);
    Shape vector = {.rank = 1, .dim = {channels}}, pair = {.rank = 1, .dim = {2 * channels}};
    ValueId sums =
        backward_append(b, "batchnorm_grad_sums", NULL, (ValueId[]){dy, x, mean}, 3, ROLE_LANE, pair);
    graph_value(graph, sums)->elements = 2 * channels;
    const Attr *attrs = statistics_attrs(graph->arena, node->attrs, &shape);
    ValueId mean_dy = backward_append(b, "batchnorm_grad_finish", attrs, (ValueId[]){sums, inverse}, 2,
                                      ROLE_SHARED, vector);
    graph_value(graph, mean_dy)->elements = channels;
    NodeId finish = backward_last(b);
    ValueId mean_product = add_channel_output(graph, finish, ROLE_SHARED, channels);
    ValueId bias_sum = add_channel_output(graph, finish, ROLE_SHARED, channels);
    ValueId weight_sum = add_channel_output(graph, finish, ROLE_SHARED, channels);
    if (own.bias >= 0) backward_accumulate(b, "add_to_gradient", NULL, &bias_sum, 1, in[own.bias]);
    if (own.weight >= 0) backward_accumulate(b, "add_to_gradient", NULL, &weight_sum, 1, in[own.weight]);
    if (!backward_wants(b, x)) return;
    ValueId operands[7] = {dy, x, mean, inverse, mean_dy, mean_product};
    int count = 6;
    if (own.weight >= 0) operands[count++] = in[own.weight];
    ValueId dx =
        backward_append(b, "batchnorm_grad_apply", node->attrs, operands, count, ROLE_ACTIVATION, shape);
    backward_contribute(b, x, dx);
}

MAP(map_grad_apply) {
    (void)op;
    LLVMValueRef dy = in[0], inverse = in[3];
    LLVMValueRef normal = code_fmul(code, code_fsub(code, in[1], in[2]), inverse);
    LLVMValueRef rest = code_fsub(code, code_fsub(code, dy, in[4]), code_fmul(code, normal, in[5]));
    int weight = batchnorm_inputs(attrs, 6).weight;
    return code_fmul(code, rest, weight >= 0 ? code_fmul(code, inverse, in[weight]) : inverse);
}

const Op op_batchnorm_grad_apply = {
    .name = "batchnorm_grad_apply",
    .kind = OPK_INTERNAL,
    .min_inputs = 6,
    .max_inputs = 7,
    ELEMENTWISE_ROW,
    .summary = "gradient of batchnorm's input",
    .formula = "dx = weight*inverse*(dy - mean_dy - xhat*mean_dy_xhat)",
    .params = batchnorm_params,
    .param_count = BATCHNORM_PARAMS,
    .map = map_grad_apply,
};

static void add_lanes(KernelCode *code, LLVMValueRef index, Lanes lanes, void *user) {
    (void)user;
    LLVMValueRef place = code_at(code, code->outputs[0], index);
    LLVMValueRef more = code_load(code, code_at(code, code->inputs[0], index), lanes);
    code_store(code, code_fadd(code, code_load(code, place, lanes), more), place, lanes);
}

static void add_emit(KernelCode *code) {
    loop_lanes(code, shape_elements(&code_input(code, 0)->shape), add_lanes, NULL);
}

static const Kernel add_kernels[] = {
    {.name = "vector", .emit = add_emit}
};

const Op op_add_to_gradient = {
    .name = "add_to_gradient",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_BATCH,
    .summary = "adds a vector that there is once a batch to a parameter's gradient, in lane 0",
    .formula = "gradient += x",
    .min_inputs = 1,
    .max_inputs = 1,
    .kernels = add_kernels,
    .kernel_count = COUNT(add_kernels),
};
