/* A scheduled graph as functions, one a node, in the order in which they run; and the cnn_program that lists
 * them, stage by stage. */
#include "codegen/constants.h"

#include <string.h>

enum { LEAST_SPLIT_CYCLES = 4000 }; /* about 1 us: waiting for each other takes a fifth of that */

/* A function of the program under construction and the blocks that its frame points to, loaded when first
 * needed. */
typedef struct Body {
    Module *module;
    const Graph *graph;
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

/* A function of the frame that calls the node's kernel with the blocks that the frame points to: a few loads
 * and a call, in which there is nothing to optimise. */
static LLVMValueRef emit_step(Module *module, const Graph *graph, const Node *node, bool prepare) {
    Emit *e = &module->emit;
    const char *name =
        arena_printf(e->cx->arena, "%s.%s.%d", graph->form->name, node->op->name, module->step_number++);
    LLVMValueRef function = module_function(module, name, e->void_type, &e->pointer, 1);
    module_leave_plain(module, function);
    Body body = {.module = module, .graph = graph};
    body.code = (KernelCode){.emit = e,
                             .graph = graph,
                             .real = graph->doubles ? e->f64 : e->f32,
                             .width = 1,
                             .function = function,
                             .frame = LLVMGetParam(function, 0)};
    bool samples = !prepare && node->op->domain == DOMAIN_SAMPLE;
    body.code.count = samples ? code_frame(&body.code, FRAME_COUNT) : code_int(&body.code, 1);
    body.code.first = samples ? code_frame(&body.code, FRAME_FIRST) : code_int(&body.code, 0);
    call_node(&body, node, prepare);
    LLVMBuildRetVoid(e->builder);
    return function;
}

/* A result that lies where its operands are needs no step. */
static bool does_nothing(const Graph *graph, const Node *node) {
    return node->kernel->idle && node->kernel->idle(graph, node);
}

static LLVMValueRef step_constant(Module *module, const Graph *graph, const Node *node, LLVMValueRef run,
                                  bool prepare) {
    Fields step = {.module = module};
    put_value(&step, run);
    put_string(&step, node->layer >= 0 ? graph->layers.items[node->layer].name : NULL);
    put_string(&step, arena_printf(module->emit.cx->arena, "%s.%s", node->op->name, node->kernel->name));
    put_i64(&step, node->op->macs && !prepare ? node_layer_macs(graph, node) : 0);
    put_f64(&step, prepare ? 0 : node->cost);
    put_i64(&step, !prepare && node->kernel->splits && node->cost >= LEAST_SPLIT_CYCLES);
    return fields_struct(&step);
}

/* The cnn_steps of the nodes of that domain and stage; alone: as they are for a sample that runs by itself.
 * `runs` has each node's function, once there is one. */
static int put_steps(Fields *fields, const Graph *graph, Domain domain, int stage, LLVMValueRef *runs,
                     bool alone) {
    Fields steps = {.module = fields->module};
    for (int i = 0; i < graph->nodes.count; i++) {
        const Node *own = graph_node(graph, i);
        if (own->op->domain != domain || own->stage != stage || does_nothing(graph, own)) continue;
        Node node = alone ? node_alone(own) : *own;
        bool same = node.kernel == own->kernel;
        LLVMValueRef run = same && runs[i] ? runs[i] : emit_step(fields->module, graph, &node, false);
        if (same) runs[i] = run;
        put_value(&steps, step_constant(fields->module, graph, &node, run, false));
    }
    put_pointer(fields, constant_array(fields->module, steps.values.items, steps.values.count));
    return steps.values.count;
}

/* How many nodes that prepare stand one behind the other before this one's parameters are there. */
static int prepare_level(const Graph *graph, const Node *node) {
    int level = 0;
    for (int i = 0; i < node->inputs.count; i++) {
        NodeId id = graph_value(graph, node->inputs.items[i])->producer;
        if (id < 0 || graph_node(graph, id)->op->domain != DOMAIN_PARAMETER) continue;
        int behind = prepare_level(graph, graph_node(graph, id)) + 1;
        if (behind > level) level = behind;
    }
    return level;
}

static bool prepares(const Node *node) {
    return node->op->domain == DOMAIN_PARAMETER || node->kernel->packed;
}

static void put_prepared(Fields *steps, const Graph *graph, const Node *node) {
    bool kernel_only = node->op->domain != DOMAIN_PARAMETER;
    if (!prepares(node)) return;
    LLVMValueRef run = emit_step(steps->module, graph, node, kernel_only);
    put_value(steps, step_constant(steps->module, graph, node, run, kernel_only));
}

/* The steps that prepare, level by level, and where each level ends. */
static void put_prepare(Fields *fields, const Graph *graph) {
    Module *module = fields->module;
    Fields steps = {.module = module}, ends = {.module = module};
    for (int level = 0, deepest = 0; level <= deepest; level++) {
        for (int i = 0; i < graph->nodes.count; i++) {
            const Node *node = graph_node(graph, i);
            Node alone = node_alone(node);
            if (!prepares(node) && !prepares(&alone)) continue;
            int here = prepare_level(graph, node);
            if (here > deepest) deepest = here;
            if (here != level) continue;
            put_prepared(&steps, graph, node);
            if (node->alone) put_prepared(&steps, graph, &alone);
        }
        if (steps.values.count) put_i32(&ends, steps.values.count);
    }
    put_pointer(fields, constant_array(module, steps.values.items, steps.values.count));
    put_pointer(fields, constant_array(module, ends.values.items, ends.values.count));
    put_i32(fields, steps.values.count);
    put_i32(fields, ends.values.count);
}

static LLVMValueRef stage_constant(Module *module, const Graph *graph, int stage) {
    Fields fields = {.module = module};
    LLVMValueRef *runs = ARENA_ARRAY(module->emit.cx->arena, LLVMValueRef, (size_t)graph->nodes.count);
    int samples = put_steps(&fields, graph, DOMAIN_SAMPLE, stage, runs, false);
    int batch = put_steps(&fields, graph, DOMAIN_BATCH, stage, runs, false);
    if (graph->form->chooses_alone)
        put_steps(&fields, graph, DOMAIN_SAMPLE, stage, runs, true);
    else
        put_pointer(&fields, NULL);
    put_i32(&fields, samples);
    put_i32(&fields, batch);
    put_i32(&fields, graph->stage_micro_batches[stage]);
    put_i32(&fields, 0);
    return fields_struct(&fields);
}

LLVMValueRef program_emit(Module *module, const Graph *graph) {
    Fields stages = {.module = module}, program = {.module = module};
    for (int stage = 0; stage < graph->stage_count; stage++)
        put_value(&stages, stage_constant(module, graph, stage));
    put_i32(&program, graph->stage_count);
    put_i32(&program, graph->micro_batch);
    put_pointer(&program, constant_array(module, stages.values.items, stages.values.count));
    put_prepare(&program, graph);
    put_i64(&program, graph->packed_elements);
    put_i64(&program, graph->lane_elements);
    put_i64(&program, graph->shared_elements);
    put_i64(&program, graph->scratch_stride);
    put_i64(&program, graph->batch_stride);
    put_i32(&program, graph->doubles);
    put_i32(&program, 0);
    put_i64(&program, graph->workspace_elements);
    return constant_global(module, fields_struct(&program));
}
