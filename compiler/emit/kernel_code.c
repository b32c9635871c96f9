/* Values and arithmetic of a kernel under construction: see kernel_code.h. */
#include "emit/kernel_code.h"

#include <string.h>

LLVMTypeRef code_type(KernelCode *code, int width) {
    return width == 1 ? code->real : LLVMVectorType(code->real, (unsigned)width);
}

static bool is_vector(LLVMValueRef x) {
    return LLVMGetTypeKind(LLVMTypeOf(x)) == LLVMVectorTypeKind;
}

static int width_of(LLVMValueRef x) {
    return is_vector(x) ? (int)LLVMGetVectorSize(LLVMTypeOf(x)) : 1;
}

const Value *code_input(const KernelCode *code, int index) {
    return graph_value(code->graph, code->node->inputs.items[index]);
}

const Value *code_output(const KernelCode *code, int index) {
    return graph_value(code->graph, code->node->outputs.items[index]);
}

LLVMValueRef code_int(KernelCode *code, int64_t value) {
    return LLVMConstInt(code->emit->i64, (unsigned long long)value, true);
}

LLVMValueRef code_i32(KernelCode *code, int32_t value) {
    return LLVMConstInt(code->emit->i32, (unsigned long long)(int64_t)value, true);
}

LLVMValueRef code_real(KernelCode *code, double value) {
    return LLVMConstReal(code->real, value);
}

LLVMValueRef code_splat(KernelCode *code, LLVMValueRef scalar, int width) {
    if (width == 1) return scalar;
    LLVMTypeRef type = LLVMVectorType(LLVMTypeOf(scalar), (unsigned)width);
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef one = LLVMBuildInsertElement(b, LLVMGetPoison(type), scalar, code_int(code, 0), "");
    LLVMValueRef zeros = LLVMConstNull(LLVMVectorType(code->emit->i32, (unsigned)width));
    return LLVMBuildShuffleVector(b, one, LLVMGetPoison(type), zeros, "");
}

LLVMValueRef code_constant(KernelCode *code, double value, int width) {
    LLVMValueRef scalar = code_real(code, value);
    if (width == 1) return scalar;
    LLVMValueRef elements[64];
    for (int i = 0; i < width; i++) elements[i] = scalar;
    return LLVMConstVector(elements, (unsigned)width);
}

LLVMValueRef code_constant_like(KernelCode *code, double value, LLVMValueRef like) {
    return code_constant(code, value, width_of(like));
}

/* The IR builder folds constants by itself; what is left are the identities. */
static bool is_int(LLVMValueRef x, int64_t value) {
    return LLVMIsAConstantInt(x) && LLVMConstIntGetSExtValue(x) == value;
}

LLVMValueRef code_add(KernelCode *code, LLVMValueRef a, LLVMValueRef b) {
    if (is_int(a, 0)) return b;
    if (is_int(b, 0)) return a;
    return LLVMBuildNSWAdd(code->emit->builder, a, b, "");
}

LLVMValueRef code_add_const(KernelCode *code, LLVMValueRef a, int64_t b) {
    return code_add(code, a, code_int(code, b));
}

LLVMValueRef code_mul(KernelCode *code, LLVMValueRef a, LLVMValueRef b) {
    if (is_int(a, 1)) return b;
    if (is_int(b, 1)) return a;
    return LLVMBuildNSWMul(code->emit->builder, a, b, "");
}

LLVMValueRef code_mul_const(KernelCode *code, LLVMValueRef a, int64_t b) {
    return b == 0 ? code_int(code, 0) : code_mul(code, a, code_int(code, b));
}

static LLVMValueRef choose_int(KernelCode *code, LLVMIntPredicate predicate, LLVMValueRef a, LLVMValueRef b) {
    LLVMBuilderRef builder = code->emit->builder;
    return LLVMBuildSelect(builder, LLVMBuildICmp(builder, predicate, a, b, ""), a, b, "");
}

LLVMValueRef code_min(KernelCode *code, LLVMValueRef a, LLVMValueRef b) {
    return choose_int(code, LLVMIntSLT, a, b);
}

LLVMValueRef code_max(KernelCode *code, LLVMValueRef a, LLVMValueRef b) {
    return choose_int(code, LLVMIntSGT, a, b);
}

LLVMValueRef code_left(KernelCode *code, LLVMValueRef count, LLVMValueRef index, int64_t most) {
    return code_min(code, LLVMBuildSub(code->emit->builder, count, index, ""), code_int(code, most));
}

LLVMValueRef code_fadd(KernelCode *code, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildFAdd(code->emit->builder, a, b, "");
}

LLVMValueRef code_fsub(KernelCode *code, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildFSub(code->emit->builder, a, b, "");
}

LLVMValueRef code_fmul(KernelCode *code, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildFMul(code->emit->builder, a, b, "");
}

LLVMValueRef code_fdiv(KernelCode *code, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildFDiv(code->emit->builder, a, b, "");
}

LLVMValueRef code_fneg(KernelCode *code, LLVMValueRef a) {
    return LLVMBuildFNeg(code->emit->builder, a, "");
}

LLVMValueRef code_compare(KernelCode *code, LLVMRealPredicate predicate, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildFCmp(code->emit->builder, predicate, a, b, "");
}

LLVMValueRef code_select(KernelCode *code, LLVMValueRef condition, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildSelect(code->emit->builder, condition, a, b, "");
}

LLVMValueRef code_fmax(KernelCode *code, LLVMValueRef a, LLVMValueRef b) {
    return code_select(code, code_compare(code, LLVMRealOGT, a, b), a, b);
}

LLVMValueRef code_fmin(KernelCode *code, LLVMValueRef a, LLVMValueRef b) {
    return code_select(code, code_compare(code, LLVMRealOLT, a, b), a, b);
}

LLVMValueRef code_intrinsic(KernelCode *code, const char *name, LLVMValueRef *arguments, int count) {
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    if (!id) internal_error("LLVM has no intrinsic %s", name);
    LLVMTypeRef overload = LLVMTypeOf(arguments[0]);
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(code->emit->module, id, &overload, 1);
    return LLVMBuildCall2(code->emit->builder, LLVMGlobalGetValueType(function), function, arguments,
                          (unsigned)count, "");
}

LLVMValueRef code_fma(KernelCode *code, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c) {
    return code_intrinsic(code, "llvm.fmuladd", (LLVMValueRef[]){a, b, c}, 3);
}

/* Elements [from, from + count) of a register. */
static LLVMValueRef slice(KernelCode *code, LLVMValueRef x, int from, int count) {
    LLVMValueRef indices[64];
    for (int i = 0; i < count; i++) indices[i] = code_i32(code, from + i);
    return LLVMBuildShuffleVector(code->emit->builder, x, LLVMGetPoison(LLVMTypeOf(x)),
                                  LLVMConstVector(indices, (unsigned)count), "");
}

/* Blocks of `step` elements change places between two registers that lie `step` apart. */
static void exchange(KernelCode *code, LLVMValueRef *low, LLVMValueRef *high, int n, int step) {
    LLVMValueRef first[64], second[64];
    for (int j = 0; j < n; j++) {
        first[j] = code_i32(code, j & step ? n + j - step : j);
        second[j] = code_i32(code, j & step ? n + j : j + step);
    }
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef x = *low, y = *high;
    *low = LLVMBuildShuffleVector(b, x, y, LLVMConstVector(first, (unsigned)n), "");
    *high = LLVMBuildShuffleVector(b, x, y, LLVMConstVector(second, (unsigned)n), "");
}

void code_transpose(KernelCode *code, const LLVMValueRef *in, LLVMValueRef *out, int n) {
    memcpy(out, in, sizeof *in * (size_t)n);
    for (int step = 1; step < n; step *= 2)
        for (int i = 0; i < n; i++)
            if (!(i & step)) exchange(code, &out[i], &out[i + step], n, step);
}

typedef LLVMValueRef (*Combine)(KernelCode *code, LLVMValueRef a, LLVMValueRef b);

/* Halves the register until one element is left; widths are powers of two. */
static LLVMValueRef reduce(KernelCode *code, LLVMValueRef x, Register reg, Combine combine, double identity) {
    LLVMBuilderRef b = code->emit->builder;
    if (reg.width == 1) return x;
    if (reg.live < reg.width) {
        LLVMValueRef alive[64];
        for (int i = 0; i < reg.width; i++) alive[i] = LLVMConstInt(code->emit->i1, i < reg.live, false);
        x = code_select(code, LLVMConstVector(alive, (unsigned)reg.width), x,
                        code_constant(code, identity, reg.width));
    }
    int width = reg.width;
    for (; width > 2; width /= 2)
        x = combine(code, slice(code, x, 0, width / 2), slice(code, x, width / 2, width / 2));
    LLVMValueRef first = LLVMBuildExtractElement(b, x, code_int(code, 0), "");
    return combine(code, first, LLVMBuildExtractElement(b, x, code_int(code, 1), ""));
}

LLVMValueRef code_reduce_add(KernelCode *code, LLVMValueRef x, Register reg) {
    return reduce(code, x, reg, code_fadd, 0);
}

LLVMValueRef code_reduce_max(KernelCode *code, LLVMValueRef x, Register reg) {
    return reduce(code, x, reg, code_fmax, -__builtin_inf());
}

LLVMValueRef code_frame(KernelCode *code, AbiField field) {
    Emit *e = code->emit;
    LLVMTypeRef types[] = {
        [ABI_INT32] = e->i32, [ABI_INT64] = e->i64, [ABI_FLOAT] = e->f32, [ABI_ADDRESS] = e->pointer};
    LLVMValueRef index = code_int(code, abi_offset(field, e->machine->pointer_bytes));
    LLVMValueRef address = LLVMBuildInBoundsGEP2(e->builder, e->i8, code->frame, &index, 1, "");
    return LLVMBuildLoad2(e->builder, types[abi_field_type(field)], address, "");
}

LLVMValueRef code_workspace(KernelCode *code) {
    return code_frame(code, ABI_frame_workspace);
}

Share code_share(KernelCode *code, LLVMValueRef n) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef part = code_frame(code, ABI_frame_part);
    LLVMValueRef parts = code_add_const(code, code_frame(code, ABI_frame_last_part), 1);
    LLVMValueRef next = code_add_const(code, part, 1);
    return (Share){LLVMBuildUDiv(b, code_mul(code, n, part), parts, ""),
                   LLVMBuildUDiv(b, code_mul(code, n, next), parts, "")};
}
