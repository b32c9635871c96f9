/* See shape.h. Every sum and product is checked: extents come from files. */
#include "graph/shape.h"

#include <string.h>

enum { TEXT_MAX = 24 * SHAPE_MAX_RANK };
static const int64_t LARGEST = INT64_C(1) << 62;

bool shape_equal(const Shape *a, const Shape *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

int64_t shape_elements(const Shape *shape) {
    int64_t product = 1;
    for (int i = 0; i < shape->rank && product >= 0; i++) product = extent_multiply(product, shape->dim[i]);
    return product;
}

static const char *extents_text(Arena *arena, const int64_t *dim, int rank) {
    char *text = arena_strdup(arena, rank ? "" : "scalar");
    for (int i = 0; i < rank; i++)
        text = arena_printf(arena, i ? "%sx%lld" : "%s%lld", text, (long long)dim[i]);
    return text;
}

const char *shape_text(Arena *arena, const Shape *shape) {
    return extents_text(arena, shape->dim, shape->rank);
}

const char *size_text(Arena *arena, const Size *size) {
    return extents_text(arena, size->dim, size->rank);
}

int64_t extent_add(int64_t a, int64_t b) {
    if (a < 0 || b < 0 || a > LARGEST || b > LARGEST - a) return -1;
    return a + b;
}

int64_t extent_multiply(int64_t a, int64_t b) {
    int64_t product;
    if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product) || product > LARGEST) return -1;
    return product;
}

static int64_t floor_divide(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

/* dilation * (kernel - 1) + 1: what the window spans; -1 on overflow. */
static int64_t window_span(const WindowAxis *axis) {
    return extent_add(extent_multiply(axis->dilation, axis->kernel - 1), 1);
}

static void fit_same(WindowAxis *axis, int64_t span) {
    axis->output = axis->input / axis->stride + (axis->input % axis->stride != 0);
    int64_t reach = extent_add(extent_multiply(axis->output - 1, axis->stride), span);
    if (reach < 0) { /* wider than any memory: nothing fits */
        axis->output = 0;
        return;
    }
    int64_t total = reach > axis->input ? reach - axis->input : 0;
    axis->begin = total / 2;
    axis->end = total - axis->begin;
}

void window_axis_fit(WindowAxis *axis, const Padding *padding, int index, bool ceil) {
    axis->begin = axis->end = axis->output = 0;
    int64_t span = window_span(axis);
    if (span < 0 || axis->input < 0) return;
    if (padding->kind == PADDING_SAME) {
        fit_same(axis, span);
        return;
    }
    if (padding->kind == PADDING_EXPLICIT) {
        int at = padding->rank == 1 ? 0 : index;
        axis->begin = padding->begin[at];
        axis->end = padding->end[at];
    }
    int64_t padded = extent_add(axis->input, extent_add(axis->begin, axis->end));
    if (padded < 0) return;
    int64_t room = padded - span;
    axis->output = floor_divide(room, axis->stride) + 1;
    if (!ceil || room % axis->stride == 0) return;
    axis->output++;
    int64_t start = extent_multiply(axis->output - 1, axis->stride);
    if (axis->output > 0 && (start < 0 || start >= axis->input + axis->begin)) axis->output--;
}
