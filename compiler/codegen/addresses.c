/* What LLVM's loop strength reduction sees of addresses. Straight-line kernels read and write at dozens of
 * fixed distances from one pointer of a loop. Strength reduction weighs every one of them by itself, which
 * takes a fifth of the time of a compilation and ends at the same pointer with the same distances. */
#include "codegen/module.h"

#include <string.h>

enum { LEAST_ACCESSES = 2 }; /* below, nothing is gained */

/* Is it base plus a constant? */
static bool is_distance(LLVMValueRef address, LLVMValueRef base) {
    if (LLVMGetInstructionOpcode(address) != LLVMGetElementPtr || LLVMGetOperand(address, 0) != base)
        return false;
    for (int i = 1; i < LLVMGetNumOperands(address); i++)
        if (!LLVMIsConstant(LLVMGetOperand(address, (unsigned)i))) return false;
    return true;
}

/* Which operand of the user is the base of an access, at the base itself or at a distance; or -1. */
static int base_operand(LLVMValueRef user, LLVMValueRef base) {
    LLVMOpcode opcode = LLVMGetInstructionOpcode(user);
    if (opcode == LLVMLoad || is_distance(user, base)) return 0;
    return opcode == LLVMStore && LLVMGetOperand(user, 1) == base ? 1 : -1;
}

static int access_count(LLVMValueRef base) {
    int count = 0;
    for (LLVMUseRef use = LLVMGetFirstUse(base); use; use = LLVMGetNextUse(use))
        count += base_operand(LLVMGetUser(use), base) >= 0;
    return count;
}

/* A pointer that an index moves: strength reduction looks at no others. */
static bool is_indexed(LLVMValueRef value) {
    return LLVMGetInstructionOpcode(value) == LLVMGetElementPtr &&
           !is_distance(value, LLVMGetOperand(value, 0));
}

/* The same pointer by an intrinsic that emits no instruction, that alias analysis looks through, and that
 * strength reduction does not. */
static LLVMValueRef same_pointer(Emit *e, LLVMValueRef base) {
    static const char name[] = "llvm.strip.invariant.group";
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef intrinsic = LLVMGetIntrinsicDeclaration(e->module, id, &e->pointer, 1);
    LLVMPositionBuilderBefore(e->builder, LLVMGetNextInstruction(base));
    return LLVMBuildCall2(e->builder, LLVMGlobalGetValueType(intrinsic), intrinsic, &base, 1, "");
}

static void hide_base(Emit *e, LLVMValueRef base) {
    LLVMValueRef same = same_pointer(e, base);
    for (LLVMUseRef use = LLVMGetFirstUse(base), next = NULL; use; use = next) {
        LLVMValueRef user = LLVMGetUser(use);
        next = LLVMGetNextUse(use);
        int operand = base_operand(user, base);
        if (operand >= 0) LLVMSetOperand(user, (unsigned)operand, same);
    }
}

static void hide_in_block(Emit *e, LLVMBasicBlockRef block) {
    for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i))
        if (is_indexed(i) && access_count(i) >= LEAST_ACCESSES) hide_base(e, i);
}

void module_hide_addresses(Module *module) {
    Emit *e = &module->emit;
    for (LLVMValueRef f = LLVMGetFirstFunction(e->module); f; f = LLVMGetNextFunction(f))
        for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
            hide_in_block(e, b);
}
