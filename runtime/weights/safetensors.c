/* Reading and writing safetensors: 8 bytes of header length, the header, then the tensors' bytes. See
 * safetensors.h. */
#include "weights/safetensors.h"

#include "base/aligned.h"
#include "weights/foreign_file.h"
#include "weights/safetensors_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t MAX_HEADER = 100000000; /* bytes: the format's own limit */

static float widen_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023, bits;
    if (exponent == 31) {
        bits = sign | 0x7f800000 | fraction << 13;
    } else if (exponent) {
        bits = sign | (exponent + 112) << 23 | fraction << 13;
    } else { /* subnormal: fraction * 2^-24 is exact */
        float value = (float)fraction * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
        bits |= sign;
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float widen_brain(uint16_t brain) {
    uint32_t bits = (uint32_t)brain << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool is_type(const HeaderEntry *entry, const char *name) {
    return !strcmp(entry->type->name, name);
}

static bool has_floats(const HeaderEntry *entry) {
    return is_type(entry, "F32") || is_type(entry, "F16") || is_type(entry, "BF16");
}

/* F32 at its place in the file's bytes where that is aligned; what is not gets floats of its own. */
static bool stands_in_place(const HeaderEntry *entry) {
    return is_type(entry, "F32") && entry->begin % sizeof(float) == 0;
}

static void widen(const HeaderEntry *entry, const unsigned char *bytes, float *values) {
    uint64_t count = (entry->end - entry->begin) / entry->type->bytes;
    const unsigned char *from = bytes + entry->begin;
    if (is_type(entry, "F32")) {
        memcpy(values, from, count * sizeof *values);
        return;
    }
    bool half = is_type(entry, "F16");
    for (uint64_t i = 0; i < count; i++) {
        uint16_t bits = (uint16_t)(from[2 * i] | from[2 * i + 1] << 8);
        values[i] = half ? widen_half(bits) : widen_brain(bits);
    }
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const Tensor *)a)->name, ((const Tensor *)b)->name);
}

/* header's entries and the data in file->bytes become file->tensors. */
static int build_tensors(const Header *header, TensorFile *file, Failure *failure) {
    uint64_t widened = 0;
    for (int i = 0; i < header->entry_count; i++) {
        const HeaderEntry *entry = &header->entries[i];
        if (has_floats(entry) && !stands_in_place(entry))
            widened += (entry->end - entry->begin) / entry->type->bytes;
    }
    int status = cnn_aligned_allocate(&file->widened, widened, sizeof(float), file->path, failure);
    if (status) return status;
    file->tensors = calloc((size_t)header->entry_count + 1, sizeof *file->tensors);
    if (!file->tensors) return cnn_fail_memory(failure, file->path, sizeof *file->tensors);

    float *next = file->widened;
    for (int i = 0; i < header->entry_count; i++) {
        const HeaderEntry *entry = &header->entries[i];
        Tensor *tensor = &file->tensors[file->tensor_count++];
        tensor->name = entry->name;
        tensor->type = entry->type->name;
        tensor->rank = entry->rank;
        memcpy(tensor->shape, entry->shape, sizeof tensor->shape);
        if (!has_floats(entry)) continue;
        if (stands_in_place(entry)) {
            tensor->values = (const float *)((const char *)file->bytes + entry->begin);
        } else {
            widen(entry, file->bytes, next);
            tensor->values = next;
            next += (entry->end - entry->begin) / entry->type->bytes;
        }
    }
    qsort(file->tensors, (size_t)file->tensor_count, sizeof *file->tensors, compare_names);
    return STATUS_OK;
}

static int read_header(Reader *reader, TensorFile *file, Header *header, Failure *failure) {
    unsigned char prefix[FOREIGN_BEGIN];
    int status = cnn_reader_read(reader, prefix, sizeof prefix, "the length of the header", failure);
    if (status) return status;
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--) length = length << 8 | prefix[i];
    if (length > MAX_HEADER && (status = cnn_foreign_file_refuse(reader, prefix, failure))) return status;
    if (length > MAX_HEADER)
        return cnn_fail(failure, STATUS_MALFORMED, "%s: a header of %llu bytes; at most %llu are allowed",
                        file->path, (unsigned long long)length, (unsigned long long)MAX_HEADER);
    status = cnn_reader_read_block(reader, &file->header, length, "the header", failure);
    return status ? status : header_parse(file->path, file->header, length, header, failure);
}

int cnn_tensors_parse(Reader *reader, TensorFile *file, Failure *failure) {
    memset(file, 0, sizeof *file);
    Header header = {0};
    int status = STATUS_OK;
    file->path = malloc(strlen(cnn_reader_path(reader)) + 1);
    if (!file->path)
        return cnn_fail_memory(failure, cnn_reader_path(reader), strlen(cnn_reader_path(reader)));
    strcpy(file->path, cnn_reader_path(reader));

    status = read_header(reader, file, &header, failure);
    uint64_t size = header.entry_count ? header.entries[header.entry_count - 1].end : 0;
    if (!status) status = cnn_reader_read_block(reader, &file->bytes, size, "the tensors' data", failure);
    if (!status) status = cnn_reader_expect_end(reader, failure);
    if (!status) status = build_tensors(&header, file, failure);
    if (!status) {
        file->metadata = header.metadata;
        file->metadata_count = header.metadata_count;
        header.metadata = NULL;
    }
    header_free(&header);
    if (status) cnn_tensors_free(file);
    return status;
}

int cnn_tensors_read(const char *path, TensorFile *file, Failure *failure) {
    memset(file, 0, sizeof *file);
    Reader *reader;
    int status = cnn_reader_open_raw(&reader, path, failure);
    if (status) return status;
    status = cnn_tensors_parse(reader, file, failure);
    cnn_reader_close(reader);
    return status;
}

void cnn_tensors_free(TensorFile *file) {
    free(file->path);
    free(file->tensors);
    free(file->metadata);
    cnn_aligned_free(file->header);
    cnn_aligned_free(file->bytes);
    cnn_aligned_free(file->widened);
    memset(file, 0, sizeof *file);
}

const Tensor *cnn_tensors_find(const TensorFile *file, const char *name) {
    Tensor wanted = {.name = name};
    if (!file->tensor_count) return NULL;
    return bsearch(&wanted, file->tensors, (size_t)file->tensor_count, sizeof wanted, compare_names);
}

const char *cnn_tensors_metadata(const TensorFile *file, const char *key) {
    for (int i = 0; i < file->metadata_count; i++)
        if (!strcmp(file->metadata[i].key, key)) return file->metadata[i].value;
    return NULL;
}
