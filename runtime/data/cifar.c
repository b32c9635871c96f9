/* CIFAR's binary records. See cifar.h. */
#include "data/cifar.h"

#include "base/aligned.h"
#include "data/format.h"

#include <string.h>

enum {
    PLANE = CIFAR_SIDE * CIFAR_SIDE,
    CHANNELS = 3,
    FIRST_CAPACITY = 10000,
    LONGEST_RECORD = CIFAR_PIXELS + 2
};

static const struct {
    int32_t label_bytes, label_at, classes;
} layouts[] = {
    [CIFAR_10] = {1, 0, 10 },
      [CIFAR_100_FINE] = {2, 1, 100},
      [CIFAR_100_COARSE] = {2, 0, 20 }
};

static int grow(CifarRecords *records, uint64_t capacity, Failure *failure) {
    void *samples, *labels;
    int status = cnn_aligned_reserve(&samples, capacity, CIFAR_PIXELS, "CIFAR images", failure);
    if (status) return status;
    status = cnn_aligned_reserve(&labels, capacity, sizeof *records->labels, "CIFAR labels", failure);
    if (status) {
        cnn_aligned_free(samples);
        return status;
    }
    if (records->count) {
        memcpy(samples, records->samples, records->count * CIFAR_PIXELS);
        memcpy(labels, records->labels, records->count * sizeof *records->labels);
    }
    cnn_aligned_free(records->samples);
    cnn_aligned_free(records->labels);
    records->samples = samples;
    records->labels = labels;
    records->capacity = capacity;
    return STATUS_OK;
}

/* Room for this file and as many more of its length. What does not fit into 64 bits is left to grow. */
static int expect_files(const Reader *reader, uint64_t record, uint64_t files, CifarRecords *records,
                        Failure *failure) {
    uint64_t left = cnn_reader_left(reader), more;
    if (left == UINT64_MAX || !cnn_multiply(left / record, files, &more)) return STATUS_OK;
    if (more <= records->capacity - records->count || more > UINT64_MAX - records->count) return STATUS_OK;
    return grow(records, records->count + more, failure);
}

int cnn_cifar_parse(Reader *reader, CifarLabels layout, uint64_t files, CifarRecords *records,
                    Failure *failure) {
    int32_t label_bytes = layouts[layout].label_bytes, classes = layouts[layout].classes;
    unsigned char record[LONGEST_RECORD];
    int opened = expect_files(reader, (uint64_t)(label_bytes + CIFAR_PIXELS), files, records, failure);
    if (opened) return opened;
    for (uint64_t number = 0;; number++) {
        bool end;
        int status = cnn_reader_at_end(reader, &end, failure);
        if (status) return status;
        if (end && number == 0)
            return cnn_fail(failure, STATUS_MALFORMED, "%s: no records; one at least was expected",
                            cnn_reader_path(reader));
        if (end) return STATUS_OK;
        status = cnn_reader_read(reader, record, (uint64_t)(label_bytes + CIFAR_PIXELS), "a record", failure);
        if (!status && records->count == records->capacity)
            status = grow(records, records->capacity ? records->capacity * 2 : FIRST_CAPACITY, failure);
        if (status) return status;
        int32_t label = record[layouts[layout].label_at];
        if (label >= classes)
            return cnn_fail(failure, STATUS_MALFORMED,
                            "%s: record %llu has the label %d; 0 to %d were expected",
                            cnn_reader_path(reader), (unsigned long long)number, label, classes - 1);
        uint8_t *sample = records->samples + records->count * CIFAR_PIXELS;
        const unsigned char *planes = record + label_bytes;
        for (int pixel = 0; pixel < PLANE; pixel++)
            for (int c = 0; c < CHANNELS; c++) sample[pixel * CHANNELS + c] = planes[c * PLANE + pixel];
        records->labels[records->count++] = label;
    }
}

void cnn_cifar_free(CifarRecords *records) {
    cnn_aligned_free(records->samples);
    cnn_aligned_free(records->labels);
    memset(records, 0, sizeof *records);
}

/* All the batch files, one after the other; messages about their samples name the first. */
static int load_cifar(const LoadCall *call) {
    static const int64_t image[] = {CIFAR_SIDE, CIFAR_SIDE, 3};
    const cnn_model *model = call->model;
    const char *const *files = call->files;
    char expected[SHAPE_TEXT];
    if (!cnn_same_shape(3, image, model->input_rank, model->input_shape))
        return cnn_fail(call->failure, STATUS_MALFORMED, "%s: CIFAR images are 32x32x3; model %s takes %s",
                        files[0], model->name,
                        cnn_shape_text(expected, sizeof expected, model->input_rank, model->input_shape));
    CifarRecords records = {0};
    int status = STATUS_OK, file_count = 0;
    while (files[file_count]) file_count++;
    for (int i = 0; files[i] && !status; i++) {
        Reader *reader = NULL;
        status = cnn_reader_open_in(&reader, call->folder, files[i], call->failure);
        if (!status)
            status = cnn_cifar_parse(reader, (CifarLabels)model->data->cifar_labels,
                                     (uint64_t)(file_count - i), &records, call->failure);
        cnn_reader_close(reader);
    }
    if (!status) status = cnn_path_join(&call->samples->path, call->folder, files[0], call->failure);
    if (!status) status = cnn_path_join(&call->targets->path, call->folder, files[0], call->failure);
    if (status) {
        cnn_cifar_free(&records);
        return status;
    }
    int64_t count = (int64_t)records.count;
    call->samples->array = (NpyArray){
        NPY_U1, 4, {count, CIFAR_SIDE, CIFAR_SIDE, 3},
          records.count * CIFAR_PIXELS, records.samples
    };
    call->targets->array = (NpyArray){NPY_I4, 1, {count}, records.count, records.labels};
    return STATUS_OK;
}

const FormatRow cnn_format_cifar = {.load = load_cifar};
