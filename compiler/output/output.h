/* What --check and --emit=dot print, and the header beside an object. */
#ifndef CNNC_OUTPUT_OUTPUT_H
#define CNNC_OUTPUT_OUTPUT_H

#include "graph/settings.h"

#include <stdio.h>

/* The table that Keras users know (formats.md). file: the model's name as the user gave it. Memory in bytes.
 */
void summary_print_text(FILE *out, const Model *model, const char *file, int64_t memory_inference,
                        int64_t memory_training);
void summary_print_json(FILE *out, const Model *model, int64_t memory_inference, int64_t memory_training);
/* The model's graph for Graphviz. */
void dot_print(FILE *out, const Model *model);
/* The C header of the model's embedding interface (runtime/README.md). */
void header_print(FILE *out, const Model *model);
/* Does a name that the header would declare belong to somebody else? NULL: none does; or whose the first of
 * them is, as a clause behind it ("is a word of C or C++"), and *name that one. */
const char *header_clash(Arena *arena, const char *interface, const char **name);

#endif
