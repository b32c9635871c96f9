/* Addresses, loads, stores and positions of a kernel: see kernel_code.h. */
#include "emit/kernel_code.h"
#include <string.h>

LLVMValueRef code_at_type(KernelCode *code, LLVMTypeRef element, LLVMValueRef base, LLVMValueRef index) {
    if (LLVMIsAConstantInt(index) && LLVMConstIntGetSExtValue(index) == 0) return base;
    return LLVMBuildInBoundsGEP2(code->emit->builder, element, base, &index, 1, "");
}

LLVMValueRef code_at(KernelCode *code, LLVMValueRef base, LLVMValueRef index) {
    return code_at_type(code, code->real, base, index);
}

LLVMValueRef code_at_const(KernelCode *code, LLVMValueRef base, int64_t index) {
    return code_at(code, base, code_int(code, index));
}

static unsigned element_bytes(const KernelCode *code) {
    return code->real == code->emit->f64 ? 8 : 4;
}

static LLVMValueRef mask_of(KernelCode *code, Lanes lanes) {
    LLVMValueRef alive[64];
    for (int i = 0; i < lanes.width; i++) alive[i] = LLVMConstInt(code->emit->i1, i < lanes.live, false);
    return LLVMConstVector(alive, (unsigned)lanes.width);
}

static LLVMValueRef masked_intrinsic(KernelCode *code, const char *name, size_t length, LLVMTypeRef vector,
                                     LLVMValueRef *arguments) {
    LLVMTypeRef types[2] = {vector, code->emit->pointer};
    LLVMValueRef function =
        LLVMGetIntrinsicDeclaration(code->emit->module, LLVMLookupIntrinsicID(name, length), types, 2);
    return LLVMBuildCall2(code->emit->builder, LLVMGlobalGetValueType(function), function, arguments, 4, "");
}

LLVMValueRef code_load(KernelCode *code, LLVMValueRef pointer, Lanes lanes) {
    LLVMTypeRef type = code_type(code, lanes.width);
    if (lanes.live < lanes.width) {
        LLVMValueRef arguments[4] = {pointer, code_i32(code, (int32_t)element_bytes(code)),
                                     mask_of(code, lanes), LLVMConstNull(type)};
        return masked_intrinsic(code, "llvm.masked.load", 16, type, arguments);
    }
    LLVMValueRef load = LLVMBuildLoad2(code->emit->builder, type, pointer, "");
    LLVMSetAlignment(load, element_bytes(code));
    return load;
}

void code_store(KernelCode *code, LLVMValueRef value, LLVMValueRef pointer, Lanes lanes) {
    if (lanes.live < lanes.width) {
        LLVMValueRef arguments[4] = {value, pointer, code_i32(code, (int32_t)element_bytes(code)),
                                     mask_of(code, lanes)};
        masked_intrinsic(code, "llvm.masked.store", 17, code_type(code, lanes.width), arguments);
        return;
    }
    LLVMSetAlignment(LLVMBuildStore(code->emit->builder, value, pointer), element_bytes(code));
}

void code_prefetch(KernelCode *code, LLVMValueRef pointer, int level) {
    enum { READ = 0, FIRST_LEVEL = 3, SECOND_LEVEL = 2, DATA = 1 };
    static const char name[] = "llvm.prefetch";
    LLVMTypeRef types[1] = {code->emit->pointer};
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(
        code->emit->module, LLVMLookupIntrinsicID(name, sizeof name - 1), types, 1);
    LLVMValueRef arguments[4] = {pointer, code_i32(code, READ),
                                 code_i32(code, level == 1 ? FIRST_LEVEL : SECOND_LEVEL),
                                 code_i32(code, DATA)};
    LLVMBuildCall2(code->emit->builder, LLVMGlobalGetValueType(function), function, arguments, 4, "");
}

/* Where registers are many, tiles fill all but one, and a step's loads stay behind the step before. */
LLVMValueRef code_unknown_address(const KernelCode *code, LLVMValueRef address) {
    enum { MANY_REGISTERS = 32 };
    Emit *e = code->emit;
    char nothing[] = "", same_register[] = "=r,0";
    bool ordered = e->machine->registers >= MANY_REGISTERS;
    LLVMTypeRef type = LLVMFunctionType(e->pointer, &e->pointer, 1, false);
    LLVMValueRef identity = LLVMGetInlineAsm(type, nothing, 0, same_register, strlen(same_register), ordered,
                                             false, LLVMInlineAsmDialectATT, false);
    return LLVMBuildCall2(e->builder, type, identity, &address, 1, "");
}

int64_t code_sample_stride(const KernelCode *code, const Value *value) {
    if (!value_per_sample(value)) return 0;
    return value->region == REGION_BATCH ? code->graph->batch_stride : code->graph->scratch_stride;
}

LLVMValueRef code_position(KernelCode *code, const Value *value, LLVMValueRef base,
                           const Position *position) {
    LLVMValueRef index = code_mul_const(code, position->sample, code_sample_stride(code, value));
    int64_t constant = 0;
    for (int axis = 0; axis < value->shape.rank - 1; axis++) {
        int64_t stride = value->layout.stride[axis];
        index = code_add(code, index, code_mul_const(code, position->spatial[axis], stride));
        constant += stride * position->delta[axis];
    }
    index = code_add(code, index, position->channel);
    /* The constant part goes last, so that places of one tile share an address and differ by a displacement.
     */
    return code_at_const(code, code_at(code, base, index), constant);
}

/* How many trailing spatial axes lie without gaps in every operand, so that they can be walked as one run of
 * channels. */
static int axes_to_merge(const KernelCode *code, const Shape *shape) {
    int merged = shape->rank - 1;
    int operands = code->node->inputs.count + code->node->outputs.count;
    for (int i = 0; i < operands; i++) {
        const Value *value = i < code->node->inputs.count ? code_input(code, i)
                                                          : code_output(code, i - code->node->inputs.count);
        if (!value_per_sample(value) || !shape_equal(&value->shape, shape)) return 0;
        int64_t dense = shape->dim[shape->rank - 1];
        int axes = 0;
        for (int axis = shape->rank - 2; axis >= 0 && value->layout.stride[axis] == dense; axis--, axes++)
            dense *= shape->dim[axis];
        if (axes < merged) merged = axes;
    }
    return merged;
}

typedef struct PositionWalk {
    Position position;
    PositionBody body;
    void *user;
} PositionWalk;

static void walk_lanes(KernelCode *code, LLVMValueRef index, Lanes lanes, void *user) {
    PositionWalk *walk = user;
    walk->position.channel = index;
    walk->body(code, &walk->position, lanes, walk->user);
}

void loop_positions(KernelCode *code, const Shape *shape, PositionBody body, void *user) {
    int spatial = shape->rank - 1, merged = axes_to_merge(code, shape);
    int64_t run = shape->dim[spatial];
    PositionWalk walk = {.body = body, .user = user};
    Loop loops[1 + SHAPE_MAX_RANK];
    loops[0] = loop_begin(code, code_int(code, 0), code->count, 1);
    walk.position.sample = loops[0].index;
    for (int axis = 0; axis < spatial; axis++) {
        if (axis >= spatial - merged) {
            run *= shape->dim[axis];
            walk.position.spatial[axis] = code_int(code, 0);
        } else {
            loops[1 + axis] = loop_begin_const(code, 0, shape->dim[axis], 1);
            walk.position.spatial[axis] = loops[1 + axis].index;
        }
    }
    loop_lanes(code, run, walk_lanes, &walk);
    for (int axis = spatial - merged - 1; axis >= 0; axis--) loop_end(code, &loops[1 + axis]);
    loop_end(code, &loops[0]);
}

LLVMValueRef code_workspace(KernelCode *code) {
    return code_frame(code, ABI_frame_workspace);
}

Share code_share(KernelCode *code, LLVMValueRef n) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef part = code_frame(code, ABI_frame_part);
    LLVMValueRef parts = code_add_const(code, code_frame(code, ABI_frame_last_part), 1);
    LLVMValueRef next = code_add_const(code, part, 1);
    return (Share){LLVMBuildUDiv(b, code_mul(code, n, part), parts, ""),
                   LLVMBuildUDiv(b, code_mul(code, n, next), parts, "")};
}
