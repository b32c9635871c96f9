/* A scheduled graph as functions, one a node, listed stage by stage in the order in which they run. */
#include "codegen/module.h"

/* A function of the program under construction and the blocks that its frame points to, loaded when first
 * needed. */
typedef struct Body {
    Module *module;
    const Graph *graph;
    KernelCode code; /* for its helpers */
    LLVMValueRef blocks[REGION_SCRATCH + 1];
} Body;

static LLVMValueRef block_pointer(Body *body, Region region) {
    static const AbiField fields[] = {[REGION_PARAMETERS] = ABI_frame_parameters,
                                      [REGION_PACKED] = ABI_frame_packed,
                                      [REGION_LANE] = ABI_frame_lane,
                                      [REGION_SHARED] = ABI_frame_shared,
                                      [REGION_BATCH] = ABI_frame_batch,
                                      [REGION_SCRATCH] = ABI_frame_scratch};
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
    body.code.count = samples ? code_frame(&body.code, ABI_frame_count) : code_int(&body.code, 1);
    body.code.first = samples ? code_frame(&body.code, ABI_frame_first) : code_int(&body.code, 0);
    call_node(&body, node, prepare);
    LLVMBuildRetVoid(e->builder);
    return function;
}

/* A result that lies where its operands are needs no step. */
static bool does_nothing(const Machine *machine, const Graph *graph, const Node *node) {
    KernelCall call = kernel_call(node->kernel, machine, graph, node);
    return node->kernel->idle && node->kernel->idle(&call);
}

/* The node as it is for a sample that runs by itself. */
static const Node *alone_node(Module *module, const Node *node) {
    Node alone = node_alone(node);
    return arena_copy(module->emit.cx->arena, &alone, sizeof alone);
}

/* The nodes of a stage: [begin, end) of the graph's, which are in the order of their stages. */
typedef struct Range {
    int begin, end;
} Range;

static Range *stage_ranges(Arena *arena, const Graph *graph) {
    Range *ranges = ARENA_ARRAY(arena, Range, (size_t)graph->stage_count);
    for (int i = 0; i < graph->nodes.count; i++) {
        const Node *node = graph_node(graph, i);
        if (node->op->domain == DOMAIN_PARAMETER) continue;
        Range *range = &ranges[node->stage];
        if (!range->end) range->begin = i;
        range->end = i + 1;
    }
    return ranges;
}

/* The nodes of that domain among these; alone: as they are for a sample that runs by itself. `functions` has
 * each node's, from the first on, once there is one. */
static EmittedSteps emit_steps(Module *module, const Graph *graph, Domain domain, Range range,
                               LLVMValueRef *functions, bool alone) {
    EmittedSteps steps = {0};
    for (int i = range.begin; i < range.end; i++) {
        const Node *own = graph_node(graph, i);
        if (own->op->domain != domain || does_nothing(module->emit.machine, graph, own)) continue;
        const Node *node = alone ? alone_node(module, own) : own;
        bool same = node->kernel == own->kernel;
        LLVMValueRef function = same ? functions[i - range.begin] : NULL;
        if (!function) function = emit_step(module, graph, node, false);
        if (same) functions[i - range.begin] = function;
        vec_push(module->emit.cx->arena, &steps, ((EmittedStep){node, function, false}));
    }
    return steps;
}

static bool prepares(const Node *node) {
    return node->op->domain == DOMAIN_PARAMETER || node->kernel->packed;
}

static void emit_prepared(Module *module, EmittedProgram *program, const Node *node) {
    if (!prepares(node)) return;
    bool kernel_only = node->op->domain != DOMAIN_PARAMETER;
    LLVMValueRef function = emit_step(module, program->graph, node, kernel_only);
    vec_push(module->emit.cx->arena, &program->prepare, ((EmittedStep){node, function, kernel_only}));
}

/* How many nodes that prepare stand one behind the other before each node's parameters are there. */
static int *prepare_levels(Arena *arena, const Graph *graph) {
    int *levels = ARENA_ARRAY(arena, int, (size_t)graph->nodes.count);
    for (int n = 0; n < graph->nodes.count; n++) {
        const Node *node = graph_node(graph, n);
        for (int i = 0; i < node->inputs.count; i++) {
            NodeId id = graph_value(graph, node->inputs.items[i])->producer;
            if (id < 0 || graph_node(graph, id)->op->domain != DOMAIN_PARAMETER) continue;
            if (levels[id] >= levels[n]) levels[n] = levels[id] + 1;
        }
    }
    return levels;
}

static bool ever_prepares(const Node *node) {
    Node alone = node_alone(node);
    return prepares(node) || prepares(&alone);
}

typedef VEC(NodeId) Nodes;

/* The nodes that prepare, a list a level. */
static Nodes *nodes_by_level(Arena *arena, const Graph *graph, int *count) {
    int *levels = prepare_levels(arena, graph), deepest = -1;
    for (int i = 0; i < graph->nodes.count; i++)
        if (levels[i] > deepest && ever_prepares(graph_node(graph, i))) deepest = levels[i];
    Nodes *lists = ARENA_ARRAY(arena, Nodes, (size_t)deepest + 1);
    for (int i = 0; i < graph->nodes.count; i++)
        if (ever_prepares(graph_node(graph, i))) vec_push(arena, &lists[levels[i]], i);
    *count = deepest + 1;
    return lists;
}

/* The steps that prepare, level by level, and where each level ends. */
static void emit_prepare(Module *module, EmittedProgram *program) {
    const Graph *graph = program->graph;
    Arena *arena = module->emit.cx->arena;
    int count;
    Nodes *lists = nodes_by_level(arena, graph, &count);
    for (int level = 0; level < count; level++) {
        for (int i = 0; i < lists[level].count; i++) {
            const Node *node = graph_node(graph, lists[level].items[i]);
            emit_prepared(module, program, node);
            if (node->alone) emit_prepared(module, program, alone_node(module, node));
        }
        if (program->prepare.count) vec_push(arena, &program->prepare_ends, program->prepare.count);
    }
}

static EmittedStage emit_stage(Module *module, const Graph *graph, Range range) {
    size_t count = (size_t)(range.end - range.begin);
    LLVMValueRef *functions = ARENA_ARRAY(module->emit.cx->arena, LLVMValueRef, count);
    EmittedStage emitted = {0};
    emitted.samples = emit_steps(module, graph, DOMAIN_SAMPLE, range, functions, false);
    emitted.batch = emit_steps(module, graph, DOMAIN_BATCH, range, functions, false);
    if (graph->form->chooses_alone)
        emitted.alone = emit_steps(module, graph, DOMAIN_SAMPLE, range, functions, true);
    return emitted;
}

EmittedProgram *program_emit(Module *module, const Graph *graph) {
    EmittedProgram *program = ARENA_NEW(module->emit.cx->arena, EmittedProgram);
    program->graph = graph;
    program->stages = ARENA_ARRAY(module->emit.cx->arena, EmittedStage, (size_t)graph->stage_count);
    Range *ranges = stage_ranges(module->emit.cx->arena, graph);
    for (int stage = 0; stage < graph->stage_count; stage++)
        program->stages[stage] = emit_stage(module, graph, ranges[stage]);
    emit_prepare(module, program);
    return program;
}
