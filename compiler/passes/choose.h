/* Which kernel computes a node: the one place that weighs what applies, what it costs, what --kernel asks
 * for, what --strict leaves out and which types of element are there. Passes that guess ahead ask here, too,
 * so that they guess what will be chosen. */
#ifndef CNNC_PASSES_CHOOSE_H
#define CNNC_PASSES_CHOOSE_H

#include "passes/pass.h"

/* What a kernel must be able to do, as a set; what the node carries already always counts. */
typedef enum KernelNeed {
    NEED_EPILOGUE = 1,   /* to apply elementwise operators to its result */
    NEED_POOL = 2,       /* to store the maxima of windows of its result */
    NEED_DIRECT_SUMS = 4 /* to add up as the definition does */
} KernelNeed;

typedef struct Choice {
    const Kernel *kernel;
    double cost; /* cycles a sample; 0 where the kernel has no estimate, and in double precision */
} Choice;

/* The kernel for the node. alone_bytes: as KernelCall has it. Without any that is able and applies, the last
 * of the list. */
Choice kernel_choose(const PassContext *pc, const Graph *graph, const Node *node, int64_t alone_bytes);

/* The kernel that would be chosen if the node needed that as well; its kernel is NULL where none that is able
 * applies. */
Choice kernel_choose_with(const PassContext *pc, const Graph *graph, const Node *node, unsigned needs);

/* Will there be one? Not where a kernel that is not able is asked for by name. The choice is the same,
 * without estimates. */
bool kernel_takes(const PassContext *pc, const Graph *graph, const Node *node, unsigned needs);

/* Cycles a sample of the kernel; for a sample by itself with the reading of its weights. 0 without estimate.
 */
double kernel_cost(const KernelCall *call);

/* Bytes of the node's parameters. */
int64_t kernel_weight_bytes(const Graph *graph, const Node *node);

#endif
