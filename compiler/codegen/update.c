/* The optimizer's step over a range of the trained parameters: for each register of them, the lanes' gradients are summed in lane
 * order and set back to zero, and the optimizer's rule is applied. */
#include "codegen/module.h"

typedef struct Update {
    KernelCode *code;
    const TrainSettings *train;
    LLVMValueRef parameters, lanes, slots, lane_count, lane_stride, rate;
    LLVMValueRef bad; /* a variable: stays zero while every value is finite */
    int64_t trained;
    int slot_count;
} Update;

static LLVMValueRef sum_lanes(Update *u, LLVMValueRef index, Lanes whole) {
    KernelCode *code = u->code;
    LLVMValueRef zero = code_constant(code, 0, code->width);
    LLVMValueRef sum = code_variable(code, code_type(code, code->width), zero);
    Loop lane = loop_begin(code, code_int(code, 0), u->lane_count, 1);
    LLVMValueRef at = code_at(code, code_at(code, u->lanes, code_mul(code, lane.index, u->lane_stride)), index);
    code_set(code, sum, code_fadd(code, code_get(code, sum), code_load(code, at, whole)));
    code_store(code, zero, at, whole);
    loop_end(code, &lane);
    return code_get(code, sum);
}

/* Elements [begin, end): whole registers, for sections begin and end on cache lines. */
static void emit_range(Update *u, LLVMValueRef begin, LLVMValueRef end, bool decay) {
    KernelCode *code = u->code;
    Lanes whole = {code->width, code->width};
    Loop loop = loop_begin(code, begin, end, code->width);
    LLVMValueRef w_at = code_at(code, u->parameters, loop.index);
    UpdateStep step = {.w = code_load(code, w_at, whole),
                       .g = sum_lanes(u, loop.index, whole),
                       .learning_rate = u->rate,
                       .decay = decay};
    LLVMValueRef slots_at[COUNT(step.slots)];
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

LLVMValueRef update_emit(Module *module, const Graph *training) {
    Emit *e = &module->emit;
    LLVMTypeRef types[3] = {e->pointer, e->i64, e->i64};
    LLVMValueRef function = module_function(module, "update", e->i32, types, 3);
    KernelCode code = {.emit = e,
                       .graph = training,
                       .real = e->f32,
                       .width = e->machine->vector_floats,
                       .function = function,
                       .frame = LLVMGetParam(function, 0)};
    LLVMBasicBlockRef body = LLVMAppendBasicBlockInContext(e->context, function, "body");
    LLVMBuildBr(e->builder, body);
    LLVMPositionBuilderAtEnd(e->builder, body);
    int64_t decayed = training->decayed_elements, trained = training->trained_elements;
    const TrainSettings *train = module->model->train;
    Update u = {.code = &code,
                .train = train,
                .parameters = code_frame(&code, FRAME_PARAMETERS),
                .lanes = code_frame(&code, FRAME_LANES),
                .slots = code_frame(&code, FRAME_VELOCITY),
                .lane_count = code_frame(&code, FRAME_LANE_COUNT),
                .lane_stride = code_frame(&code, FRAME_LANE_STRIDE),
                .rate = code_splat(&code, code_frame(&code, FRAME_LEARNING_RATE), code.width),
                .trained = trained,
                .slot_count = train->optimizer->slots ? train->optimizer->slots(train->optimizer_attrs) : 0};
    u.bad = code_variable(&code, code_type(&code, code.width), code_constant(&code, 0, code.width));
    LLVMValueRef begin = LLVMGetParam(function, 1), end = LLVMGetParam(function, 2);
    emit_range(&u, clamp(&code, begin, 0, decayed), clamp(&code, end, 0, decayed), true);
    emit_range(&u, clamp(&code, begin, decayed, trained), clamp(&code, end, decayed, trained), false);
    LLVMValueRef sum = code_reduce_add(&code, code_get(&code, u.bad), (Lanes){code.width, code.width});
    LLVMValueRef bad = code_compare(&code, LLVMRealUNO, sum, sum);
    LLVMBuildRet(e->builder, LLVMBuildZExt(e->builder, bad, e->i32, ""));
    return function;
}
