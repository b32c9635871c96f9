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

void loop_panels(KernelCode *code, const Panels *panels, PanelBody body, void *user) {
    int width = code->width;
    int64_t full = panels->filters / panels->width, rest = panels->filters % panels->width;
    if (full > 0) {
        Loop loop = loop_begin_const(code, 0, full, 1);
        body(code, loop.index, (int)(panels->width / width), width, user);
        loop_end(code, &loop);
    }
    if (rest > 0) {
        int vectors = (int)((rest + width - 1) / width);
        body(code, code_int(code, full), vectors, (int)(rest - (int64_t)(vectors - 1) * width), user);
    }
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
