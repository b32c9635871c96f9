/* The description of the structures against what C's compiler made of them: sizes as abi.def writes them
 * down, and every field at the next multiple of its size. */
#include "abi.h"

#include <stddef.h>

/* A shadow of each structure, which has so many bytes in a field's place, so aligned. */
#define BYTES_I32            4, 4
#define BYTES_U32            4, 4
#define BYTES_I64            8, 8
#define BYTES_U64            8, 8
#define BYTES_F32            4, 4
#define BYTES_F64            8, 8
#define BYTES_EXTENTS        8, 8 * CNN_MAX_RANK
#define BYTES_POINTER(to)    sizeof(void *), sizeof(void *)
#define BYTES_FUNCTION(type) sizeof(void *), sizeof(void *)

#define BYTES(name, bytes)           PLACE(name, bytes)
#define PLACE(name, alignment, size) _Alignas(alignment) char name[size];
#define ABI_STRUCT(s)                struct shadow_##s {
#define ABI_FIELD(s, type, name)     BYTES(name, BYTES_##type)
/* clang-format off */
#define ABI_END(s, bytes8, bytes4) };
/* clang-format on */
#include "runtime/abi.def"
#undef ABI_STRUCT
#undef ABI_FIELD
#undef ABI_END

#define ABI_STRUCT(s)
#define ABI_FIELD(s, type, name)                                                                             \
    _Static_assert(offsetof(cnn_##s, name) == offsetof(struct shadow_##s, name), #s "." #name);              \
    _Static_assert(sizeof(((cnn_##s *)0)->name) == sizeof(((struct shadow_##s *)0)->name), #s "." #name);
#define ABI_END(s, bytes8, bytes4)                                                                           \
    _Static_assert(sizeof(cnn_##s) == (sizeof(void *) == 8 ? bytes8 : bytes4),                               \
                   "the bytes of " #s " in abi.def");
#include "runtime/abi.def"
