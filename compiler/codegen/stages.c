/* A scheduled graph as functions: one a stage, one for what follows it once the whole batch is through, one
 * that prepares the packed weights; and the cnn_program that lists them. */
#include "codegen/constants.h"

#include <string.h>

/* A function of the program under construction and the blocks that its frame points to, loaded when first
 * needed. */
typedef struct Body {
    Module *module;
    const Graph *graph;
    LLVMTypeRef real;
    KernelCode code; /* for its helpers */
    LLVMValueRef blocks[REGION_SCRATCH + 1];
} Body;

static LLVMValueRef block_pointer(Body *body, Region region) {
    static const FrameField fields[] = {[REGION_PARAMETERS] = FRAME_PARAMETERS,
                                        [REGION_PACKED] = FRAME_PACKED,
                                        [REGION_LANE] = FRAME_LANE,
                                        [REGION_SHARED] = FRAME_SHARED,
                                        [REGION_BATCH] = FRAME_BATCH,
                                        [REGION_SCRATCH] = FRAME_SCRATCH};
    if (!body->blocks[region]) body->blocks[region] = code_frame(&body->code, fields[region]);
    return body->blocks[region];
}

static LLVMValueRef value_pointer(Body *body, ValueId id) {
    const Value *value = graph_value(body->graph, id);
    if (value->region == REGION_NONE)
        internal_error("%s has no memory", value->name ? value->name : "a value");
    LLVMValueRef base = block_pointer(body, value->region);
    if (value->region == REGION_BATCH)
        base = code_at(&body->code, base,
                       code_mul_const(&body->code, body->code.first, body->graph->batch_stride));
    return code_at_const(&body->code, base, value->offset);
}

/* Calls the node's kernel, or what prepares for it: then no sample is there, and pointers to samples' values
 * are null. */
static void call_node(Body *body, const Node *node, bool prepare) {
    Emit *e = &body->module->emit;
    if (!strcmp(node->op->name, "view") && graph_value(body->graph, node->outputs.items[0])->alias >= 0)
        return;
    LLVMValueRef kernel = module_kernel(body->module, body->graph, node, prepare);
    int operands = node->inputs.count + node->outputs.count, count = 3;
    LLVMValueRef *arguments = ARENA_ARRAY(e->cx->arena, LLVMValueRef, (size_t)(4 + operands));
    arguments[0] = body->code.frame;
    arguments[1] = body->code.count;
    arguments[2] = body->code.first;
    for (int i = 0; i < operands; i++) {
        ValueId id =
            i < node->inputs.count ? node->inputs.items[i] : node->outputs.items[i - node->inputs.count];
        Role role = graph_value(body->graph, id)->role;
        bool there = !prepare || role == ROLE_PARAMETER || role == ROLE_STATE || role == ROLE_PACKED;
        arguments[count++] = there ? value_pointer(body, id) : LLVMConstPointerNull(e->pointer);
    }
    if (node->kernel->packed)
        arguments[count++] =
            code_at_const(&body->code, block_pointer(body, REGION_PACKED), node->packed_offset);
    LLVMBuildCall2(e->builder, LLVMGlobalGetValueType(kernel), kernel, arguments, (unsigned)count, "");
}

/* The function over the nodes of that domain and stage; a null pointer where there are none. */
static LLVMValueRef emit_function(Module *module, const Graph *graph, Domain domain, int stage,
                                  const char *name) {
    Emit *e = &module->emit;
    Body body = {.module = module, .graph = graph};
    body.real = strcmp(graph->form, "check") && !e->cx->options.double_precision ? e->f32 : e->f64;
    bool any = false;
    for (int i = 0; i < graph->nodes.count; i++) {
        const Node *node = graph_node(graph, i);
        bool prepare = domain == DOMAIN_PARAMETER && node->kernel->packed;
        if (!prepare && (node->op->domain != domain || (domain != DOMAIN_PARAMETER && node->stage != stage)))
            continue;
        if (!any) {
            LLVMValueRef function =
                module_function(module, arena_printf(e->cx->arena, "%s.%s.%d", graph->form, name, stage),
                                e->void_type, &e->pointer, 1);
            body.code = (KernelCode){.emit = e,
                                     .graph = graph,
                                     .real = body.real,
                                     .width = 1,
                                     .function = function,
                                     .frame = LLVMGetParam(function, 0)};
            bool samples = domain == DOMAIN_SAMPLE;
            body.code.count = samples ? code_frame(&body.code, FRAME_COUNT) : code_int(&body.code, 1);
            body.code.first = samples ? code_frame(&body.code, FRAME_FIRST) : code_int(&body.code, 0);
            any = true;
        }
        call_node(&body, node, prepare);
    }
    if (!any) return LLVMConstPointerNull(e->pointer);
    LLVMBuildRetVoid(e->builder);
    return body.code.function;
}

LLVMValueRef program_emit(Module *module, const Graph *graph) {
    Fields stages = {.module = module}, between = {.module = module}, program = {.module = module};
    for (int stage = 0; stage < graph->stage_count; stage++) {
        put_value(&stages, emit_function(module, graph, DOMAIN_SAMPLE, stage, "stage"));
        put_value(&between, emit_function(module, graph, DOMAIN_BATCH, stage, "between"));
    }
    LLVMValueRef prepare = emit_function(module, graph, DOMAIN_PARAMETER, 0, "prepare");
    put_i32(&program, graph->stage_count);
    put_i32(&program, graph->micro_batch);
    put_pointer(&program, constant_array(module, stages.values.items, stages.values.count));
    put_pointer(&program, constant_array(module, between.values.items, between.values.count));
    put_value(&program, prepare);
    put_i64(&program, graph->packed_elements);
    put_i64(&program, graph->lane_elements);
    put_i64(&program, graph->shared_elements);
    put_i64(&program, graph->scratch_stride);
    put_i64(&program, graph->batch_stride);
    put_i32(&program, !strcmp(graph->form, "check") || module->emit.cx->options.double_precision);
    put_i32(&program, 0);
    put_i64(&program, graph->workspace_elements);
    return constant_global(module, fields_struct(&program));
}
