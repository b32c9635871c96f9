/* Elementwise nodes, and what other kernels do with their results: epilogues, and maxima of windows. */
#include "emit/kernel_code.h"

#include <math.h>

enum { AHEAD = 2048 /* elements; measured */ };

static LLVMValueRef operand_address(KernelCode *code, int input, const Position *position) {
    return code_position(code, code_input(code, input), code->inputs[input], position);
}

LLVMValueRef code_load_input(KernelCode *code, int input, const Position *position, Register reg) {
    return code_load(code, operand_address(code, input, position), reg);
}

LLVMValueRef code_load_far(KernelCode *code, int input, const Position *position, Register reg) {
    if (code_input(code, input)->region == REGION_BATCH)
        code_prefetch(code, code_at_const(code, operand_address(code, input, position), AHEAD), 1);
    return code_load_input(code, input, position, reg);
}

LLVMValueRef code_epilogue(KernelCode *code, LLVMValueRef result, const Position *position, Register reg) {
    for (int i = 0; i < code->node->epilogue.count; i++) {
        const EpilogueStep *step = &code->node->epilogue.items[i];
        LLVMValueRef operands[COUNT(step->inputs)];
        for (int k = 0; k < step->input_count; k++)
            operands[k] =
                step->inputs[k] < 0 ? result : code_load_input(code, step->inputs[k], position, reg);
        result = step->op->map(code, step->op, step->attrs, operands);
    }
    return result;
}

void code_store_output(KernelCode *code, int output, LLVMValueRef value, const Position *position,
                       Register reg) {
    LLVMValueRef place = code_position(code, code_output(code, output), code->outputs[output], position);
    code_store(code, value, place, reg);
}

void code_store_result(KernelCode *code, LLVMValueRef result, const Position *position, Register reg) {
    code_store_output(code, 0, result, position, reg);
}

void code_finish(KernelCode *code, LLVMValueRef result, const Position *position, Register reg) {
    code_store_result(code, code_epilogue(code, result, position, reg), position, reg);
}

Maximum maximum_begin(KernelCode *code, int width) {
    bool keeps = code->node->outputs.count > 1;
    return (Maximum){code_constant(code, -HUGE_VAL, width), keeps ? code_constant(code, 0, width) : NULL};
}

LLVMValueRef maximum_visit(KernelCode *code, Maximum *maximum, LLVMValueRef x, int place) {
    LLVMValueRef above = code_compare(code, LLVMRealOGT, x, maximum->best);
    if (maximum->winner)
        maximum->winner =
            code_select(code, above, code_constant_like(code, place, maximum->winner), maximum->winner);
    maximum->best = code_select(code, above, x, maximum->best);
    return above;
}

void maximum_store(KernelCode *code, const Maximum *maximum, const Position *window, Register reg) {
    code_store_result(code, maximum->best, window, reg);
    if (maximum->winner) code_store_output(code, 1, maximum->winner, window, reg);
}

enum { MAX_OPERANDS = 64 };

LLVMValueRef code_map(KernelCode *code, const Position *position, Register reg) {
    const Node *node = code->node;
    LLVMValueRef operands[MAX_OPERANDS];
    int count = node_operands(node);
    if (count > MAX_OPERANDS) internal_error("%d operands of %s", count, node->op->name);
    for (int i = 0; i < count; i++) operands[i] = code_load_far(code, i, position, reg);
    return node->op->map(code, node->op, node->attrs, operands);
}

static void map_position(KernelCode *code, const Position *position, Register reg, void *user) {
    (void)user;
    code_finish(code, code_map(code, position, reg), position, reg);
}

void elementwise_emit(KernelCode *code) {
    loop_positions(code, &code_output(code, 0)->shape, map_position, NULL);
}

const Kernel elementwise_kernel = {.name = "vector",
                                   .elements = ELEMENT_F32,
                                   .emit = elementwise_emit,
                                   .epilogue = true,
                                   .runs = true,
                                   .in_place = true};
