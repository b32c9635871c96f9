/* libFuzzer: any bytes as an IDX file, plain or gzip. */
#include "data/idx.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Failure failure = {0};
    Reader *reader;
    IdxArray array = {0};
    int status = cnn_reader_open_memory(&reader, "fuzz.idx", bytes, size, &failure);
    if (!status) status = cnn_idx_parse(reader, &array, &failure);
    cnn_reader_close(reader);
    if (status != failure.exit_code || (status && status != STATUS_MALFORMED) ||
        (status && !failure.message[0]))
        abort();
    if (status) return 0;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < array.count; i++) sum += array.data[i];
    if (array.count == 0 || sum > 255 * array.count) abort();
    cnn_idx_free(&array);
    return 0;
}
