/* Elaboration: runs blocks, loops and conditions, looks every word up, checks every argument and shape, and
 * leaves a graph. */
#ifndef CNNC_SEMA_SEMA_H
#define CNNC_SEMA_SEMA_H

#include "graph/settings.h"
#include "syntax/ast.h"

typedef struct DeferredAssert DeferredAssert; /* one that knows parameters, macs or memory */

typedef struct Elaboration {
    Model *model; /* NULL where the file has no model or too much is wrong */
    VEC(DeferredAssert *) asserts;
    bool wants_memory; /* an assert reads memory.* */
    int usage_error; /* STATUS_USAGE after an unknown -D name or --model (message printed on standard error),
                        else 0 */
} Elaboration;

/* Imports are parsed as they are met, through syntax_parse. */
Elaboration *sema_elaborate(Context *cx, const Ast *ast);

/* Judges the asserts that were put off. Memory in bytes. */
void sema_judge_asserts(Context *cx, Elaboration *elaboration, int64_t memory_inference,
                        int64_t memory_training);

#endif
