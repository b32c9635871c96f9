/* Parameters to and from tensors of a file. See weights.h. */
#include "weights/weights.h"

#include "base/aligned.h"
#include "weights/name_prefix.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_HINT = 200, LONGEST_NAME = 1024 };

void cnn_parameter_gather(const cnn_parameter *parameter, const float *block, float *logical) {
    ParameterWalk walk;
    parameter_walk_begin(&walk, parameter);
    for (int64_t row; parameter_walk_next(&walk, &row); logical += walk.length)
        for (int64_t i = 0; i < walk.length; i++) logical[i] = block[row + i * walk.stride];
}

void cnn_parameter_scatter(const cnn_parameter *parameter, const float *logical, float *block) {
    ParameterWalk walk;
    parameter_walk_begin(&walk, parameter);
    for (int64_t row; parameter_walk_next(&walk, &row); logical += walk.length)
        for (int64_t i = 0; i < walk.length; i++) block[row + i * walk.stride] = logical[i];
}

/* "32x1x3x3", "()" for a scalar. */
static const char *shape_text(char text[256], int32_t rank, const int64_t *shape) {
    size_t used = 0;
    strcpy(text, "()");
    for (int i = 0; i < rank && used < 220; i++)
        used += (size_t)snprintf(text + used, 256 - used, "%s%lld", i ? "x" : "", (long long)shape[i]);
    return text;
}

/* Levenshtein's distance; LONGEST_HINT for names that are too long to compare. */
static int edit_distance(const char *a, const char *b) {
    size_t rows = strlen(a), columns = strlen(b);
    if (rows >= LONGEST_HINT || columns >= LONGEST_HINT) return LONGEST_HINT;
    int distance[LONGEST_HINT + 1];
    for (size_t j = 0; j <= columns; j++) distance[j] = (int)j;
    for (size_t i = 1; i <= rows; i++) {
        int diagonal = distance[0];
        distance[0] = (int)i;
        for (size_t j = 1; j <= columns; j++) {
            int replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = distance[j];
            int other = (distance[j - 1] < distance[j] ? distance[j - 1] : distance[j]) + 1;
            distance[j] = replaced < other ? replaced : other;
        }
    }
    return distance[columns];
}

typedef struct Nearest {
    const char *name;
    int distance;
} Nearest;

static void consider(Nearest *nearest, const char *wanted, const char *candidate) {
    int distance = edit_distance(wanted, candidate);
    if (nearest->name && distance >= nearest->distance) return;
    nearest->name = candidate;
    nearest->distance = distance;
}

/* Whether a neighbour is near enough to be worth a word. */
static bool is_near(const Nearest *nearest, const char *wanted) {
    return nearest->name && nearest->distance <= (int)strlen(wanted) / 3;
}

typedef struct Take {
    const TensorFile *file;
    const cnn_model *model;
    const char *prefix;
    bool trained_only;
    Failure *failure;
    const char *removed; /* from before the file's names; "" for nothing */
} Take;

static bool concerns(const Take *take, const cnn_parameter *parameter) {
    return parameter->trainable || !take->trained_only;
}

/* Says whose file it is where that is another model, and what was before its names. */
static const char *origin_note(const Take *take, char note[256]) {
    const char *origin = cnn_tensors_metadata(take->file, "cnnc.model");
    int used = 0;
    note[0] = 0;
    if (origin && strcmp(origin, take->model->name))
        used = snprintf(note, 256, "; the file is of model '%.80s'", origin);
    if (*take->removed)
        snprintf(note + used, (size_t)(256 - used), "; '%.80s' before all its names is left out",
                 take->removed);
    return note;
}

static int fail_missing(const Take *take, const char *name) {
    Nearest nearest = {0};
    for (int i = 0; i < take->file->tensor_count; i++) consider(&nearest, name, take->file->tensors[i].name);
    bool near = is_near(&nearest, name);
    char note[256];
    return cnn_fail(take->failure, STATUS_MALFORMED, "%s: no tensor '%s', which model %s has%s%s%s%s",
                    take->file->path, name, take->model->name, near ? "; is it '" : "",
                    near ? nearest.name : "", near ? "'?" : "", origin_note(take, note));
}

static int fail_surplus(const Take *take, const char *name) {
    Nearest nearest = {0};
    for (int i = 0; i < take->model->parameter_count; i++)
        consider(&nearest, name, take->model->parameters[i].name);
    bool near = is_near(&nearest, name);
    char note[256];
    return cnn_fail(take->failure, STATUS_MALFORMED, "%s: tensor '%s' is none of model %s%s%s%s%s",
                    take->file->path, name, take->model->name, near ? "; did you mean '" : "",
                    near ? nearest.name : "", near ? "'?" : "", origin_note(take, note));
}

static int check_tensor(const Take *take, const Tensor *tensor, const cnn_parameter *parameter) {
    if (!tensor->values)
        return cnn_fail(take->failure, STATUS_MALFORMED,
                        "%s: tensor '%s' is %s; F32, F16 or BF16 was expected", take->file->path,
                        tensor->name, tensor->type);
    bool same = tensor->rank == parameter->rank &&
                !memcmp(tensor->shape, parameter->shape, (size_t)tensor->rank * sizeof *tensor->shape);
    char found[256], expected[256], note[256];
    if (!same)
        return cnn_fail(take->failure, STATUS_MALFORMED, "%s: tensor '%s' is %s where model %s has %s%s",
                        take->file->path, tensor->name, shape_text(found, tensor->rank, tensor->shape),
                        take->model->name, shape_text(expected, parameter->rank, parameter->shape),
                        origin_note(take, note));
    int64_t count = cnn_parameter_count(parameter);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(tensor->values[i]))
            return cnn_fail(take->failure, STATUS_MALFORMED,
                            "%s: tensor '%s', element %lld is %f; finite values were expected",
                            take->file->path, tensor->name, (long long)i, (double)tensor->values[i]);
    return STATUS_OK;
}

static bool is_batch_count(const char *name) {
    static const char suffix[] = "num_batches_tracked";
    size_t length = strlen(name), tail = sizeof suffix - 1;
    return length >= tail && !strcmp(name + length - tail, suffix);
}

static int compare_strings(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every tensor of the file is one of the model's parameters. */
static int check_surplus(const Take *take) {
    size_t count = (size_t)take->model->parameter_count;
    const char **names = malloc((count + 1) * sizeof *names);
    if (!names) return cnn_fail_memory(take->failure, "names of tensors", count * sizeof *names);
    for (size_t i = 0; i < count; i++) names[i] = take->model->parameters[i].name;
    if (count) qsort(names, count, sizeof *names, compare_strings);
    int status = STATUS_OK;
    for (int i = 0; i < take->file->tensor_count && !status; i++) {
        const char *name = take->file->tensors[i].name;
        if (is_batch_count(name)) continue;
        if (!count || !bsearch(&name, names, count, sizeof *names, compare_strings))
            status = fail_surplus(take, name);
    }
    free(names);
    return status;
}

/* The tensor of a parameter; a failure where there is none. */
static int find_tensor(const Take *take, const cnn_parameter *parameter, const Tensor **tensor) {
    char name[LONGEST_NAME];
    int length = snprintf(name, sizeof name, "%s%s", take->prefix, parameter->name);
    *tensor = length < (int)sizeof name ? cnn_tensors_find(take->file, name) : NULL;
    return *tensor ? STATUS_OK : fail_missing(take, name);
}

static int take_block(const Take *take, float *block) {
    const cnn_model *model = take->model;
    const Tensor *tensor;
    int status = STATUS_OK;
    for (int i = 0; i < model->parameter_count && !status; i++) {
        if (!concerns(take, &model->parameters[i])) continue;
        status = find_tensor(take, &model->parameters[i], &tensor);
        if (!status) status = check_tensor(take, tensor, &model->parameters[i]);
    }
    if (!status && !*take->prefix) status = check_surplus(take);
    for (int i = 0; i < model->parameter_count && !status; i++) {
        if (!concerns(take, &model->parameters[i])) continue;
        status = find_tensor(take, &model->parameters[i], &tensor);
        if (!status) cnn_parameter_scatter(&model->parameters[i], tensor->values, block);
    }
    return status;
}

int cnn_weights_take(const TensorFile *file, const cnn_model *model, const char *prefix, bool trained_only,
                     float *block, Failure *failure) {
    return take_block(&(Take){file, model, prefix, trained_only, failure, ""}, block);
}

int cnn_weights_read(const char *path, const cnn_model *model, float *block, char removed[WEIGHTS_PREFIX],
                     Failure *failure) {
    TensorFile file;
    removed[0] = 0;
    int status = cnn_tensors_read(path, &file, failure);
    if (status) return status;
    cnn_name_prefix_remove(&file, model, removed, WEIGHTS_PREFIX);
    status = take_block(&(Take){&file, model, "", false, failure, removed}, block);
    cnn_tensors_free(&file);
    return status;
}

/* A tensor of the list with a name and room for values of its own. */
static int append(TensorList *list, const char *prefix, const char *name, int32_t rank, const int64_t *shape,
                  float **values, Failure *failure) {
    if (list->count == list->capacity) {
        int32_t capacity = list->capacity ? list->capacity * 2 : 64;
        Tensor *moved = capacity > 0 ? realloc(list->tensors, (size_t)capacity * sizeof *moved) : NULL;
        if (!moved) return cnn_fail_memory(failure, "a list of tensors", (size_t)capacity * sizeof *moved);
        list->tensors = moved;
        list->capacity = capacity;
    }
    Tensor tensor = {.rank = rank};
    uint64_t count = 1;
    for (int i = 0; i < rank; i++) {
        tensor.shape[i] = shape[i];
        if (!cnn_multiply(count, (uint64_t)shape[i], &count))
            return cnn_fail_memory(failure, name, UINT64_MAX);
    }
    size_t prefix_length = strlen(prefix), size = prefix_length + strlen(name) + 1;
    char *full_name = malloc(size);
    if (!full_name) return cnn_fail_memory(failure, name, size);
    memcpy(full_name, prefix, prefix_length);
    memcpy(full_name + prefix_length, name, size - prefix_length);
    void *block;
    int status = cnn_aligned_allocate(&block, count, sizeof(float), name, failure);
    if (status) {
        free(full_name);
        return status;
    }
    tensor.name = full_name;
    tensor.values = *values = block;
    list->tensors[list->count++] = tensor;
    return STATUS_OK;
}

int cnn_tensor_list_add(TensorList *list, const char *name, int32_t rank, const int64_t *shape,
                        const float *values, Failure *failure) {
    if (rank > CNN_MAX_RANK)
        return cnn_fail(failure, STATUS_MALFORMED, "tensor '%s' has %d axes; at most %d can be written", name,
                        rank, CNN_MAX_RANK);
    float *copy = NULL;
    int status = append(list, "", name, rank, shape, &copy, failure);
    if (status) return status;
    uint64_t count = 1;
    for (int i = 0; i < rank; i++) count *= (uint64_t)shape[i];
    if (count) memcpy(copy, values, count * sizeof *copy);
    return STATUS_OK;
}

int cnn_tensor_list_add_block(TensorList *list, const cnn_model *model, const char *prefix, bool trained_only,
                              const float *block, Failure *failure) {
    for (int i = 0; i < model->parameter_count; i++) {
        const cnn_parameter *parameter = &model->parameters[i];
        if (trained_only && !parameter->trainable) continue;
        float *values;
        int status =
            append(list, prefix, parameter->name, parameter->rank, parameter->shape, &values, failure);
        if (status) return status;
        cnn_parameter_gather(parameter, block, values);
    }
    return STATUS_OK;
}

void cnn_tensor_list_free(TensorList *list) {
    for (int i = 0; i < list->count; i++) {
        free((void *)(uintptr_t)list->tensors[i].name);
        cnn_aligned_free((void *)(uintptr_t)list->tensors[i].values);
    }
    free(list->tensors);
    memset(list, 0, sizeof *list);
}

int cnn_weights_write(const char *path, const cnn_model *model, const float *block, Failure *failure) {
    TensorList list = {0};
    int status = cnn_tensor_list_add_block(&list, model, "", false, block, failure);
    if (!status) status = cnn_tensors_write(path, model, list.tensors, list.count, NULL, 0, failure);
    cnn_tensor_list_free(&list);
    return status;
}

int cnn_gradients_write(const char *path, const cnn_model *model, const float *gradients, const float *input,
                        int64_t batch, float loss, Failure *failure) {
    TensorList list = {0};
    int status = cnn_tensor_list_add_block(&list, model, "", true, gradients, failure);
    if (!status && input) {
        int64_t shape[CNN_MAX_RANK + 1] = {batch};
        memcpy(shape + 1, model->input_shape, (size_t)model->input_rank * sizeof *shape);
        status = cnn_tensor_list_add(&list, "input", model->input_rank + 1, shape, input, failure);
    }
    if (!status) status = cnn_tensor_list_add(&list, "loss", 0, NULL, &loss, failure);
    if (!status) status = cnn_tensors_write(path, model, list.tensors, list.count, NULL, 0, failure);
    cnn_tensor_list_free(&list);
    return status;
}
