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

/* The passes, a file each: what each does stands at the head of its file. */
#define PASS(name, help) void name##_run(PassContext *pc, Graph *graph);
#include "passes/passes.def"
#undef PASS

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
