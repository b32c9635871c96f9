/* The rules that every graph keeps. */
#ifndef CNNC_GRAPH_VERIFIER_H
#define CNNC_GRAPH_VERIFIER_H

#include "graph/op.h"

/* What is wrong with the graph, or NULL: indices, order, names, roles, shapes, epilogues; and once values
 * have places, memory. */
const char *graph_fault(Arena *arena, const Graph *graph);

/* What is wrong with where values lie, or NULL: see memory_verifier.c. The rest of the graph is sound. */
const char *memory_fault(Arena *arena, const Graph *graph);

#endif
