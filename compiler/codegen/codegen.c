/* From planned forms to the output: emit, optimise, write. */
#define _GNU_SOURCE
#include "codegen/module.h"

#include <llvm-c/ErrorHandling.h>
#include <time.h>

static void on_llvm_error(const char *reason) {
    internal_error("LLVM: %s", reason);
}

Module *module_create(Context *cx, const Model *model, const Machine *machine) {
    Module *module = ARENA_NEW(cx->arena, Module);
    LLVMContextRef context = LLVMContextCreate();
    module->model = model;
    module->kernels = map_create(cx->arena);
    module->emit = (Emit){.cx = cx,
                          .machine = machine,
                          .context = context,
                          .module = LLVMModuleCreateWithNameInContext(model->name, context),
                          .builder = LLVMCreateBuilderInContext(context),
                          .void_type = LLVMVoidTypeInContext(context),
                          .pointer = LLVMPointerTypeInContext(context, 0),
                          .i1 = LLVMInt1TypeInContext(context),
                          .i8 = LLVMInt8TypeInContext(context),
                          .i32 = LLVMInt32TypeInContext(context),
                          .i64 = LLVMInt64TypeInContext(context),
                          .f32 = LLVMFloatTypeInContext(context),
                          .f64 = LLVMDoubleTypeInContext(context)};
    LLVMSetTarget(module->emit.module, machine->triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine->llvm);
    LLVMSetModuleDataLayout(module->emit.module, layout);
    LLVMDisposeTargetData(layout);
    return module;
}

void module_destroy(Module *module) {
    LLVMDisposeBuilder(module->emit.builder);
    LLVMDisposeModule(module->emit.module);
    LLVMContextDispose(module->emit.context);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* --time-phases: prints how long the phase since *start took, and starts the next. */
static void phase_done(const Context *cx, const char *name, double *start) {
    double now = seconds();
    if (cx->options.time_phases) fprintf(stderr, "%-10s %8.1f ms\n", name, (now - *start) * 1e3);
    *start = now;
}

int codegen_build(Context *cx, const CodegenInput *input) {
    LLVMInstallFatalErrorHandler(on_llvm_error);
    double start = seconds();
    Module *module = module_create(cx, input->model, input->machine);
    module->companion = input->companion;
    LLVMValueRef description = descriptor_emit(module, input);
    if (input->interface) embedding_emit(module, description);
    phase_done(cx, "emit", &start);
    module_optimize(module);
    phase_done(cx, "optimize", &start);
    int status = input->write(module, cx->options.output);
    phase_done(cx, "write", &start);
    module_destroy(module);
    LLVMResetFatalErrorHandler();
    return status;
}
