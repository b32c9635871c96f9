/* See sample_frame.h. */
#include "ops/parts/sample_frame.h"

LLVMValueRef data_set_index(KernelCode *code, LLVMValueRef sample) {
    Emit *e = code->emit;
    LLVMValueRef place = code_add(code, code->first, sample), order = code_frame(code, ABI_frame_order);
    LLVMValueRef index = code_variable(code, e->i64, place);
    Branch branch = branch_begin(code, LLVMBuildIsNotNull(e->builder, order, ""));
    LLVMValueRef entry = LLVMBuildLoad2(e->builder, e->i32, code_at_type(code, e->i32, order, place), "");
    code_set(code, index, LLVMBuildZExt(e->builder, entry, e->i64, ""));
    branch_end(code, &branch);
    return code_get(code, index);
}

LLVMValueRef scalar_as_double(KernelCode *code, LLVMValueRef x) {
    Emit *e = code->emit;
    return LLVMTypeOf(x) == e->f64 ? x : LLVMBuildFPExt(e->builder, x, e->f64, "");
}

void store_loss(KernelCode *code, LLVMValueRef sample, LLVMValueRef loss) {
    LLVMBuilderRef builder = code->emit->builder;
    if (code->real != code->emit->f64) loss = LLVMBuildFPTrunc(builder, loss, code->real, "");
    LLVMValueRef place = code_at(code, code_frame(code, ABI_frame_loss), code_add(code, code->first, sample));
    LLVMBuildStore(builder, loss, place);
}

void store_metric(KernelCode *code, LLVMValueRef sample, int64_t count, LLVMValueRef which,
                  LLVMValueRef metric) {
    Emit *e = code->emit;
    LLVMValueRef base = code_frame(code, ABI_frame_metric);
    if (LLVMTypeOf(metric) != e->f32) metric = LLVMBuildFPTrunc(e->builder, metric, e->f32, "");
    Branch branch = branch_begin(code, LLVMBuildIsNotNull(e->builder, base, ""));
    LLVMValueRef index = code_mul_const(code, code_add(code, code->first, sample), count);
    LLVMBuildStore(e->builder, metric, code_at_type(code, e->f32, base, code_add(code, index, which)));
    branch_end(code, &branch);
}

LLVMValueRef mean_gradient_factor(KernelCode *code, int64_t share) {
    LLVMBuilderRef builder = code->emit->builder;
    LLVMValueRef count = code_mul_const(code, code_frame(code, ABI_frame_batch_size), share);
    return code_fdiv(code, code_real(code, 1), LLVMBuildSIToFP(builder, count, code->real, ""));
}
