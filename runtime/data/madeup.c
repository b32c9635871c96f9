/* Data from the random streams. */
#include "data/madeup.h"

#include "base/aligned.h"

/* Targets draw from their own half of a stream's groups. */
static const uint32_t target_group = 0x80000000u;

int64_t cnn_madeup_vocabulary(const cnn_model *model) {
    for (int32_t i = 0; i < model->parameter_count; i++) {
        const cnn_parameter *parameter = &model->parameters[i];
        if (model->layers[parameter->layer].indexes_rows) return parameter->shape[0];
    }
    return 0;
}

static int create_samples(const cnn_model *model, uint64_t count, uint64_t seed, RandomStream stream,
                          uint32_t group, Dataset *dataset, Failure *failure) {
    void *block = NULL;
    int64_t vocabulary = cnn_madeup_vocabulary(model);
    int status = cnn_aligned_allocate(&block, count, sizeof(float), "made-up samples", failure);
    if (status) return status;
    float *x = block;
    for (uint64_t i = 0; i < count; i++)
        x[i] = vocabulary ? (float)(int64_t)(cnn_random_uniform(seed, stream, group, i) * (float)vocabulary)
                          : cnn_random_normal(seed, stream, group, i);
    dataset->samples = x;
    return STATUS_OK;
}

static int create_targets(const cnn_model *model, uint64_t count, uint64_t seed, RandomStream stream,
                          uint32_t group, Dataset *dataset, Failure *failure) {
    void *block = NULL;
    int status = cnn_aligned_allocate(&block, count, sizeof(float), "made-up targets", failure);
    if (status) return status;
    int64_t classes = model->output_shape[model->output_rank - 1];
    for (uint64_t i = 0; i < count; i++) {
        float uniform = cnn_random_uniform(seed, stream, group | target_group, i);
        if (model->train->loss == CNN_CROSS_ENTROPY)
            ((int32_t *)block)[i] = (int32_t)((double)uniform * (double)classes);
        else if (model->train->loss == CNN_BINARY_CROSS_ENTROPY)
            ((float *)block)[i] = uniform < 0.5f ? 0 : 1;
        else
            ((float *)block)[i] = cnn_random_normal(seed, stream, group | target_group, i);
    }
    dataset->targets = block;
    return STATUS_OK;
}

int cnn_madeup_create(const cnn_model *model, uint32_t samples, uint64_t seed, RandomStream stream,
                      uint32_t group, Dataset *dataset, Failure *failure) {
    *dataset = (Dataset){.count = samples, .sample_kind = CNN_SAMPLE_FLOAT};
    dataset->sample_elements = cnn_input_elements(model);
    uint64_t count;
    if (!cnn_multiply(samples, (uint64_t)dataset->sample_elements, &count))
        return cnn_fail_memory(failure, "made-up samples", UINT64_MAX);
    int status = create_samples(model, count, seed, stream, group, dataset, failure);
    if (!status && model->train) {
        dataset->target_elements = cnn_target_elements(model);
        if (!cnn_multiply(samples, (uint64_t)dataset->target_elements, &count))
            status = cnn_fail_memory(failure, "made-up targets", UINT64_MAX);
        if (!status) status = create_targets(model, count, seed, stream, group, dataset, failure);
    }
    if (status) cnn_madeup_free(dataset);
    return status;
}

void cnn_madeup_free(Dataset *dataset) {
    cnn_aligned_free((void *)dataset->samples);
    cnn_aligned_free((void *)dataset->targets);
    *dataset = (Dataset){0};
}
