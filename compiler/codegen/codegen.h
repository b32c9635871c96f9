/* The back: a checked model to machine code, and to the file that --emit asks for. */
#ifndef CNNC_CODEGEN_CODEGEN_H
#define CNNC_CODEGEN_CODEGEN_H

#include "base/outfile.h"
#include "emit/machine.h"
#include "graph/settings.h"

typedef struct Module Module; /* codegen/module.h */
/* Writes the output of a module that is optimised: an exit status after a message. */
typedef int (*ArtifactWriter)(Module *module, const char *path);

/* What is compiled: the model's planned forms (NULL where not wanted) and the memory that the summary
 * reports, in bytes. */
typedef struct CodegenInput {
    const Model *model;
    const Machine *machine;
    Graph *const *forms; /* FORM_COUNT of them */
    int64_t memory_inference, memory_training;
    ArtifactWriter write;
    bool interface;    /* with the functions that other programs call the model by */
    OutFile companion; /* written together with the output; path NULL: nothing is */
} CodegenInput;

/* Compiles for the machine and writes cx->options.output. Returns an exit status; messages are on standard
 * error. */
int codegen_build(Context *cx, const CodegenInput *input);

/* The writers (artifact.c). A program is linked with the runtime. */
int artifact_write_program(Module *module, const char *path);
int artifact_write_object(Module *module, const char *path);
int artifact_write_assembly(Module *module, const char *path);
int artifact_write_ir(Module *module, const char *path);
int artifact_write_bitcode(Module *module, const char *path);

#endif
