/* Loops, branches and local variables of a kernel: see kernel_code.h. */
#include "emit/kernel_code.h"

static LLVMBasicBlockRef block_append(KernelCode *code, const char *name) {
    return LLVMAppendBasicBlockInContext(code->emit->context, code->function, name);
}

LLVMValueRef code_variable(KernelCode *code, LLVMTypeRef type, LLVMValueRef initial) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMBasicBlockRef here = LLVMGetInsertBlock(b), entry = LLVMGetEntryBasicBlock(code->function);
    LLVMValueRef first = LLVMGetFirstInstruction(entry);
    if (first)
        LLVMPositionBuilderBefore(b, first);
    else
        LLVMPositionBuilderAtEnd(b, entry);
    LLVMValueRef variable = LLVMBuildAlloca(b, type, "");
    LLVMPositionBuilderAtEnd(b, here);
    if (initial) LLVMBuildStore(b, initial, variable);
    return variable;
}

LLVMValueRef code_get(KernelCode *code, LLVMValueRef variable) {
    return LLVMBuildLoad2(code->emit->builder, LLVMGetAllocatedType(variable), variable, "");
}

void code_set(KernelCode *code, LLVMValueRef variable, LLVMValueRef value) {
    LLVMBuildStore(code->emit->builder, value, variable);
}

Loop loop_begin(KernelCode *code, LLVMValueRef from, LLVMValueRef to, int64_t step) {
    LLVMBuilderRef b = code->emit->builder;
    Loop loop = {.to = to, .step = step};
    bool known = LLVMIsAConstantInt(from) && LLVMIsAConstantInt(to);
    int64_t span = known ? LLVMConstIntGetSExtValue(to) - LLVMConstIntGetSExtValue(from) : 0;
    if (known && span > 0 && span <= step) {
        loop.index = from;
        return loop;
    }
    LLVMBasicBlockRef before = LLVMGetInsertBlock(b);
    loop.header = block_append(code, "loop");
    loop.exit = block_append(code, "done");
    if (known && span > 0)
        LLVMBuildBr(b, loop.header);
    else
        LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntSLT, from, to, ""), loop.header, loop.exit);
    LLVMPositionBuilderAtEnd(b, loop.header);
    loop.phi = LLVMBuildPhi(b, code->emit->i64, "i");
    LLVMAddIncoming(loop.phi, &from, &before, 1);
    loop.index = loop.phi;
    return loop;
}

Loop loop_begin_const(KernelCode *code, int64_t from, int64_t to, int64_t step) {
    return loop_begin(code, code_int(code, from), code_int(code, to), step);
}

void loop_end(KernelCode *code, Loop *loop) {
    if (!loop->header) return;
    LLVMBuilderRef b = code->emit->builder;
    LLVMBasicBlockRef latch = LLVMGetInsertBlock(b);
    LLVMValueRef next = code_add_const(code, loop->phi, loop->step);
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntSLT, next, loop->to, ""), loop->header, loop->exit);
    LLVMAddIncoming(loop->phi, &next, &latch, 1);
    LLVMMoveBasicBlockAfter(loop->exit, latch);
    LLVMPositionBuilderAtEnd(b, loop->exit);
}

While while_begin(KernelCode *code) {
    While loop = {block_append(code, "while"), NULL};
    LLVMBuildBr(code->emit->builder, loop.head);
    LLVMPositionBuilderAtEnd(code->emit->builder, loop.head);
    return loop;
}

void while_test(KernelCode *code, While *loop, LLVMValueRef condition) {
    LLVMBasicBlockRef body = block_append(code, "do");
    loop->exit = block_append(code, "over");
    LLVMBuildCondBr(code->emit->builder, condition, body, loop->exit);
    LLVMPositionBuilderAtEnd(code->emit->builder, body);
}

void while_end(KernelCode *code, While *loop) {
    LLVMBuildBr(code->emit->builder, loop->head);
    LLVMMoveBasicBlockAfter(loop->exit, LLVMGetInsertBlock(code->emit->builder));
    LLVMPositionBuilderAtEnd(code->emit->builder, loop->exit);
}

Branch branch_begin(KernelCode *code, LLVMValueRef condition) {
    LLVMBuilderRef b = code->emit->builder;
    Branch branch = {block_append(code, "then"), NULL, block_append(code, "join")};
    branch.otherwise = block_append(code, "else");
    LLVMBuildCondBr(b, condition, branch.then, branch.otherwise);
    LLVMPositionBuilderAtEnd(b, branch.then);
    return branch;
}

void branch_else(KernelCode *code, Branch *branch) {
    LLVMBuildBr(code->emit->builder, branch->join);
    LLVMPositionBuilderAtEnd(code->emit->builder, branch->otherwise);
    branch->otherwise = NULL;
}

void branch_end(KernelCode *code, Branch *branch) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMBuildBr(b, branch->join);
    if (branch->otherwise) {
        LLVMPositionBuilderAtEnd(b, branch->otherwise);
        LLVMBuildBr(b, branch->join);
    }
    LLVMMoveBasicBlockAfter(branch->join, LLVMGetLastBasicBlock(code->function));
    LLVMPositionBuilderAtEnd(b, branch->join);
}

void loop_registers(KernelCode *code, int64_t extent, RegisterBody body, void *user) {
    int width = code->width;
    int64_t full = extent / width * width;
    if (full > 0) {
        Loop loop = loop_begin_const(code, 0, full, width);
        body(code, loop.index, (Register){width, width}, user);
        loop_end(code, &loop);
    }
    if (extent > full) body(code, code_int(code, full), (Register){width, (int)(extent - full)}, user);
}

Share share_of_registers(KernelCode *code, int64_t extent) {
    return code_share(code, code_int(code, (extent + code->width - 1) / code->width));
}

void loop_shared_registers(KernelCode *code, int64_t extent, const Share *share, RegisterBody body,
                           void *user) {
    LLVMBuilderRef b = code->emit->builder;
    int width = code->width;
    int64_t full = extent / width, rest = extent % width;
    if (full > 0) {
        LLVMValueRef end = code_mul_const(code, code_min(code, share->end, code_int(code, full)), width);
        Loop loop = loop_begin(code, code_mul_const(code, share->begin, width), end, width);
        body(code, loop.index, (Register){width, width}, user);
        loop_end(code, &loop);
    }
    if (!rest) return;
    Branch last = branch_begin(code, LLVMBuildICmp(b, LLVMIntSGT, share->end, code_int(code, full), ""));
    body(code, code_int(code, full * width), (Register){width, (int)rest}, user);
    branch_end(code, &last);
}
