/* The one standard layout of a .cnn text: two blanks of indentation, one empty line at most, lines of 110
 * columns where the language lets a line break, the = of settings aligned. Words, parentheses and comments
 * stay; the tree is the same, and a text in the layout is left as it is. */
#ifndef CNNC_SYNTAX_FORMATTER_H
#define CNNC_SYNTAX_FORMATTER_H

#include "syntax/parse.h"

/* The text in the layout; NULL after errors of syntax, which are reported. */
const char *format_source(Context *cx, const Source *source);

#endif
