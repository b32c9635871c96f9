/* The verb run: the output, or any layer's value, of an array of samples, in inference mode. */
#include "verbs/session.h"

#include "base/aligned.h"
#include "base/interrupt.h"
#include "base/nearest_word.h"
#include "data/npy.h"

#include <stdlib.h>
#include <string.h>

/* What is written: the model's output, or a layer's value read from the probe program's scratch. */
typedef struct Wanted {
    const cnn_layer *layer; /* NULL: the output */
    const cnn_program *code;
    int32_t rank;
    const int64_t *shape;
    int64_t elements; /* a sample */
    float *values;    /* of all samples */
    int64_t first;    /* of the window that runs */
    const Program *program;
} Wanted;

static int choose_layer(Session *session, Wanted *wanted) {
    const cnn_model *model = session->model;
    const char *name = session->options->layer;
    *wanted = (Wanted){.code = model->inference, .rank = model->output_rank, .shape = model->output_shape};
    for (int32_t i = 0; name && i < model->layer_count; i++)
        if (strcmp(model->layers[i].name, name) == 0) wanted->layer = &model->layers[i];
    if (wanted->layer) {
        wanted->code = model->probe;
        wanted->rank = wanted->layer->rank;
        wanted->shape = wanted->layer->shape;
    }
    wanted->elements = 1;
    for (int32_t i = 0; i < wanted->rank; i++) wanted->elements *= wanted->shape[i];
    if (!name || wanted->layer) return STATUS_OK;
    const char **names = calloc((size_t)model->layer_count + 1, sizeof *names);
    if (!names)
        return cnn_fail_memory(session->failure, "the layers", (size_t)model->layer_count * sizeof *names);
    for (int32_t i = 0; i < model->layer_count; i++) names[i] = model->layers[i].name;
    const char *near = cnn_nearest(name, names, model->layer_count);
    int status = near ? cnn_fail(session->failure, STATUS_USAGE,
                                 "the model has no layer '%s'; did you mean '%s'?", name, near)
                      : cnn_fail(session->failure, STATUS_USAGE,
                                 "the model has no layer '%s'; the verb summary lists them", name);
    free(names);
    return status;
}

/* Copies the layer's value of every sample of the micro-batch, without gaps. */
static void copy_layer(void *user, const cnn_frame *frame) {
    const Wanted *wanted = user;
    const cnn_layer *layer = wanted->layer;
    int64_t size = cnn_program_element(wanted->code);
    for (int64_t n = 0; n < frame->count; n++) {
        const char *value =
            (const char *)frame->scratch + (n * wanted->code->scratch_stride + layer->offset) * size;
        float *out = wanted->values + (wanted->first + frame->first + n) * wanted->elements;
        int64_t index[CNN_MAX_RANK] = {0}, at = 0;
        for (int64_t i = 0; i < wanted->elements; i++) {
            cnn_program_floats(wanted->program, value + at * size, 1, &out[i]);
            for (int32_t axis = layer->rank - 1; axis >= 0; axis--) {
                at += layer->stride[axis];
                if (++index[axis] < layer->shape[axis]) break;
                at -= layer->stride[axis] * layer->shape[axis];
                index[axis] = 0;
            }
        }
    }
}

static int run_windows(Session *session, const Dataset *dataset, Wanted *wanted) {
    Program program;
    void *output = NULL, *order = NULL;
    int64_t window = cnn_program_window(session->model, wanted->code, dataset->count);
    int64_t outputs = cnn_output_elements(session->model);
    int status = cnn_session_program(session, wanted->code, window, &program);
    if (status) return status;
    status =
        cnn_aligned_allocate(&output, (uint64_t)(window * outputs),
                             (uint64_t)cnn_program_element(wanted->code), "the outputs", session->failure);
    if (!status)
        status =
            cnn_aligned_allocate(&order, (uint64_t)window, sizeof(uint32_t), "the order", session->failure);
    program.frame.samples = dataset->samples;
    program.frame.sample_kind = dataset->sample_kind;
    program.frame.order = order;
    program.frame.output = output;
    program.visit = wanted->layer ? copy_layer : NULL;
    program.visit_user = wanted;
    wanted->program = &program;
    for (wanted->first = 0; !status && wanted->first < dataset->count; wanted->first += window) {
        int64_t left = dataset->count - wanted->first, count = left < window ? left : window;
        for (int64_t i = 0; i < count; i++) ((uint32_t *)order)[i] = (uint32_t)(wanted->first + i);
        cnn_program_run(&program, count);
        if (!wanted->layer)
            cnn_program_floats(&program, output, count * outputs, wanted->values + wanted->first * outputs);
    }
    cnn_aligned_free(output);
    cnn_aligned_free(order);
    cnn_program_close(&program);
    return status;
}

static int write_values(Session *session, const Dataset *dataset, const Wanted *wanted) {
    int64_t shape[CNN_MAX_RANK + 1] = {dataset->count};
    memcpy(shape + 1, wanted->shape, (size_t)wanted->rank * sizeof *shape);
    cnn_interrupt_hold();
    int status =
        cnn_npy_write(session->options->output, wanted->values, wanted->rank + 1, shape, session->failure);
    cnn_interrupt_release();
    return status;
}

static int load_samples(Session *session, Dataset *dataset) {
    const Options *options = session->options;
    if (options->scaled && !session->model->data)
        return cnn_fail(session->failure, STATUS_USAGE,
                        "--scaled needs a data block, and the model '%s' was compiled without one",
                        session->model->name);
    if (!options->scaled && cnn_dataset_is_scaled(session->model))
        cnn_session_note(session,
                         "the samples are taken as they are; --scaled applies the data block's scale, "
                         "mean and std");
    return cnn_dataset_load_samples(session->model, options->input, options->scaled, dataset,
                                    session->failure);
}

static int verb_run(Session *session) {
    Dataset dataset = {0};
    Wanted wanted;
    void *values = NULL;
    uint64_t count;
    int status = choose_layer(session, &wanted);
    if (!status) status = cnn_session_weights(session);
    if (!status) status = load_samples(session, &dataset);
    if (!status) status = cnn_session_threads(session);
    if (!status && !cnn_multiply(dataset.count, (uint64_t)wanted.elements, &count))
        status = cnn_fail_memory(session->failure, "the outputs", UINT64_MAX);
    if (!status)
        status = cnn_aligned_allocate(&values, count, sizeof(float), "the outputs", session->failure);
    if (!status) {
        wanted.values = values;
        status = run_windows(session, &dataset, &wanted);
    }
    if (!status) status = write_values(session, &dataset, &wanted);
    cnn_aligned_free(values);
    cnn_dataset_free(&dataset);
    return status;
}

const VerbRow cnn_verb_run = {
    .name = "run",
    .summary = "the output, or any layer's, for an array of samples",
    .takes =
        OPTION_LIST(OPTION_WEIGHTS, OPTION_THREADS, OPTION_INPUT, OPTION_OUTPUT, OPTION_LAYER, OPTION_SCALED),
    .needs = OPTION_LIST(OPTION_INPUT, OPTION_OUTPUT),
    .run = verb_run,
};
