/* Elementwise nodes, and the epilogues that other kernels apply to their results. */
#include "emit/kernel_code.h"

/* The operand at the position: a register of elements, or of channels for a per-channel vector. */
static LLVMValueRef operand_load(KernelCode *code, int input, const Position *position, Lanes lanes) {
    const Value *value = code_input(code, input);
    return code_load(code, code_position(code, value, code->inputs[input], position), lanes);
}

LLVMValueRef code_epilogue(KernelCode *code, LLVMValueRef result, const Position *position, Lanes lanes) {
    for (int i = 0; i < code->node->epilogue.count; i++) {
        const EpilogueStep *step = &code->node->epilogue.items[i];
        LLVMValueRef operands[COUNT(step->inputs)];
        for (int k = 0; k < step->input_count; k++)
            operands[k] = step->inputs[k] < 0 ? result : operand_load(code, step->inputs[k], position, lanes);
        result = step->op->map(code, step->op, step->attrs, operands);
    }
    return result;
}

void code_store_result(KernelCode *code, LLVMValueRef result, const Position *position, Lanes lanes) {
    const Value *output = code_output(code, 0);
    code_store(code, result, code_position(code, output, code->outputs[0], position), lanes);
}

void code_finish(KernelCode *code, LLVMValueRef result, const Position *position, Lanes lanes) {
    code_store_result(code, code_epilogue(code, result, position, lanes), position, lanes);
}

enum { MAX_OPERANDS = 64 };

static void map_position(KernelCode *code, const Position *position, Lanes lanes, void *user) {
    const int *own_inputs = user;
    LLVMValueRef operands[MAX_OPERANDS];
    for (int i = 0; i < *own_inputs; i++) operands[i] = operand_load(code, i, position, lanes);
    const Node *node = code->node;
    code_finish(code, node->op->map(code, node->op, node->attrs, operands), position, lanes);
}

/* Inputs that are the operator's own come first; the epilogue's stand behind them. */
static int own_input_count(const Node *node) {
    int count = node->inputs.count;
    for (int i = 0; i < node->epilogue.count; i++)
        for (int k = 0; k < node->epilogue.items[i].input_count; k++)
            if (node->epilogue.items[i].inputs[k] >= 0) count--;
    return count;
}

static void elementwise_emit(KernelCode *code) {
    int own_inputs = own_input_count(code->node);
    if (own_inputs > MAX_OPERANDS) internal_error("%d operands of %s", own_inputs, code->node->op->name);
    loop_positions(code, &code_output(code, 0)->shape, map_position, &own_inputs);
}

const Kernel elementwise_kernels[] = {
    {.name = "vector", .emit = elementwise_emit, .epilogue = true, .in_place = true},
};
