/* The rules that every graph keeps. */
#ifndef CNNC_GRAPH_VERIFIER_H
#define CNNC_GRAPH_VERIFIER_H

#include "graph/op.h"

/* What is wrong with the graph, or NULL: indices, order, names, roles, shapes, epilogues. */
const char *graph_fault(Arena *arena, const Graph *graph);

#endif
