/* The back: a checked model to machine code, and to the file that --emit asks for. */
#ifndef CNNC_CODEGEN_CODEGEN_H
#define CNNC_CODEGEN_CODEGEN_H

#include "emit/machine.h"
#include "graph/settings.h"

/* What is compiled: the model's planned forms (NULL where not wanted) and the memory that the summary
 * reports, in bytes. */
typedef struct CodegenInput {
    const Model *model;
    const Machine *machine;
    Graph *const *forms; /* FORM_COUNT of them */
    int64_t memory_inference, memory_training;
    const char *header,
        *header_path; /* text that is written together with an object, and where to; or NULL */
} CodegenInput;

/* Compiles for the machine and writes cx->options.output. Returns an exit status; messages are on standard
 * error. */
int codegen_build(Context *cx, const CodegenInput *input);

#endif
