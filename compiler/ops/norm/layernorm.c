/* layernorm: over the channels of each position, y = (x - mean) / sqrt(variance + epsilon) * weight + bias,
 * with the biased variance. Lowered to normalize_rows, which in training also keeps every position's inverse
 * deviation, and scale. The mean is taken off twice, the second time what rounding left of it, so that large
 * means cost no accuracy. dx = inverse * (dy - mean(dy) - y*mean(dy*y)), of the normalised y. */
#include "emit/vector_math.h"
#include "graph/backward.h"
#include "graph/shape_call.h"
#include "ops/parts/attrs.h"
#include "ops/parts/channel_rows.h"

#include <math.h>

static const Param params[] = {
    {.name = "epsilon",
     .type = PARAM_REAL,
     .fallback = "1e-5",
     .help = "added to the variance",
     .min = 0,
     .max = HUGE_VAL,
     .above = true},
};

static bool layernorm_shape(ShapeCall *call) {
    if (!shape_call_rank(call, 1, 1 + SPATIAL_MAX)) return false;
    call->output = *shape_input(call, 0);
    const Shape vector = {.rank = 1, .dim = {shape_channels(&call->output)}};
    shape_add_parameter(
        call,
        (ParameterInfo){.name = "weight", .shape = vector, .init = {.kind = INIT_ONES}, .trainable = true});
    shape_add_parameter(call, (ParameterInfo){.name = "bias", .shape = vector, .trainable = true});
    return true;
}

static ValueId layernorm_lower(Graph *graph, const Node *node, const ValueId *inputs, bool training) {
    Shape shape = graph_value(graph, inputs[0])->shape, row = shape;
    row.dim[row.rank - 1] = 1;
    NodeId rows =
        graph_add_node(graph, op_find("normalize_rows"), node->attrs, inputs, 1, node->layer, node->span);
    ValueId operands[] = {graph_add_output(graph, rows, ROLE_ACTIVATION, shape), inputs[1], inputs[2]};
    if (training) graph_add_output(graph, rows, ROLE_ACTIVATION, row);
    const Attr attrs[] = {
        attr_bool(true), {.kind = ATTR_INIT, .init = {.kind = INIT_ONES}}
    };
    NodeId scale = graph_add_node(graph, op_find("scale"), attrs_keep(graph, attrs, COUNT(attrs)), operands,
                                  COUNT(operands), node->layer, node->span);
    return graph_add_output(graph, scale, ROLE_ACTIVATION, shape);
}

const Op op_layernorm = {
    .name = "layernorm",
    .kind = OPK_LAYER,
    .summary = "normalises the channels of each position",
    .formula = "y = (x - mean) / sqrt(variance + epsilon) * weight[c] + bias[c], mean and variance over c",
    .gives = "that of the input",
    .example = "dense(64) -> layernorm -> gelu",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = layernorm_shape,
    .lower = layernorm_lower,
};

typedef struct NormWork {
    const Shape *shape;
    LLVMValueRef guess, rest; /* scalars: the mean as first summed, and what is left of it */
    LLVMValueRef inverse;
    LLVMValueRef mean_dy, mean_product;
} NormWork;

static LLVMValueRef divided(KernelCode *code, LLVMValueRef sum, const NormWork *work) {
    return code_fmul(code, sum, code_real(code, 1.0 / (double)shape_channels(work->shape)));
}

static LLVMValueRef centred(KernelCode *code, const Position *position, Register reg, const NormWork *work) {
    return code_fsub(code, load_operand(code, 0, position, reg), code_splat(code, work->guess, reg.width));
}

static void plain_term(KernelCode *code, const Position *position, Register reg, LLVMValueRef *terms,
                       void *user) {
    (void)user;
    terms[0] = load_operand(code, 0, position, reg);
}

static void centred_terms(KernelCode *code, const Position *position, Register reg, LLVMValueRef *terms,
                          void *user) {
    terms[0] = centred(code, position, reg, user);
    terms[1] = code_fmul(code, terms[0], terms[0]);
}

static void finish_register(KernelCode *code, const Position *position, Register reg, void *user) {
    const NormWork *work = user;
    LLVMValueRef d =
        code_fsub(code, centred(code, position, reg, work), code_splat(code, work->rest, reg.width));
    code_finish(code, code_fmul(code, d, code_splat(code, work->inverse, reg.width)), position, reg);
}

static void normalize_row(KernelCode *code, const Position *position, LLVMValueRef row, void *user) {
    (void)row;
    NormWork *work = user;
    int64_t channels = shape_channels(work->shape);
    LLVMValueRef sums[ROW_SUMS_MAX];
    row_sums(code, position, channels, 1, plain_term, work, sums);
    work->guess = divided(code, sums[0], work);
    row_sums(code, position, channels, 2, centred_terms, work, sums);
    work->rest = divided(code, sums[0], work);
    LLVMValueRef variance =
        code_fsub(code, divided(code, sums[1], work), code_fmul(code, work->rest, work->rest));
    variance =
        code_fmax(code, code_real(code, 0), variance); /* rounding; a value that is no number stays one */
    LLVMValueRef spread = code_fadd(code, variance, code_real(code, node_real(code->node, "epsilon")));
    work->inverse = code_fdiv(code, code_real(code, 1), math_sqrt(code, spread));
    loop_row_registers(code, position, channels, finish_register, work);
    if (code->node->outputs.count == 1) return;
    Position place = *position;
    place.channel = code_int(code, 0);
    code_store(code, work->inverse, code_position(code, code_output(code, 1), code->outputs[1], &place),
               (Register){1, 1});
}

static void normalize_emit(KernelCode *code) {
    NormWork work = {.shape = &code_output(code, 0)->shape};
    loop_all_rows(code, work.shape, normalize_row, &work);
}

static void grad_terms(KernelCode *code, const Position *position, Register reg, LLVMValueRef *terms,
                       void *user) {
    (void)user;
    terms[0] = load_operand(code, 0, position, reg);
    terms[1] = code_fmul(code, terms[0], load_operand(code, 1, position, reg));
}

static void grad_register(KernelCode *code, const Position *position, Register reg, void *user) {
    const NormWork *work = user;
    LLVMValueRef dy = load_operand(code, 0, position, reg), y = load_operand(code, 1, position, reg);
    LLVMValueRef rest = code_fsub(code, dy, code_splat(code, work->mean_dy, reg.width));
    rest = code_fsub(code, rest, code_fmul(code, y, code_splat(code, work->mean_product, reg.width)));
    code_finish(code, code_fmul(code, rest, code_splat(code, work->inverse, reg.width)), position, reg);
}

static void grad_row(KernelCode *code, const Position *position, LLVMValueRef row, void *user) {
    (void)row;
    NormWork *work = user;
    int64_t channels = shape_channels(work->shape);
    LLVMValueRef sums[ROW_SUMS_MAX];
    row_sums(code, position, channels, 2, grad_terms, work, sums);
    work->mean_dy = divided(code, sums[0], work);
    work->mean_product = divided(code, sums[1], work);
    Position place = *position;
    place.channel = code_int(code, 0);
    work->inverse = load_operand(code, 2, &place, (Register){1, 1});
    loop_row_registers(code, position, channels, grad_register, work);
}

static void grad_emit(KernelCode *code) {
    NormWork work = {.shape = &code_output(code, 0)->shape};
    loop_all_rows(code, work.shape, grad_row, &work);
}

static void normalize_gradient(Backward *b, const Node *node) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Shape shape = graph_value(backward_graph(b), x)->shape;
    ValueId operands[] = {dy, node->outputs.items[0], node->outputs.items[1]};
    backward_contribute(b, x,
                        backward_append(b, "normalize_rows_grad", NULL, operands, 3, ROLE_ACTIVATION, shape));
}

/* Three passes over a row, and some forty instructions for sums across a register, a division and a root. */
static double rows_cost(const KernelCall *call) {
    const Shape *shape = &graph_value(call->graph, call->node->outputs.items[0])->shape;
    double rows = (double)(shape_elements(shape) / shape_channels(shape));
    return rows * (40 + 6 * ceil((double)shape_channels(shape) / call->machine->vector_floats));
}

static const Kernel normalize_kernel = {.name = "rows",
                                        .elements = ELEMENT_F32,
                                        .cost = rows_cost,
                                        .emit = normalize_emit,
                                        .epilogue = true,
                                        .in_place = true};
static const Kernel grad_kernel = {.name = "rows",
                                   .elements = ELEMENT_F32,
                                   .cost = rows_cost,
                                   .emit = grad_emit,
                                   .epilogue = true,
                                   .in_place = true};

const Op op_normalize_rows = {
    .name = "normalize_rows",
    .kind = OPK_INTERNAL,
    .summary =
        "each position's channels less their mean, over their deviation; in training the inverse of that too",
    .formula = "y = (x - mean)*inverse, inverse = 1/sqrt(variance + epsilon)",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .gradient = normalize_gradient,
    .kernels = KERNELS(&normalize_kernel),
};

const Op op_normalize_rows_grad = {
    .name = "normalize_rows_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of normalize_rows from its outputs",
    .formula = "dx = inverse*(dy - mean of dy - y*mean of dy*y)",
    .min_inputs = 3,
    .max_inputs = 3,
    .kernels = KERNELS(&grad_kernel),
};
