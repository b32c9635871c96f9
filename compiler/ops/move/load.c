/* load: a sample of the data set as the model's input. Floats are taken as they are; bytes become (x*scale -
 * mean) / std, a channel at a time, in single precision as the runtime computes it for other formats. */
#include "emit/kernel_code.h"
#include "ops/parts/sample_frame.h"

static const Param params[] = {
    {.name = "scale", .type = PARAM_REAL, .fallback = "1", .help = "factor of a byte"},
    {.name = "mean",
     .type = PARAM_TENSOR,
     .fallback = "none",
     .help = "subtracted then: one number, or one a channel"                         },
    {.name = "std",
     .type = PARAM_TENSOR,
     .fallback = "none",
     .help = "divided by then: one number, or one a channel"                         },
};

enum { LONGEST_RUN = 4096 }; /* elements of a row of constants */

typedef struct LoadWork {
    bool bytes;
    int64_t run;            /* elements that lie without gaps and are walked at once */
    LLVMValueRef from, to;  /* addresses of the run's first element */
    LLVMValueRef mean, std; /* a row of constants, or NULL */
} LoadWork;

static const Tensor *constants_of(const Node *node, const char *name) {
    const Attr *attr = attr_find(node->op, node->attrs, name);
    return attr->kind == ATTR_TENSOR ? &attr->tensor : NULL;
}

/* The numbers repeated over a run, as floats. */
static LLVMValueRef constant_row(KernelCode *code, const Tensor *numbers, int64_t run) {
    if (!numbers) return NULL;
    Emit *e = code->emit;
    int64_t period = shape_elements(&numbers->shape);
    LLVMValueRef *elements = ARENA_ARRAY(e->cx->arena, LLVMValueRef, (size_t)run);
    for (int64_t i = 0; i < run; i++) elements[i] = LLVMConstReal(e->f32, numbers->values[i % period]);
    LLVMValueRef row = LLVMAddGlobal(e->module, LLVMArrayType2(e->f32, (uint64_t)run), "channel_constants");
    LLVMSetInitializer(row, LLVMConstArray2(e->f32, elements, (uint64_t)run));
    LLVMSetGlobalConstant(row, true);
    LLVMSetLinkage(row, LLVMPrivateLinkage);
    return row;
}

/* A register of bytes as floats. The tail is read a byte at a time: nothing behind the data set is touched.
 */
static LLVMValueRef load_bytes(KernelCode *code, LLVMValueRef place, Register reg) {
    Emit *e = code->emit;
    LLVMTypeRef type = reg.width > 1 ? LLVMVectorType(e->i8, (unsigned)reg.width) : e->i8;
    LLVMTypeRef target = reg.width > 1 ? LLVMVectorType(e->f32, (unsigned)reg.width) : e->f32;
    LLVMValueRef bytes;
    if (reg.live == reg.width) {
        bytes = LLVMBuildLoad2(e->builder, type, place, "");
        LLVMSetAlignment(bytes, 1);
    } else {
        bytes = LLVMConstNull(type);
        for (int i = 0; i < reg.live; i++) {
            LLVMValueRef element = code_at_type(code, e->i8, place, code_int(code, i));
            LLVMValueRef byte = LLVMBuildLoad2(e->builder, e->i8, element, "");
            bytes = LLVMBuildInsertElement(e->builder, bytes, byte, code_int(code, i), "");
        }
    }
    return LLVMBuildUIToFP(e->builder, bytes, target, "");
}

static void load_register(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    const LoadWork *work = user;
    Emit *e = code->emit;
    KernelCode narrow = *code;
    narrow.real = e->f32;
    LLVMValueRef place = code_at_type(code, work->bytes ? e->i8 : e->f32, work->from, index), x;
    if (work->bytes) {
        x = load_bytes(code, place, reg);
        LLVMValueRef scale = code_constant(&narrow, node_real(code->node, "scale"), reg.width);
        x = code_fmul(&narrow, x, scale);
        if (work->mean)
            x = code_fsub(&narrow, x, code_load(&narrow, code_at(&narrow, work->mean, index), reg));
        if (work->std) x = code_fdiv(&narrow, x, code_load(&narrow, code_at(&narrow, work->std, index), reg));
    } else {
        x = code_load(&narrow, place, reg);
    }
    if (code->real != e->f32) x = LLVMBuildFPExt(e->builder, x, code_type(code, reg.width), "");
    code_store(code, x, code_at(code, work->to, index), reg);
}

/* How many trailing axes lie without gaps in the output and make a run that is not too long for a row of
 * constants. */
static int merged_axes(const Value *value, bool limited, int64_t *run) {
    int spatial = shape_spatial(&value->shape), merged = 0;
    *run = shape_channels(&value->shape);
    while (merged < spatial) {
        int axis = spatial - 1 - merged;
        if (value->layout.stride[axis] != *run) break;
        if (limited && *run > LONGEST_RUN / value->shape.dim[axis]) break;
        *run *= value->shape.dim[axis];
        merged++;
    }
    return merged;
}

/* One sample, its data beginning at element `first` of the set. */
static void load_sample(KernelCode *code, LoadWork *work, LLVMValueRef sample, LLVMValueRef first) {
    Emit *e = code->emit;
    const Value *value = code_output(code, 0);
    bool limited = work->bytes && (constants_of(code->node, "mean") || constants_of(code->node, "std"));
    int looped = shape_spatial(&value->shape) - merged_axes(value, limited, &work->run);
    work->mean = limited ? constant_row(code, constants_of(code->node, "mean"), work->run) : NULL;
    work->std = limited ? constant_row(code, constants_of(code->node, "std"), work->run) : NULL;
    Position position = {.sample = sample, .channel = code_int(code, 0)};
    LLVMValueRef row = code_int(code, 0);
    Loop loops[SHAPE_MAX_RANK];
    for (int i = 0; i < shape_spatial(&value->shape); i++) {
        position.spatial[i] = code_int(code, 0);
        if (i >= looped) continue;
        loops[i] = loop_begin_const(code, 0, value->shape.dim[i], 1);
        position.spatial[i] = loops[i].index;
        row = code_add(code, code_mul_const(code, row, value->shape.dim[i]), loops[i].index);
    }
    LLVMValueRef index = code_add(code, first, code_mul_const(code, row, work->run));
    work->from = code_at_type(code, work->bytes ? e->i8 : e->f32, code_frame(code, ABI_frame_samples), index);
    work->to = code_position(code, value, code->outputs[0], &position);
    loop_registers(code, work->run, load_register, work);
    for (int i = looped - 1; i >= 0; i--) loop_end(code, &loops[i]);
}

static void load_emit(KernelCode *code) {
    LLVMBuilderRef builder = code->emit->builder;
    int64_t elements = shape_elements(&code_output(code, 0)->shape);
    Loop loop = loop_begin(code, code_int(code, 0), code->count, 1);
    LLVMValueRef first = code_mul_const(code, data_set_index(code, loop.index), elements);
    LLVMValueRef kind = code_frame(code, ABI_frame_sample_kind);
    LLVMValueRef is_bytes = LLVMBuildICmp(builder, LLVMIntNE, kind, code_i32(code, 0), "");
    Branch branch = branch_begin(code, is_bytes);
    load_sample(code, &(LoadWork){.bytes = true}, loop.index, first);
    branch_else(code, &branch);
    load_sample(code, &(LoadWork){.bytes = false}, loop.index, first);
    branch_end(code, &branch);
    loop_end(code, &loop);
}

static const Kernel kernel = {.name = "vector", .elements = ELEMENT_F32, .emit = load_emit};

const Op op_load = {
    .name = "load",
    .kind = OPK_INTERNAL,
    .summary = "a sample of the data set as the input",
    .formula = "x = sample, or (bytes*scale - mean) / std",
    .params = params,
    .param_count = COUNT(params),
    .kernels = KERNELS(&kernel),
};
