/* A row a kind of output that --emit can ask for: its word and suffix, and what writes it. */
#ifndef CNNC_EMIT_KINDS_H
#define CNNC_EMIT_KINDS_H

#include "codegen/codegen.h"

#include <stdio.h>

/* A file that is written together with the output, and has its name with another suffix. */
typedef struct Companion {
    const char *suffix;
    const char *both; /* what a message calls the two: "the object and its header" */
    void (*print)(FILE *out, const Model *model);
} Companion;

struct EmitKind {
    const char *word, *suffix;  /* suffix: of the output's name where -o gives none */
    bool interface;             /* with the functions that other programs call the model by */
    const Companion *companion; /* NULL: none */
    /* One of the two writes the output, print from the checked model without any code. Neither: not built
     * yet. */
    void (*print)(FILE *out, const Model *model);
    ArtifactWriter write;
};

/* The n-th kind, those first that are built; NULL behind the last. Without --emit it is the first. */
const EmitKind *emit_kind_at(int n);
bool emit_kind_is_built(const EmitKind *kind);

#endif
