/* For tests of generated code: a module that is compiled in memory and called. CNNC_TEST_CPU in the
 * environment names the processor that the code is for, by LLVM's name. */
#ifndef CNNC_TESTS_OPS_JIT_H
#define CNNC_TESTS_OPS_JIT_H

#include "emit/kernel_code.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/ExecutionEngine.h>
#include <llvm-c/Target.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct Jit {
    Emit emit;
    bool native; /* for this processor's features, not for any processor of its kind */
    LLVMExecutionEngineRef engine;
} Jit;

static inline Jit jit_create(bool native) {
    LLVMInitializeNativeTarget();
    LLVMInitializeNativeAsmPrinter();
    LLVMLinkInMCJIT();
    LLVMContextRef context = LLVMContextCreate();
    Emit emit = {.context = context,
                 .module = LLVMModuleCreateWithNameInContext("test", context),
                 .builder = LLVMCreateBuilderInContext(context),
                 .void_type = LLVMVoidTypeInContext(context),
                 .pointer = LLVMPointerTypeInContext(context, 0),
                 .i1 = LLVMInt1TypeInContext(context),
                 .i8 = LLVMInt8TypeInContext(context),
                 .i32 = LLVMInt32TypeInContext(context),
                 .i64 = LLVMInt64TypeInContext(context),
                 .f32 = LLVMFloatTypeInContext(context),
                 .f64 = LLVMDoubleTypeInContext(context)};
    return (Jit){.emit = emit, .native = native};
}

static inline void jit_attribute(Jit *jit, LLVMValueRef function, const char *name, const char *value) {
    LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
                            LLVMCreateStringAttribute(jit->emit.context, name, (unsigned)strlen(name), value,
                                                      (unsigned)strlen(value)));
}

/* A function that returns nothing; the builder stands in its body, a block behind the entry. */
static inline LLVMValueRef jit_function(Jit *jit, const char *name, LLVMTypeRef *parameters, int count) {
    Emit *e = &jit->emit;
    LLVMTypeRef type = LLVMFunctionType(e->void_type, parameters, (unsigned)count, false);
    LLVMValueRef function = LLVMAddFunction(e->module, name, type);
    const char *named = getenv("CNNC_TEST_CPU");
    if (named) {
        jit_attribute(jit, function, "target-cpu", named);
    } else if (jit->native) {
        char *cpu = LLVMGetHostCPUName(), *features = LLVMGetHostCPUFeatures();
        jit_attribute(jit, function, "target-cpu", cpu);
        jit_attribute(jit, function, "target-features", features);
        LLVMDisposeMessage(cpu);
        LLVMDisposeMessage(features);
    }
    LLVMPositionBuilderAtEnd(e->builder, LLVMAppendBasicBlockInContext(e->context, function, "entry"));
    LLVMBasicBlockRef body = LLVMAppendBasicBlockInContext(e->context, function, "body");
    LLVMBuildBr(e->builder, body);
    LLVMPositionBuilderAtEnd(e->builder, body);
    return function;
}

static inline void jit_compile(Jit *jit) {
    LLVMDisposeBuilder(jit->emit.builder);
    char *message = NULL;
    if (LLVMVerifyModule(jit->emit.module, LLVMReturnStatusAction, &message)) fail_msg("%s", message);
    LLVMDisposeMessage(message);
    message = NULL;
    if (LLVMCreateExecutionEngineForModule(&jit->engine, jit->emit.module, &message)) fail_msg("%s", message);
}

static inline void *jit_address(Jit *jit, const char *name) {
    uint64_t address = LLVMGetFunctionAddress(jit->engine, name);
    assert_true(address != 0);
    return (void *)(uintptr_t)address;
}

static inline void jit_destroy(Jit *jit) {
    LLVMDisposeExecutionEngine(jit->engine);
    LLVMContextDispose(jit->emit.context);
}

#endif
