/* The structures that generated code and the runtime share, for the compiler: every structure and field of
 * runtime/abi.def by name, and where it lies on a machine with pointers of so many bytes. Whoever writes a
 * field or reads one asks here; nobody counts. */
#ifndef CNNC_EMIT_ABI_LAYOUT_H
#define CNNC_EMIT_ABI_LAYOUT_H

#include <stdint.h>

/* ABI_frame, ABI_model, ...: the structures in the order of the description. */
typedef enum AbiStruct {
#define ABI_STRUCT(s) ABI_##s,
#define ABI_FIELD(s, type, name)
#define ABI_END(s, bytes8, bytes4)
#include "runtime/abi.def"
#undef ABI_STRUCT
#undef ABI_FIELD
    ABI_STRUCTS
} AbiStruct;

/* ABI_frame_parameters, ABI_program_stage_count, ...: the fields of all structures, one behind the other. */
typedef enum AbiField {
#define ABI_STRUCT(s)
#define ABI_FIELD(s, type, name) ABI_##s##_##name,
#include "runtime/abi.def"
#undef ABI_STRUCT
#undef ABI_FIELD
#undef ABI_END
    ABI_FIELDS
} AbiField;

typedef enum AbiType {
    ABI_INT32,
    ABI_INT64,
    ABI_FLOAT,
    ABI_DOUBLE,
    ABI_EXTENTS, /* CNN_MAX_RANK integers of 64 bits */
    ABI_ADDRESS  /* of data or of a function */
} AbiType;

const char *abi_field_name(AbiField field); /* "frame.parameters" */
AbiType abi_field_type(AbiField field);

/* The fields of a structure are first, first + 1, ..., first + count - 1. */
AbiField abi_first_field(AbiStruct structure);
int abi_field_count(AbiStruct structure);

/* In bytes. Every field lies at the next multiple of its size; the end is rounded up to the largest one. */
int64_t abi_offset(AbiField field, int pointer_bytes);
int64_t abi_size(AbiStruct structure, int pointer_bytes);

/* The bytes of the structure that abi.def writes down, for pointers of 8 or 4 bytes. */
int64_t abi_written_size(AbiStruct structure, int pointer_bytes);

#endif
