/* Loading a data set: every format becomes an array of samples and one of targets, which are then checked and
 * converted the same way. See dataset.h. */
#include "data/dataset.h"

#include "base/aligned.h"
#include "data/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t product(int32_t rank, const int64_t *shape) {
    int64_t count = 1;
    for (int i = 0; i < rank; i++) count *= shape[i];
    return count;
}

static bool wants_classes(const cnn_model *model) {
    return model->train && model->train->loss == CNN_CROSS_ENTROPY;
}

int64_t cnn_input_elements(const cnn_model *model) {
    return product(model->input_rank, model->input_shape);
}
int64_t cnn_output_elements(const cnn_model *model) {
    return product(model->output_rank, model->output_shape);
}
int64_t cnn_target_elements(const cnn_model *model) {
    return product(model->output_rank - wants_classes(model), model->output_shape);
}

static int check_count(Dataset *dataset, const Named *samples, int64_t count, Failure *failure) {
    if (count > UINT32_MAX)
        return cnn_fail(failure, STATUS_MALFORMED, "%s: %lld samples; at most 4294967295 are taken",
                        samples->path, (long long)count);
    dataset->count = (uint32_t)count;
    return STATUS_OK;
}

/* Where an array's element is, for messages: "sample 7, position (3, 4, 0)", of a sample of that shape. */
static const char *place_text(char text[SHAPE_TEXT], uint64_t index, int32_t rank, const int64_t *shape) {
    uint64_t elements = (uint64_t)product(rank, shape), at = index % elements;
    bool several = elements > 1;
    int used = snprintf(text, SHAPE_TEXT, "sample %llu", (unsigned long long)(index / elements));
    for (int i = 0; several && i < rank; i++) {
        elements /= (uint64_t)shape[i];
        used += snprintf(text + used, (size_t)(SHAPE_TEXT - used), "%s%llu", i ? ", " : ", position (",
                         (unsigned long long)(at / elements));
        at %= elements;
    }
    if (several) snprintf(text + used, (size_t)(SHAPE_TEXT - used), ")");
    return text;
}

/* rank and shape: of a sample, or of a target. */
static int check_finite(const Named *named, const float *values, uint64_t count, int32_t rank,
                        const int64_t *shape, Failure *failure) {
    char place[SHAPE_TEXT];
    for (uint64_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return cnn_fail(failure, STATUS_MALFORMED, "%s: %s is %f; finite values were expected",
                            named->path, place_text(place, i, rank, shape), (double)values[i]);
    return STATUS_OK;
}

/* x*scale, then (x-mean)/std of its channel. */
static void normalise(const cnn_model *model, float *values, uint64_t count) {
    const cnn_data *data = model->data;
    uint64_t channels = (uint64_t)model->input_shape[model->input_rank - 1];
    for (uint64_t i = 0; i < count; i += channels)
        for (uint64_t c = 0; c < channels; c++) {
            float mean = data->mean ? data->mean[c] : 0.0f, std = data->std ? data->std[c] : 1.0f;
            values[i + c] = (values[i + c] * data->scale - mean) / std;
        }
}

/* Rows of the table where the first layer takes samples as indices of its rows; 0 where it does not. */
static int64_t vocabulary_of(const cnn_model *model) {
    if (model->layer_count == 0 || !model->layers[0].indexes_rows) return 0;
    for (int32_t i = 0; i < model->parameter_count; i++)
        if (model->parameters[i].layer == 0) return model->parameters[i].shape[0];
    return 0;
}

/* The number that the model sees. */
static float sample_number(const cnn_model *model, const Dataset *dataset, uint64_t index) {
    if (dataset->sample_kind == CNN_SAMPLE_FLOAT) return ((const float *)dataset->samples)[index];
    const cnn_data *data = model->data;
    uint64_t channel = index % (uint64_t)model->input_shape[model->input_rank - 1];
    float mean = data->mean ? data->mean[channel] : 0.0f, std = data->std ? data->std[channel] : 1.0f;
    return ((float)((const uint8_t *)dataset->samples)[index] * data->scale - mean) / std;
}

static int check_vocabulary(const cnn_model *model, const Named *samples, const Dataset *dataset,
                            Failure *failure) {
    int64_t vocabulary = vocabulary_of(model);
    char place[SHAPE_TEXT];
    for (uint64_t i = 0; vocabulary && i < samples->array.count; i++) {
        float number = sample_number(model, dataset, i);
        if (number >= 0 && number < (float)vocabulary && number == floorf(number)) continue;
        return cnn_fail(failure, STATUS_MALFORMED,
                        "%s: %s is %g; model %s takes whole numbers from 0 to %lld", samples->path,
                        place_text(place, i, model->input_rank, model->input_shape), (double)number,
                        model->name, (long long)vocabulary - 1);
    }
    return STATUS_OK;
}

/* Bytes stay bytes; everything else becomes floats. Takes the array's data. */
static int take_samples(const cnn_model *model, Named *samples, Dataset *dataset, Failure *failure) {
    uint64_t count = samples->array.count;
    dataset->sample_elements = cnn_input_elements(model);
    if (samples->array.type == NPY_U1) {
        dataset->sample_kind = CNN_SAMPLE_BYTE;
        dataset->samples = samples->array.data;
        samples->array.data = NULL;
        return check_vocabulary(model, samples, dataset, failure);
    }
    float *values;
    dataset->sample_kind = CNN_SAMPLE_FLOAT;
    int status = cnn_npy_take_floats(&samples->array, samples->path, &values, failure);
    dataset->samples = values;
    if (!status)
        status = check_finite(samples, values, count, model->input_rank, model->input_shape, failure);
    if (status) return status;
    normalise(model, values, count);
    return check_vocabulary(model, samples, dataset, failure);
}

/* (N, target shape). A single number a sample may have more axes of extent 1, a class index one; the N of a
 * single sample may be missing. */
static bool target_shape_fits(const cnn_model *model, const NpyArray *array, uint32_t count) {
    int32_t rank = model->output_rank - wants_classes(model);
    const int64_t *wanted = model->output_shape;
    if (count == 1 && cnn_same_shape(array->rank, array->shape, rank, wanted)) return true;
    if (array->rank == 0 || array->shape[0] != count) return false;
    int32_t given = array->rank - 1;
    const int64_t *shape = array->shape + 1;
    if (cnn_same_shape(given, shape, rank, wanted)) return true;
    if (product(rank, wanted) == 1 && product(given, shape) == 1) return true;
    return wants_classes(model) && given == rank + 1 && shape[rank] == 1 &&
           cnn_same_shape(rank, shape, rank, wanted);
}

static int check_target_shape(const cnn_model *model, const Named *targets, uint32_t count,
                              Failure *failure) {
    const NpyArray *array = &targets->array;
    if (target_shape_fits(model, array, count)) return STATUS_OK;
    int32_t rank = model->output_rank - wants_classes(model);
    int64_t wanted[CNN_MAX_RANK + 1] = {count};
    memcpy(wanted + 1, model->output_shape, (size_t)rank * sizeof *wanted);
    char found[SHAPE_TEXT], expected[SHAPE_TEXT];
    return cnn_fail(
        failure, STATUS_MALFORMED, "%s: targets of shape %s; %s%s expected for %u sample%s of model %s",
        targets->path, cnn_shape_text(found, sizeof found, array->rank, array->shape),
        cnn_shape_text(expected, sizeof expected, rank + 1, wanted),
        wants_classes(model) ? " class indices were" : " was", count, count == 1 ? "" : "s", model->name);
}

static int fail_class(const cnn_model *model, const Named *targets, uint64_t index, double found,
                      Failure *failure) {
    int64_t classes = model->output_shape[model->output_rank - 1];
    char place[SHAPE_TEXT];
    return cnn_fail(failure, STATUS_MALFORMED,
                    "%s: the target of %s is %.0f; model %s has %lld classes, 0 to %lld", targets->path,
                    place_text(place, index, model->output_rank - 1, model->output_shape), found, model->name,
                    (long long)classes, (long long)classes - 1);
}

static int take_classes(const cnn_model *model, Named *targets, Dataset *dataset, Failure *failure) {
    NpyArray *array = &targets->array;
    if (array->type == NPY_F4 || array->type == NPY_F8)
        return cnn_fail(failure, STATUS_MALFORMED,
                        "%s: floats where class indices were expected (<i4, <i8 or |u1)", targets->path);
    int64_t classes = model->output_shape[model->output_rank - 1];
    void *block;
    int status = cnn_aligned_allocate(&block, array->count, sizeof(int32_t), targets->path, failure);
    if (status) return status;
    dataset->targets = block;
    for (uint64_t i = 0; i < array->count; i++) {
        double class = cnn_npy_element(array, i);
        if (class < 0 || class >= (double)classes) return fail_class(model, targets, i, class, failure);
        ((int32_t *)block)[i] = (int32_t)class;
    }
    return STATUS_OK;
}

static int take_float_targets(const cnn_model *model, Named *targets, Dataset *dataset, Failure *failure) {
    uint64_t count = targets->array.count;
    float *values;
    char place[SHAPE_TEXT];
    int status = cnn_npy_take_floats(&targets->array, targets->path, &values, failure);
    dataset->targets = values;
    if (!status)
        status = check_finite(targets, values, count, model->output_rank, model->output_shape, failure);
    if (status || model->train->loss != CNN_BINARY_CROSS_ENTROPY) return status;
    for (uint64_t i = 0; i < count; i++)
        if (values[i] < 0.0f || values[i] > 1.0f)
            return cnn_fail(failure, STATUS_MALFORMED,
                            "%s: %s is %g; binary_cross_entropy takes targets from 0 to 1", targets->path,
                            place_text(place, i, model->output_rank, model->output_shape), (double)values[i]);
    return STATUS_OK;
}

static int take_targets(const cnn_model *model, Named *targets, Dataset *dataset, Failure *failure) {
    dataset->target_elements = cnn_target_elements(model);
    int status = check_target_shape(model, targets, dataset->count, failure);
    if (status) return status;
    return wants_classes(model) ? take_classes(model, targets, dataset, failure)
                                : take_float_targets(model, targets, dataset, failure);
}

int cnn_dataset_load(const cnn_model *model, const char *data_dir, bool test, Dataset *dataset,
                     Failure *failure) {
    memset(dataset, 0, sizeof *dataset);
    const cnn_data *data = model->data;
    if (!data) return cnn_fail(failure, STATUS_USAGE, "model %s has no data block", model->name);
    const char *const *files = test ? data->test : data->train;
    if (!files || !files[0])
        return cnn_fail(failure, STATUS_USAGE, "the data block of model %s names no %s files", model->name,
                        test ? "test" : "train");
    const FormatRow *format = cnn_format_find(data->format);
    if (!format)
        return cnn_fail(failure, STATUS_USAGE, "the data block of model %s has no format", model->name);
    Named samples = {0}, targets = {0};
    LoadCall call = {model, data_dir ? data_dir : data->path, files, &samples, &targets, failure};
    int status = format->load(&call);
    if (!status) status = check_count(dataset, &samples, samples.array.shape[0], failure);
    if (!status) status = take_samples(model, &samples, dataset, failure);
    if (!status && model->train) status = take_targets(model, &targets, dataset, failure);
    cnn_named_free(&samples);
    cnn_named_free(&targets);
    if (status) cnn_dataset_free(dataset);
    return status;
}

void cnn_dataset_free(Dataset *dataset) {
    cnn_aligned_free((void *)(uintptr_t)dataset->samples);
    cnn_aligned_free((void *)(uintptr_t)dataset->targets);
    memset(dataset, 0, sizeof *dataset);
}

bool cnn_dataset_is_scaled(const cnn_model *model) {
    const cnn_data *data = model->data;
    if (!data) return false;
    bool scaled = data->scale != 1.0f;
    int64_t channels = model->input_shape[model->input_rank - 1];
    for (int64_t c = 0; c < channels; c++)
        scaled |= (data->mean && data->mean[c] != 0.0f) || (data->std && data->std[c] != 1.0f);
    return scaled;
}

int cnn_dataset_load_samples(const cnn_model *model, const char *path, bool scaled, Dataset *dataset,
                             Failure *failure) {
    memset(dataset, 0, sizeof *dataset);
    Named samples = {0};
    int status = cnn_path_join(&samples.path, "", path, failure);
    if (!status) status = cnn_npy_read(path, &samples.array, failure);
    const NpyArray *array = &samples.array;
    int32_t input_rank = model->input_rank;
    bool single = cnn_same_shape(array->rank, array->shape, input_rank, model->input_shape);
    bool batch = array->rank == input_rank + 1 &&
                 cnn_same_shape(input_rank, array->shape + 1, input_rank, model->input_shape);
    if (!status && !single && !batch)
        status = cnn_fail_sample_shape(model, &samples, array->rank == input_rank + 1, failure);
    if (!status) status = check_count(dataset, &samples, single ? 1 : array->shape[0], failure);
    float *values = NULL;
    if (!status) status = cnn_npy_take_floats(&samples.array, samples.path, &values, failure);
    uint64_t count = samples.array.count;
    dataset->samples = values;
    dataset->sample_kind = CNN_SAMPLE_FLOAT;
    dataset->sample_elements = cnn_input_elements(model);
    if (!status && scaled && model->data) normalise(model, values, count);
    if (!status) status = check_vocabulary(model, &samples, dataset, failure);
    cnn_named_free(&samples);
    if (status) cnn_dataset_free(dataset);
    return status;
}

int cnn_dataset_load_targets(const cnn_model *model, const char *path, Dataset *dataset, Failure *failure) {
    if (!model->train) return cnn_fail(failure, STATUS_USAGE, "model %s has no train block", model->name);
    Named targets = {0};
    int status = cnn_path_join(&targets.path, "", path, failure);
    if (!status) status = cnn_npy_read(path, &targets.array, failure);
    if (!status) status = take_targets(model, &targets, dataset, failure);
    cnn_named_free(&targets);
    return status;
}
