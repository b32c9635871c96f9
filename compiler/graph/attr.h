/* Typed arguments of a node: what the user wrote or the default, checked and fitted to the input's rank. */
#ifndef CNNC_GRAPH_ATTR_H
#define CNNC_GRAPH_ATTR_H

#include "diag/source.h"
#include "graph/shape.h"

typedef enum ParamType {
    PARAM_INT,  /* integer within [min, max] */
    PARAM_REAL, /* real within [min, max] */
    PARAM_BOOL,
    PARAM_SIZE,    /* extents, at least min; one integer is spread over every axis */
    PARAM_PADDING, /* valid, same, a size, or [[begin, end], ...] */
    PARAM_PADS,    /* a size or [[begin, end], ...]: explicit only */
    PARAM_WORD,    /* one of the words in `words` */
    PARAM_INIT,    /* he_normal, normal(std), ... */
    PARAM_TENSOR,  /* none, or a nested list of numbers */
    PARAM_DIMS,    /* the positional integers as they stand, or one list: reshape(4, 4, 2) */
    PARAM_SCALAR,  /* a real or none */
    PARAM_INTEGERS /* an integer or a list of them: a tensor of rank 1 */
} ParamType;

/* Numbered as the runtime numbers them (cnn_init); 0 is zeros. */
typedef enum InitKind {
#define FIXED(name, word, argument) INIT_##name,
#define DRAWN(name, word, argument) INIT_##name,
#define GIVEN(name, word)           INIT_##name,
#include "runtime/initialisers.def"
#undef FIXED
#undef DRAWN
#undef GIVEN
    INIT_COUNT
} InitKind;

typedef struct Init {
    InitKind kind;
    double value; /* of constant, normal (standard deviation) and uniform (limit) */
} Init;

typedef struct Tensor { /* a nested list */
    Shape shape;
    const double *values; /* row-major */
} Tensor;

typedef enum AttrKind {
    ATTR_NONE, /* `none` was written, or is the default */
    ATTR_INT,
    ATTR_REAL,
    ATTR_BOOL,
    ATTR_SIZE,
    ATTR_PADDING,
    ATTR_WORD,
    ATTR_INIT,
    ATTR_TENSOR,
    ATTR_DIMS
} AttrKind;

typedef struct Attr {
    AttrKind kind;
    bool given; /* written by the user, not the default */
    Span span;  /* of the argument, where given */
    union {
        int64_t integer;
        double real;
        bool boolean;
        Size size;
        Padding padding;
        const char *word;
        Init init;
        Tensor tensor;
        Shape dims;
    };
} Attr;

/* A row of an operator's argument table. `fallback` is the default as the user would write it, "=NAME" for
 * the value of another argument, NULL where the argument is required. Bounds hold for integers, reals and
 * every extent of a size; `above` and `below` make them exclusive. */
typedef struct Param {
    const char *name;
    ParamType type;
    const char *fallback;
    const char *help;
    double min, max;   /* both 0: unbounded */
    bool above, below; /* exclusive bounds */
    const char *words; /* PARAM_WORD: "nearest bilinear" */
    bool rising;       /* PARAM_INTEGERS: each is larger than the one before */
    bool keyword_only; /* can't be given by position */
} Param;

#endif
