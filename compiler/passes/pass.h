/* The middle of the compiler: the passes turn the model's graph into each form and make it ready for code. */
#ifndef CNNC_PASSES_PASS_H
#define CNNC_PASSES_PASS_H

#include "emit/machine.h"
#include "graph/settings.h"

typedef struct PassContext {
    Context *cx;
    const Model *model;
    const Machine *machine;
    const Graph *beside; /* a planned form whose strides and kernels this one shares; or NULL */
} PassContext;

/* A row of passes.def. */
typedef struct Pass {
    const char *name, *help;
    void (*run)(PassContext *pc, Graph *graph);
} Pass;

/* The graph of a form before any pass: layers lowered for inference or training, `load` at the head, `store`
 * or the loss at the end; where there is a loss, a train block is needed. */
Graph *form_create(PassContext *pc, Form form);
/* Has every node decide where the elements of its parameters, and of what it packs, lie. */
void store_parameters(const PassContext *pc, Graph *graph);
/* Runs every pass in order; verifies after each in debug builds; prints where --print-after asks. */
void passes_run(PassContext *pc, Graph *graph);
const Pass *pass_table(int *count);
/* One pass alone, for its tests: reads a printed form, runs the pass that --print-after names, prints the
 * result to standard output. False after a diagnostic. */
bool passes_run_text(Context *cx, const Machine *machine, const Source *source);

/* The passes, a file each. */
void autodiff_run(PassContext *pc,
                  Graph *graph); /* appends the backward nodes; nothing in forms without gradients */
void simplify_run(PassContext *pc, Graph *graph);  /* drops what is dead, merges views and identities */
void recompute_run(PassContext *pc, Graph *graph); /* values made again, not kept for the batch */
void fuse_run(PassContext *pc, Graph *graph);      /* elementwise nodes into their producers' epilogues */
void schedule_run(PassContext *pc, Graph *graph);  /* stages, kernels, micro-batch, lanes */
void nest_run(PassContext *pc, Graph *graph);      /* values that are parts of others */
void layout_run(PassContext *pc, Graph *graph);    /* halos and strides */
void memory_run(PassContext *pc, Graph *graph);    /* regions, offsets, reuse */

/* A part of memory: how many samples a worker takes through each stage at once. */
void micro_batches_choose(const PassContext *pc, Graph *graph);

/* Bytes, as the summary and asserts report them; training is 0 without a train block. */
typedef struct MemoryTotals {
    int64_t inference, training;
} MemoryTotals;

/* Every form that the options ask for, ready for code; NULL for the others. Returns the memory that they
 * take. */
MemoryTotals forms_plan(Context *cx, const Model *model, const Machine *machine, Graph *forms[FORM_COUNT]);

#endif
