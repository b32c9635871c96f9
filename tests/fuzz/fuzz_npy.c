/* libFuzzer: any bytes as an NPY array. What is taken must be complete: every element can be read. */
#include "base/aligned.h"
#include "data/npy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Failure failure = {0};
    Reader *reader;
    NpyArray array = {0};
    float *values;
    int status = cnn_reader_open_memory(&reader, "fuzz.npy", bytes, size, &failure);
    if (!status) status = cnn_npy_parse(reader, &array, &failure);
    cnn_reader_close(reader);
    if (status != failure.exit_code || (status && status != STATUS_MALFORMED) ||
        (status && !failure.message[0]))
        abort();
    if (status) return 0;
    if (array.count == 0) abort();
    if (!cnn_npy_take_floats(&array, "array", &values, &failure)) cnn_aligned_free(values);
    cnn_npy_free(&array);
    return 0;
}
