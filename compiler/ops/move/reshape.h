/* For operators that look at a value under another shape. */
#ifndef CNNC_OPS_RESHAPE_H
#define CNNC_OPS_RESHAPE_H

#include "graph/graph.h"

/* The value's elements in their order under that shape, on behalf of the layer: the value itself where it has
 * the shape. */
ValueId append_view(Graph *graph, const Node *layer, ValueId input, Shape shape);

#endif
