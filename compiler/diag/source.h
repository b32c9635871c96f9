/* Source files and places in them. */
#ifndef CNNC_DIAG_SOURCE_H
#define CNNC_DIAG_SOURCE_H

#include "base/arena.h"

#include <stddef.h>

typedef struct Source {
    const char *name; /* as the user gave it; standard input is <stdin> */
    const char *text; /* ends in a NUL that is not counted; a byte order mark at the start is left out */
    size_t length;
} Source;

/* A range of characters: lines and columns count from 1, end_column is one past the last character.
 * A Span whose source is NULL is nowhere (a fault of an option, say). */
typedef struct Span {
    const Source *source;
    int line, column, end_line, end_column;
} Span;

/* From the start of one span to the end of another of the same source. */
static inline Span span_join(Span from, Span to) {
    return (Span){from.source, from.line, from.column, to.end_line, to.end_column};
}

#endif
