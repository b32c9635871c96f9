/* dense of few units for a sample by itself: each register of sums waits for its own last addition, so every
 * register gets several sums, which take the inputs in turn and are added up in the end. */
#include "ops/dense/dense_kernels.h"

#include "ops/parts/estimate.h"

enum { SUMS = 8, MOST_REGISTERS = SUMS / 2 };

static Panels plan_panels(const KernelCall *call) {
    return panels_plan(call->machine, 1,
                       shape_channels(&graph_value(call->graph, call->node->outputs.items[0])->shape),
                       shape_channels(&graph_value(call->graph, call->node->inputs.items[0])->shape));
}

static bool chains_applies(const KernelCall *call) {
    Panels p = plan_panels(call);
    return estimate_registers(call->machine, p.filters) <= MOST_REGISTERS;
}

/* Many samples are tiles' work. */
static double chains_cost(const KernelCall *call) {
    Panels p = plan_panels(call);
    double registers = estimate_registers(call->machine, p.filters);
    if (!call->alone_bytes) return 2 * dense_rows_cost(call);
    return registers * (double)p.steps / estimate_ports(call->machine) +
           estimate_weights(call->machine, p.steps * p.filters) + SUMS * DENSE_ADDITION + ESTIMATE_START;
}

typedef struct ChainWork {
    Panels panels;
    int registers, chains;
    LLVMValueRef input;      /* the sample's first one */
    LLVMValueRef sums[SUMS]; /* variables: chain by chain a sum of each register */
} ChainWork;

static LLVMValueRef channel_of(KernelCode *code, int v) {
    return code_int(code, (int64_t)v * code->width);
}

static Register register_of(const KernelCode *code, const ChainWork *work, int v) {
    int64_t left = work->panels.filters - (int64_t)v * code->width;
    return (Register){code->width, (int)(left < code->width ? left : code->width)};
}

/* Inputs step, step + 1, ...: one for each chain. */
static void add_steps(KernelCode *code, const ChainWork *work, LLVMValueRef step, int chains) {
    const Panels *p = &work->panels;
    int vectors = (int)(p->width / code->width);
    for (int k = 0; k < chains; k++) {
        LLVMValueRef at = code_add_const(code, step, k);
        LLVMValueRef x =
            code_splat(code, code_load(code, code_at(code, work->input, at), (Register){1, 1}), code->width);
        LLVMValueRef row = code_at(code, code->inputs[1], code_mul_const(code, at, p->width));
        for (int v = 0; v < work->registers; v++) {
            int64_t place = v / vectors * p->stride + (int64_t)(v % vectors) * code->width;
            LLVMValueRef w =
                code_load(code, code_at_const(code, row, place), (Register){code->width, code->width});
            LLVMValueRef sum = work->sums[k * work->registers + v];
            code_set(code, sum, code_fma(code, x, w, code_get(code, sum)));
        }
    }
}

static void finish_register(KernelCode *code, const ChainWork *work, LLVMValueRef sample, int v) {
    LLVMValueRef sums[SUMS];
    Register reg = register_of(code, work, v);
    for (int k = 0; k < work->chains; k++) sums[k] = code_get(code, work->sums[k * work->registers + v]);
    for (int half = work->chains / 2; half; half /= 2)
        for (int k = 0; k < half; k++) sums[k] = code_fadd(code, sums[k], sums[k + half]);
    if (dense_has_bias(code->node)) {
        LLVMValueRef bias = code_load(code, code_at(code, code->inputs[2], channel_of(code, v)), reg);
        sums[0] = code_fadd(code, sums[0], bias);
    }
    Position position = {.sample = sample, .channel = channel_of(code, v)};
    code_finish(code, sums[0], &position, reg);
}

static void chains_emit(KernelCode *code) {
    KernelCall call = code_call(code);
    ChainWork work = {.panels = plan_panels(&call), .chains = SUMS};
    work.registers = (int)estimate_registers(code->emit->machine, work.panels.filters);
    while (work.chains * work.registers > SUMS) work.chains /= 2;
    LLVMValueRef zero = code_constant(code, 0, code->width);
    for (int i = 0; i < work.chains * work.registers; i++)
        work.sums[i] = code_variable(code, code_type(code, code->width), zero);
    Loop sample = loop_begin(code, code_int(code, 0), code->count, 1);
    const Value *x = code_input(code, 0);
    work.input =
        code_at(code, code->inputs[0], code_mul_const(code, sample.index, code_sample_stride(code, x)));
    for (int i = 0; i < work.chains * work.registers; i++) code_set(code, work.sums[i], zero);
    int64_t steps = work.panels.steps, whole = steps / work.chains * work.chains;
    Loop loop = loop_begin_const(code, 0, whole, work.chains);
    add_steps(code, &work, loop.index, work.chains);
    loop_end(code, &loop);
    if (whole < steps) add_steps(code, &work, code_int(code, whole), (int)(steps - whole));
    for (int v = 0; v < work.registers; v++) finish_register(code, &work, sample.index, v);
    loop_end(code, &sample);
}

const Kernel dense_chains_forward = {.name = "chains",
                                     .elements = ELEMENT_F32,
                                     .applies = chains_applies,
                                     .cost = chains_cost,
                                     .emit = chains_emit,
                                     .epilogue = true};
