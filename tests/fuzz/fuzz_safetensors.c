/* libFuzzer: any bytes as a safetensors file. What is taken can be read whole, found by name, and taken as
 * weights or refused. */
#include "weights/weights.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const cnn_parameter parameters[] = {
    {.name = "a.weight",
     .rank = 2,
     .shape = {2, 3},
     .size = 6,
     .group = 2,
     .block = 2,
     .stride = {0, 2},
     .trainable = 1},
    {.name = "a.bias",
     .rank = 1,
     .shape = {2},
     .offset = 6,
     .size = 2,
     .group = 2,
     .block = 2,
     .trainable = 1}
};
static const cnn_model model = {.name = "fuzz",
                                .compiler_version = "0",
                                .parameters = parameters,
                                .parameter_count = 2,
                                .parameter_elements = 8};

static void check_tensors(const TensorFile *file) {
    for (int i = 0; i < file->tensor_count; i++) {
        const Tensor *tensor = &file->tensors[i];
        if (cnn_tensors_find(file, tensor->name) != tensor || !tensor->type) abort();
        int64_t count = 1;
        for (int axis = 0; axis < tensor->rank; axis++) count *= tensor->shape[axis];
        volatile float last = 0;
        for (int64_t k = 0; tensor->values && k < count; k++) last = tensor->values[k];
        (void)last;
    }
    for (int i = 0; i < file->metadata_count; i++)
        if (!cnn_tensors_metadata(file, file->metadata[i].key)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Failure failure = {0};
    Reader *reader;
    TensorFile file;
    float block[8];
    if (cnn_reader_open_memory(&reader, "fuzz", bytes, size, &failure)) return 0;
    int status = cnn_tensors_parse(reader, &file, &failure);
    cnn_reader_close(reader);
    if (status != failure.exit_code || (status && status != STATUS_MALFORMED) ||
        (status && !failure.message[0]))
        abort();
    if (status) return 0;
    check_tensors(&file);
    status = cnn_weights_take(&file, &model, "", false, block, &failure);
    if (status != failure.exit_code || (status && status != STATUS_MALFORMED)) abort();
    cnn_tensors_free(&file);
    return 0;
}
