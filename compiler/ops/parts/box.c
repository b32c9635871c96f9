/* See box.h. Axes at the end that are whole and lie without gaps on both sides are walked as one run. */
#include "ops/parts/box.h"

typedef struct BoxWalk {
    const BoxPlace *from, *to; /* from NULL: fill */
    LLVMValueRef from_address, to_address;
    double number;
} BoxWalk;

int64_t value_run(const Value *value) {
    int axis = value->shape.rank - 1;
    int64_t run = value->shape.dim[axis];
    while (--axis >= 0 && value->layout.stride[axis] == run) run *= value->shape.dim[axis];
    return run;
}

/* Can the run of `length` elements behind the axis be continued by it? */
static bool continues(const BoxPlace *place, const Shape *extent, int axis, int64_t length) {
    const Value *value = place->value;
    return value->layout.stride[axis] == length && value->shape.dim[axis + 1] == extent->dim[axis + 1];
}

static void walk_run(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    const BoxWalk *walk = user;
    LLVMValueRef value = walk->from ? code_load(code, code_at(code, walk->from_address, index), reg)
                                    : code_constant(code, walk->number, reg.width);
    code_store(code, value, code_at(code, walk->to_address, index), reg);
}

static LLVMValueRef address_of(KernelCode *code, const BoxPlace *place, LLVMValueRef sample,
                               const Loop *loops, int looped) {
    const Value *value = place->value;
    int channel = value->shape.rank - 1;
    int64_t constant = place->at[channel];
    LLVMValueRef index = code_mul_const(code, sample, code_sample_stride(code, value));
    for (int axis = 0; axis < channel; axis++) {
        constant += place->at[axis] * value->layout.stride[axis];
        if (axis < looped)
            index =
                code_add(code, index, code_mul_const(code, loops[axis].index, value->layout.stride[axis]));
    }
    return code_at_const(code, code_at(code, place->base, index), constant);
}

static void walk_box(KernelCode *code, const Shape *extent, BoxWalk *walk) {
    if (shape_elements(extent) == 0) return;
    int looped = extent->rank - 1;
    int64_t run = extent->dim[looped];
    while (looped > 0 && (!walk->from || continues(walk->from, extent, looped - 1, run)) &&
           continues(walk->to, extent, looped - 1, run))
        run *= extent->dim[--looped];
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1), loops[SHAPE_MAX_RANK];
    for (int axis = 0; axis < looped; axis++) loops[axis] = loop_begin_const(code, 0, extent->dim[axis], 1);
    if (walk->from) walk->from_address = address_of(code, walk->from, samples.index, loops, looped);
    walk->to_address = address_of(code, walk->to, samples.index, loops, looped);
    loop_registers(code, run, walk_run, walk);
    for (int axis = looped - 1; axis >= 0; axis--) loop_end(code, &loops[axis]);
    loop_end(code, &samples);
}

void box_copy(KernelCode *code, const Shape *extent, const BoxPlace *from, const BoxPlace *to) {
    walk_box(code, extent, &(BoxWalk){.from = from, .to = to});
}

void box_fill(KernelCode *code, const Shape *extent, double number, const BoxPlace *to) {
    walk_box(code, extent, &(BoxWalk){.to = to, .number = number});
}
