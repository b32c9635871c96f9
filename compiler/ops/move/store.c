/* store: writes a value without gaps to its sample's place in frame.output, unless nobody wants the output.
 */
#include "emit/kernel_code.h"

static void store_position(KernelCode *code, const Position *position, Register reg, void *user) {
    LLVMValueRef output = *(LLVMValueRef *)user;
    const Value *value = code_input(code, 0);
    LLVMValueRef x = code_load(code, code_position(code, value, code->inputs[0], position), reg);
    /* Axes that are walked as one run have index 0, their elements' numbers are in the channel's. */
    LLVMValueRef index = code_add(code, code->first, position->sample);
    for (int i = 0; i < shape_spatial(&value->shape); i++)
        index = code_add(code, code_mul_const(code, index, value->shape.dim[i]), position->spatial[i]);
    index = code_add(code, code_mul_const(code, index, shape_channels(&value->shape)), position->channel);
    code_store(code, x, code_at(code, output, index), reg);
}

static void store_emit(KernelCode *code) {
    LLVMValueRef output = code_frame(code, ABI_frame_output);
    Branch branch = branch_begin(code, LLVMBuildIsNotNull(code->emit->builder, output, ""));
    loop_positions(code, &code_input(code, 0)->shape, store_position, &output);
    branch_end(code, &branch);
}

static const Kernel kernel = {.name = "vector", .elements = ELEMENT_F32, .emit = store_emit};

const Op op_store = {
    .name = "store",
    .kind = OPK_INTERNAL,
    .effect = true,
    .summary = "writes a value to the program's output",
    .formula = "output[sample] = x",
    .min_inputs = 1,
    .max_inputs = 1,
    .kernels = KERNELS(&kernel),
};
