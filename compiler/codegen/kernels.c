/* Kernel functions: one for every different node. Two nodes of equal keys (same operator, kernel, arguments,
 * layouts, epilogue) share one. */
#include "codegen/module.h"
#include "graph/text.h"

#include <string.h>

static void add_attribute(Module *module, LLVMValueRef function, unsigned index, const char *name) {
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    LLVMAddAttributeAtIndex(function, index, LLVMCreateEnumAttribute(module->emit.context, kind, 0));
}

static void add_text_attribute(Module *module, LLVMValueRef function, const char *name, const char *value) {
    LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
                            LLVMCreateStringAttribute(module->emit.context, name, (unsigned)strlen(name),
                                                      value, (unsigned)strlen(value)));
}

LLVMValueRef module_function(Module *module, const char *name, LLVMTypeRef result, LLVMTypeRef *parameters,
                             int count) {
    Emit *e = &module->emit;
    LLVMValueRef function =
        LLVMAddFunction(e->module, name, LLVMFunctionType(result, parameters, (unsigned)count, false));
    LLVMSetLinkage(function, LLVMInternalLinkage);
    LLVMSetUnnamedAddress(function, LLVMGlobalUnnamedAddr);
    add_attribute(module, function, LLVMAttributeFunctionIndex, "nounwind");
    /* Some processors prefer narrower registers than they have: for dense arithmetic the wide ones pay. */
    const char *bits = arena_printf(e->cx->arena, "%d", e->machine->vector_floats * 32);
    if (e->machine->vector_floats > 1) {
        add_text_attribute(module, function, "prefer-vector-width", bits);
        add_text_attribute(module, function, "min-legal-vector-width", bits);
    }
    LLVMPositionBuilderAtEnd(e->builder, LLVMAppendBasicBlockInContext(e->context, function, "entry"));
    return function;
}

void module_leave_plain(Module *module, LLVMValueRef function) {
    add_attribute(module, function, LLVMAttributeFunctionIndex, "noinline");
    add_attribute(module, function, LLVMAttributeFunctionIndex, "optnone");
}

static ValueId operand(const Node *node, int i) {
    return i < node->inputs.count ? node->inputs.items[i] : node->outputs.items[i - node->inputs.count];
}

static bool shares_memory(const Graph *graph, const Node *node, int i) {
    int count = node->inputs.count + node->outputs.count;
    for (int k = 0; k < count; k++)
        if (k != i && graph_overlap(graph, operand(node, k), operand(node, i))) return true;
    return false;
}

static LLVMValueRef emit_kernel(Module *module, const Graph *graph, const Node *node, bool prepare) {
    Emit *e = &module->emit;
    enum { FIXED = 3 }; /* frame, count, first */
    int operands = node->inputs.count + node->outputs.count;
    int parameters = FIXED + operands + (node->kernel->packed != NULL);
    LLVMTypeRef *types = ARENA_ARRAY(e->cx->arena, LLVMTypeRef, (size_t)parameters);
    for (int i = 0; i < parameters; i++) types[i] = i == 1 || i == 2 ? e->i64 : e->pointer;
    LLVMBasicBlockRef caller = LLVMGetInsertBlock(e->builder);
    const char *name = arena_printf(e->cx->arena, "%s.%s%s.%d", node->op->name, node->kernel->name,
                                    prepare ? ".prepare" : "", module->kernel_number++);
    LLVMValueRef function = module_function(module, name, e->void_type, types, parameters);
    add_attribute(module, function, LLVMAttributeFunctionIndex, "noinline");
    LLVMValueRef *pointers = ARENA_ARRAY(e->cx->arena, LLVMValueRef, (size_t)operands + 1);
    for (int i = 0; i < operands; i++) {
        pointers[i] = LLVMGetParam(function, (unsigned)(FIXED + i));
        if (!shares_memory(graph, node, i))
            add_attribute(module, function, (unsigned)(FIXED + i + 1), "noalias");
    }
    add_attribute(module, function, 1, "noalias");
    bool doubles = node->kernel->elements & ELEMENT_F64 && e->machine->vector_floats > 1;
    int width_of_doubles = doubles ? e->machine->vector_floats / 2 : 1;
    KernelCode code = {.emit = e,
                       .graph = graph,
                       .node = node,
                       .compact = module->seldom,
                       .real = graph->doubles ? e->f64 : e->f32,
                       .width = graph->doubles ? width_of_doubles : e->machine->vector_floats,
                       .function = function,
                       .frame = LLVMGetParam(function, 0),
                       .count = LLVMGetParam(function, 1),
                       .first = LLVMGetParam(function, 2),
                       .inputs = pointers,
                       .outputs = pointers + node->inputs.count};
    /* Code goes to a block of its own, so that the entry block holds nothing but local variables. */
    LLVMBasicBlockRef body = LLVMAppendBasicBlockInContext(e->context, function, "body");
    LLVMBuildBr(e->builder, body);
    LLVMPositionBuilderAtEnd(e->builder, body);
    if (node->kernel->packed) {
        code.packed = LLVMGetParam(function, (unsigned)(FIXED + operands));
        add_attribute(module, function, (unsigned)(FIXED + operands + 1), "noalias");
    }
    if (prepare)
        node->kernel->prepare(&code);
    else
        node->kernel->emit(&code);
    LLVMBuildRetVoid(e->builder);
    LLVMPositionBuilderAtEnd(e->builder, caller);
    return function;
}

LLVMValueRef module_kernel(Module *module, const Graph *graph, const Node *node, bool prepare) {
    Arena *arena = module->emit.cx->arena;
    const char *key = graph_node_key(arena, graph, node);
    if (prepare) key = arena_printf(arena, "prepare %s", key);
    LLVMValueRef function = map_get(module->kernels, key);
    if (!function) {
        function = emit_kernel(module, graph, node, prepare);
        map_set(module->kernels, key, function);
    }
    return function;
}
