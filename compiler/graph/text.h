/* The printed form of a graph and its reader; printing what was read gives the same text. */
#ifndef CNNC_GRAPH_TEXT_H
#define CNNC_GRAPH_TEXT_H

#include "graph/op.h"

#include <stdio.h>

void graph_print(FILE *out, const Graph *graph);
/* NULL after a diagnostic. Ops are looked up by name. */
Graph *graph_read(Context *cx, const Source *source);
/* One node on a line, with its values' shapes, layouts and epilogue but no names: equal text means equal
 * code. */
const char *graph_node_key(Arena *arena, const Graph *graph, const Node *node);
/* Stops with an internal error, naming `after`, where the graph breaks a rule. */
void graph_verify(const Graph *graph, const char *after);

#endif
