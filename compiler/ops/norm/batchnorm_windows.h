/* Batch normalisation whose result a maximum pool reads: its gradient comes from that of the pool's windows.
 * Its nodes take dy of the windows, x and mean first, and what tells which place of each window won: the
 * vectors that x was normalised with, or, last, the winners that the pool kept. */
#ifndef CNNC_OPS_BATCHNORM_WINDOWS_H
#define CNNC_OPS_BATCHNORM_WINDOWS_H

#include "ops/pool/pool_walk.h"

enum { BATCHNORM_WINDOW_PARAMS = 7, WINDOW_PLACES = 16 };
extern const Param batchnorm_window_params[BATCHNORM_WINDOW_PARAMS];

/* Makes a node `op` of batchnorm_grad_sums(dy, x, mean) or batchnorm_grad_apply(dy, x, mean, inverse, ...),
 * where every window is whole and has few places. placing: what makes dy. */
void batchnorm_read_windows(const Graph *graph, Node *node, const Node *placing, const char *op);

/* A register of channels at the places of a window. The last one that is above all before it won; the first
 * where there is none. */
typedef struct WindowPlaces {
    int count;
    LLVMValueRef centred[WINDOW_PLACES]; /* x - mean */
    LLVMValueRef above[WINDOW_PLACES];   /* from the second place on */
} WindowPlaces;

/* window: its position in dy. factor: by which x - mean was multiplied; not looked at where winners are kept.
 */
WindowPlaces batchnorm_window_places(KernelCode *code, const Pool *pool, const Position *window,
                                     LLVMValueRef mean, LLVMValueRef factor, Register reg);

#endif
