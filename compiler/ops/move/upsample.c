/* upsample: more places between the places of the input, by repetition (nearest) or on straight lines between
 * neighbours, axis by axis (bilinear; linear of a sequence, trilinear of a volume). Place i of the output
 * lies in the input at (i + 1/2)/factor - 1/2, or, with aligned corners, at i*(n-1)/(n*factor-1); at the
 * borders the outermost place counts. The position is kept as a fraction t/den of integers, so that both ways
 * of the layer see the same weights. The gradient gathers, too: each place of dx sums the places of dy less
 * than one place away. */
#include "emit/kernel_code.h"
#include "graph/backward.h"
#include "graph/shape_call.h"

#include <math.h>
#include <string.h>

enum { BLOCK_REGISTERS = 4 }; /* of channels, for which the gradient's weights are computed once */

static const Param params[] = {
    {.name = "factor",
     .type = PARAM_SIZE,
     .min = 1,
     .max = HUGE_VAL,
     .help = "how many places come from one"},
    {.name = "mode",
     .type = PARAM_WORD,
     .fallback = "nearest",
     .help = "what stands between places: the nearest one, or a mixture of neighbours",
     .words = "nearest bilinear"},
    {.name = "align_corners",
     .type = PARAM_BOOL,
     .fallback = "false",
     .help = "bilinear: the outermost places of input and output coincide"},
};

static bool upsample_shape(ShapeCall *call) {
    if (!shape_call_rank(call, 2, 1 + SPATIAL_MAX) || !shape_size_rank(call, "factor")) return false;
    if (shape_attr(call, "align_corners")->boolean && strcmp(shape_attr(call, "mode")->word, "bilinear")) {
        diag(call->cx->diag, shape_span(call, "align_corners"), E_ALIGN_CORNERS);
        diag_help(call->cx->diag, "mode=bilinear mixes neighbours");
        return false;
    }
    const Size *factor = &shape_attr(call, "factor")->size;
    call->output = *shape_input(call, 0);
    for (int i = 0; i < factor->rank; i++)
        call->output.dim[i] = extent_multiply(call->output.dim[i], factor->dim[i]);
    if (shape_elements(&call->output) >= 0) return true;
    diag(call->cx->diag, call->span, E_SIZE_TOO_LARGE, "output of this layer");
    return false;
}

/* How an axis is sampled. */
typedef struct Sampling {
    int64_t n, factor, extent; /* extent: n*factor */
    bool mixed;                /* neighbours are mixed; else place i is place i/factor */
    bool aligned;
    int64_t den; /* of positions in the input */
} Sampling;

static Sampling sampling_of(const Node *node, const Shape *x, int i) {
    Sampling s = {.n = x->dim[i], .factor = node_size(node, "factor")->dim[i]};
    s.extent = s.n * s.factor;
    s.mixed = !strcmp(node_word(node, "mode"), "bilinear") && s.n > 1 && s.factor > 1;
    s.aligned = node_bool(node, "align_corners");
    s.den = s.aligned ? s.extent - 1 : 2 * s.factor;
    return s;
}

static LLVMValueRef divide(KernelCode *code, LLVMValueRef a, int64_t b) {
    return LLVMBuildUDiv(code->emit->builder, a, code_int(code, b), "");
}

static LLVMValueRef subtract(KernelCode *code, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildSub(code->emit->builder, a, b, "");
}

/* The larger (signed) of a and b where `larger`, else the smaller. */
static LLVMValueRef bound(KernelCode *code, LLVMValueRef a, int64_t b, bool larger) {
    LLVMBuilderRef builder = code->emit->builder;
    LLVMValueRef other = code_int(code, b);
    LLVMValueRef takes = LLVMBuildICmp(builder, larger ? LLVMIntSGT : LLVMIntSLT, a, other, "");
    return LLVMBuildSelect(builder, takes, a, other, "");
}

/* t of the output's place i: den times its position in the input, not below 0. */
static LLVMValueRef numerator(KernelCode *code, const Sampling *s, LLVMValueRef i) {
    if (s->aligned) return code_mul_const(code, i, s->n - 1);
    return bound(code, code_add_const(code, code_mul_const(code, i, 2), 1 - s->factor), 0, true);
}

/* integer / den as a number. */
static LLVMValueRef fraction(KernelCode *code, const Sampling *s, LLVMValueRef integer) {
    LLVMValueRef number = LLVMBuildSIToFP(code->emit->builder, integer, code->real, "");
    return code_fdiv(code, number, code_real(code, (double)s->den));
}

typedef struct Upsample {
    int axes;
    Sampling axis[SPATIAL_MAX];
    Position at; /* of the place being computed */
    /* Forward: the first neighbour, and of each corner of neighbours its distance from that one in elements
     * and its weight. */
    Position source;
    int corners;
    LLVMValueRef offset[1 << SPATIAL_MAX], weight[1 << SPATIAL_MAX]; /* weight NULL: 1 */
    /* Backward: the registers of channels that are summed. */
    int registers;
    Register reg; /* of the last one */
    LLVMValueRef sums[BLOCK_REGISTERS];
} Upsample;

static Upsample upsample_of(const Node *node, const Shape *x) {
    Upsample u = {.axes = shape_spatial(x), .corners = 1};
    for (int i = 0; i < u.axes; i++) u.axis[i] = sampling_of(node, x, i);
    return u;
}

static void mix_register(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    Upsample *u = user;
    u->at.channel = u->source.channel = index;
    LLVMValueRef first = code_position(code, code_input(code, 0), code->inputs[0], &u->source), sum = NULL;
    for (int c = 0; c < u->corners; c++) {
        LLVMValueRef x = code_load(code, code_at(code, first, u->offset[c]), reg);
        if (!u->weight[c]) {
            sum = x;
            continue;
        }
        LLVMValueRef weight = code_splat(code, u->weight[c], reg.width);
        sum = sum ? code_fma(code, x, weight, sum) : code_fmul(code, x, weight);
    }
    code_finish(code, sum, &u->at, reg);
}

static LLVMValueRef product(KernelCode *code, LLVMValueRef a, LLVMValueRef b) {
    return a ? code_fmul(code, a, b) : b;
}

/* Splits every corner in two along the axis. */
static void add_neighbours(KernelCode *code, Upsample *u, int i) {
    LLVMBuilderRef builder = code->emit->builder;
    const Sampling *s = &u->axis[i];
    LLVMValueRef t = numerator(code, s, u->at.spatial[i]), first = divide(code, t, s->den);
    LLVMValueRef near = fraction(code, s, subtract(code, t, code_mul_const(code, first, s->den)));
    LLVMValueRef far = code_fsub(code, code_real(code, 1), near);
    LLVMValueRef inside = LLVMBuildICmp(builder, LLVMIntSLT, first, code_int(code, s->n - 1), "");
    LLVMValueRef step = code_int(code, code_input(code, 0)->layout.stride[i]);
    step = LLVMBuildSelect(builder, inside, step, code_int(code, 0), "");
    u->source.spatial[i] = first;
    for (int c = 0; c < u->corners; c++) {
        u->offset[u->corners + c] = code_add(code, u->offset[c], step);
        u->weight[u->corners + c] = product(code, u->weight[c], near);
        u->weight[c] = product(code, u->weight[c], far);
    }
    u->corners *= 2;
}

static void walk_output(KernelCode *code, const Upsample *outer, int i) {
    Upsample u = *outer; /* corners belong to the axes before this one */
    if (i >= u.axes || i == SPATIAL_MAX) {
        loop_registers(code, shape_channels(&code_output(code, 0)->shape), mix_register, &u);
        return;
    }
    Loop loop = loop_begin_const(code, 0, u.axis[i].extent, 1);
    u.at.spatial[i] = loop.index;
    if (u.axis[i].mixed)
        add_neighbours(code, &u, i);
    else
        u.source.spatial[i] = divide(code, loop.index, u.axis[i].factor);
    walk_output(code, &u, i + 1);
    loop_end(code, &loop);
}

static void upsample_emit(KernelCode *code) {
    Upsample u = upsample_of(code->node, &code_input(code, 0)->shape);
    u.offset[0] = code_int(code, 0);
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    u.at.sample = u.source.sample = samples.index;
    walk_output(code, &u, 0);
    loop_end(code, &samples);
}

/* The places of the output to which place j of the input contributes: from `first` to below `limit`. */
static void reached(KernelCode *code, const Sampling *s, LLVMValueRef j, LLVMValueRef *first,
                    LLVMValueRef *limit) {
    int64_t f = s->factor;
    LLVMValueRef before = code_add_const(code, j, -1), behind = code_add_const(code, j, 1);
    if (!s->mixed) {
        *first = code_mul_const(code, j, f);
        *limit = code_mul_const(code, behind, f);
    } else if (s->aligned) {
        LLVMValueRef nearest =
            divide(code, code_mul_const(code, bound(code, before, 0, true), s->den), s->n - 1);
        LLVMValueRef none = LLVMBuildICmp(code->emit->builder, LLVMIntEQ, j, code_int(code, 0), "");
        *first = LLVMBuildSelect(code->emit->builder, none, code_int(code, 0),
                                 code_add_const(code, nearest, 1), "");
        LLVMValueRef end = code_add_const(code, code_mul_const(code, behind, s->den), s->n - 2);
        *limit = bound(code, divide(code, end, s->n - 1), s->extent, false);
    } else {
        *first = bound(code, code_add_const(code, code_mul_const(code, before, f), (f - 1) / 2 + 1), 0, true);
        *limit = bound(code, code_add_const(code, code_mul_const(code, behind, f), f / 2), s->extent, false);
    }
}

/* What place i of the output takes from place j of the input: 1 - |t/den - j|, t not beyond the last place.
 */
static LLVMValueRef share(KernelCode *code, const Sampling *s, LLVMValueRef i, LLVMValueRef j) {
    LLVMBuilderRef builder = code->emit->builder;
    LLVMValueRef t = bound(code, numerator(code, s, i), (s->n - 1) * s->den, false);
    LLVMValueRef distance = subtract(code, t, code_mul_const(code, j, s->den));
    LLVMValueRef positive = LLVMBuildICmp(builder, LLVMIntSGT, distance, code_int(code, 0), "");
    distance = LLVMBuildSelect(builder, positive, distance, LLVMBuildNeg(builder, distance, ""), "");
    return fraction(code, s, subtract(code, code_int(code, s->den), distance));
}

static Register register_of(const Upsample *u, int r) {
    return r == u->registers - 1 ? u->reg : (Register){u->reg.width, u->reg.width};
}

static void add_shares(KernelCode *code, const Upsample *u, const Position *dy, int i, LLVMValueRef weight) {
    if (i == u->axes) {
        LLVMValueRef from = code_position(code, code_input(code, 0), code->inputs[0], dy);
        for (int r = 0; r < u->registers; r++) {
            Register reg = register_of(u, r);
            LLVMValueRef x = code_load(code, code_at_const(code, from, (int64_t)r * reg.width), reg);
            LLVMValueRef sum = code_get(code, u->sums[r]);
            sum = weight ? code_fma(code, x, code_splat(code, weight, reg.width), sum)
                         : code_fadd(code, x, sum);
            code_set(code, u->sums[r], sum);
        }
        return;
    }
    const Sampling *s = &u->axis[i];
    LLVMValueRef first, limit;
    reached(code, s, u->at.spatial[i], &first, &limit);
    Loop loop = loop_begin(code, first, limit, 1);
    Position place = *dy;
    place.spatial[i] = loop.index;
    if (s->mixed) weight = product(code, weight, share(code, s, loop.index, u->at.spatial[i]));
    add_shares(code, u, &place, i + 1, weight);
    loop_end(code, &loop);
}

/* The block's registers from `channel` on, at one place of dx. */
static void gather(KernelCode *code, Upsample *u, LLVMValueRef channel) {
    int width = u->reg.width;
    u->at.channel = channel;
    for (int r = 0; r < u->registers; r++)
        u->sums[r] = code_variable(code, code_type(code, width), code_constant(code, 0, width));
    add_shares(code, u, &(Position){.sample = u->at.sample, .channel = channel}, 0, NULL);
    for (int r = 0; r < u->registers; r++) {
        Position place = u->at;
        place.channel = code_add_const(code, channel, (int64_t)r * width);
        code_finish(code, code_get(code, u->sums[r]), &place, register_of(u, r));
    }
}

static void walk_input(KernelCode *code, Upsample *u, int i) {
    if (i < u->axes) {
        Loop loop = loop_begin_const(code, 0, u->axis[i].n, 1);
        u->at.spatial[i] = loop.index;
        walk_input(code, u, i + 1);
        loop_end(code, &loop);
        return;
    }
    int width = code->width;
    int64_t channels = shape_channels(&code_output(code, 0)->shape), block = (int64_t)BLOCK_REGISTERS * width;
    int64_t full = channels / block * block, rest = channels - full;
    if (full) {
        u->registers = BLOCK_REGISTERS;
        u->reg = (Register){width, width};
        Loop loop = loop_begin_const(code, 0, full, block);
        gather(code, u, loop.index);
        loop_end(code, &loop);
    }
    if (!rest) return;
    u->registers = (int)((rest + width - 1) / width);
    u->reg = (Register){width, (int)(rest - (int64_t)(u->registers - 1) * width)};
    gather(code, u, code_int(code, full));
}

static void upsample_grad_emit(KernelCode *code) {
    Upsample u = upsample_of(code->node, &code_output(code, 0)->shape);
    Loop samples = loop_begin(code, code_int(code, 0), code->count, 1);
    u.at.sample = samples.index;
    walk_input(code, &u, 0);
    loop_end(code, &samples);
}

static void upsample_gradient(Backward *b, const Node *node) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Shape shape = graph_value(backward_graph(b), x)->shape;
    backward_contribute(b, x,
                        backward_append(b, "upsample_grad", node->attrs, &dy, 1, ROLE_ACTIVATION, shape));
}

static const Kernel kernel = {
    .name = "gather", .elements = ELEMENT_F32, .emit = upsample_emit, .epilogue = true};
static const Kernel grad_kernel = {
    .name = "gather", .elements = ELEMENT_F32, .emit = upsample_grad_emit, .epilogue = true};

const Op op_upsample = {
    .name = "upsample",
    .kind = OPK_LAYER,
    .summary = "factor times as many places along every axis, repeated or interpolated",
    .formula = "nearest: y[i,c] = x[i//factor,c]; bilinear: y[i,c] = (1-f)*x[s,c] + f*x[s+1,c] along every "
               "axis, s + f = "
               "(i + 1/2)/factor - 1/2, or i*(n-1)/(n*factor-1) with aligned corners",
    .example = "upsample(2, mode=bilinear) -> conv(32, 3, padding=same)",
    .gives = "the spatial extents times factor; the channels stay",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = upsample_shape,
    .gradient = upsample_gradient,
    .kernels = KERNELS(&kernel),
};

const Op op_upsample_grad = {
    .name = "upsample_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of upsample: what each place of the input gave",
    .formula = "dx[j,c] = sum over i of dy[i,c] times the weight of x[j] in y[i]",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .kernels = KERNELS(&grad_kernel),
};
