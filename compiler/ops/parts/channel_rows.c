/* See channel_rows.h. */
#include "ops/parts/channel_rows.h"

#include "emit/vector_math.h"

#include <math.h>

void loop_rows(KernelCode *code, const Shape *shape, LLVMValueRef sample, RowBody body, void *user) {
    int spatial = shape_spatial(shape);
    Position position = {.sample = sample};
    Loop loops[SHAPE_MAX_RANK];
    LLVMValueRef row = code_int(code, 0);
    for (int i = 0; i < spatial; i++) {
        loops[i] = loop_begin_const(code, 0, shape->dim[i], 1);
        position.spatial[i] = loops[i].index;
        row = code_add(code, code_mul_const(code, row, shape->dim[i]), loops[i].index);
    }
    body(code, &position, row, user);
    for (int i = spatial - 1; i >= 0; i--) loop_end(code, &loops[i]);
}

void loop_all_rows(KernelCode *code, const Shape *shape, RowBody body, void *user) {
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    loop_rows(code, shape, samples.index, body, user);
    loop_end(code, &samples);
}

typedef struct RowWalk {
    Position position;
    RowRegister body;
    void *user;
} RowWalk;

static void walk_register(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    RowWalk *walk = user;
    walk->position.channel = index;
    walk->body(code, &walk->position, reg, walk->user);
}

void loop_row_registers(KernelCode *code, const Position *position, int64_t channels, RowRegister body,
                        void *user) {
    RowWalk walk = {*position, body, user};
    loop_registers(code, channels, walk_register, &walk);
}

LLVMValueRef load_operand(KernelCode *code, int input, const Position *position, Register reg) {
    return code_load(code, code_position(code, code_input(code, input), code->inputs[input], position), reg);
}

LLVMValueRef channel_numbers(KernelCode *code, LLVMValueRef channel, int width) {
    if (width == 1) return channel;
    LLVMValueRef steps[64];
    for (int i = 0; i < width; i++) steps[i] = code_int(code, i);
    LLVMValueRef base = code_splat(code, channel, width);
    return LLVMBuildAdd(code->emit->builder, base, LLVMConstVector(steps, (unsigned)width), "");
}

void add_to_sum(KernelCode *code, LLVMValueRef variable, LLVMValueRef x, Register reg) {
    code_set(code, variable, code_fadd(code, code_get(code, variable), code_reduce_add(code, x, reg)));
}

void raise_to_largest(KernelCode *code, LLVMValueRef variable, LLVMValueRef x, Register reg) {
    code_set(code, variable, code_fmax(code, code_reduce_max(code, x, reg), code_get(code, variable)));
}

LLVMValueRef live_register(KernelCode *code, LLVMValueRef x, Register reg) {
    if (reg.live == reg.width) return x;
    LLVMValueRef alive[64];
    for (int i = 0; i < reg.width; i++) alive[i] = LLVMConstInt(code->emit->i1, i < reg.live, false);
    LLVMValueRef mask = LLVMConstVector(alive, (unsigned)reg.width);
    return code_select(code, mask, x, code_constant(code, 0, reg.width));
}

typedef struct SumWork {
    int count;
    RowTerms terms;
    void *user;
    LLVMValueRef variables[ROW_SUMS_MAX];
} SumWork;

static void sum_register(KernelCode *code, const Position *position, Register reg, void *user) {
    SumWork *work = user;
    LLVMValueRef terms[ROW_SUMS_MAX];
    work->terms(code, position, reg, terms, work->user);
    for (int i = 0; i < work->count; i++) {
        LLVMValueRef term = live_register(code, terms[i], reg);
        code_set(code, work->variables[i], code_fadd(code, code_get(code, work->variables[i]), term));
    }
}

void row_sums(KernelCode *code, const Position *position, int64_t channels, int count, RowTerms terms,
              void *user, LLVMValueRef sums[ROW_SUMS_MAX]) {
    SumWork work = {.count = count, .terms = terms, .user = user};
    LLVMTypeRef type = code_type(code, code->width);
    for (int i = 0; i < count; i++)
        work.variables[i] = code_variable(code, type, code_constant(code, 0, code->width));
    loop_row_registers(code, position, channels, sum_register, &work);
    for (int i = 0; i < count; i++)
        sums[i] =
            code_reduce_add(code, code_get(code, work.variables[i]), (Register){code->width, code->width});
}

static void largest_register(KernelCode *code, const Position *position, Register reg, void *user) {
    LLVMValueRef *largest = user;
    raise_to_largest(code, *largest, load_operand(code, 0, position, reg), reg);
}

LLVMValueRef row_largest(KernelCode *code, const Position *position, int64_t channels) {
    LLVMValueRef largest = code_variable(code, code->real, code_real(code, -HUGE_VAL));
    loop_row_registers(code, position, channels, largest_register, &largest);
    return code_get(code, largest);
}

typedef struct ExpSum {
    LLVMValueRef largest, sum; /* sum: variable */
} ExpSum;

static void exp_sum_register(KernelCode *code, const Position *position, Register reg, void *user) {
    ExpSum *work = user;
    LLVMValueRef x = load_operand(code, 0, position, reg);
    x = code_fsub(code, x, code_splat(code, work->largest, reg.width));
    add_to_sum(code, work->sum, math_exp(code, x), reg);
}

LLVMValueRef row_exp_sum(KernelCode *code, const Position *position, int64_t channels, LLVMValueRef largest) {
    ExpSum work = {largest, code_variable(code, code->real, code_real(code, 0))};
    loop_row_registers(code, position, channels, exp_sum_register, &work);
    return code_get(code, work.sum);
}
