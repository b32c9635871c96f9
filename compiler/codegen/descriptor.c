/* cnn_compiled_model: what the runtime is told of a model, as constant data. */
#include "codegen/descriptor.h"
#include "runtime/abi.h"

#include <string.h>

static LLVMValueRef parameter_constant(Module *module, const Value *value) {
    const ParameterInfo *info = value->parameter;
    const Storage *s = &info->storage;
    Record r = record_begin(module, ABI_parameter);
    record_text(&r, ABI_parameter_name, value->name);
    record_int(&r, ABI_parameter_rank, info->shape.rank);
    record_int(&r, ABI_parameter_layer, value->layer);
    record_extents(&r, ABI_parameter_shape, info->shape.dim, info->shape.rank);
    record_int(&r, ABI_parameter_offset, value->offset);
    record_int(&r, ABI_parameter_size, s->size);
    record_int(&r, ABI_parameter_group, s->group);
    record_int(&r, ABI_parameter_group_stride, s->group_stride);
    record_int(&r, ABI_parameter_block, s->block);
    record_int(&r, ABI_parameter_block_stride, s->block_stride);
    record_extents(&r, ABI_parameter_stride, s->stride, info->shape.rank);
    record_int(&r, ABI_parameter_init, info->init.kind);
    record_int(&r, ABI_parameter_trainable, info->trainable);
    record_int(&r, ABI_parameter_statistic, info->statistic);
    record_real(&r, ABI_parameter_init_value, info->init.value);
    record_int(&r, ABI_parameter_fan_in, info->fan_in);
    record_int(&r, ABI_parameter_fan_out, info->fan_out);
    record_floats(&r, ABI_parameter_values, info->values, shape_elements(&info->shape));
    record_int(&r, ABI_parameter_origin, s->origin);
    return record_end(&r);
}

static void record_parameters(Record *model, const Graph *graph) {
    ConstantList rows = {0};
    for (int i = 0; i < graph->values.count; i++)
        if (graph_value(graph, i)->region == REGION_PARAMETERS)
            vec_push(model->module->emit.cx->arena, &rows,
                     parameter_constant(model->module, graph_value(graph, i)));
    record_int(model, ABI_model_parameter_count, rows.count);
    record_address(model, ABI_model_parameters, constant_array(model->module, &rows));
}

static LLVMValueRef layer_constant(Module *module, const Graph *probe, const Layer *layer) {
    const Value *value = graph_value(probe, layer->output);
    const Op *op = op_find(layer->kind);
    Record r = record_begin(module, ABI_layer);
    record_text(&r, ABI_layer_name, layer->name);
    record_text(&r, ABI_layer_kind, layer->kind);
    record_int(&r, ABI_layer_rank, value->shape.rank);
    record_int(&r, ABI_layer_indexes_rows, op && op->indexes_rows);
    record_extents(&r, ABI_layer_shape, value->shape.dim, value->shape.rank);
    record_int(&r, ABI_layer_parameters, layer->parameters);
    record_int(&r, ABI_layer_trainable, layer->trainable);
    record_int(&r, ABI_layer_statistics, layer->statistics);
    record_int(&r, ABI_layer_macs, layer->macs);
    record_int(&r, ABI_layer_offset, value->offset);
    record_extents(&r, ABI_layer_stride, value->layout.stride, value->shape.rank);
    return record_end(&r);
}

/* The layers, and where the probe leaves each one's value. */
static void record_layers(Record *model, const Graph *probe) {
    ConstantList rows = {0};
    for (int i = 0; i < probe->layers.count; i++)
        vec_push(model->module->emit.cx->arena, &rows,
                 layer_constant(model->module, probe, &probe->layers.items[i]));
    record_int(model, ABI_model_layer_count, rows.count);
    record_address(model, ABI_model_layers, constant_array(model->module, &rows));
}

/* What predict must still apply to the output to get probabilities. */
static int output_kind(const Model *model) {
    const Graph *graph = model->graph;
    NodeId last = graph_value(graph, graph->output)->producer;
    const Node *node = last >= 0 ? graph_node(graph, last) : NULL;
    Meaning made = node ? node->op->meaning : MEANING_NUMBERS;
    enum { AS_IT_IS, SOFTMAX, EXP, SIGMOID };
    if (made == MEANING_LOG_PROBABILITIES) return EXP;
    if (!model->train || made == MEANING_PROBABILITIES) return AS_IT_IS;
    Meaning wanted = model->train->loss->predicts;
    if (wanted == MEANING_PROBABILITIES) return SOFTMAX;
    return wanted == MEANING_PROBABILITY && made != wanted ? SIGMOID : AS_IT_IS;
}

static int64_t metric_count(const Model *model) {
    if (!model->train) return 1;
    if (model->train->loss->predicts != MEANING_PROBABILITIES)
        return train_measures_error(model->train) ? 2 : 1;
    const Shape *output = &graph_value(model->graph, model->graph->output)->shape;
    return shape_elements(output) / shape_channels(output);
}

static void record_names_and_shapes(Record *r, const Model *model) {
    const Graph *graph = model->graph;
    const Shape *input = &graph_value(graph, graph->input)->shape;
    const Shape *output = &graph_value(graph, graph->output)->shape;
    record_int(r, ABI_model_abi_version, CNN_ABI_VERSION);
    record_text(r, ABI_model_name, model->name);
    record_text(r, ABI_model_compiler_version, CNNC_VERSION);
    record_int(r, ABI_model_input_rank, input->rank);
    record_int(r, ABI_model_output_rank, output->rank);
    record_extents(r, ABI_model_input_shape, input->dim, input->rank);
    record_extents(r, ABI_model_output_shape, output->dim, output->rank);
}

static void record_totals(Record *r, const CodegenInput *input, const Graph *inference) {
    GraphTotals totals = graph_totals(inference);
    record_int(r, ABI_model_parameter_elements, inference->parameter_elements);
    record_int(r, ABI_model_decayed_elements, inference->decayed_elements);
    record_int(r, ABI_model_trained_elements, inference->trained_elements);
    record_int(r, ABI_model_total_parameters, totals.parameters);
    record_int(r, ABI_model_total_trainable, totals.trainable);
    record_int(r, ABI_model_total_statistics, totals.statistics);
    record_int(r, ABI_model_total_macs, totals.macs);
    record_int(r, ABI_model_memory_inference, input->memory_inference);
    record_int(r, ABI_model_memory_training, input->memory_training);
}

static void record_programs(Record *r, const Emitted *emitted) {
    static const AbiField fields[FORM_COUNT] = {
        [FORM_INFERENCE] = ABI_model_inference,   [FORM_PROBE] = ABI_model_probe,
        [FORM_EVALUATION] = ABI_model_evaluation, [FORM_TRAINING] = ABI_model_training,
        [FORM_GRADIENTS] = ABI_model_gradients,   [FORM_CHECK] = ABI_model_check,
    };
    for (int i = 0; i < FORM_COUNT; i++)
        record_address(r, fields[i], program_describe(r->module, emitted->programs[i]));
    record_address(r, ABI_model_update, emitted->update);
    record_address(r, ABI_model_gather, emitted->gather);
    record_address(r, ABI_model_peak, emitted->peak);
}

LLVMValueRef descriptor_make(Module *module, const CodegenInput *input, const Emitted *emitted) {
    Graph *const *forms = input->forms;
    const Graph *inference = forms[FORM_INFERENCE], *training = forms[FORM_TRAINING];
    const Model *model = module->model;
    Model described = *model;
    if (!training) described.train = NULL;
    Record r = record_begin(module, ABI_model);
    record_names_and_shapes(&r, model);
    record_int(&r, ABI_model_has_train, described.train != NULL);
    record_int(&r, ABI_model_has_data, model->data != NULL);
    record_parameters(&r, inference);
    record_layers(&r, forms[FORM_PROBE]);
    record_totals(&r, input, inference);
    record_int(&r, ABI_model_lanes, training ? training->lanes : 1);
    record_int(&r, ABI_model_metric_count, metric_count(&described));
    record_int(&r, ABI_model_output_kind, output_kind(model));
    int64_t channels = shape_channels(&graph_value(inference, inference->input)->shape);
    record_address(&r, ABI_model_data, data_describe(module, model->data, channels));
    record_address(&r, ABI_model_train, train_describe(module, described.train));
    record_programs(&r, emitted);
    const Machine *machine = module->emit.machine;
    record_real(&r, ABI_model_peak_per_cycle, machine->vector_floats * machine->fma_ports);
    LLVMValueRef value = record_end(&r);
    LLVMValueRef global = LLVMAddGlobal(module->emit.module, LLVMTypeOf(value), "cnn_compiled_model");
    LLVMSetInitializer(global, value);
    LLVMSetGlobalConstant(global, true);
    return global;
}
