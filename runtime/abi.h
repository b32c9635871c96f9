/* What generated code and the runtime know of each other, and all that they know: the model's description,
 * which the compiler emits as constant data, and the frame that every generated function is called with. The
 * structures are described in abi.def, once for both sides; here they become C's, between the constants and
 * the types of functions that they speak of. A change here or there raises CNN_ABI_VERSION.
 *
 * "Elements" are floats (doubles in a program whose `double_precision` is set). Every block starts on a
 * 64-byte boundary. */
#ifndef CNN_ABI_H
#define CNN_ABI_H

#include <stdint.h>

enum { CNN_ABI_VERSION = 9, CNN_MAX_RANK = 8, CNN_ALIGNMENT = 64 };

/* cnn_frame, cnn_model, ...: declared here, defined below. */
#define ABI_STRUCT(s) typedef struct cnn_##s cnn_##s;
#define ABI_FIELD(s, type, name)
#define ABI_END(s, bytes8, bytes4)
#include "runtime/abi.def"
#undef ABI_STRUCT
#undef ABI_FIELD
#undef ABI_END
typedef int64_t cnn_extents[CNN_MAX_RANK];

typedef enum cnn_sample_kind {
    CNN_SAMPLE_FLOAT, /* floats, in double_precision programs too, taken as they are */
    CNN_SAMPLE_BYTE   /* (x*scale - mean) / std, a channel at a time */
} cnn_sample_kind;

typedef void (*cnn_function)(const cnn_frame *frame);
/* Works on elements [begin, end) of the trained parameters, summing the lanes' gradients in lane order,
 * zeroing them, and updating parameters and slots. Returns 0, or 1 where it met a value that is not finite.
 */
typedef int32_t (*cnn_update)(const cnn_frame *frame, int64_t begin, int64_t end);
/* Before an update, over the same elements: leaves the lanes' sum in lane 0 and zeros in the others; returns
 * the sum of its squares. */
typedef double (*cnn_gather)(const cnn_frame *frame, int64_t begin, int64_t end);

/* Nothing but multiply-adds in registers, for somebody to take the time: so many rounds, a count of
 * multiply-adds in each that is left behind the pointer. The result has no meaning. */
typedef float (*cnn_peak)(int64_t rounds, int64_t *multiply_adds);

typedef enum cnn_init {
#define FIXED(name, word, argument) CNN_INIT_##name,
#define DRAWN(name, word, argument) CNN_INIT_##name,
#define GIVEN(name, word)           CNN_INIT_##name,
#include "runtime/initialisers.def"
#undef FIXED
#undef DRAWN
#undef GIVEN
} cnn_init;

typedef enum cnn_loss {
    CNN_LOSS_NONE,
    CNN_CROSS_ENTROPY,
    CNN_BINARY_CROSS_ENTROPY,
    CNN_MSE,
    CNN_MAE,
    CNN_HUBER
} cnn_loss;

typedef enum cnn_format {
    CNN_FORMAT_NONE,
#define FORMAT(number, word) CNN_FORMAT_##number,
#define PLANNED(word)
#include "runtime/formats.def"
#undef FORMAT
#undef PLANNED
} cnn_format;

typedef enum cnn_schedule_kind {
    CNN_SCHEDULE_CONSTANT,
    CNN_SCHEDULE_STEP,
    CNN_SCHEDULE_MILESTONES,
    CNN_SCHEDULE_EXPONENTIAL,
    CNN_SCHEDULE_COSINE,
    CNN_SCHEDULE_ONE_CYCLE,
    CNN_SCHEDULE_PLATEAU
} cnn_schedule_kind;

/* The types of abi.def in C. Numbers of 64 bits are aligned to their size where C would not do it, too. */
#define ABI_C_I32            int32_t
#define ABI_C_U32            uint32_t
#define ABI_C_I64            _Alignas(8) int64_t
#define ABI_C_U64            _Alignas(8) uint64_t
#define ABI_C_F32            float
#define ABI_C_F64            _Alignas(8) double
#define ABI_C_EXTENTS        _Alignas(8) cnn_extents
#define ABI_C_POINTER(to)    to *
#define ABI_C_FUNCTION(type) type

#define ABI_STRUCT(s)            struct cnn_##s {
#define ABI_FIELD(s, type, name) ABI_C_##type name;
/* clang-format off */
#define ABI_END(s, bytes8, bytes4) };
/* clang-format on */
#include "runtime/abi.def"
#undef ABI_STRUCT
#undef ABI_FIELD
#undef ABI_END

/* The one symbol that the compiler defines and the runtime's main reads. */
extern const cnn_model cnn_compiled_model;

#endif
