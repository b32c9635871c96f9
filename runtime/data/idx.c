/* IDX: two zero bytes, the element type, the rank, big-endian extents of 32 bits, then the elements. See
 * idx.h. */
#include "data/idx.h"

#include "base/aligned.h"
#include "data/format.h"

#include <string.h>

enum { IDX_UNSIGNED_BYTE = 8, EXTENT_BYTES = 4 };

static int read_shape(Reader *reader, IdxArray *array, Failure *failure) {
    const char *path = cnn_reader_path(reader);
    unsigned char magic[4], extent[EXTENT_BYTES];
    int status = cnn_reader_read(reader, magic, sizeof magic, "the magic number", failure);
    if (status) return status;
    if (magic[0] || magic[1])
        return cnn_fail(failure, STATUS_MALFORMED,
                        "%s: no IDX file: it begins with %02x %02x where 00 00 was expected", path, magic[0],
                        magic[1]);
    if (magic[2] != IDX_UNSIGNED_BYTE)
        return cnn_fail(failure, STATUS_MALFORMED,
                        "%s: elements of IDX type 0x%02x; unsigned bytes (0x08) were expected", path,
                        magic[2]);
    if (magic[3] < 1 || magic[3] > IDX_MAX_RANK)
        return cnn_fail(failure, STATUS_MALFORMED, "%s: %d axes; 1 to %d were expected", path, magic[3],
                        IDX_MAX_RANK);
    array->rank = magic[3];
    for (int i = 0; i < array->rank; i++) {
        if ((status = cnn_reader_read(reader, extent, sizeof extent, "the extents", failure))) return status;
        array->shape[i] =
            (int64_t)extent[0] << 24 | (int64_t)extent[1] << 16 | (int64_t)extent[2] << 8 | extent[3];
    }
    return STATUS_OK;
}

int cnn_idx_parse(Reader *reader, IdxArray *array, Failure *failure) {
    memset(array, 0, sizeof *array);
    int status = read_shape(reader, array, failure);
    if (status) return status;
    const char *path = cnn_reader_path(reader);
    bool fits = true;
    array->count = 1;
    for (int i = 0; i < array->rank; i++)
        fits &= cnn_multiply(array->count, (uint64_t)array->shape[i], &array->count);
    bool empty = false;
    for (int i = 0; i < array->rank; i++) empty |= array->shape[i] == 0;
    if (empty) return cnn_fail(failure, STATUS_MALFORMED, "%s: no samples; one at least was expected", path);
    if (!fits || array->count > INT64_MAX)
        return cnn_fail(failure, STATUS_MALFORMED, "%s: the product of the extents is too large", path);
    void *data = NULL;
    status =
        cnn_reader_read_block(reader, &data, array->count, "the elements that the extents promise", failure);
    array->data = data;
    if (!status) status = cnn_reader_expect_end(reader, failure);
    if (status) cnn_idx_free(array);
    return status;
}

void cnn_idx_free(IdxArray *array) {
    cnn_aligned_free(array->data);
    memset(array, 0, sizeof *array);
}

static int parse_array(Reader *reader, NpyArray *array, Failure *failure) {
    IdxArray idx = {0};
    int status = cnn_idx_parse(reader, &idx, failure);
    if (status) return status;
    *array = (NpyArray){.type = NPY_U1, .rank = idx.rank, .count = idx.count, .data = idx.data};
    memcpy(array->shape, idx.shape, sizeof idx.shape);
    return STATUS_OK;
}

static int load_idx(const LoadCall *call) {
    return cnn_load_pair(call, parse_array);
}

const FormatRow cnn_format_idx = {.load = load_idx};
