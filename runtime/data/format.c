/* The table of data formats, made from formats.def, and what formats of two files share. */
#include "data/format.h"

#include <stdlib.h>

#define FORMAT(number, word) extern const FormatRow cnn_format_##word;
#define PLANNED(word)
#include "runtime/formats.def"
#undef FORMAT
#undef PLANNED

static const FormatRow *const table[] = {
#define FORMAT(number, word) [CNN_FORMAT_##number] = &cnn_format_##word,
#define PLANNED(word)
#include "runtime/formats.def"
#undef FORMAT
#undef PLANNED
};

const FormatRow *cnn_format_find(int32_t number) {
    int32_t count = (int32_t)(sizeof table / sizeof *table);
    return number >= 0 && number < count ? table[number] : NULL;
}

void cnn_named_free(Named *named) {
    free(named->path);
    cnn_npy_free(&named->array);
}

int cnn_fail_sample_shape(const cnn_model *model, const Named *samples, int32_t skipped, Failure *failure) {
    char found[SHAPE_TEXT], expected[SHAPE_TEXT];
    const NpyArray *array = &samples->array;
    int32_t skip = skipped < array->rank ? skipped : array->rank;
    return cnn_fail(failure, STATUS_MALFORMED, "%s: samples of shape %s; model %s takes %s", samples->path,
                    cnn_shape_text(found, sizeof found, array->rank - skip, array->shape + skip), model->name,
                    cnn_shape_text(expected, sizeof expected, model->input_rank, model->input_shape));
}

/* (N, input shape); an input of one channel may leave that axis out, as grey images do. */
static int check_sample_shape(const LoadCall *call) {
    const cnn_model *model = call->model;
    const NpyArray *array = &call->samples->array;
    const int64_t *shape = array->shape + 1;
    int32_t rank = array->rank - 1, input_rank = model->input_rank;
    bool grey = input_rank > 1 && model->input_shape[input_rank - 1] == 1;
    bool fits =
        array->rank > 0 && (cnn_same_shape(rank, shape, input_rank, model->input_shape) ||
                            (grey && cnn_same_shape(rank, shape, input_rank - 1, model->input_shape)));
    return fits ? STATUS_OK : cnn_fail_sample_shape(model, call->samples, 1, call->failure);
}

/* Reads one of the files and keeps the name that it was found under. */
static int read_file(const LoadCall *call, int file, ArrayParse parse, Named *named) {
    Reader *reader = NULL;
    int status = cnn_reader_open_in(&reader, call->folder, call->files[file], call->failure);
    if (!status) status = cnn_path_join(&named->path, "", cnn_reader_path(reader), call->failure);
    if (!status) status = parse(reader, &named->array, call->failure);
    cnn_reader_close(reader);
    return status;
}

int cnn_load_pair(const LoadCall *call, ArrayParse parse) {
    const cnn_model *model = call->model;
    if (!call->files[1] || call->files[2])
        return cnn_fail(call->failure, STATUS_MALFORMED,
                        "model %s: two files were expected, samples and targets", model->name);
    int status = read_file(call, 0, parse, call->samples);
    if (!status) status = check_sample_shape(call);
    if (status || !model->train) return status;
    status = read_file(call, 1, parse, call->targets);
    if (status) return status;
    const NpyArray *targets = &call->targets->array;
    int64_t sample_count = call->samples->array.shape[0],
            target_count = targets->rank ? targets->shape[0] : 1;
    if (sample_count == target_count) return STATUS_OK;
    return cnn_fail(call->failure, STATUS_MALFORMED, "%s: %lld targets for the %lld samples of %s",
                    call->targets->path, (long long)target_count, (long long)sample_count,
                    call->samples->path);
}
