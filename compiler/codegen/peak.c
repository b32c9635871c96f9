/* A loop of multiply-adds that depend on nothing but their own accumulator: what `bench --layers` measures
 * the machine's peak with. */
#include "codegen/module.h"

enum { MOST_ACCUMULATORS = 24 };

LLVMValueRef peak_emit(Module *module) {
    Emit *e = &module->emit;
    int count = e->machine->registers - 4 < MOST_ACCUMULATORS ? e->machine->registers - 4 : MOST_ACCUMULATORS;
    LLVMTypeRef types[] = {e->i64, e->pointer};
    LLVMValueRef function = module_function(module, "peak", e->f32, types, COUNT(types));
    KernelCode code = {.emit = e, .real = e->f32, .width = e->machine->vector_floats, .function = function};
    LLVMBuildStore(e->builder, code_int(&code, (int64_t)count * code.width), LLVMGetParam(function, 1));
    /* Not constants for the optimizer: it must not know that the sums stay finite. */
    LLVMValueRef rounds = LLVMGetParam(function, 0);
    LLVMValueRef factor = code_splat(&code, LLVMBuildSIToFP(e->builder, rounds, e->f32, ""), code.width);
    LLVMValueRef sums[MOST_ACCUMULATORS] = {0};
    for (int i = 0; i < count; i++)
        sums[i] = code_variable(&code, LLVMTypeOf(factor), code_constant(&code, i, code.width));
    Loop loop = loop_begin(&code, code_int(&code, 0), rounds, 1);
    for (int i = 0; i < count; i++)
        code_set(&code, sums[i], code_fma(&code, factor, factor, code_get(&code, sums[i])));
    loop_end(&code, &loop);
    LLVMValueRef total = code_get(&code, sums[0]);
    for (int i = 1; i < count; i++) total = code_fadd(&code, total, code_get(&code, sums[i]));
    LLVMBuildRet(e->builder, code_reduce_add(&code, total, (Register){code.width, code.width}));
    return function;
}
