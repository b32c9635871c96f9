/* Shapes of one sample (channels last, no batch axis), sizes of windows, paddings. */
#ifndef CNNC_GRAPH_SHAPE_H
#define CNNC_GRAPH_SHAPE_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum { SHAPE_MAX_RANK = 8, SPATIAL_MAX = 3 };

typedef struct Shape {
    int rank;
    int64_t dim[SHAPE_MAX_RANK];
} Shape;

/* An extent per spatial axis. rank 1 with a `whole` of true stands for every axis until it is fitted to an
 * input. */
typedef struct Size {
    int rank;
    int64_t dim[SPATIAL_MAX];
} Size;

typedef enum PaddingKind { PADDING_VALID, PADDING_SAME, PADDING_EXPLICIT } PaddingKind;

typedef struct Padding {
    PaddingKind kind;
    int rank; /* of an explicit one; 1 with begin == end == one size where it stands for every axis */
    int64_t begin[SPATIAL_MAX], end[SPATIAL_MAX];
} Padding;

bool shape_equal(const Shape *a, const Shape *b);
/* Product of the extents; -1 where it overflows 2^62. A shape of rank 0 has one element. */
int64_t shape_elements(const Shape *shape);
const char *shape_text(Arena *arena, const Shape *shape); /* "28x28x1" */
const char *size_text(Arena *arena, const Size *size);    /* "3x3" */

/* The number of spatial axes: rank - 1; 0 for a vector. */
static inline int shape_spatial(const Shape *shape) {
    return shape->rank - 1;
}
static inline int64_t shape_channels(const Shape *shape) {
    return shape->dim[shape->rank - 1];
}

/* a + b and a * b of extents, checked: -1 on overflow or where either is negative. */
int64_t extent_add(int64_t a, int64_t b);
int64_t extent_multiply(int64_t a, int64_t b);

/* One axis of a window operator. */
typedef struct WindowAxis {
    int64_t input, kernel, stride, dilation;
    int64_t begin, end; /* padding; set by window_axis_fit from `padding` */
    int64_t output;     /* below 1 where the window does not fit */
} WindowAxis;

/* Fills begin, end and output: floor((n + begin + end - dilation*(kernel-1) - 1) / stride) + 1; `same` gives
 * ceil(n/stride), an odd total's extra one at the end; ceil keeps a partial window unless it would start in
 * the end padding. */
void window_axis_fit(WindowAxis *axis, const Padding *padding, int index, bool ceil);

#endif
