/* The optimizer's step over a range of the trained parameters: for each register of them, the lanes'
 * gradients are summed in lane order and set back to zero, and the optimizer's rule is applied. With
 * clip_norm another function goes first: it leaves the sum in lane 0 and gives the sum of its squares, so
 * that the step reads one lane and scales it. */
#include "codegen/module.h"

typedef struct Update {
    KernelCode *code;
    const TrainSettings *train;
    LLVMValueRef parameters, lanes, slots, lane_count, lane_stride;
    LLVMValueRef scale; /* a register of it, or NULL: clip_norm is off */
    UpdateStep begun;   /* what is the same for every register */
    LLVMValueRef bad;   /* a variable: stays zero while every value is finite */
    int64_t trained;
    int slot_count;
} Update;

static LLVMValueRef sum_lanes(Update *u, LLVMValueRef index, Register whole) {
    KernelCode *code = u->code;
    LLVMValueRef zero = code_constant(code, 0, code->width);
    LLVMValueRef sum = code_variable(code, code_type(code, code->width), zero);
    Loop lane = loop_begin(code, code_int(code, 0), u->lane_count, 1);
    LLVMValueRef at =
        code_at(code, code_at(code, u->lanes, code_mul(code, lane.index, u->lane_stride)), index);
    code_set(code, sum, code_fadd(code, code_get(code, sum), code_load(code, at, whole)));
    code_store(code, zero, at, whole);
    loop_end(code, &lane);
    return code_get(code, sum);
}

/* Elements [begin, end): whole registers, for sections begin and end on cache lines. */
static void emit_range(Update *u, LLVMValueRef begin, LLVMValueRef end, bool decay) {
    KernelCode *code = u->code;
    Register whole = {code->width, code->width};
    Loop loop = loop_begin(code, begin, end, code->width);
    LLVMValueRef w_at = code_at(code, u->parameters, loop.index);
    UpdateStep step = u->begun;
    step.w = code_load(code, w_at, whole);
    step.g = sum_lanes(u, loop.index, whole);
    if (u->scale) step.g = code_fmul(code, step.g, u->scale);
    step.decay = decay;
    Arena *arena = code->emit->cx->arena;
    LLVMValueRef *slots_at = ARENA_ARRAY(arena, LLVMValueRef, (size_t)u->slot_count);
    step.slots = ARENA_ARRAY(arena, LLVMValueRef, (size_t)u->slot_count);
    for (int i = 0; i < u->slot_count; i++) {
        slots_at[i] = code_at(code, code_at_const(code, u->slots, i * u->trained), loop.index);
        step.slots[i] = code_load(code, slots_at[i], whole);
    }
    const Op *optimizer = u->train->optimizer;
    optimizer->update(code, optimizer, u->train->optimizer_attrs, &step);
    code_store(code, step.w, w_at, whole);
    for (int i = 0; i < u->slot_count; i++) code_store(code, step.slots[i], slots_at[i], whole);
    /* 0 * w is 0 for every finite w. */
    LLVMValueRef zero_or_nan = code_fmul(code, step.w, code_constant(code, 0, code->width));
    code_set(code, u->bad, code_fadd(code, code_get(code, u->bad), zero_or_nan));
    loop_end(code, &loop);
}

static LLVMValueRef clamp(KernelCode *code, LLVMValueRef x, int64_t low, int64_t high) {
    LLVMBuilderRef b = code->emit->builder;
    LLVMValueRef at_least = code_int(code, low), at_most = code_int(code, high);
    x = LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntSLT, x, at_least, ""), at_least, x, "");
    return LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntSGT, x, at_most, ""), at_most, x, "");
}

/* A function of (frame, begin, end), and what both functions read first. */
static Update update_open(Module *module, const Graph *training, KernelCode *code, const char *name,
                          LLVMTypeRef result) {
    Emit *e = &module->emit;
    LLVMTypeRef types[3] = {e->pointer, e->i64, e->i64};
    LLVMValueRef function = module_function(module, name, result, types, 3);
    *code = (KernelCode){.emit = e,
                         .graph = training,
                         .real = e->f32,
                         .width = e->machine->vector_floats,
                         .function = function,
                         .frame = LLVMGetParam(function, 0)};
    LLVMBasicBlockRef body = LLVMAppendBasicBlockInContext(e->context, function, "body");
    LLVMBuildBr(e->builder, body);
    LLVMPositionBuilderAtEnd(e->builder, body);
    return (Update){.code = code,
                    .train = module->model->train,
                    .lanes = code_frame(code, ABI_frame_lanes),
                    .lane_count = code_frame(code, ABI_frame_lane_count),
                    .lane_stride = code_frame(code, ABI_frame_lane_stride),
                    .trained = training->trained_elements};
}

/* What the optimizer computes once, from the learning rate and the number of the step. */
static void update_begin(Update *u) {
    KernelCode *code = u->code;
    LLVMBuilderRef b = code->emit->builder;
    const TrainSettings *train = u->train;
    LLVMValueRef number = LLVMBuildUIToFP(b, code_frame(code, ABI_frame_step), code->emit->f64, "");
    u->begun.rate = code_frame(code, ABI_frame_learning_rate);
    u->begun.learning_rate = code_splat(code, u->begun.rate, code->width);
    u->begun.number = code_fadd(code, number, LLVMConstReal(code->emit->f64, 1));
    if (train->clip_norm > 0)
        u->scale = code_splat(code, code_frame(code, ABI_frame_gradient_scale), code->width);
    if (train->optimizer->update_begin)
        train->optimizer->update_begin(code, train->optimizer, train->optimizer_attrs, &u->begun);
}

LLVMValueRef update_emit(Module *module, const Graph *training) {
    Emit *e = &module->emit;
    KernelCode code;
    Update u = update_open(module, training, &code, "update", e->i32);
    u.parameters = code_frame(&code, ABI_frame_parameters);
    u.slots = code_frame(&code, ABI_frame_slots);
    u.slot_count = op_slots(u.train->optimizer, u.train->optimizer_attrs);
    u.bad = code_variable(&code, code_type(&code, code.width), code_constant(&code, 0, code.width));
    update_begin(&u);
    int64_t decayed = training->decayed_elements, trained = training->trained_elements;
    LLVMValueRef begin = LLVMGetParam(code.function, 1), end = LLVMGetParam(code.function, 2);
    emit_range(&u, clamp(&code, begin, 0, decayed), clamp(&code, end, 0, decayed), true);
    emit_range(&u, clamp(&code, begin, decayed, trained), clamp(&code, end, decayed, trained), false);
    LLVMValueRef sum = code_reduce_add(&code, code_get(&code, u.bad), (Register){code.width, code.width});
    LLVMValueRef bad = code_compare(&code, LLVMRealUNO, sum, sum);
    LLVMBuildRet(e->builder, LLVMBuildZExt(e->builder, bad, e->i32, ""));
    return code.function;
}

LLVMValueRef gather_emit(Module *module, const Graph *training) {
    Emit *e = &module->emit;
    KernelCode code;
    Update u = update_open(module, training, &code, "gather", e->f64);
    Register whole = {code.width, code.width};
    LLVMTypeRef doubles = code.width == 1 ? e->f64 : LLVMVectorType(e->f64, (unsigned)code.width);
    LLVMValueRef squares = code_variable(&code, doubles, LLVMConstNull(doubles));
    Loop loop = loop_begin(&code, LLVMGetParam(code.function, 1), LLVMGetParam(code.function, 2), code.width);
    LLVMValueRef g = sum_lanes(&u, loop.index, whole);
    code_store(&code, g, code_at(&code, u.lanes, loop.index), whole);
    LLVMValueRef wide = LLVMBuildFPExt(e->builder, g, doubles, "");
    code_set(&code, squares, code_fma(&code, wide, wide, code_get(&code, squares)));
    loop_end(&code, &loop);
    LLVMBuildRet(e->builder, code_reduce_add(&code, code_get(&code, squares), whole));
    return code.function;
}
