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

/* Emits the graph's functions and returns a constant pointer to its cnn_program (stages.c). */
LLVMValueRef program_emit(Module *module, const Graph *graph);

/* Emits the optimizer's update over the trained parameters, a cnn_update; and what gathers the gradient for
 * clip_norm, a cnn_gather (update.c). */
LLVMValueRef update_emit(Module *module, const Graph *training);
LLVMValueRef gather_emit(Module *module, const Graph *training);

/* Emits what shows how many multiply-adds the machine can do, a cnn_peak (peak.c). */
LLVMValueRef peak_emit(Module *module);

/* Emits every program, the update, and the constant that describes them: a pointer to it (descriptor.c). */
LLVMValueRef descriptor_emit(Module *module, const CodegenInput *input);

/* Emits the functions of the embedding interface, NAME_create and its like, and hides the description
 * (entry_points.c). */
void embedding_emit(Module *module, LLVMValueRef description);

/* Has LLVM translate the function as it stands, passes left out, for such as do little. */
void module_leave_plain(Module *module, LLVMValueRef function);

/* Hides from LLVM's loop strength reduction what it need not weigh (addresses.c); addresses stay what they
 * are. */
void module_hide_addresses(Module *module);

/* Verifies, optimises, and verifies again; a module that does not verify is an internal error (optimize.c).
 */
void module_optimize(Module *module);

/* Links an object file with the runtime into a program: an exit status after a message (link.c). */
int link_program(Context *cx, const char *object, const char *output);

#endif
