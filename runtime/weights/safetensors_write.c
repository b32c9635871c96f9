/* Writing safetensors: the header as text in memory, padded so that the data are 8-byte aligned, then the
 * tensors in the order given. The same tensors give the same bytes. */
#include "base/aligned.h"
#include "weights/safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_ALIGNMENT = 8 };

typedef struct Text {
    char *bytes;
    size_t length;
} Text;

static void write_string(FILE *stream, const char *string) {
    putc('"', stream);
    for (const unsigned char *p = (const unsigned char *)string; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(stream, "\\%c", *p);
        else if (*p < 0x20)
            fprintf(stream, "\\u%04x", *p);
        else
            putc(*p, stream);
    }
    putc('"', stream);
}

static void write_pair(FILE *stream, const char *key, const char *value, int *written) {
    if ((*written)++) putc(',', stream);
    write_string(stream, key);
    putc(':', stream);
    write_string(stream, value);
}

static bool tensor_bytes(const Tensor *tensor, uint64_t *bytes) {
    *bytes = sizeof(float);
    for (int i = 0; i < tensor->rank; i++)
        if (tensor->shape[i] < 0 || !cnn_multiply(*bytes, (uint64_t)tensor->shape[i], bytes)) return false;
    return true;
}

static void write_entry(FILE *stream, const Tensor *tensor, uint64_t begin, uint64_t end) {
    write_string(stream, tensor->name);
    fputs(":{\"dtype\":\"F32\",\"shape\":[", stream);
    for (int i = 0; i < tensor->rank; i++) fprintf(stream, "%s%" PRId64, i ? "," : "", tensor->shape[i]);
    fprintf(stream, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", begin, end);
}

/* From the heap, padded with blanks. */
static int build_header(const cnn_model *model, const Tensor *tensors, int32_t tensor_count,
                        const Metadata *metadata, int32_t metadata_count, Text *header, Failure *failure) {
    FILE *stream = open_memstream(&header->bytes, &header->length);
    if (!stream) return cnn_fail_memory(failure, "a file's header", 4096);
    int written = 0;
    fputs("{\"__metadata__\":{", stream);
    if (model) write_pair(stream, "cnnc.model", model->name, &written);
    if (model) write_pair(stream, "cnnc.version", model->compiler_version, &written);
    for (int i = 0; i < metadata_count; i++) write_pair(stream, metadata[i].key, metadata[i].value, &written);
    putc('}', stream);
    uint64_t begin = 0, bytes;
    bool fits = true;
    for (int i = 0; i < tensor_count && fits; i++) {
        fits = tensor_bytes(&tensors[i], &bytes) && !__builtin_add_overflow(begin, bytes, &bytes);
        if (!fits) break;
        putc(',', stream);
        write_entry(stream, &tensors[i], begin, bytes);
        begin = bytes;
    }
    putc('}', stream);
    for (long at = ftell(stream); at > 0 && at % HEADER_ALIGNMENT; at++) putc(' ', stream);
    long written_bytes = ftell(stream);
    bool complete = !ferror(stream) && written_bytes > 0;
    if (fclose(stream)) complete = false;
    /* The C library may run out of memory in closing and say nothing but by what it leaves. */
    if (!header->bytes || header->length != (size_t)written_bytes) complete = false;
    if (complete && fits) return STATUS_OK;
    free(header->bytes);
    header->bytes = NULL;
    return cnn_fail_memory(failure, "a file's header", header->length);
}

int cnn_tensors_write(const char *path, const cnn_model *model, const Tensor *tensors, int32_t tensor_count,
                      const Metadata *metadata, int32_t metadata_count, Failure *failure) {
    Text header = {0};
    int status = build_header(model, tensors, tensor_count, metadata, metadata_count, &header, failure);
    if (status) return status;
    Writer *writer;
    status = cnn_writer_open(&writer, path, failure);
    if (!status) {
        unsigned char prefix[8];
        for (int i = 0; i < 8; i++) prefix[i] = (unsigned char)((uint64_t)header.length >> 8 * i);
        status = cnn_writer_write(writer, prefix, sizeof prefix, failure);
        if (!status) status = cnn_writer_write(writer, header.bytes, header.length, failure);
        for (int i = 0; i < tensor_count && !status; i++) {
            uint64_t bytes = 0;
            tensor_bytes(&tensors[i], &bytes);
            status = cnn_writer_write(writer, tensors[i].values, bytes, failure);
        }
        if (!status)
            status = cnn_writer_commit(writer, failure);
        else
            cnn_writer_abandon(writer);
    }
    free(header.bytes);
    return status;
}
