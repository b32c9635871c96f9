/* Instances of a model in another program. See embed.h. */
#include "embed.h"

#include "base/aligned.h"
#include "base/status.h"
#include "run/program.h"
#include "weights/first_values.h"
#include "weights/weights.h"

#include <stdbool.h>
#include <string.h>

struct cnn_instance {
    const cnn_model *model;
    void *heap; /* what destroy gives back; NULL in the caller's memory */
    bool has_weights;
    float *parameters;
    double *outputs; /* of a batch, in a double_precision program; it has no use for floats */
    cnn_frame frame; /* with the blocks in place */
    Failure failure; /* of the last load */
};

/* Where an instance's blocks lie, in bytes from its start. */
typedef struct Places {
    uint64_t parameters, doubles, packed, lane, shared, batch, scratch, outputs;
    uint64_t size; /* 0: it has none */
} Places;

/* Room for a x b elements at the end; false where the sum does not fit. */
static bool reserve(Places *places, uint64_t *at, int64_t a, int64_t b, uint64_t element) {
    uint64_t count, bytes, rounded;
    *at = places->size;
    if (!cnn_multiply((uint64_t)a, (uint64_t)b, &count) || !cnn_multiply(count, element, &bytes))
        return false;
    if (__builtin_add_overflow(bytes, CNN_ALIGNMENT - 1, &rounded)) return false;
    rounded -= rounded % CNN_ALIGNMENT;
    return !__builtin_add_overflow(places->size, rounded, &places->size);
}

static int64_t elements(int32_t rank, const int64_t *shape) {
    int64_t count = 1;
    for (int32_t i = 0; i < rank; i++) count *= shape[i];
    return count;
}

static int64_t output_elements(const cnn_model *model) {
    return elements(model->output_rank, model->output_shape);
}

/* Batches are as large as a micro-batch: in inference samples are independent, and there is one worker. */
static Places plan(const cnn_model *model) {
    const cnn_program *code = model->inference;
    Places places = {0};
    if (model->abi_version != CNN_ABI_VERSION) return places;
    bool doubles = code->double_precision;
    uint64_t element = doubles ? sizeof(double) : sizeof(float), start;
    int64_t batch = code->micro_batch;
    bool fits =
        reserve(&places, &start, 1, 1, sizeof(cnn_instance)) &&
        reserve(&places, &places.parameters, model->parameter_elements, 1, sizeof(float)) &&
        reserve(&places, &places.doubles, doubles ? model->parameter_elements : 0, 1, sizeof(double)) &&
        reserve(&places, &places.packed, code->packed, 1, element) &&
        reserve(&places, &places.lane, code->lane, 1, element) &&
        reserve(&places, &places.shared, code->shared, 1, element) &&
        reserve(&places, &places.batch, code->batch_stride, batch, element) &&
        reserve(&places, &places.scratch, cnn_program_scratch(code), 1, element) &&
        reserve(&places, &places.outputs, doubles ? output_elements(model) : 0, batch, sizeof(double));
    if (!fits || places.size > PTRDIFF_MAX - CNN_ALIGNMENT) places.size = 0;
    return places;
}

size_t cnn_embed_size(const cnn_model *model) {
    Places places = plan(model);
    return places.size ? (size_t)places.size + CNN_ALIGNMENT - 1 : 0;
}

/* After every change of the parameters. */
static void prepare(cnn_instance *instance) {
    const cnn_program *code = instance->model->inference;
    if (code->double_precision) {
        double *doubles = instance->frame.parameters;
        for (int64_t i = 0; i < instance->model->parameter_elements; i++)
            doubles[i] = instance->parameters[i];
    }
    cnn_run_steps(code->prepare, code->prepare_steps, &instance->frame);
    instance->has_weights = true;
}

cnn_instance *cnn_embed_init(const cnn_model *model, void *memory) {
    Places places = plan(model);
    if (!memory || !places.size) return NULL;
    /* Padding in blocks is read as zeros. */
    char *base = (char *)memory + (CNN_ALIGNMENT - (uintptr_t)memory % CNN_ALIGNMENT) % CNN_ALIGNMENT;
    memset(base, 0, (size_t)places.size);
    cnn_instance *instance = (cnn_instance *)(void *)base;
    instance->model = model;
    instance->parameters = (float *)(void *)(base + places.parameters);
    if (model->inference->double_precision) instance->outputs = (double *)(void *)(base + places.outputs);
    cnn_frame *frame = &instance->frame;
    frame->parameters = instance->outputs ? (void *)(base + places.doubles) : (void *)instance->parameters;
    frame->packed = base + places.packed;
    frame->lane = frame->lanes = base + places.lane;
    frame->shared = base + places.shared;
    frame->batch = base + places.batch;
    frame->scratch = base + places.scratch;
    frame->workspace =
        base + places.scratch + cnn_program_samples(model->inference) * cnn_program_element(model->inference);
    frame->lane_count = 1;
    frame->lane_stride = model->inference->lane;
    frame->sample_kind = CNN_SAMPLE_FLOAT;
    if (cnn_parameters_are_fixed(model)) {
        cnn_parameters_initialise(model, 1, instance->parameters);
        prepare(instance);
    }
    return instance;
}

cnn_instance *cnn_embed_create(const cnn_model *model) {
    size_t size = cnn_embed_size(model);
    void *memory;
    if (!size || cnn_aligned_allocate(&memory, size, 1, "an instance", NULL)) return NULL;
    cnn_instance *instance = cnn_embed_init(model, memory);
    instance->heap = memory;
    return instance;
}

void cnn_embed_destroy(cnn_instance *instance) {
    if (instance && instance->heap) cnn_aligned_free(instance->heap);
}

int cnn_embed_load(cnn_instance *instance, const char *path) {
    if (!instance || !path) return EMBED_ARGUMENT;
    memset(&instance->failure, 0, sizeof instance->failure);
    char removed[WEIGHTS_PREFIX];
    int status = cnn_weights_read(path, instance->model, instance->parameters, removed, &instance->failure);
    if (!status) prepare(instance);
    switch (status) {
    case STATUS_OK: return EMBED_OK;
    case STATUS_FILE: return EMBED_FILE;
    case STATUS_MEMORY: return EMBED_MEMORY;
    default: return EMBED_MALFORMED;
    }
}

/* One batch, of a call for so many samples, through all stages. */
static void run_batch(const cnn_program *code, cnn_frame *frame, size_t samples) {
    for (int32_t i = 0; i < code->stage_count; i++) {
        const cnn_stage *stage = &code->stages[i];
        cnn_run_steps(cnn_stage_steps(stage, (int64_t)samples), stage->sample_steps, frame);
        cnn_run_steps(stage->batch, stage->batch_steps, frame);
    }
}

int cnn_embed_forward(cnn_instance *instance, const float *input, float *output, size_t samples) {
    if (!instance || (samples && (!input || !output))) return EMBED_ARGUMENT;
    if (!instance->has_weights) return EMBED_NO_WEIGHTS;
    const cnn_model *model = instance->model;
    const cnn_program *code = model->inference;
    int64_t inputs = elements(model->input_rank, model->input_shape), outputs = output_elements(model);
    uint64_t larger = (uint64_t)(inputs > outputs ? inputs : outputs), bytes;
    if (!cnn_multiply(samples, larger * sizeof(float), &bytes) || bytes > PTRDIFF_MAX) return EMBED_ARGUMENT;
    cnn_frame frame = instance->frame;
    for (int64_t left = (int64_t)samples; left > 0; left -= frame.count) {
        frame.count = frame.batch_size = left < code->micro_batch ? left : code->micro_batch;
        frame.samples = input;
        frame.output = instance->outputs ? (void *)instance->outputs : (void *)output;
        run_batch(code, &frame, samples);
        int64_t values = frame.count * outputs;
        if (instance->outputs)
            for (int64_t i = 0; i < values; i++) output[i] = (float)instance->outputs[i];
        input += frame.count * inputs;
        output += values;
    }
    return EMBED_OK;
}

const char *cnn_embed_error(int error) {
    switch (error) {
    case EMBED_OK: return "no error";
    case EMBED_ARGUMENT: return "an argument is a null pointer or too large";
    case EMBED_NO_WEIGHTS: return "no weights are loaded";
    case EMBED_MALFORMED: return "the weight file is malformed or does not fit the model";
    case EMBED_FILE: return "the weight file cannot be opened or read";
    case EMBED_MEMORY: return "out of memory";
    default: return "unknown error";
    }
}

const char *cnn_embed_detail(const cnn_instance *instance) {
    return instance ? instance->failure.message : "";
}
