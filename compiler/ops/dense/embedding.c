/* embedding: for each of a sequence's whole numbers its row of a table. A number outside the vocabulary,
 * which the runtime refuses in samples that an embedding reads, stands for the nearest row: nothing outside
 * the table is read or written. The numbers are floats, so the vocabulary ends where these stop being exact;
 * they have no gradient. */
#include "graph/backward.h"
#include "graph/shape_call.h"
#include "ops/parts/channel_rows.h"

#include <math.h>

enum { LARGEST_VOCABULARY = 1 << 24 };

static const Param params[] = {
    {.name = "vocabulary",
     .type = PARAM_INT,
     .min = 1,
     .max = LARGEST_VOCABULARY,
     .help = "rows of the table: numbers are from 0 to one below"                                   },
    {.name = "dim",        .type = PARAM_INT, .min = 1, .max = HUGE_VAL, .help = "channels of a row"},
};

static bool embedding_shape(ShapeCall *call) {
    if (!shape_call_rank(call, 1, 1)) return false;
    const Shape table = {
        .rank = 2, .dim = {shape_attr(call, "vocabulary")->integer, shape_attr(call, "dim")->integer}
    };
    call->output = (Shape){
        .rank = 2, .dim = {shape_channels(shape_input(call, 0)), table.dim[1]}
    };
    if (shape_elements(&table) < 0 || shape_elements(&call->output) < 0) {
        diag(call->cx->diag, shape_span(call, "dim"), E_SIZE_TOO_LARGE,
             shape_elements(&table) < 0 ? "table" : "result");
        return false;
    }
    shape_add_parameter(
        call,
        (ParameterInfo){
            .name = "weight", .shape = table, .init = {.kind = INIT_NORMAL, .value = 1},
                    .trainable = true
    });
    return true;
}

/* Limited as a float, which a number that is none passes as 0, so that the integer is one. */
static LLVMValueRef row_address(KernelCode *code, LLVMValueRef table, int number_input, int64_t vocabulary,
                                int64_t dim, const Position *position) {
    Position place = {.sample = position->sample, .channel = position->spatial[0]};
    LLVMValueRef number = load_operand(code, number_input, &place, (Lanes){1, 1});
    number = code_fmax(code, number, code_real(code, 0));
    number = code_fmin(code, number, code_real(code, (double)(vocabulary - 1)));
    LLVMValueRef row = LLVMBuildFPToUI(code->emit->builder, number, code->emit->i64, "");
    return code_at(code, table, code_mul_const(code, row, dim));
}

static void copy_lanes(KernelCode *code, const Position *position, Lanes lanes, void *user) {
    const LLVMValueRef *row = user;
    code_finish(code, code_load(code, code_at(code, *row, position->channel), lanes), position, lanes);
}

static void embedding_row(KernelCode *code, const Position *position, LLVMValueRef number, void *user) {
    (void)number, (void)user;
    const Shape *table = &code_input(code, 1)->shape;
    LLVMValueRef row = row_address(code, code->inputs[1], 0, table->dim[0], table->dim[1], position);
    loop_row_lanes(code, position, table->dim[1], copy_lanes, &row);
}

static void embedding_emit(KernelCode *code) {
    loop_all_rows(code, &code_output(code, 0)->shape, embedding_row, NULL);
}

static void add_lanes(KernelCode *code, const Position *position, Lanes lanes, void *user) {
    const LLVMValueRef *row = user;
    LLVMValueRef place = code_at(code, *row, position->channel), dy = load_operand(code, 0, position, lanes);
    code_store(code, code_fadd(code, code_load(code, place, lanes), dy), place, lanes);
}

static void grad_row(KernelCode *code, const Position *position, LLVMValueRef number, void *user) {
    (void)number, (void)user;
    const Shape *table = &code_output(code, 0)->shape;
    LLVMValueRef row = row_address(code, code->outputs[0], 1, table->dim[0], table->dim[1], position);
    loop_row_lanes(code, position, table->dim[1], add_lanes, &row);
}

static void grad_emit(KernelCode *code) {
    loop_all_rows(code, &code_input(code, 0)->shape, grad_row, NULL);
}

static void embedding_gradient(Backward *b, const Node *node) {
    const ValueId *in = node->inputs.items;
    ValueId dy = backward_of_output(b, node, 0);
    if (dy >= 0 && backward_wants(b, in[1]))
        backward_accumulate(b, "embedding_grad", NULL, (ValueId[]){dy, in[0]}, 2, in[1]);
}

/* A load and a store a register. */
static double rows_cost(const Machine *machine, const Graph *graph, const Node *node) {
    const Value *output = graph_value(graph, node->outputs.items[0]),
                *first = graph_value(graph, node->inputs.items[0]);
    const Shape *rows = output->role == ROLE_GRADIENT ? &first->shape : &output->shape;
    return (double)rows->dim[0] * (10 + 2 * ceil((double)rows->dim[1] / machine->vector_floats));
}

static const Kernel kernels[] = {
    {.name = "rows", .cost = rows_cost, .emit = embedding_emit, .epilogue = true},
};
static const Kernel grad_kernels[] = {
    {.name = "rows", .cost = rows_cost, .emit = grad_emit},
};

const Op op_embedding = {
    .name = "embedding",
    .indexes_rows = true,
    .kind = OPK_LAYER,
    .domain = DOMAIN_SAMPLE,
    .summary = "a trained row of numbers for each whole number of a sequence",
    .formula = "y[i, c] = weight[x[i], c]",
    .gives = "(length, dim), of a sequence of length numbers",
    .example = "embedding(1000, 16)",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = embedding_shape,
    .gradient = embedding_gradient,
    .kernels = kernels,
    .kernel_count = COUNT(kernels),
};

const Op op_embedding_grad = {
    .name = "embedding_grad",
    .kind = OPK_INTERNAL,
    .domain = DOMAIN_SAMPLE,
    .summary = "gradient of embedding's table",
    .formula = "dw[x[i], c] += dy[i, c]",
    .min_inputs = 2,
    .max_inputs = 2,
    .kernels = grad_kernels,
    .kernel_count = COUNT(grad_kernels),
};
