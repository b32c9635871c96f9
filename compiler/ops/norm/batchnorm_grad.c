/* The gradient of batch normalisation in training, through the batch's own statistics (Ioffe and Szegedy,
 * 2015): dx = weight*inverse * (dy - mean(dy) - xhat*mean(dy*xhat)), xhat = (x - mean)*inverse; dweight = sum
 * dy*xhat; dbias = sum dy. */
#include "ops/norm/batchnorm.h"
#include "ops/norm/batchnorm_windows.h"
#include "ops/parts/elementwise_op.h"

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

/* What a register of dx takes besides dy and x - mean: a value a channel. */
typedef struct GradVectors {
    LLVMValueRef inverse, mean_dy, mean_product, weight; /* weight: or NULL */
} GradVectors;

/* less: dy - mean_dy, the same for all places without a gradient. */
static LLVMValueRef input_grad(KernelCode *code, LLVMValueRef less, LLVMValueRef centred,
                               const GradVectors *v) {
    LLVMValueRef normal = code_fmul(code, centred, v->inverse);
    LLVMValueRef rest = code_fsub(code, less, code_fmul(code, normal, v->mean_product));
    return code_fmul(code, rest, batchnorm_factor(code, v->inverse, v->weight));
}

static void read_windows(const Graph *graph, Node *node, const Node *placing) {
    batchnorm_read_windows(graph, node, placing, "batchnorm_window_grad");
}

MAP(map_grad_apply) {
    (void)op;
    int weight = batchnorm_inputs(attrs, 6).weight;
    GradVectors vectors = {in[3], in[4], in[5], weight >= 0 ? in[weight] : NULL};
    return input_grad(code, code_fsub(code, in[0], in[4]), code_fsub(code, in[1], in[2]), &vectors);
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
    .read_windows = read_windows,
};

typedef struct WindowWork {
    Pool pool;
    Register reg;
    LLVMValueRef mean;
    GradVectors vectors;
    WindowPlaces places;
    LLVMValueRef shares[WINDOW_PLACES]; /* of dy, less mean_dy, of the window's places ... */
    LLVMValueRef nothing;               /* ... and of one that gets none */
} WindowWork;

static void load_vectors(KernelCode *code, WindowWork *work, const Position *position, Register reg) {
    bool scaled = node_bool(code->node, "scale");
    work->reg = reg;
    work->mean = code_load_input(code, 2, position, reg);
    work->vectors = (GradVectors){
        code_load_input(code, 3, position, reg), code_load_input(code, 4, position, reg),
        code_load_input(code, 5, position, reg), scaled ? code_load_input(code, 6, position, reg) : NULL};
    work->nothing = code_fsub(code, code_constant(code, 0, reg.width), work->vectors.mean_dy);
}

/* A place that no window takes. */
static void finish_beside(KernelCode *code, const WindowWork *work, const Position *position) {
    LLVMValueRef x = code_load_input(code, 1, position, work->reg);
    LLVMValueRef centred = code_fsub(code, x, work->mean);
    code_finish(code, input_grad(code, work->nothing, centred, &work->vectors), position, work->reg);
}

static void visit_place(KernelCode *code, const Position *position, LLVMValueRef tap, bool inside,
                        void *user) {
    const WindowWork *work = user;
    if (!inside) {
        finish_beside(code, work, position);
        return;
    }
    int64_t k = LLVMConstIntGetSExtValue(tap);
    code_finish(code, input_grad(code, work->shares[k], work->places.centred[k], &work->vectors), position,
                work->reg);
}

/* dy goes to the last place above those before it; to the first where there is none. */
static void share_gradient(KernelCode *code, WindowWork *work, LLVMValueRef dy) {
    LLVMValueRef left = code_fsub(code, dy, work->vectors.mean_dy);
    for (int k = work->places.count - 1; k > 0; k--) {
        LLVMValueRef wins = work->places.above[k];
        work->shares[k] = code_select(code, wins, left, work->nothing);
        left = code_select(code, wins, work->nothing, left);
    }
    work->shares[0] = left;
}

static void finish_window(KernelCode *code, const PoolTile *tile, Register reg, void *user) {
    WindowWork *work = user;
    load_vectors(code, work, &tile->window, reg);
    LLVMValueRef factor = batchnorm_factor(code, work->vectors.inverse, work->vectors.weight);
    work->places = batchnorm_window_places(code, &work->pool, &tile->window, work->mean, factor, reg);
    share_gradient(code, work, code_load_input(code, 0, &tile->window, reg));
    pool_each_tap(code, &work->pool, POOL_STEPPED, tile, visit_place, work);
}

static void finish_uncovered(KernelCode *code, const Position *position, Register reg, void *user) {
    WindowWork *work = user;
    load_vectors(code, work, position, reg);
    finish_beside(code, work, position);
}

static void windows_emit(KernelCode *code) {
    WindowWork work = {.pool = pool_read(code->node, &code_input(code, 1)->shape)};
    pool_each_window(code, &work.pool, POOL_STEPPED, finish_window, &work);
    pool_each_uncovered(code, &work.pool, finish_uncovered, &work);
}

static const Kernel windows_kernel = {
    .name = "vector", .elements = ELEMENT_F32, .emit = windows_emit, .epilogue = true};

const Op op_batchnorm_window_grad = {
    .name = "batchnorm_window_grad",
    .kind = OPK_INTERNAL,
    .summary =
        "gradient of batchnorm's input where dy is that of a maximum pool's windows, which their winners get",
    .formula = "dx = weight*inverse*((dy of the window where the place is its winner, else 0) - mean_dy - "
               "xhat*mean_dy_xhat)",
    .params = batchnorm_window_params,
    .param_count = BATCHNORM_WINDOW_PARAMS,
    .min_inputs = 6,
    .max_inputs = 8,
    .kernels = KERNELS(&windows_kernel),
};

static void add_register(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    (void)user;
    LLVMValueRef place = code_at(code, code->outputs[0], index);
    LLVMValueRef more = code_load(code, code_at(code, code->inputs[0], index), reg);
    code_store(code, code_fadd(code, code_load(code, place, reg), more), place, reg);
}

static void add_emit(KernelCode *code) {
    loop_registers(code, shape_elements(&code_input(code, 0)->shape), add_register, NULL);
}

static const Kernel add_kernel = {.name = "vector", .elements = ELEMENT_F32, .emit = add_emit};

const Op op_add_to_gradient = {
    .name = "add_to_gradient",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_BATCH,
    .summary = "adds a vector that there is once a batch to a parameter's gradient, in lane 0",
    .formula = "gradient += x",
    .min_inputs = 1,
    .max_inputs = 1,
    .kernels = KERNELS(&add_kernel),
};
