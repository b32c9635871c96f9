/* add, subtract, multiply, maximum: several values of one shape, element by element; all but maximum also
 * spread a (channels) vector over space and take one number. Lowered to nodes of two operands, the larger one
 * first; a node with a `number` has one input, and `number_position` says on which side of it the number
 * stands. */
#include "emit/signature.h"
#include "graph/shape_call.h"
#include "ops/parts/attrs.h"
#include "ops/parts/elementwise_op.h"

#include <math.h>

static const Param merge_params[] = {
    {.name = "number",
     .type = PARAM_SCALAR,
     .fallback = "none",
     .help = "a number among the operands",
     .keyword_only = true},
    {.name = "number_position",
     .type = PARAM_INT,
     .fallback = "0",
     .min = 0,
     .max = HUGE_VAL,
     .help = "where it stands among them",
     .keyword_only = true},
};

static bool is_vector_of(const Shape *vector, const Shape *base) {
    return vector->rank == 1 && base->rank > 1 && vector->dim[0] == shape_channels(base);
}

static bool report_shapes(ShapeCall *call, int first, int second) {
    Arena *arena = call->cx->arena;
    const Shape *a = shape_input(call, first), *b = shape_input(call, second);
    diag(call->cx->diag, call->span, E_MERGE_SHAPES, call->op->name, shape_text(arena, a),
         shape_text(arena, b));
    shape_note_origin(call, first);
    shape_note_origin(call, second);
    Shape widened = *b;
    widened.dim[b->rank - 1] = shape_channels(a);
    if (a->rank > 1 && shape_equal(a, &widened))
        diag_help(call->cx->diag, "conv(%lld, 1) on the second would make the channels equal",
                  (long long)shape_channels(a));
    else if (a->rank != b->rank && (a->rank == 1 || b->rank == 1) && shape_attr(call, "number"))
        diag_help(call->cx->diag, "a vector of %lld would be spread over space",
                  (long long)shape_channels(a->rank == 1 ? b : a));
    return false;
}

static bool merge_shape(ShapeCall *call) {
    const Attr *number = shape_attr(call, "number");
    int base = 0;
    for (int i = 1; i < call->input_count; i++)
        if (shape_input(call, i)->rank > shape_input(call, base)->rank) base = i;
    call->output = *shape_input(call, base);
    for (int i = 0; i < call->input_count; i++) {
        const Shape *shape = shape_input(call, i);
        if (shape_equal(shape, &call->output) || (number && is_vector_of(shape, &call->output))) continue;
        return i < base ? report_shapes(call, i, base) : report_shapes(call, base, i);
    }
    return true;
}

static ValueId append(Graph *graph, const Node *layer, const char *name, const Attr *attrs,
                      const ValueId *inputs, int count) {
    Shape shape = graph_value(graph, inputs[0])->shape;
    NodeId node = graph_add_node(graph, op_find(name), attrs, inputs, count, layer->layer, layer->span);
    return graph_add_output(graph, node, ROLE_ACTIVATION, shape);
}

static ValueId append_with_number(Graph *graph, const Node *layer, ValueId value, double number,
                                  int position) {
    const Attr attrs[] = {attr_real(number), attr_int(position)};
    return append(graph, layer, layer->op->name, attrs_keep(graph, attrs, COUNT(attrs)), &value, 1);
}

static ValueId append_pair(Graph *graph, const Node *layer, ValueId a, ValueId b) {
    const char *name = layer->op->name;
    if (graph_value(graph, a)->shape.rank >= graph_value(graph, b)->shape.rank)
        return append(graph, layer, name, NULL, (ValueId[]){a, b}, 2);
    if (!strcmp(name, "subtract")) name = "subtract_from";
    return append(graph, layer, name, NULL, (ValueId[]){b, a}, 2);
}

/* From left to right, as written: subtract(a, b, c) is (a - b) - c. */
static ValueId merge_lower(Graph *graph, const Node *node, const ValueId *inputs, bool training) {
    (void)training;
    bool has_number = node->op->param_count && attr_find(node->op, node->attrs, "number")->kind != ATTR_NONE;
    double number = has_number ? node_real(node, "number") : 0;
    int position = has_number ? (int)node_int(node, "number_position") : -1, next = 0;
    ValueId result =
        position == 0 ? append_with_number(graph, node, inputs[next++], number, 0) : inputs[next++];
    for (int operand = position == 0 ? 2 : 1; next < node->inputs.count || operand == position; operand++)
        result = operand == position ? append_with_number(graph, node, result, number, 1)
                                     : append_pair(graph, node, result, inputs[next++]);
    return result;
}

typedef LLVMValueRef (*Combine)(KernelCode *code, LLVMValueRef a, LLVMValueRef b);

static LLVMValueRef combine(KernelCode *code, const Op *op, const Attr *attrs, const LLVMValueRef *in,
                            Combine rule) {
    const Attr *number = attr_find(op, attrs, "number");
    if (number->kind == ATTR_NONE) return rule(code, in[0], in[1]);
    LLVMValueRef constant = code_constant_like(code, number->real, in[0]);
    bool first = attr_find(op, attrs, "number_position")->integer == 0;
    return first ? rule(code, constant, in[0]) : rule(code, in[0], constant);
}

MAP(map_add) {
    return combine(code, op, attrs, in, code_fadd);
}
MAP(map_subtract) {
    return combine(code, op, attrs, in, code_fsub);
}
MAP(map_multiply) {
    return combine(code, op, attrs, in, code_fmul);
}

MAP(map_subtract_from) {
    (void)op, (void)attrs;
    return code_fsub(code, in[1], in[0]);
}

/* Adds a gradient of the output's shape to an input's, summed over space where the input was spread. */
static void contribute(Backward *b, const Node *node, int input, ValueId gradient) {
    const Graph *graph = backward_graph(b);
    ValueId value = node->inputs.items[input];
    Shape shape = graph_value(graph, value)->shape;
    if (shape.rank < graph_value(graph, node->outputs.items[0])->shape.rank)
        gradient = backward_append(b, "sum_positions", NULL, &gradient, 1, ROLE_ACTIVATION, shape);
    backward_contribute(b, value, gradient);
}

static ValueId scaled(Backward *b, ValueId dy, double factor) {
    const Attr attrs[] = {attr_real(factor), attr_int(1)};
    Graph *graph = backward_graph(b);
    Shape shape = graph_value(graph, dy)->shape;
    return backward_append(b, "multiply", attrs_keep(graph, attrs, COUNT(attrs)), &dy, 1, ROLE_ACTIVATION,
                           shape);
}

/* Sums of the form s0*a + s1*b with signs. */
static void sum_gradient(Backward *b, const Node *node, double first, double second) {
    ValueId dy = backward_of_output(b, node, 0);
    double signs[] = {first, second};
    for (int i = 0; dy >= 0 && i < node_operands(node); i++) {
        if (!backward_wants(b, node->inputs.items[i])) continue;
        contribute(b, node, i, signs[i] > 0 ? dy : scaled(b, dy, -1));
    }
}

static void add_gradient(Backward *b, const Node *node) {
    sum_gradient(b, node, 1, 1);
}

static void subtract_gradient(Backward *b, const Node *node) {
    bool from_number = node_operands(node) == 1 && node_int(node, "number_position") == 0;
    sum_gradient(b, node, from_number ? -1 : 1, -1);
}

static void subtract_from_gradient(Backward *b, const Node *node) {
    sum_gradient(b, node, -1, 1);
}

static void multiply_gradient(Backward *b, const Node *node) {
    ValueId dy = backward_of_output(b, node, 0);
    if (dy < 0) return;
    if (node_operands(node) == 1) {
        if (backward_wants(b, node->inputs.items[0]))
            contribute(b, node, 0, scaled(b, dy, node_real(node, "number")));
        return;
    }
    Shape shape = graph_value(backward_graph(b), dy)->shape;
    for (int i = 0; i < 2; i++) {
        if (!backward_wants(b, node->inputs.items[i])) continue;
        ValueId operands[] = {dy, node->inputs.items[1 - i]};
        contribute(b, node, i, backward_append(b, "multiply", NULL, operands, 2, ROLE_ACTIVATION, shape));
    }
}

#define MERGE_ROW                                                                                            \
    .kind = OPK_LAYER, .params = merge_params, .param_count = COUNT(merge_params), .min_inputs = 1,          \
    .max_inputs = -1, .merge = true, .shape = merge_shape, .lower = merge_lower, ELEMENTWISE_ROW

const Op op_add = {
    .name = "add",
    MERGE_ROW,
    .summary = "sum of values, of (channels) vectors spread over space, and of a number",
    .formula = "y = a + b + ...",
    .example = "add(main, skip)",
    .gives = "that of the values, the same for all; a (channels) vector and a number are spread over space",
    .map = map_add,
    .gradient = add_gradient,
};

const Op op_subtract = {
    .name = "subtract",
    MERGE_ROW,
    .summary = "the first value less the others",
    .formula = "y = a - b - ...",
    .example = "subtract(a, b)",
    .gives = "that of the values, the same for all; a (channels) vector and a number are spread over space",
    .map = map_subtract,
    .gradient = subtract_gradient,
};

const Op op_multiply = {
    .name = "multiply",
    MERGE_ROW,
    .summary = "product of values, of (channels) vectors spread over space, and of a number",
    .formula = "y = a * b * ...",
    .example = "multiply(features, weights)",
    .gives = "that of the values, the same for all; a (channels) vector and a number are spread over space",
    .map = map_multiply,
    .gradient = multiply_gradient,
};

const Op op_subtract_from = {
    .name = "subtract_from",
    .kind = OPK_INTERNAL,
    .min_inputs = 2,
    .max_inputs = 2,
    ELEMENTWISE_ROW,
    .summary = "the second value less the first, where the second is spread over space",
    .formula = "y = b - a",
    .map = map_subtract_from,
    .gradient = subtract_from_gradient,
};

/* The first of equal ones wins; NaN on either side comes through. */
MAP(map_maximum) {
    (void)op, (void)attrs;
    LLVMValueRef second = code_compare(code, LLVMRealOLT, in[0], in[1]);
    code_fold_signature(code, second);
    LLVMValueRef second_is_nan = code_compare(code, LLVMRealUNO, in[1], in[1]);
    return code_select(code, LLVMBuildOr(code->emit->builder, second, second_is_nan, ""), in[1], in[0]);
}

static const Param maximum_grad_params[] = {
    {.name = "second",
     .type = PARAM_BOOL,
     .fallback = "false",
     .help = "the second operand's gradient, not the first's"},
};

MAP(map_maximum_grad) {
    LLVMValueRef wins = code_compare(code, LLVMRealOLT, in[1], in[2]),
                 zero = code_constant_like(code, 0, in[0]);
    bool second = attr_find(op, attrs, "second")->boolean;
    return second ? code_select(code, wins, in[0], zero) : code_select(code, wins, zero, in[0]);
}

static void maximum_gradient(Backward *b, const Node *node) {
    ValueId dy = backward_of_output(b, node, 0);
    if (dy < 0) return;
    Graph *graph = backward_graph(b);
    Shape shape = graph_value(graph, dy)->shape;
    for (int i = 0; i < 2; i++) {
        if (!backward_wants(b, node->inputs.items[i])) continue;
        const Attr second = attr_bool(i == 1);
        ValueId operands[] = {dy, node->inputs.items[0], node->inputs.items[1]};
        backward_contribute(b, node->inputs.items[i],
                            backward_append(b, "maximum_grad", attrs_keep(graph, &second, 1), operands, 3,
                                            ROLE_ACTIVATION, shape));
    }
}

const Op op_maximum = {
    .name = "maximum",
    .kind = OPK_LAYER,
    .min_inputs = 2,
    .max_inputs = -1,
    .merge = true,
    .shape = merge_shape,
    .lower = merge_lower,
    ELEMENTWISE_ROW,
    .summary = "the largest of the values, element by element",
    .formula = "y = max(a, b, ...)",
    .example = "maximum(a, b)",
    .gives = "that of the values, the same for all",
    .map = map_maximum,
    .gradient = maximum_gradient,
};

const Op op_maximum_grad = {
    .name = "maximum_grad",
    .kind = OPK_INTERNAL,
    .min_inputs = 3,
    .max_inputs = 3,
    ELEMENTWISE_ROW,
    .summary = "gradient of one operand of maximum; the first operand wins a tie",
    .formula = "da = dy if a >= b else 0, db = dy if a < b else 0",
    .params = maximum_grad_params,
    .param_count = COUNT(maximum_grad_params),
    .map = map_maximum_grad,
};
