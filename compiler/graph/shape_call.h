/* What shape rules share: looking at inputs and arguments, fitting windows, adding parameters, and the errors
 * that go with them. Every bool is false after a diagnostic, which the rule passes on: if
 * (!shape_call_rank(...)) return false; */
#ifndef CNNC_GRAPH_SHAPE_CALL_H
#define CNNC_GRAPH_SHAPE_CALL_H

#include "graph/op.h"

const Shape *shape_input(const ShapeCall *call, int i);

/* The argument of that name; NULL where the operator has none. */
const Attr *shape_attr(const ShapeCall *call, const char *name);

/* Where a fault of that argument is shown: its span where it was written, else the whole call's. */
Span shape_span(const ShapeCall *call, const char *argument);

/* Input 0 has from min_rank to max_rank axes, channels included (a vector has 1, an image 3). */
bool shape_call_rank(ShapeCall *call, int min_rank, int max_rank);

/* Adds the note that says which layer made the input's shape to the diagnostic before: "maxpool_2 makes it
 * 3x3x16". */
void shape_note_origin(ShapeCall *call, int input);

/* The size argument has as many axes as the input has spatial ones. */
bool shape_size_rank(ShapeCall *call, const char *name);
bool shape_padding_rank(ShapeCall *call, const char *name);

/* Fits "kernel" or "window" with "stride", "padding" and "dilation" (those the operator has) to input 0 and
 * fills an axis for each spatial one, outputs all at least 1. */
bool shape_windows(ShapeCall *call, bool ceil, WindowAxis axes[SPATIAL_MAX]);

/* The rule's next parameter. A storage of size 0 becomes the plain row-major one. */
void shape_add_parameter(ShapeCall *call, ParameterInfo info);

/* "a" or "an", as the number or word that follows wants it. */
const char *shape_article(const char *text);

#endif
