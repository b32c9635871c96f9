/* What the parts of code generation hand one another: the LLVM module under construction. */
#ifndef CNNC_CODEGEN_MODULE_H
#define CNNC_CODEGEN_MODULE_H

#include "base/map.h"
#include "codegen/codegen.h"
#include "emit/kernel_code.h"

struct Module {
    Emit emit;
    const Model *model;
    Map *kernels;                   /* key of a node (graph/text.h) to the function that computes it */
    int kernel_number, step_number; /* of the next one's name */
    bool seldom;       /* what is emitted now runs a sample or a batch at a time, for people to look at */
    OutFile companion; /* as in CodegenInput */
};

Module *module_create(Context *cx, const Model *model, const Machine *machine);
void module_destroy(Module *module);

/* The kernel of the node, or the code that prepares what it derives from parameters, emitted unless an equal
 * one was (kernels.c). The layout of its arguments: kernel_code.h; where Kernel.packed is set, the pointer to
 * that comes last. */
LLVMValueRef module_kernel(Module *module, const Graph *graph, const Node *node, bool prepare);

/* A function of the module that nothing outside sees, ready to be filled. */
LLVMValueRef module_function(Module *module, const char *name, LLVMTypeRef result, LLVMTypeRef *parameters,
                             int count);

/* A node of a program as a function: a cnn_function that runs it or, `prepares`, that derives from parameters
 * what its kernel wants. */
typedef struct EmittedStep {
    const Node *node; /* as it is computed: of a sample that runs by itself, not always the graph's own */
    LLVMValueRef function;
    bool prepares;
} EmittedStep;
typedef VEC(EmittedStep) EmittedSteps;

typedef struct EmittedStage {
    EmittedSteps samples, batch;
    EmittedSteps
        alone; /* `samples` as they are best for a batch of one; none where the program has no such */
} EmittedStage;

typedef struct EmittedProgram {
    const Graph *graph;
    EmittedStage *stages;  /* graph->stage_count of them */
    EmittedSteps prepare;  /* level by level */
    VEC(int) prepare_ends; /* of each level: where the next one begins */
} EmittedProgram;

/* Every function of a model; NULL where the model has no such program or function. */
typedef struct Emitted {
    EmittedProgram *programs[FORM_COUNT];
    LLVMValueRef update, gather, peak; /* a cnn_update, a cnn_gather, a cnn_peak */
} Emitted;

/* Emits the graph's functions (stages.c). */
EmittedProgram *program_emit(Module *module, const Graph *graph);

/* Emits the optimizer's update over the trained parameters, and what gathers the gradient for clip_norm
 * (update.c). */
LLVMValueRef update_emit(Module *module, const Graph *training);
LLVMValueRef gather_emit(Module *module, const Graph *training);

/* Emits what shows how many multiply-adds the machine can do (peak.c). */
LLVMValueRef peak_emit(Module *module);

/* The constant that describes the model and what was emitted of it, a cnn_model: its address. Emits no code
 * (descriptor.c). */
LLVMValueRef descriptor_make(Module *module, const CodegenInput *input, const Emitted *emitted);

/* Emits the functions of the embedding interface, NAME_create and its like, and hides the description
 * (entry_points.c). */
void embedding_emit(Module *module, LLVMValueRef description);

/* Has LLVM translate the function without optimising it: for functions too short to gain from that. */
void module_leave_plain(Module *module, LLVMValueRef function);

/* Hides from LLVM's loop strength reduction what it need not weigh (addresses.c); addresses stay what they
 * are. */
void module_hide_addresses(Module *module);

/* Verifies, optimises, and verifies again; a module that does not verify is an internal error (optimize.c).
 */
void module_optimize(Module *module);

/* Links an object file with the runtime into a program: an exit status after a message (link.c). */
int link_program(Context *cx, const char *object, const char *output);

/* Is what the linker left at `path` a whole program for the machine of the object, whose bytes these are? An
 * exit status, after a message that says what it is; `shown` is the name that it will have. */
int link_judge(const char *path, const char *shown, const void *object, size_t object_size);

#endif
