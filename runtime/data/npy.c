/* NPY in and out. The header is a Python dictionary of three known members; a strict reader of that form. See
 * npy.h. */
#include "data/npy.h"

#include "base/aligned.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 64 << 10, MAX_WORD = 32 };

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

static const struct {
    const char *descr;
    NpyType type;
    uint32_t bytes;
} types[] = {
    {"<f4", NPY_F4, 4},
    {"<f8", NPY_F8, 8},
    {"|u1", NPY_U1, 1},
    {"<i4", NPY_I4, 4},
    {"<i8", NPY_I8, 8}
};

typedef struct HeaderScan {
    const char *path, *at;
    NpyArray *array;
    uint32_t element_bytes;
    Failure *failure;
} HeaderScan;

static int malformed(const HeaderScan *scan, const char *expected) {
    return cnn_fail(scan->failure, STATUS_MALFORMED,
                    "%s: the array's header has '%.20s' where %s was expected", scan->path, scan->at,
                    expected);
}

static bool accept(HeaderScan *scan, char wanted) {
    while (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\t') scan->at++;
    if (*scan->at != wanted) return false;
    scan->at++;
    return true;
}

static int scan_string(HeaderScan *scan, char word[MAX_WORD]) {
    char quote = accept(scan, '\'') ? '\'' : accept(scan, '"') ? '"' : 0;
    if (!quote) return malformed(scan, "a quoted word");
    int length = 0;
    while (*scan->at && *scan->at != quote && length < MAX_WORD - 1) word[length++] = *scan->at++;
    word[length] = 0;
    if (*scan->at != quote) return malformed(scan, "a closing quote");
    scan->at++;
    return STATUS_OK;
}

static int scan_descr(HeaderScan *scan) {
    char descr[MAX_WORD];
    if (accept(scan, '['))
        return cnn_fail(scan->failure, STATUS_MALFORMED,
                        "%s: an array of records; plain numbers were expected", scan->path);
    int status = scan_string(scan, descr);
    if (status) return status;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].descr, descr)) continue;
        scan->array->type = types[i].type;
        scan->element_bytes = types[i].bytes;
        return STATUS_OK;
    }
    return cnn_fail(scan->failure, STATUS_MALFORMED,
                    "%s: elements of type '%s'%s; <f4, <f8, |u1, <i4 or <i8 was expected", scan->path, descr,
                    descr[0] == '>' ? ", which is big-endian" : "");
}

static int scan_order(HeaderScan *scan) {
    while (*scan->at == ' ') scan->at++;
    if (!strncmp(scan->at, "True", 4))
        return cnn_fail(scan->failure, STATUS_MALFORMED,
                        "%s: the array is in Fortran order; C order was expected (numpy.ascontiguousarray)",
                        scan->path);
    if (strncmp(scan->at, "False", 5)) return malformed(scan, "True or False");
    scan->at += 5;
    return STATUS_OK;
}

static int scan_extent(HeaderScan *scan, int64_t *extent) {
    int digits = 0;
    *extent = 0;
    accept(scan, ' ');
    for (; *scan->at >= '0' && *scan->at <= '9' && digits < 19; digits++)
        if (__builtin_mul_overflow(*extent, 10, extent) ||
            __builtin_add_overflow(*extent, *scan->at++ - '0', extent))
            return malformed(scan, "a size of 63 bits");
    return digits && (*scan->at < '0' || *scan->at > '9') ? STATUS_OK : malformed(scan, "a whole number");
}

/* (), (3,), (3, 4) or (3, 4,) */
static int scan_shape(HeaderScan *scan) {
    NpyArray *array = scan->array;
    if (!accept(scan, '(')) return malformed(scan, "'('");
    bool comma = true;
    while (!accept(scan, ')')) {
        if (!comma) return malformed(scan, "',' or ')'");
        if (array->rank == NPY_MAX_RANK) return malformed(scan, "at most 32 axes");
        int status = scan_extent(scan, &array->shape[array->rank]);
        if (status) return status;
        array->rank++;
        comma = accept(scan, ',');
    }
    return array->rank == 1 && !comma ? malformed(scan, "',' after the only axis") : STATUS_OK;
}

static int scan_header(HeaderScan *scan) {
    static const struct {
        const char *name;
        int (*scan)(HeaderScan *);
    } members[] = {
        {"descr",         scan_descr},
        {"fortran_order", scan_order},
        {"shape",         scan_shape}
    };
    unsigned seen = 0;
    if (!accept(scan, '{')) return malformed(scan, "'{'");
    while (!accept(scan, '}')) {
        char name[MAX_WORD];
        int status = scan_string(scan, name);
        if (status) return status;
        unsigned which = 0;
        while (which < 3 && strcmp(members[which].name, name)) which++;
        if (which == 3 || seen & 1u << which)
            return cnn_fail(scan->failure, STATUS_MALFORMED, "%s: the array's header has the member '%s' %s",
                            scan->path, name, which == 3 ? "that the format does not know" : "twice");
        seen |= 1u << which;
        if (!accept(scan, ':')) return malformed(scan, "':'");
        if ((status = members[which].scan(scan))) return status;
        if (accept(scan, ',')) continue;
        if (*scan->at != '}') return malformed(scan, "',' or '}'");
    }
    accept(scan, '\n');
    if (*scan->at) return malformed(scan, "the end of the header");
    if (seen == 7) return STATUS_OK;
    return cnn_fail(scan->failure, STATUS_MALFORMED, "%s: the array's header lacks its %s", scan->path,
                    !(seen & 1)   ? "descr"
                    : !(seen & 2) ? "fortran_order"
                                  : "shape");
}

/* The header's text in a block of its own, with a zero byte at its end. */
static int read_header(Reader *reader, void **text, Failure *failure) {
    const char *path = cnn_reader_path(reader);
    unsigned char prefix[12];
    int status = cnn_reader_read(reader, prefix, 10, "the beginning of an NPY array", failure);
    if (status) return status;
    if (memcmp(prefix, magic, sizeof magic))
        return cnn_fail(failure, STATUS_MALFORMED, "%s: no NPY array: it does not begin with \\x93NUMPY",
                        path);
    int major = prefix[6], minor = prefix[7];
    if (major < 1 || major > 3 || minor != 0)
        return cnn_fail(failure, STATUS_MALFORMED, "%s: NPY version %d.%d; 1.0, 2.0 or 3.0 was expected",
                        path, major, minor);
    uint32_t length = prefix[8] | (uint32_t)prefix[9] << 8;
    if (major > 1) {
        status = cnn_reader_read(reader, prefix + 10, 2, "the length of the header", failure);
        if (status) return status;
        length |= (uint32_t)prefix[10] << 16 | (uint32_t)prefix[11] << 24;
    }
    if (length > MAX_HEADER)
        return cnn_fail(failure, STATUS_MALFORMED, "%s: a header of %" PRIu32 " bytes; at most %d are read",
                        path, length, MAX_HEADER);
    status = cnn_aligned_allocate(text, (uint64_t)length + 1, 1, path, failure);
    if (status) return status;
    status = cnn_reader_read(reader, *text, length, "the array's header", failure);
    if (!status && memchr(*text, 0, length))
        status = cnn_fail(failure, STATUS_MALFORMED, "%s: a zero byte in the array's header", path);
    return status;
}

static int read_elements(Reader *reader, NpyArray *array, uint32_t element_bytes, Failure *failure) {
    const char *path = cnn_reader_path(reader);
    array->count = 1;
    bool fits = true, empty = false;
    for (int i = 0; i < array->rank; i++) empty |= array->shape[i] == 0;
    if (empty)
        return cnn_fail(failure, STATUS_MALFORMED,
                        "%s: an array without elements; one sample at least was expected", path);
    for (int i = 0; i < array->rank; i++)
        fits &= cnn_multiply(array->count, (uint64_t)array->shape[i], &array->count);
    uint64_t bytes = 0;
    if (!fits || !cnn_multiply(array->count, element_bytes, &bytes) || bytes > INT64_MAX)
        return cnn_fail(failure, STATUS_MALFORMED, "%s: the product of the array's shape is too large", path);
    int status = cnn_reader_read_block(reader, &array->data, bytes, "the array's elements", failure);
    return status ? status : cnn_reader_expect_end(reader, failure);
}

int cnn_npy_parse(Reader *reader, NpyArray *array, Failure *failure) {
    memset(array, 0, sizeof *array);
    void *text = NULL;
    int status = read_header(reader, &text, failure);
    HeaderScan scan = {cnn_reader_path(reader), text, array, 0, failure};
    if (!status) status = scan_header(&scan);
    if (!status) status = read_elements(reader, array, scan.element_bytes, failure);
    cnn_aligned_free(text);
    if (status) cnn_npy_free(array);
    return status;
}

int cnn_npy_read(const char *path, NpyArray *array, Failure *failure) {
    memset(array, 0, sizeof *array);
    Reader *reader;
    int status = cnn_reader_open(&reader, path, failure);
    if (status) return status;
    status = cnn_npy_parse(reader, array, failure);
    cnn_reader_close(reader);
    return status;
}

void cnn_npy_free(NpyArray *array) {
    cnn_aligned_free(array->data);
    memset(array, 0, sizeof *array);
}

double cnn_npy_element(const NpyArray *array, uint64_t index) {
    switch (array->type) {
    case NPY_F4: return ((const float *)array->data)[index];
    case NPY_F8: return ((const double *)array->data)[index];
    case NPY_U1: return ((const uint8_t *)array->data)[index];
    case NPY_I4: return ((const int32_t *)array->data)[index];
    case NPY_I8: return (double)((const int64_t *)array->data)[index];
    }
    return 0;
}

int cnn_npy_take_floats(NpyArray *array, const char *path, float **values, Failure *failure) {
    if (array->type == NPY_F4) {
        *values = array->data;
        array->data = NULL;
        return STATUS_OK;
    }
    void *block;
    int status = cnn_aligned_allocate(&block, array->count, sizeof(float), "an array", failure);
    *values = block;
    if (status) return status;
    for (uint64_t i = 0; i < array->count; i++) {
        double value = cnn_npy_element(array, i);
        (*values)[i] = (float)value;
        if (!isfinite(value) || isfinite((*values)[i])) continue;
        cnn_aligned_free(block);
        *values = NULL;
        return cnn_fail(failure, STATUS_MALFORMED, "%s: element %llu is %g; float32 reaches 3.4e38", path,
                        (unsigned long long)i, value);
    }
    return STATUS_OK;
}

/* The length of the prefix and header is a multiple of 64; the header ends with a newline. */
static int write_header(Writer *writer, int32_t rank, const int64_t *shape, Failure *failure) {
    enum { PREFIX = 10, ALIGNMENT = 64, ROOM = 1024 };
    char text[ROOM];
    int used = snprintf(text + PREFIX, ROOM - PREFIX, "{'descr': '<f4', 'fortran_order': False, 'shape': (") +
               PREFIX;
    for (int i = 0; i < rank; i++)
        used += snprintf(text + used, (size_t)(ROOM - used), "%s%" PRId64, i ? ", " : "", shape[i]);
    used += snprintf(text + used, (size_t)(ROOM - used), rank == 1 ? ",), }" : "), }");
    while ((used + 1) % ALIGNMENT) text[used++] = ' ';
    text[used++] = '\n';
    memcpy(text, magic, sizeof magic);
    text[6] = 1;
    text[7] = 0;
    text[8] = (char)((used - PREFIX) & 255);
    text[9] = (char)((used - PREFIX) >> 8);
    return cnn_writer_write(writer, text, (uint64_t)used, failure);
}

int cnn_npy_write(const char *path, const float *values, int32_t rank, const int64_t *shape,
                  Failure *failure) {
    uint64_t bytes = sizeof *values;
    bool fits = rank <= NPY_MAX_RANK;
    for (int i = 0; i < rank && fits; i++) fits = cnn_multiply(bytes, (uint64_t)shape[i], &bytes);
    if (!fits) return cnn_fail(failure, STATUS_MALFORMED, "%s: the array is too large to write", path);
    Writer *writer;
    int status = cnn_writer_open(&writer, path, failure);
    if (status) return status;
    status = write_header(writer, rank, shape, failure);
    if (!status) status = cnn_writer_write(writer, values, bytes, failure);
    if (!status) return cnn_writer_commit(writer, failure);
    cnn_writer_abandon(writer);
    return status;
}

bool cnn_same_shape(int32_t rank, const int64_t *shape, int32_t other_rank, const int64_t *other) {
    return rank == other_rank && (rank == 0 || !memcmp(shape, other, (size_t)rank * sizeof *shape));
}

const char *cnn_shape_text(char *text, size_t size, int32_t rank, const int64_t *shape) {
    size_t used = 0;
    snprintf(text, size, "()");
    for (int i = 0; i < rank && used + 24 < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%" PRId64, i ? "x" : "", shape[i]);
    return text;
}
