/* Weights in panels: P filters side by side for each step of a reduction, [group][panel][step][P], so that a
 * kernel reads whole registers of filters one after another. The last panel of a group is filled up with
 * zeros. */
#ifndef CNNC_EMIT_PANELS_H
#define CNNC_EMIT_PANELS_H

#include "emit/kernel_code.h"

typedef struct Panels {
    int64_t groups, filters; /* filters of one group */
    int64_t steps;           /* of the reduction */
    int64_t width;           /* P, a multiple of the register */
    int vectors;             /* registers of floats in P; of doubles there are twice as many */
    int64_t count;           /* panels of a group */
    int64_t stride;          /* elements from a panel to the next */
} Panels;

Panels panels_plan(const Machine *machine, int64_t groups, int64_t filters, int64_t steps);
static inline int64_t panels_elements(const Panels *p) {
    return p->groups * p->count * p->stride;
}

/* Calls body for every panel of one group: a loop over the full ones, then the last one if it is not full.
 * `first` is the panel's first filter in the group, panel its number, vectors and last_live what of it is
 * alive. */
typedef void (*PanelBody)(KernelCode *code, LLVMValueRef panel, int vectors, int last_live, void *user);
void loop_panels(KernelCode *code, const Panels *panels, PanelBody body, void *user);

/* The same for this call's share of the panels (code_share). */
void loop_shared_panels(KernelCode *code, const Panels *panels, PanelBody body, void *user);

/* The storage of a weight (filters, steps by axes...): axis a > 0 of `shape` moves stride[a] steps. */
Storage panels_storage(const Panels *panels, const Shape *shape, const int64_t *step_strides);

/* Index in a storage of element (index[0], index[1], ...), all i64. */
LLVMValueRef storage_index(KernelCode *code, const Storage *storage, int rank, const LLVMValueRef *index);

#endif
