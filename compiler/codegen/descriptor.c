/* cnn_compiled_model: the model's description as constant data, field by field as runtime/abi.h declares it.
 */
#include "codegen/constants.h"
#include "runtime/abi.h"

#include <string.h>

static const cnn_init init_codes[] = {
    [INIT_ZEROS] = CNN_INIT_ZEROS,
    [INIT_ONES] = CNN_INIT_ONES,
    [INIT_CONSTANT] = CNN_INIT_CONSTANT,
    [INIT_NORMAL] = CNN_INIT_NORMAL,
    [INIT_UNIFORM] = CNN_INIT_UNIFORM,
    [INIT_HE_NORMAL] = CNN_INIT_HE_NORMAL,
    [INIT_HE_UNIFORM] = CNN_INIT_HE_UNIFORM,
    [INIT_GLOROT_NORMAL] = CNN_INIT_GLOROT_NORMAL,
    [INIT_GLOROT_UNIFORM] = CNN_INIT_GLOROT_UNIFORM,
    [INIT_VALUES] = CNN_INIT_VALUES,
};

static LLVMValueRef parameter_constant(Module *module, const Value *value) {
    const ParameterInfo *info = value->parameter;
    const Storage *s = &info->storage;
    Fields f = {.module = module};
    put_string(&f, value->name);
    put_i32(&f, info->shape.rank);
    put_i32(&f, value->layer);
    put_extents(&f, info->shape.dim, info->shape.rank, CNN_MAX_RANK);
    put_i64(&f, value->offset);
    put_i64(&f, s->size);
    put_i64(&f, s->group);
    put_i64(&f, s->group_stride);
    put_i64(&f, s->block);
    put_i64(&f, s->block_stride);
    put_extents(&f, s->stride, info->shape.rank, CNN_MAX_RANK);
    put_i32(&f, init_codes[info->init.kind]);
    put_i32(&f, info->trainable);
    put_i32(&f, info->statistic);
    put_f32(&f, info->init.value);
    put_i64(&f, info->fan_in);
    put_i64(&f, info->fan_out);
    put_floats(&f, info->values, shape_elements(&info->shape));
    put_i64(&f, s->origin);
    return fields_struct(&f);
}

static void put_parameters(Fields *model, const Graph *graph) {
    Fields rows = {.module = model->module};
    for (int i = 0; i < graph->values.count; i++)
        if (graph_value(graph, i)->region == REGION_PARAMETERS)
            put_value(&rows, parameter_constant(model->module, graph_value(graph, i)));
    put_pointer(model, constant_array(model->module, rows.values.items, rows.values.count));
}

static int parameter_count(const Graph *graph) {
    int count = 0;
    for (int i = 0; i < graph->values.count; i++) count += graph_value(graph, i)->region == REGION_PARAMETERS;
    return count;
}

/* The layers, and where the probe leaves each one's value. */
static void put_layers(Fields *model, const Graph *probe) {
    Fields rows = {.module = model->module};
    for (int i = 0; i < probe->layers.count; i++) {
        const Layer *layer = &probe->layers.items[i];
        const Value *value = graph_value(probe, layer->output);
        const Op *op = op_find(layer->kind);
        Fields f = {.module = model->module};
        put_string(&f, layer->name);
        put_string(&f, layer->kind);
        put_i32(&f, value->shape.rank);
        put_i32(&f, op && op->indexes_rows);
        put_extents(&f, value->shape.dim, value->shape.rank, CNN_MAX_RANK);
        put_i64(&f, layer->parameters);
        put_i64(&f, layer->trainable);
        put_i64(&f, layer->statistics);
        put_i64(&f, layer->macs);
        put_i64(&f, value->offset);
        put_extents(&f, value->layout.stride, value->shape.rank, CNN_MAX_RANK);
        put_value(&rows, fields_struct(&f));
    }
    put_pointer(model, constant_array(model->module, rows.values.items, rows.values.count));
}

/* One number stands for every channel. */
static void put_channel_values(Fields *f, const double *values, int count, double fallback,
                               int64_t channels) {
    double *all = ARENA_ARRAY(f->module->emit.cx->arena, double, (size_t)channels);
    for (int64_t i = 0; i < channels; i++) all[i] = count == 0 ? fallback : values[count == 1 ? 0 : i];
    put_floats(f, all, channels);
}

static void put_data(Fields *model, const DataSettings *data, int64_t channels) {
    if (!data) {
        put_pointer(model, NULL);
        return;
    }
    Fields f = {.module = model->module};
    put_i32(&f, data->format);
    put_i32(&f, data->cifar_labels);
    put_string(&f, data->path ? data->path : "");
    put_strings(&f, data->train.items, data->train.count);
    put_strings(&f, data->test.items, data->test.count);
    put_f64(&f, data->validation);
    put_f32(&f, data->scale);
    put_channel_values(&f, data->mean.items, data->mean.count, 0, channels);
    put_channel_values(&f, data->std.items, data->std.count, 1, channels);
    put_strings(&f, data->classes.items, data->classes.count);
    put_i32(&f, data->classes.count);
    put_i32(&f, data->resize_height);
    put_i32(&f, data->resize_width);
    put_i32(&f, 0);
    put_pointer(model, constant_global(model->module, fields_struct(&f)));
}

/* NULL where this schedule has no such argument. */
static const Attr *schedule_attr(const TrainSettings *train, const char *name) {
    for (int i = 0; i < train->schedule->param_count; i++)
        if (!strcmp(train->schedule->params[i].name, name)) return &train->schedule_attrs[i];
    return NULL;
}

/* A number of epochs; more than any training has are as good as the largest. */
static int64_t epoch_count(double epochs) {
    return (int64_t)(epochs < 0x1p62 ? epochs : 0x1p62);
}

/* The argument that goes by either name; 0 where the schedule has neither. */
static double schedule_number(const TrainSettings *train, const char *name, const char *other) {
    const Attr *attr = schedule_attr(train, name);
    if (!attr) attr = schedule_attr(train, other);
    return !attr ? 0 : attr->kind == ATTR_INT ? (double)attr->integer : attr->real;
}

static void put_schedule(Fields *block, const TrainSettings *train) {
    Fields f = {.module = block->module}, epochs = {.module = block->module};
    const Attr *list = schedule_attr(train, "epochs");
    for (int64_t i = 0; list && i < list->tensor.shape.dim[0]; i++)
        put_i64(&epochs, epoch_count(list->tensor.values[i]));
    put_i32(&f, train->schedule->code);
    put_i32(&f, epochs.values.count);
    put_i64(&f, epoch_count(schedule_number(train, "every", "patience")));
    put_f64(&f, schedule_number(train, "warmup", "warmup"));
    put_f64(&f, schedule_number(train, "factor", "rate"));
    put_f64(&f, schedule_number(train, "to", "max_lr"));
    put_pointer(&f, constant_array(block->module, epochs.values.items, epochs.values.count));
    put_pointer(block, constant_global(block->module, fields_struct(&f)));
}

static void put_train(Fields *model, const TrainSettings *train) {
    if (!train) {
        put_pointer(model, NULL);
        return;
    }
    Fields f = {.module = model->module};
    put_i32(&f, train->loss->code);
    put_i32(&f, train->epochs);
    put_i32(&f, train->batch);
    put_i32(&f, train->top_k);
    put_i32(&f, train->accuracy);
    put_i32(&f, train->mae);
    put_f64(&f, attr_find(train->optimizer, train->optimizer_attrs, "lr")->real);
    put_i32(&f, train->smallest_batch);
    put_i32(&f, train->optimizer->slots ? train->optimizer->slots(train->optimizer_attrs) : 0);
    put_i64(&f, train->seed);
    put_string(&f, train->optimizer->name);
    put_schedule(&f, train);
    put_f32(&f, train->clip_norm);
    put_i32(&f, train->early_stop);
    put_pointer(model, constant_global(model->module, fields_struct(&f)));
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

static void put_header(Fields *f, const Model *model) {
    const Graph *graph = model->graph;
    const Shape *input = &graph_value(graph, graph->input)->shape;
    const Shape *output = &graph_value(graph, graph->output)->shape;
    put_i32(f, CNN_ABI_VERSION);
    put_i32(f, model->train != NULL);
    put_i32(f, model->data != NULL);
    put_i32(f, 0);
    put_string(f, model->name);
    put_string(f, CNNC_VERSION);
    put_i32(f, input->rank);
    put_i32(f, output->rank);
    put_extents(f, input->dim, input->rank, CNN_MAX_RANK);
    put_extents(f, output->dim, output->rank, CNN_MAX_RANK);
}

/* Forms by which people look into a model come last, so that code which another form has, too, is made for
 * that one. */
static void put_programs(Fields *model, Graph *const *forms) {
    LLVMValueRef programs[FORM_COUNT] = {0};
    for (int round = 0; round < 2; round++) {
        model->module->seldom = round;
        for (int i = 0; i < FORM_COUNT; i++)
            if (forms[i] && forms[i]->form->seldom == round)
                programs[i] = program_emit(model->module, forms[i]);
    }
    for (int i = 0; i < FORM_COUNT; i++) put_pointer(model, programs[i]);
}

LLVMValueRef descriptor_emit(Module *module, const CodegenInput *input) {
    Graph *const *forms = input->forms;
    const Graph *inference = forms[FORM_INFERENCE], *training = forms[FORM_TRAINING];
    GraphTotals totals = graph_totals(inference);
    Fields f = {.module = module};
    const Model *model = module->model;
    Model described = *model;
    if (!training) described.train = NULL;
    put_header(&f, &described);
    put_i32(&f, parameter_count(inference));
    put_i32(&f, inference->layers.count);
    put_parameters(&f, inference);
    put_layers(&f, forms[FORM_PROBE]);
    put_i64(&f, inference->parameter_elements);
    put_i64(&f, inference->decayed_elements);
    put_i64(&f, inference->trained_elements);
    put_i64(&f, totals.parameters);
    put_i64(&f, totals.trainable);
    put_i64(&f, totals.statistics);
    put_i64(&f, totals.macs);
    put_i64(&f, input->memory_inference);
    put_i64(&f, input->memory_training);
    put_i32(&f, training ? training->lanes : 1);
    put_i32(&f, metric_count(&described));
    put_i32(&f, output_kind(model));
    put_i32(&f, 0);
    put_data(&f, model->data, shape_channels(&graph_value(inference, inference->input)->shape));
    put_train(&f, described.train);
    put_programs(&f, forms);
    put_pointer(&f, training ? update_emit(module, training) : NULL);
    put_pointer(&f, training && model->train->clip_norm > 0 ? gather_emit(module, training) : NULL);
    const Machine *machine = module->emit.machine;
    put_value(&f, peak_emit(module));
    put_f64(&f, machine->vector_floats * machine->fma_ports);
    LLVMValueRef value = fields_struct(&f);
    LLVMValueRef global = LLVMAddGlobal(module->emit.module, LLVMTypeOf(value), "cnn_compiled_model");
    LLVMSetInitializer(global, value);
    LLVMSetGlobalConstant(global, true);
    return global;
}
