/* A text's tokens as the formatter sees them: with the blanks that the standard layout puts between them,
 * the column that each would have if everything stood on one line, and what cannot stand on one line. Ends of
 * statements are marks on the token before. */
#ifndef CNNC_SYNTAX_FORMAT_ITEMS_H
#define CNNC_SYNTAX_FORMAT_ITEMS_H

#include "syntax/parser_state.h"

typedef struct Item {
    int kind;
    const char *text;
    int length, width; /* bytes, columns */
    size_t begin;
    int line, end_line;
    int match;    /* of a bracket or a brace: its other half */
    int gap, pad; /* blanks before it within a line: those of the layout, and more that align it with what is
                     around */
    int at;       /* column on one line, without pads */
    int comments, matrices; /* how many stand before it in the text */
    bool ends;              /* a statement */
    bool dropped;           /* a comma before a closing bracket: it is left out */
    bool matrix;            /* opens a list of rows, each of which gets a line */
} Item;

typedef struct Remark { /* a comment */
    const char *text;
    int length, line;
    size_t begin;
    bool trailing; /* stands behind something on its line */
} Remark;

typedef struct Items {
    Item *items; /* and one more behind the last, of kind 0 */
    int count;
    Remark *remarks; /* and one more, which is never reached */
    int remark_count;
} Items;

Items items_read(Arena *arena, const Source *source, const Trace *trace);

/* Of the items from `first` up to before `end`, written on one line. */
int items_width(const Items *all, int first, int end);

/* A comment or a matrix is among them: they do not go on one line. */
bool items_split(const Items *all, int first, int end);

/* The comma, or the closer, that ends the element of a group that begins at `at`. */
int element_end(const Items *all, int at, int close);

/* The last item of the statement that begins there. */
int statement_last(const Items *all, int first);

bool opens_group(const Item *item); /* ( or [ */

int text_width(const char *text, int length);

#endif
