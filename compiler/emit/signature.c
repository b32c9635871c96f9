/* See signature.h: hash = hash * FNV prime + decision + 1. */
#include "emit/signature.h"

void code_fold_signature(KernelCode *code, LLVMValueRef decision) {
    Emit *e = code->emit;
    if (code->real != e->f64) return;
    LLVMValueRef place = code_frame(code, ABI_frame_signature);
    LLVMValueRef asked = LLVMBuildIsNotNull(e->builder, place, "");
    Branch branch = branch_begin(code, asked);
    LLVMValueRef hash = LLVMBuildLoad2(e->builder, e->i64, place, "");
    LLVMTypeRef type = LLVMTypeOf(decision);
    if (LLVMGetTypeKind(type) == LLVMVectorTypeKind)
        decision = LLVMBuildBitCast(e->builder, decision,
                                    LLVMIntTypeInContext(e->context, LLVMGetVectorSize(type)), "");
    LLVMValueRef wide = LLVMBuildZExtOrBitCast(e->builder, decision, e->i64, "");
    hash = LLVMBuildMul(e->builder, hash, code_int(code, 0x100000001b3), "");
    hash = LLVMBuildAdd(e->builder, LLVMBuildAdd(e->builder, hash, wide, ""), code_int(code, 1), "");
    LLVMBuildStore(e->builder, hash, place);
    branch_end(code, &branch);
}
