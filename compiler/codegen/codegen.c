/* From planned forms to the output: emit, describe, optimise, write. */
#define _GNU_SOURCE
#include "codegen/module.h"
#include "emit/refusals.h"

#include "runtime/abi.h"

#include <time.h>

static LLVMTypeRef field_type(const Emit *e, AbiField field) {
    LLVMTypeRef types[] = {
        [ABI_INT32] = e->i32,       [ABI_INT64] = e->i64,
        [ABI_FLOAT] = e->f32,       [ABI_DOUBLE] = e->f64,
        [ABI_ADDRESS] = e->pointer, [ABI_EXTENTS] = LLVMArrayType2(e->i64, CNN_MAX_RANK),
    };
    return types[abi_field_type(field)];
}

/* The structures of the description lie in the target's memory where it says, as LLVM sees it. */
static void check_layout(Module *module) {
    Emit *e = &module->emit;
    LLVMTargetDataRef data = LLVMGetModuleDataLayout(e->module);
    LLVMTypeRef types[ABI_FIELDS];
    int bytes = e->machine->pointer_bytes;
    for (AbiStruct s = 0; s < ABI_STRUCTS; s++) {
        AbiField first = abi_first_field(s);
        unsigned count = (unsigned)abi_field_count(s);
        for (unsigned i = 0; i < count; i++) types[i] = field_type(e, first + i);
        LLVMTypeRef type = LLVMStructTypeInContext(e->context, types, count, false);
        for (unsigned i = 0; i < count; i++)
            if (LLVMOffsetOfElement(data, type, i) != (unsigned long long)abi_offset(first + i, bytes))
                internal_error("LLVM lays %s elsewhere", abi_field_name(first + i));
        bool whole = LLVMABISizeOfType(data, type) == (unsigned long long)abi_size(s, bytes);
        if (!whole || abi_size(s, bytes) != abi_written_size(s, bytes))
            internal_error("the size of the structure that begins with %s differs", abi_field_name(first));
    }
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
    check_layout(module);
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

/* Every function of the model. Forms by which people look into it come last, so that code which another form
 * has, too, is made for that one. */
static Emitted emit_functions(Module *module, Graph *const *forms) {
    Emitted emitted = {0};
    for (int round = 0; round < 2; round++) {
        module->seldom = round;
        for (int i = 0; i < FORM_COUNT; i++)
            if (forms[i] && forms[i]->form->seldom == round)
                emitted.programs[i] = program_emit(module, forms[i]);
    }
    const Graph *training = forms[FORM_TRAINING];
    if (training) emitted.update = update_emit(module, training);
    if (training && module->model->train->clip_norm > 0) emitted.gather = gather_emit(module, training);
    emitted.peak = peak_emit(module);
    return emitted;
}

int codegen_build(Context *cx, const CodegenInput *input) {
    double start = seconds();
    Module *module = module_create(cx, input->model, input->machine);
    refusals_watch(input->machine, module->emit.context);
    module->companion = input->companion;
    Emitted emitted = emit_functions(module, input->forms);
    LLVMValueRef description = descriptor_make(module, input, &emitted);
    if (input->interface) embedding_emit(module, description);
    phase_done(cx, "emit", &start);
    module_optimize(module);
    phase_done(cx, "optimize", &start);
    int status = input->write(module, cx->options.output);
    phase_done(cx, "write", &start);
    module_destroy(module);
    refusals_end();
    return status;
}
