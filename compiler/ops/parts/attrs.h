/* Arguments of nodes that rules append, in the order of the operator's table:
 *     attrs_keep(graph, (Attr[]){attr_int(4), attr_real(0.5)}, 2) */
#ifndef CNNC_OPS_ATTRS_H
#define CNNC_OPS_ATTRS_H

#include "graph/graph.h"

static inline Attr attr_int(int64_t value) {
    return (Attr){.kind = ATTR_INT, .integer = value};
}
static inline Attr attr_real(double value) {
    return (Attr){.kind = ATTR_REAL, .real = value};
}
static inline Attr attr_bool(bool value) {
    return (Attr){.kind = ATTR_BOOL, .boolean = value};
}
static inline Attr attr_word(const char *value) {
    return (Attr){.kind = ATTR_WORD, .word = value};
}
static inline Attr attr_padding(Padding value) {
    return (Attr){.kind = ATTR_PADDING, .padding = value};
}

static inline const Attr *attrs_keep(const Graph *graph, const Attr *attrs, int count) {
    return arena_copy(graph->arena, attrs, (size_t)count * sizeof *attrs);
}

#endif
