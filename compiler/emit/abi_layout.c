/* See abi_layout.h: the rows of runtime/abi.def as a table, and the sum of what stands before a field. */
#include "emit/abi_layout.h"

#include "runtime/abi.h"

typedef struct Row {
    const char *name;
    AbiStruct structure;
    AbiType type;
} Row;

#define TYPE_I32            ABI_INT32
#define TYPE_U32            ABI_INT32
#define TYPE_I64            ABI_INT64
#define TYPE_U64            ABI_INT64
#define TYPE_F32            ABI_FLOAT
#define TYPE_F64            ABI_DOUBLE
#define TYPE_EXTENTS        ABI_EXTENTS
#define TYPE_POINTER(to)    ABI_ADDRESS
#define TYPE_FUNCTION(type) ABI_ADDRESS

static const Row rows[ABI_FIELDS] = {
#define ABI_STRUCT(s)
#define ABI_FIELD(s, type, name) [ABI_##s##_##name] = {#s "." #name, ABI_##s, TYPE_##type},
#define ABI_END(s, bytes8, bytes4)
#include "runtime/abi.def"
#undef ABI_FIELD
#undef ABI_END
};

static const struct {
    int64_t bytes8, bytes4;
} written[ABI_STRUCTS] = {
#define ABI_FIELD(s, type, name)
#define ABI_END(s, bytes8, bytes4) [ABI_##s] = {bytes8, bytes4},
#include "runtime/abi.def"
};

const char *abi_field_name(AbiField field) {
    return rows[field].name;
}

AbiType abi_field_type(AbiField field) {
    return rows[field].type;
}

AbiField abi_first_field(AbiStruct structure) {
    AbiField field = 0;
    while (rows[field].structure != structure) field++;
    return field;
}

int abi_field_count(AbiStruct structure) {
    AbiField first = abi_first_field(structure), end = first;
    while (end < ABI_FIELDS && rows[end].structure == structure) end++;
    return (int)(end - first);
}

static int64_t alignment_of(AbiType type, int pointer_bytes) {
    switch (type) {
    case ABI_INT32:
    case ABI_FLOAT: return 4;
    case ABI_ADDRESS: return pointer_bytes;
    case ABI_INT64:
    case ABI_DOUBLE:
    case ABI_EXTENTS: break;
    }
    return 8;
}

static int64_t round_up(int64_t bytes, int64_t alignment) {
    return (bytes + alignment - 1) / alignment * alignment;
}

int64_t abi_offset(AbiField field, int pointer_bytes) {
    int64_t offset = 0;
    for (AbiField at = abi_first_field(rows[field].structure);; at++) {
        int64_t alignment = alignment_of(rows[at].type, pointer_bytes);
        offset = round_up(offset, alignment);
        if (at == field) return offset;
        offset += rows[at].type == ABI_EXTENTS ? CNN_MAX_RANK * alignment : alignment;
    }
}

int64_t abi_size(AbiStruct structure, int pointer_bytes) {
    AbiField first = abi_first_field(structure), last = first + abi_field_count(structure) - 1;
    int64_t largest = 1;
    for (AbiField at = first; at <= last; at++) {
        int64_t alignment = alignment_of(rows[at].type, pointer_bytes);
        if (alignment > largest) largest = alignment;
    }
    int64_t bytes =
        rows[last].type == ABI_EXTENTS ? 8 * CNN_MAX_RANK : alignment_of(rows[last].type, pointer_bytes);
    return round_up(abi_offset(last, pointer_bytes) + bytes, largest);
}

int64_t abi_written_size(AbiStruct structure, int pointer_bytes) {
    return pointer_bytes == 8 ? written[structure].bytes8 : written[structure].bytes4;
}
