/* See panels.h. */
#include "emit/panels.h"

Panels panels_plan(const Machine *machine, int64_t groups, int64_t filters, int64_t steps) {
    Panels p = {.groups = groups, .filters = filters, .steps = steps};
    p.vectors = filters > machine->vector_floats ? 2 : 1;
    p.width = (int64_t)p.vectors * machine->vector_floats;
    p.count = (filters + p.width - 1) / p.width;
    p.stride = steps * p.width;
    return p;
}

/* share NULL: all panels. */
static void loop_some_panels(KernelCode *code, const Panels *panels, const Share *share, PanelBody body,
                             void *user) {
    LLVMBuilderRef b = code->emit->builder;
    int width = code->width;
    int64_t full = panels->filters / panels->width, rest = panels->filters % panels->width;
    LLVMValueRef end = code_int(code, full);
    if (full > 0) {
        if (share) end = code_min(code, share->end, end);
        Loop loop = loop_begin(code, share ? share->begin : code_int(code, 0), end, 1);
        body(code, loop.index, (int)(panels->width / width), width, user);
        loop_end(code, &loop);
    }
    if (rest > 0) {
        int vectors = (int)((rest + width - 1) / width);
        Branch last = {0};
        if (share)
            last = branch_begin(code, LLVMBuildICmp(b, LLVMIntSGT, share->end, code_int(code, full), ""));
        body(code, code_int(code, full), vectors, (int)(rest - (int64_t)(vectors - 1) * width), user);
        if (share) branch_end(code, &last);
    }
}

void loop_panels(KernelCode *code, const Panels *panels, PanelBody body, void *user) {
    loop_some_panels(code, panels, NULL, body, user);
}

void loop_shared_panels(KernelCode *code, const Panels *panels, PanelBody body, void *user) {
    Share share = code_share(code, code_int(code, panels->count));
    loop_some_panels(code, panels, &share, body, user);
}

Storage panels_storage(const Panels *panels, const Shape *shape, const int64_t *step_strides) {
    Storage s = {.size = panels_elements(panels),
                 .group = panels->filters,
                 .group_stride = panels->count * panels->stride,
                 .block = panels->width,
                 .block_stride = panels->stride};
    for (int axis = 1; axis < shape->rank; axis++) s.stride[axis] = step_strides[axis] * panels->width;
    return s;
}

LLVMValueRef storage_index(KernelCode *code, const Storage *storage, int rank, const LLVMValueRef *index) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef group = code_int(code, storage->group), block = code_int(code, storage->block);
    LLVMValueRef in_group = LLVMBuildSRem(b, index[0], group, "");
    LLVMValueRef at = code_mul_const(code, LLVMBuildSDiv(b, index[0], group, ""), storage->group_stride);
    at = code_add(code, at,
                  code_mul_const(code, LLVMBuildSDiv(b, in_group, block, ""), storage->block_stride));
    at = code_add(code, at, LLVMBuildSRem(b, in_group, block, ""));
    at = code_add_const(code, at, storage->origin);
    for (int axis = 1; axis < rank; axis++)
        at = code_add(code, at, code_mul_const(code, index[axis], storage->stride[axis]));
    return at;
}
