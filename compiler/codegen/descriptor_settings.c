/* The data block and the train block as constant data: cnn_data, cnn_schedule and cnn_train. */
#include "codegen/descriptor.h"
#include "runtime/abi.h"

#include <string.h>

/* One number stands for every channel. */
static void record_channels(Record *r, AbiField field, const double *values, int count, double fallback,
                            int64_t channels) {
    double *all = ARENA_ARRAY(r->module->emit.cx->arena, double, (size_t)channels);
    for (int64_t i = 0; i < channels; i++) all[i] = count == 0 ? fallback : values[count == 1 ? 0 : i];
    record_floats(r, field, all, channels);
}

LLVMValueRef data_describe(Module *module, const DataSettings *data, int64_t channels) {
    if (!data) return NULL;
    Record r = record_begin(module, ABI_data);
    record_int(&r, ABI_data_format, data->format);
    record_int(&r, ABI_data_cifar_labels, data->cifar_labels);
    record_text(&r, ABI_data_path, data->path ? data->path : "");
    record_texts(&r, ABI_data_train, data->train.items, data->train.count);
    record_texts(&r, ABI_data_test, data->test.items, data->test.count);
    record_real(&r, ABI_data_validation, data->validation);
    record_real(&r, ABI_data_scale, data->scale);
    record_channels(&r, ABI_data_mean, data->mean.items, data->mean.count, 0, channels);
    record_channels(&r, ABI_data_std, data->std.items, data->std.count, 1, channels);
    record_texts(&r, ABI_data_classes, data->classes.items, data->classes.count);
    record_int(&r, ABI_data_class_count, data->classes.count);
    record_int(&r, ABI_data_resize_height, data->resize_height);
    record_int(&r, ABI_data_resize_width, data->resize_width);
    return constant_global(module, record_end(&r));
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

static LLVMValueRef schedule_describe(Module *module, const TrainSettings *train) {
    ConstantList epochs = {0};
    const Attr *list = schedule_attr(train, "epochs");
    for (int64_t i = 0; list && i < list->tensor.shape.dim[0]; i++)
        vec_push(
            module->emit.cx->arena, &epochs,
            LLVMConstInt(module->emit.i64, (unsigned long long)epoch_count(list->tensor.values[i]), true));
    Record r = record_begin(module, ABI_schedule);
    record_int(&r, ABI_schedule_kind, train->schedule->code);
    record_int(&r, ABI_schedule_milestone_count, epochs.count);
    record_int(&r, ABI_schedule_every, epoch_count(schedule_number(train, "every", "patience")));
    record_real(&r, ABI_schedule_warmup, schedule_number(train, "warmup", "warmup"));
    record_real(&r, ABI_schedule_factor, schedule_number(train, "factor", "rate"));
    record_real(&r, ABI_schedule_target, schedule_number(train, "to", "max_lr"));
    record_address(&r, ABI_schedule_milestones, constant_array(module, &epochs));
    return constant_global(module, record_end(&r));
}

LLVMValueRef train_describe(Module *module, const TrainSettings *train) {
    if (!train) return NULL;
    const Op *optimizer = train->optimizer;
    Record r = record_begin(module, ABI_train);
    record_int(&r, ABI_train_loss, train->loss->code);
    record_int(&r, ABI_train_epochs, train->epochs);
    record_int(&r, ABI_train_batch, train->batch);
    record_int(&r, ABI_train_top_k, train->top_k);
    record_int(&r, ABI_train_show_accuracy, train->accuracy);
    record_int(&r, ABI_train_show_mae, train->mae);
    record_real(&r, ABI_train_learning_rate, attr_find(optimizer, train->optimizer_attrs, "lr")->real);
    record_int(&r, ABI_train_smallest_batch, train->smallest_batch);
    record_int(&r, ABI_train_slot_count, op_slots(optimizer, train->optimizer_attrs));
    record_int(&r, ABI_train_seed, train->seed);
    record_text(&r, ABI_train_optimizer, optimizer->name);
    record_address(&r, ABI_train_schedule, schedule_describe(module, train));
    record_real(&r, ABI_train_clip_norm, train->clip_norm);
    record_int(&r, ABI_train_early_stop, train->early_stop);
    return constant_global(module, record_end(&r));
}
