/* LLVM's optimisation passes over the module. Kernels come in the form that they shall keep (tiles unrolled,
 * accumulators in variables), so LLVM only has to promote, simplify and hoist: it neither unrolls nor
 * vectorises. Functions that came out equal, whatever node they are for, become one first. */
#include "codegen/module.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/Transforms/PassBuilder.h>

static void verify(Module *module, const char *when) {
    char *message = NULL;
    if (LLVMVerifyModule(module->emit.module, LLVMReturnStatusAction, &message))
        internal_error("the generated code does not verify %s optimisation: %s", when, message);
    LLVMDisposeMessage(message);
}

void module_optimize(Module *module) {
    static const char full[] =
        "mergefunc,function(sroa,early-cse<memssa>,instcombine<no-verify-fixpoint>,simplifycfg),"
        "function(loop-mssa(licm),early-cse<memssa>,simplifycfg)";
    static const char *const pipelines[] = {
        "function(sroa)",
        "mergefunc,function(sroa,early-cse<memssa>,simplifycfg)",
        full,
        full,
    };
    int level = module->emit.cx->options.optimization & 3;
    verify(module, "before");
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error =
        LLVMRunPasses(module->emit.module, pipelines[level], module->emit.machine->llvm, options);
    LLVMDisposePassBuilderOptions(options);
    if (error) internal_error("LLVM's passes failed: %s", LLVMGetErrorMessage(error));
    if (level) module_hide_addresses(module);
    verify(module, "after");
}
