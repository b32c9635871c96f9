/* See batchnorm.h. */
#include "ops/norm/batchnorm.h"

#include <math.h>

const Param batchnorm_params[BATCHNORM_PARAMS] = {
    [BATCHNORM_MOMENTUM] = {.name = "momentum",
                            .type = PARAM_REAL,
                            .fallback = "0.9",
                            .help = "how much of the running statistics a batch keeps",
                            .min = 0,
                            .max = 1,
                            .below = true},
    [BATCHNORM_EPSILON] = {.name = "epsilon",
                            .type = PARAM_REAL,
                            .fallback = "1e-5",
                            .help = "added to the variance",
                            .min = 0,
                            .max = HUGE_VAL,
                            .above = true},
    [BATCHNORM_SCALE] = {.name = "scale",
                            .type = PARAM_BOOL,
                            .fallback = "true",
                            .help = "a trained factor a channel, 1 at first"},
    [BATCHNORM_SHIFT] = {.name = "shift",
                            .type = PARAM_BOOL,
                            .fallback = "true",
                            .help = "a trained summand a channel, 0 at first"},
};

const Param statistics_params[STATISTICS_PARAMS] = {
    {.name = "momentum",
     .type = PARAM_REAL,
     .fallback = "0.9",
     .help = "what a batch keeps of the running statistics"},
    {.name = "epsilon", .type = PARAM_REAL, .fallback = "1e-5", .help = "added to the variance"},
    {.name = "positions",
     .type = PARAM_INT,
     .fallback = "1",
     .min = 1,
     .max = HUGE_VAL,
     .help = "elements of a channel in a sample"},
};

Attr *statistics_attrs(Arena *arena, const Attr *batchnorm, const Shape *x) {
    Attr *attrs = ARENA_ARRAY(arena, Attr, STATISTICS_PARAMS);
    attrs[0] = batchnorm[BATCHNORM_MOMENTUM];
    attrs[1] = batchnorm[BATCHNORM_EPSILON];
    attrs[2] = (Attr){.kind = ATTR_INT, .integer = shape_elements(x) / shape_channels(x)};
    return attrs;
}

ChannelInputs batchnorm_inputs(const Attr *attrs, int from) {
    ChannelInputs inputs = {.weight = -1, .bias = -1};
    if (attrs[BATCHNORM_SCALE].boolean) inputs.weight = from++;
    if (attrs[BATCHNORM_SHIFT].boolean) inputs.bias = from++;
    inputs.rest = from;
    return inputs;
}

ValueId add_channel_output(Graph *graph, NodeId node, Role role, int64_t elements) {
    ValueId value = graph_add_output(graph, node, role, (Shape){.rank = 1, .dim = {elements}});
    graph_value(graph, value)->elements = elements;
    return value;
}

LLVMValueRef batchnorm_factor(KernelCode *code, LLVMValueRef inverse, LLVMValueRef weight) {
    return weight ? code_fmul(code, inverse, weight) : inverse;
}

LLVMValueRef batchnorm_result(KernelCode *code, LLVMValueRef centred, LLVMValueRef factor,
                              LLVMValueRef bias) {
    return bias ? code_fma(code, centred, factor, bias) : code_fmul(code, centred, factor);
}

KernelCode code_in_doubles(const KernelCode *code) {
    KernelCode wide = *code;
    wide.real = code->emit->f64;
    return wide;
}

LLVMValueRef code_widen(KernelCode *code, LLVMValueRef x, int width) {
    KernelCode wide = code_in_doubles(code);
    return code->real == wide.real ? x : LLVMBuildFPExt(code->emit->builder, x, code_type(&wide, width), "");
}

LLVMValueRef code_narrow(KernelCode *code, LLVMValueRef x, int width) {
    bool same = code->real == code->emit->f64;
    return same ? x : LLVMBuildFPTrunc(code->emit->builder, x, code_type(code, width), "");
}
