/* Where a training first met a value that is not finite: in the parameters, in a layer's output, in a
 * gradient, or in the loss. */
#include "run/trainer.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

int32_t cnn_first_not_finite(const cnn_model *model, const float *block, bool trained_only) {
    for (int32_t i = 0; i < model->parameter_count; i++) {
        const cnn_parameter *parameter = &model->parameters[i];
        if (trained_only && !parameter->trainable) continue;
        for (int64_t j = 0; j < parameter->size; j++)
            if (!isfinite(block[parameter->offset + j])) return i;
    }
    return -1;
}

static void name_parameter(const cnn_model *model, int32_t index, const char *suffix, char *text,
                           size_t size) {
    const cnn_parameter *parameter = &model->parameters[index];
    const char *dot = strrchr(parameter->name, '.');
    snprintf(text, size, "layer %s, tensor %s%s", model->layers[parameter->layer].name,
             dot ? dot + 1 : parameter->name, suffix);
}

typedef struct Search {
    const cnn_model *model;
    _Atomic int32_t first; /* layer */
} Search;

static bool layer_is_finite(const cnn_layer *layer, const float *value) {
    int64_t index[CNN_MAX_RANK] = {0}, at = 0;
    for (;;) {
        if (!isfinite(value[at])) return false;
        int32_t axis = layer->rank - 1;
        for (; axis >= 0; axis--) {
            at += layer->stride[axis];
            if (++index[axis] < layer->shape[axis]) break;
            at -= layer->stride[axis] * layer->shape[axis];
            index[axis] = 0;
        }
        if (axis < 0) return true;
    }
}

static void search_layers(void *user, const cnn_frame *frame) {
    Search *search = user;
    const cnn_program *code = search->model->probe;
    for (int64_t n = 0; n < frame->count; n++) {
        const float *values = (const float *)frame->scratch + n * code->scratch_stride;
        for (int32_t i = 0; i < atomic_load(&search->first); i++)
            if (!layer_is_finite(&search->model->layers[i], values + search->model->layers[i].offset)) {
                int32_t first = atomic_load(&search->first);
                while (i < first && !atomic_compare_exchange_weak(&search->first, &first, i)) continue;
                break;
            }
    }
}

/* The first layer, in the model's order, whose output in inference mode is not finite for some sample; or
 * layer_count. */
static int32_t probe_batch(const Trainer *trainer, const Dataset *dataset, const uint32_t *order,
                           int64_t count) {
    const cnn_model *model = trainer->program.model;
    Search search = {.model = model, .first = model->layer_count};
    Program probe;
    Failure failure = {0};
    if (cnn_program_open(&probe, model, model->probe, trainer->program.pool,
                         trainer->program.frame.parameters, count, &failure))
        return model->layer_count;
    probe.frame.samples = dataset->samples;
    probe.frame.sample_kind = dataset->sample_kind;
    probe.frame.order = order;
    probe.visit = search_layers;
    probe.visit_user = &search;
    cnn_program_prepare(&probe);
    cnn_program_run(&probe, count);
    cnn_program_close(&probe);
    return search.first;
}

void cnn_trainer_diagnose(Trainer *trainer, const Dataset *dataset, const uint32_t *order, int64_t count,
                          char *text, size_t size) {
    const cnn_model *model = trainer->program.model;
    const cnn_frame *frame = &trainer->program.frame;
    int32_t index = cnn_first_not_finite(model, frame->parameters, true);
    if (index >= 0) {
        name_parameter(model, index, "", text, size);
        return;
    }
    index = probe_batch(trainer, dataset, order, count);
    if (index < model->layer_count) {
        snprintf(text, size, "layer %s, tensor output", model->layers[index].name);
        return;
    }
    index = cnn_first_not_finite(model, frame->parameters, false);
    if (index >= 0) {
        name_parameter(model, index, "", text, size);
        return;
    }
    for (int64_t lane = 0; lane < frame->lane_count; lane++) {
        index = cnn_first_not_finite(model, (const float *)frame->lanes + lane * frame->lane_stride, true);
        if (index < 0) continue;
        name_parameter(model, index, "'s gradient", text, size);
        return;
    }
    snprintf(text, size, "the loss");
}
