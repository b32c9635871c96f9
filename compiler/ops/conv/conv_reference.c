/* Convolution in plain loops over single elements: slow, obviously right, for any shape. Borders are looked
 * for place by place, so it asks for no halo. */
#include "ops/conv/conv_kernels.h"
#include "ops/parts/estimate.h"

static const Register single = {1, 1};

typedef struct Reference {
    const ConvGeometry *g;
    Position at;                     /* the output element being computed */
    LLVMValueRef sum;                /* a variable */
    LLVMValueRef tap[SPATIAL_MAX];   /* the tap, an axis each */
    LLVMValueRef other[SPATIAL_MAX]; /* the place of the summed operand under the tap */
} Reference;

typedef void (*TapBody)(KernelCode *code, Reference *r);

/* The place of x that tap meets for a place of y, or the other way about. `valid` tells whether there is one.
 */
static LLVMValueRef meet(KernelCode *code, Reference *r, int i, bool forward, LLVMValueRef *valid) {
    LLVMBuilderRef b = code->emit->builder;
    const WindowAxis *axis = &r->g->axis[i];
    LLVMValueRef reach = code_mul_const(code, r->tap[i], axis->dilation), place;
    LLVMValueRef inside;
    if (forward) {
        place = code_add(code, code_mul_const(code, r->at.spatial[i], axis->stride), reach);
        place = code_add_const(code, place, -axis->begin);
        inside = LLVMBuildICmp(b, LLVMIntULT, place, code_int(code, axis->input), "");
    } else {
        LLVMValueRef distance =
            LLVMBuildSub(b, code_add_const(code, r->at.spatial[i], axis->begin), reach, "");
        LLVMValueRef stride = code_int(code, axis->stride);
        place = LLVMBuildSDiv(b, distance, stride, "");
        LLVMValueRef exact =
            LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildSRem(b, distance, stride, ""), code_int(code, 0), "");
        inside = LLVMBuildICmp(b, LLVMIntULT, place, code_int(code, axis->output), "");
        inside = LLVMBuildAnd(b, inside, exact, "");
    }
    *valid = *valid ? LLVMBuildAnd(b, *valid, inside, "") : inside;
    return place;
}

/* Calls body for every tap that meets the other operand. */
static void each_tap(KernelCode *code, Reference *r, bool forward, TapBody body) {
    const ConvGeometry *g = r->g;
    Loop loops[SPATIAL_MAX];
    LLVMValueRef valid = NULL;
    for (int i = 0; i < g->spatial; i++) {
        loops[i] = loop_begin_const(code, 0, g->axis[i].kernel, 1);
        r->tap[i] = loops[i].index;
    }
    for (int i = 0; i < g->spatial; i++) r->other[i] = meet(code, r, i, forward, &valid);
    Branch branch = branch_begin(code, valid);
    body(code, r);
    branch_end(code, &branch);
    for (int i = g->spatial - 1; i >= 0; i--) loop_end(code, &loops[i]);
}

static LLVMValueRef load_at(KernelCode *code, int input, const Position *at) {
    return code_load(code, code_position(code, code_input(code, input), code->inputs[input], at), single);
}

static Position other_place(const Reference *r, LLVMValueRef channel) {
    Position place = {.sample = r->at.sample, .channel = channel};
    for (int i = 0; i < r->g->spatial; i++) place.spatial[i] = r->other[i];
    return place;
}

static void add_product(KernelCode *code, Reference *r, LLVMValueRef a, LLVMValueRef b) {
    code_set(code, r->sum, code_fma(code, a, b, code_get(code, r->sum)));
}

/* Index of w[filter][channel in its group][taps] in the weights' storage, which holds a mirrored kernel ready
 * mirrored. */
static LLVMValueRef weight_index(KernelCode *code, const Reference *r, LLVMValueRef filter,
                                 LLVMValueRef channel) {
    ConvGeometry straight = *r->g;
    straight.flip = false;
    Storage storage = conv_weight_storage(code->emit->machine, &straight);
    LLVMValueRef index[SHAPE_MAX_RANK] = {filter, channel};
    for (int i = 0; i < r->g->spatial; i++) index[2 + i] = r->tap[i];
    return storage_index(code, &storage, 2 + r->g->spatial, index);
}

static LLVMValueRef group_of(KernelCode *code, LLVMValueRef channel, int64_t size) {
    return LLVMBuildSDiv(code->emit->builder, channel, code_int(code, size), "");
}

static void forward_tap(KernelCode *code, Reference *r) {
    const ConvGeometry *g = r->g;
    LLVMValueRef filter = r->at.channel;
    LLVMValueRef first = code_mul_const(code, group_of(code, filter, g->group_filters), g->group_channels);
    Loop loop = loop_begin_const(code, 0, g->group_channels, 1);
    Position x = other_place(r, code_add(code, first, loop.index));
    LLVMValueRef w = code_at(code, code->inputs[1], weight_index(code, r, filter, loop.index));
    add_product(code, r, load_at(code, 0, &x), code_load(code, w, single));
    loop_end(code, &loop);
}

typedef void (*PlaceBody)(KernelCode *code, Reference *r);

/* Every sample, place and channel of a shape, one element at a time. */
static void each_place(KernelCode *code, Reference *r, const Shape *shape, PlaceBody body) {
    Loop loops[2 + SPATIAL_MAX];
    loops[0] = loop_begin(code, code_int(code, 0), code->count, 1);
    r->at.sample = loops[0].index;
    for (int i = 0; i < shape->rank; i++) {
        loops[1 + i] = loop_begin_const(code, 0, shape->dim[i], 1);
        if (i < shape->rank - 1)
            r->at.spatial[i] = loops[1 + i].index;
        else
            r->at.channel = loops[1 + i].index;
    }
    body(code, r);
    for (int i = shape->rank; i >= 0; i--) loop_end(code, &loops[i]);
}

static void forward_place(KernelCode *code, Reference *r) {
    LLVMValueRef bias = code_real(code, 0);
    if (conv_has_bias(code->node))
        bias = code_load(code, code_at(code, code->inputs[2], r->at.channel), single);
    code_set(code, r->sum, bias);
    each_tap(code, r, true, forward_tap);
    code_finish(code, code_get(code, r->sum), &r->at, single);
}

static void forward_emit(KernelCode *code) {
    ConvGeometry g = conv_code_geometry(code);
    Reference r = {.g = &g, .sum = code_variable(code, code->real, NULL)};
    each_place(code, &r, &code_output(code, 0)->shape, forward_place);
}

/* Index of w in the weights that reach the gradient: transposed panels, or a depthwise layer's own. */
static LLVMValueRef backward_index(KernelCode *code, const Reference *r, LLVMValueRef filter_in_group) {
    const ConvGeometry *g = r->g;
    LLVMValueRef channel = r->at.channel;
    if (g->depthwise) return weight_index(code, r, channel, code_int(code, 0));
    Panels panels = conv_transposed_panels(code->emit->machine, g);
    Storage storage = panels_storage(&panels, &(Shape){.rank = 2}, (int64_t[]){0, 1});
    LLVMValueRef step = code_int(code, g->taps - 1); /* mirrored */
    for (int i = 0; i < g->spatial; i++)
        step = LLVMBuildSub(code->emit->builder, step, code_mul_const(code, r->tap[i], g->tap_stride[i]), "");
    step = code_add(code, code_mul_const(code, step, g->group_filters), filter_in_group);
    return storage_index(code, &storage, 2, (LLVMValueRef[]){channel, step});
}

static void input_grad_tap(KernelCode *code, Reference *r) {
    const ConvGeometry *g = r->g;
    LLVMValueRef first =
        code_mul_const(code, group_of(code, r->at.channel, g->group_channels), g->group_filters);
    Loop loop = loop_begin_const(code, 0, g->group_filters, 1);
    Position dy = other_place(r, code_add(code, first, loop.index));
    LLVMValueRef w = code_at(code, code->inputs[1], backward_index(code, r, loop.index));
    add_product(code, r, load_at(code, 0, &dy), code_load(code, w, single));
    loop_end(code, &loop);
}

static void input_grad_place(KernelCode *code, Reference *r) {
    code_set(code, r->sum, code_real(code, 0));
    each_tap(code, r, false, input_grad_tap);
    code_finish(code, code_get(code, r->sum), &r->at, single);
}

static void input_grad_emit(KernelCode *code) {
    ConvGeometry g = conv_code_geometry(code);
    Reference r = {.g = &g, .sum = code_variable(code, code->real, NULL)};
    each_place(code, &r, &code_output(code, 0)->shape, input_grad_place);
}

static void weight_grad_tap(KernelCode *code, Reference *r) {
    const ConvGeometry *g = r->g;
    LLVMValueRef filter = r->at.channel, dy = code_get(code, r->sum);
    LLVMValueRef first = code_mul_const(code, group_of(code, filter, g->group_filters), g->group_channels);
    Loop loop = loop_begin_const(code, 0, g->group_channels, 1);
    Position x = other_place(r, code_add(code, first, loop.index));
    LLVMValueRef dw = code_at(code, code->outputs[0], weight_index(code, r, filter, loop.index));
    code_store(code, code_fma(code, load_at(code, 0, &x), dy, code_load(code, dw, single)), dw, single);
    loop_end(code, &loop);
}

static void weight_grad_place(KernelCode *code, Reference *r) {
    code_set(code, r->sum, load_at(code, 1, &r->at));
    each_tap(code, r, true, weight_grad_tap);
}

static void weight_grad_emit(KernelCode *code) {
    ConvGeometry g = conv_code_geometry(code);
    Reference r = {.g = &g, .sum = code_variable(code, code->real, NULL)};
    each_place(code, &r, &code_input(code, 1)->shape, weight_grad_place);
}

static double places_of(const ConvGeometry *g, bool input) {
    double places = 1;
    for (int i = 0; i < g->spatial; i++) places *= (double)(input ? g->axis[i].input : g->axis[i].output);
    return places;
}

static double products_of(const ConvGeometry *g) {
    return places_of(g, false) * (double)g->taps * (double)g->filters * (double)g->group_channels;
}

static double forward_cost(const KernelCall *call) {
    ConvGeometry g = conv_call_geometry(call);
    double results = places_of(&g, false) * (double)g.filters;
    return estimate_reference(products_of(&g), results * (double)g.taps, results) + estimate_traffic(call);
}

/* Every tap of every place of dx is looked at, whether or not dy has a place for it. */
static double input_grad_cost(const KernelCall *call) {
    ConvGeometry g = conv_call_geometry(call);
    double results = places_of(&g, true) * (double)g.channels;
    return estimate_reference(products_of(&g), results * (double)g.taps, results) + estimate_traffic(call);
}

static double weight_grad_cost(const KernelCall *call) {
    ConvGeometry g = conv_call_geometry(call);
    double places = places_of(&g, false) * (double)g.filters;
    int64_t weights = g.taps * g.filters * g.group_channels;
    return estimate_reference_sums(products_of(&g), places * (double)g.taps, places) +
           estimate_traffic(call) +
           estimate_accumulators(call->machine, estimate_registers(call->machine, weights));
}

const Kernel conv_reference_forward = {.name = "reference",
                                       .direction = KERNEL_FORWARD,
                                       .elements = ELEMENT_F32,
                                       .cost = forward_cost,
                                       .emit = forward_emit,
                                       .epilogue = true};

const Kernel conv_reference_input_grad = {.name = "reference",
                                          .direction = KERNEL_INPUT_GRAD,
                                          .elements = ELEMENT_F32,
                                          .cost = input_grad_cost,
                                          .emit = input_grad_emit,
                                          .epilogue = true};

const Kernel conv_reference_weight_grad = {.name = "reference",
                                           .direction = KERNEL_WEIGHT_GRAD,
                                           .elements = ELEMENT_F32,
                                           .cost = weight_grad_cost,
                                           .emit = weight_grad_emit};
