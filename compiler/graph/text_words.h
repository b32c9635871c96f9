/* What the printer, the reader and the key of a node share: the words of the printed form. */
#ifndef CNNC_GRAPH_TEXT_WORDS_H
#define CNNC_GRAPH_TEXT_WORDS_H

#include "graph/op.h"

#include <stdio.h>

enum { ROLE_COUNT = ROLE_PACKED + 1, REGION_COUNT = REGION_SCRATCH + 1 };
extern const char *const role_words[ROLE_COUNT];
extern const char *const region_words[REGION_COUNT];
extern const char *const init_words[INIT_COUNT];

void text_print_integers(FILE *out, const int64_t *items, int count); /* (1, 2) */
void text_print_attrs(FILE *out, const Op *op, const Attr *attrs);    /* {name=value, ...}, or nothing */
/* The steps, each as " then op(operands) {...}"; with their layers where a graph is given. */
void text_print_epilogue(FILE *out, const Graph *graph, const Node *node);

#endif
