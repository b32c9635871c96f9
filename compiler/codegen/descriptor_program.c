/* Programs as constant data: cnn_step, cnn_stage and cnn_program of what stages.c emitted. */
#include "codegen/descriptor.h"

enum { LEAST_SPLIT_CYCLES = 4000 }; /* about 1 us: waiting for each other takes a fifth of that */

static LLVMValueRef step_constant(Module *module, const Graph *graph, const EmittedStep *step) {
    const Node *node = step->node;
    Record r = record_begin(module, ABI_step);
    record_address(&r, ABI_step_run, step->function);
    record_text(&r, ABI_step_layer, node->layer >= 0 ? graph->layers.items[node->layer].name : NULL);
    record_text(&r, ABI_step_kernel,
                arena_printf(module->emit.cx->arena, "%s.%s", node->op->name, node->kernel->name));
    record_int(&r, ABI_step_macs, node->op->macs && !step->prepares ? node_layer_macs(graph, node) : 0);
    record_real(&r, ABI_step_estimate, step->prepares ? 0 : node->cost);
    record_int(&r, ABI_step_splits,
               !step->prepares && node->kernel->splits && node->cost >= LEAST_SPLIT_CYCLES);
    return record_end(&r);
}

static LLVMValueRef steps_array(Module *module, const Graph *graph, const EmittedSteps *steps) {
    ConstantList list = {0};
    for (int i = 0; i < steps->count; i++)
        vec_push(module->emit.cx->arena, &list, step_constant(module, graph, &steps->items[i]));
    return constant_array(module, &list);
}

static LLVMValueRef stage_constant(Module *module, const EmittedProgram *program, int index) {
    const Graph *graph = program->graph;
    const EmittedStage *stage = &program->stages[index];
    Record r = record_begin(module, ABI_stage);
    record_address(&r, ABI_stage_samples, steps_array(module, graph, &stage->samples));
    record_address(&r, ABI_stage_batch, steps_array(module, graph, &stage->batch));
    record_address(&r, ABI_stage_alone, steps_array(module, graph, &stage->alone));
    record_int(&r, ABI_stage_sample_steps, stage->samples.count);
    record_int(&r, ABI_stage_batch_steps, stage->batch.count);
    record_int(&r, ABI_stage_micro_batch, graph->stage_micro_batches[index]);
    return record_end(&r);
}

static LLVMValueRef stages_array(Module *module, const EmittedProgram *program) {
    ConstantList list = {0};
    for (int i = 0; i < program->graph->stage_count; i++)
        vec_push(module->emit.cx->arena, &list, stage_constant(module, program, i));
    return constant_array(module, &list);
}

static LLVMValueRef ends_array(Module *module, const EmittedProgram *program) {
    ConstantList list = {0};
    for (int i = 0; i < program->prepare_ends.count; i++)
        vec_push(module->emit.cx->arena, &list,
                 LLVMConstInt(module->emit.i32, (unsigned long long)program->prepare_ends.items[i], true));
    return constant_array(module, &list);
}

LLVMValueRef program_describe(Module *module, const EmittedProgram *program) {
    if (!program) return NULL;
    const Graph *graph = program->graph;
    Record r = record_begin(module, ABI_program);
    record_int(&r, ABI_program_stage_count, graph->stage_count);
    record_int(&r, ABI_program_micro_batch, graph->micro_batch);
    record_address(&r, ABI_program_stages, stages_array(module, program));
    record_address(&r, ABI_program_prepare, steps_array(module, graph, &program->prepare));
    record_address(&r, ABI_program_prepare_ends, ends_array(module, program));
    record_int(&r, ABI_program_prepare_steps, program->prepare.count);
    record_int(&r, ABI_program_prepare_levels, program->prepare_ends.count);
    record_int(&r, ABI_program_packed, graph->packed_elements);
    record_int(&r, ABI_program_lane, graph->lane_elements);
    record_int(&r, ABI_program_shared, graph->shared_elements);
    record_int(&r, ABI_program_scratch_stride, graph->scratch_stride);
    record_int(&r, ABI_program_batch_stride, graph->batch_stride);
    record_int(&r, ABI_program_double_precision, graph->doubles);
    record_int(&r, ABI_program_workspace, graph->workspace_elements);
    return constant_global(module, record_end(&r));
}
