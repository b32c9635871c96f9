/* See elementwise_op.h. */
#include "ops/parts/elementwise_op.h"

static void gradient_from(Backward *b, const Node *node, const char *op, ValueId value) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Shape shape = graph_value(backward_graph(b), x)->shape;
    ValueId dx = backward_append(b, op, node->attrs, (ValueId[]){dy, value}, 2, ROLE_ACTIVATION, shape);
    backward_contribute(b, x, dx);
}

void gradient_from_input(Backward *b, const Node *node, const char *op) {
    gradient_from(b, node, op, node->inputs.items[0]);
}

void gradient_from_output(Backward *b, const Node *node, const char *op) {
    gradient_from(b, node, op, node->outputs.items[0]);
}

LLVMValueRef select_number(KernelCode *code, LLVMValueRef condition, LLVMValueRef a, double b) {
    return code_select(code, condition, a, code_constant_like(code, b, a));
}

LLVMValueRef is_above(KernelCode *code, LLVMValueRef x, double number) {
    return code_compare(code, LLVMRealOGT, x, code_constant_like(code, number, x));
}

LLVMValueRef is_below(KernelCode *code, LLVMValueRef x, double number) {
    return code_compare(code, LLVMRealOLT, x, code_constant_like(code, number, x));
}

LLVMValueRef times(KernelCode *code, LLVMValueRef x, double number) {
    return code_fmul(code, x, code_constant_like(code, number, x));
}

LLVMValueRef plus(KernelCode *code, LLVMValueRef x, double number) {
    return code_fadd(code, x, code_constant_like(code, number, x));
}

LLVMValueRef limit(KernelCode *code, LLVMValueRef x, double low, double high) {
    x = code_fmax(code, code_constant_like(code, low, x), x);
    return code_fmin(code, code_constant_like(code, high, x), x);
}
