/* The header of a safetensors file: a JSON object of one known form. A strict reader of that form alone, so
 * that nothing which the format does not have gets in. */
#ifndef CNN_SAFETENSORS_HEADER_H
#define CNN_SAFETENSORS_HEADER_H

#include "weights/safetensors.h"

typedef struct TensorType {
    const char *name;
    uint32_t bytes; /* an element */
} TensorType;

typedef struct HeaderEntry {
    const char *name;
    const TensorType *type;
    int32_t rank;
    int64_t shape[CNN_MAX_RANK];
    uint64_t begin, end; /* bytes of the data */
} HeaderEntry;

typedef struct Header {
    HeaderEntry *entries; /* sorted by where their data begin */
    Metadata *metadata;
    int32_t entry_count, metadata_count;
} Header;

/* text holds length bytes and a zero byte; strings are unescaped in place and stay in it. path stands in
 * messages. Names and keys differ, sizes fit types and shapes, and the ranges follow each other from 0 on
 * without gap or overlap. */
int header_parse(const char *path, char *text, uint64_t length, Header *header, Failure *failure);
void header_free(Header *header);

#endif
