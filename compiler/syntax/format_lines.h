/* The text that the formatter writes, a line at a time. Knows columns, and aligns the comments at the ends of
 * lines that follow each other. */
#ifndef CNNC_SYNTAX_FORMAT_LINES_H
#define CNNC_SYNTAX_FORMAT_LINES_H

#include "base/vec.h"

#include <stdbool.h>

typedef struct Line {
    const char *code; /* without the blanks at its end */
    int width;
    const char *comment; /* NULL: none */
} Line;

typedef struct Lines {
    Arena *arena;
    VEC(Line) done;
    VEC(char) code; /* of the line that is being written */
    int column;
    bool fresh; /* nothing but indentation stands in it */
    const char *comment;
} Lines;

void lines_put(Lines *lines, int blanks, const char *text, int length);
void lines_comment(Lines *lines, const char *text, int length); /* the line takes no code after it */
void lines_break(Lines *lines, int indent);                     /* a line with nothing in it is used again */
void lines_gap(Lines *lines);                                   /* an empty line */
const char *lines_text(Lines *lines); /* everything, once the last line is written */

#endif
