/* depth_to_space: blocks of factor*factor channels become space, as PyTorch's pixel_shuffle:
 * y[i*f+a, j*g+b, c] = x[i, j, (c*f + a)*g + b]. Registers of channels are exchanged by shuffles: as many
 * registers of x as a block has channels hold all that one register of each of the block's places takes, and
 * the other way about for the gradient. */
#include "emit/kernel_code.h"
#include "graph/backward.h"
#include "graph/shape_call.h"

#include <math.h>

enum { MOST_SHUFFLED = 16 }; /* channels of a block; more would be long code */

static const Param params[] = {
    {.name = "factor",
     .type = PARAM_SIZE,
     .min = 1,
     .max = HUGE_VAL,
     .help = "how many places come from one"},
};

static bool depth_shape(ShapeCall *call) {
    if (!shape_call_rank(call, 2, 1 + SPATIAL_MAX) || !shape_size_rank(call, "factor")) return false;
    const Size *factor = &shape_attr(call, "factor")->size;
    int64_t block = 1, channels = shape_channels(shape_input(call, 0));
    call->output = *shape_input(call, 0);
    for (int i = 0; i < factor->rank; i++) {
        block = extent_multiply(block, factor->dim[i]);
        call->output.dim[i] = extent_multiply(call->output.dim[i], factor->dim[i]);
    }
    if (block < 0 || channels % block) {
        diag(call->cx->diag, shape_span(call, "factor"), E_DEPTH_TO_SPACE, (long long)channels,
             size_text(call->cx->arena, factor));
        shape_note_origin(call, 0);
        return false;
    }
    call->output.dim[factor->rank] = channels / block;
    if (shape_elements(&call->output) >= 0) return true;
    diag(call->cx->diag, call->span, E_SIZE_TOO_LARGE, "output of this layer");
    return false;
}

/* Both ways of the layer: `deep` is the value with many channels, `wide` the one with many places. */
typedef struct Exchange {
    const Value *deep, *wide;
    const Size *factor;
    int block;     /* channels of a block, where they are known to be few */
    bool to_space; /* from deep to wide */
    Position at;   /* in the deep value */
} Exchange;

static Exchange exchange_of(KernelCode *code, bool to_space) {
    const Value *x = code_input(code, 0), *y = code_output(code, 0);
    return (Exchange){.deep = to_space ? x : y,
                      .wide = to_space ? y : x,
                      .factor = node_size(code->node, "factor"),
                      .to_space = to_space};
}

static int64_t block_of(const Node *node) {
    const Size *factor = node_size(node, "factor");
    int64_t block = 1;
    for (int i = 0; i < factor->rank; i++) block *= factor->dim[i];
    return block;
}

static LLVMValueRef load(KernelCode *code, const Position *place, Register reg) {
    return code_load(code, code_position(code, code_input(code, 0), code->inputs[0], place), reg);
}

/* Element number l of the result is element from[l] of the registers behind one another. */
static LLVMValueRef pick(KernelCode *code, LLVMValueRef *registers, int count, int width, const int *from) {
    if (width == 1) return registers[from[0]];
    LLVMValueRef result = LLVMGetPoison(code_type(code, width));
    for (int r = 0; r < count; r++) {
        LLVMValueRef mask[64];
        bool used = false;
        for (int l = 0; l < width; l++) {
            bool mine = from[l] / width == r;
            used = used || mine;
            mask[l] = code_i32(code, mine ? width + from[l] % width : l);
        }
        if (!used) continue;
        LLVMValueRef order = LLVMConstVector(mask, (unsigned)width);
        result = LLVMBuildShuffleVector(code->emit->builder, result, registers[r], order, "");
    }
    return result;
}

/* The place of the wide value that channel number k of a block becomes. */
static Position wide_place(KernelCode *code, const Exchange *e, int k, LLVMValueRef channel) {
    Position place = {.sample = e->at.sample, .channel = channel};
    for (int i = e->factor->rank - 1; i >= 0; i--) {
        place.spatial[i] = code_mul_const(code, e->at.spatial[i], e->factor->dim[i]);
        place.delta[i] = k % e->factor->dim[i];
        k /= (int)e->factor->dim[i];
    }
    return place;
}

/* Register r of the deep value's channels; none of it is alive where `live` is below 1. */
static Position deep_place(KernelCode *code, const Exchange *e, int r, LLVMValueRef channel, Register all,
                           Register *reg) {
    Position place = e->at;
    int left = all.live * e->block - r * all.width;
    *reg = (Register){all.width, left < all.width ? left : all.width};
    place.channel = code_add_const(code, code_mul_const(code, channel, e->block), (int64_t)r * all.width);
    return place;
}

static void to_space_register(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    const Exchange *e = user;
    LLVMValueRef deep[MOST_SHUFFLED];
    for (int r = 0; r < e->block; r++) {
        Register own;
        Position place = deep_place(code, e, r, index, reg, &own);
        deep[r] = own.live > 0 ? load(code, &place, own) : code_constant(code, 0, reg.width);
    }
    for (int k = 0; k < e->block; k++) {
        int from[64];
        for (int l = 0; l < reg.width; l++) from[l] = l * e->block + k;
        Position place = wide_place(code, e, k, index);
        code_finish(code, pick(code, deep, e->block, reg.width, from), &place, reg);
    }
}

static void to_depth_register(KernelCode *code, LLVMValueRef index, Register reg, void *user) {
    const Exchange *e = user;
    LLVMValueRef wide[MOST_SHUFFLED];
    for (int k = 0; k < e->block; k++) {
        Position place = wide_place(code, e, k, index);
        wide[k] = load(code, &place, reg);
    }
    for (int r = 0; r < e->block; r++) {
        Register own;
        int from[64];
        Position place = deep_place(code, e, r, index, reg, &own);
        if (own.live < 1) break;
        for (int l = 0; l < reg.width; l++) {
            int element = r * reg.width + l;
            from[l] = element % e->block * reg.width + element / e->block;
        }
        code_finish(code, pick(code, wide, e->block, reg.width, from), &place, own);
    }
}

typedef void (*PlaceBody)(KernelCode *code, Exchange *e);

static void each_place(KernelCode *code, Exchange *e, PlaceBody body) {
    Loop loops[1 + SPATIAL_MAX];
    int axes = e->factor->rank;
    loops[0] = loop_begin(code, code_int(code, 0), code->count, 1);
    e->at.sample = loops[0].index;
    for (int i = 0; i < axes; i++) {
        loops[1 + i] = loop_begin_const(code, 0, e->deep->shape.dim[i], 1);
        e->at.spatial[i] = loops[1 + i].index;
    }
    body(code, e);
    for (int i = axes; i >= 0; i--) loop_end(code, &loops[i]);
}

static void shuffle_place(KernelCode *code, Exchange *e) {
    loop_registers(code, shape_channels(&e->wide->shape), e->to_space ? to_space_register : to_depth_register,
                   e);
}

static void shuffled_emit(KernelCode *code, bool to_space) {
    Exchange e = exchange_of(code, to_space);
    e.block = (int)block_of(code->node);
    each_place(code, &e, shuffle_place);
}

/* One element after the other, for blocks of any size. */
static void single_place(KernelCode *code, Exchange *e) {
    Loop loops[1 + SPATIAL_MAX];
    Position wide = {.sample = e->at.sample}, deep = e->at;
    int axes = e->factor->rank;
    for (int i = 0; i <= axes; i++)
        loops[i] = loop_begin_const(code, 0, i ? e->factor->dim[i - 1] : shape_channels(&e->wide->shape), 1);
    wide.channel = deep.channel = loops[0].index;
    for (int i = 0; i < axes; i++) {
        LLVMValueRef first = code_mul_const(code, e->at.spatial[i], e->factor->dim[i]);
        wide.spatial[i] = code_add(code, first, loops[1 + i].index);
        deep.channel =
            code_add(code, code_mul_const(code, deep.channel, e->factor->dim[i]), loops[1 + i].index);
    }
    const Register single = {1, 1};
    code_finish(code, load(code, e->to_space ? &deep : &wide, single), e->to_space ? &wide : &deep, single);
    for (int i = axes; i >= 0; i--) loop_end(code, &loops[i]);
}

static void single_emit(KernelCode *code, bool to_space) {
    Exchange e = exchange_of(code, to_space);
    each_place(code, &e, single_place);
}

static void to_space_shuffled(KernelCode *code) {
    shuffled_emit(code, true);
}
static void to_depth_shuffled(KernelCode *code) {
    shuffled_emit(code, false);
}
static void to_space_single(KernelCode *code) {
    single_emit(code, true);
}
static void to_depth_single(KernelCode *code) {
    single_emit(code, false);
}

static bool shuffle_applies(const KernelCall *call) {
    return block_of(call->node) <= MOST_SHUFFLED;
}

#define SHUFFLED .name = "shuffled", .elements = ELEMENT_F32, .applies = shuffle_applies, .epilogue = true
#define SINGLE   .name = "reference", .elements = ELEMENT_F32, .epilogue = true

static const Kernel shuffled = {SHUFFLED, .emit = to_space_shuffled};
static const Kernel reference = {SINGLE, .emit = to_space_single};
static const Kernel grad_shuffled = {SHUFFLED, .emit = to_depth_shuffled};
static const Kernel grad_reference = {SINGLE, .emit = to_depth_single};

static void depth_gradient(Backward *b, const Node *node) {
    ValueId x = node->inputs.items[0], dy = backward_of_output(b, node, 0);
    if (dy < 0 || !backward_wants(b, x)) return;
    Shape shape = graph_value(backward_graph(b), x)->shape;
    backward_contribute(
        b, x, backward_append(b, "depth_to_space_grad", node->attrs, &dy, 1, ROLE_ACTIVATION, shape));
}

const Op op_depth_to_space = {
    .name = "depth_to_space",
    .kind = OPK_LAYER,
    .summary = "blocks of factor*factor channels become space (pixel shuffle)",
    .formula = "y[i*factor + a, j*factor + b, c] = x[i, j, (c*factor + a)*factor + b]",
    .gives = "each spatial axis has n*factor places; the channels are divided by the product of the factors",
    .example = "conv(4*3, 3, padding=same) -> depth_to_space(2)",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .shape = depth_shape,
    .gradient = depth_gradient,
    .kernels = KERNELS(&shuffled, &reference),
};

const Op op_depth_to_space_grad = {
    .name = "depth_to_space_grad",
    .kind = OPK_INTERNAL,
    .summary = "gradient of depth_to_space: space becomes blocks of channels",
    .formula = "dx[i, j, (c*factor + a)*factor + b] = dy[i*factor + a, j*factor + b, c]",
    .params = params,
    .param_count = COUNT(params),
    .min_inputs = 1,
    .max_inputs = 1,
    .kernels = KERNELS(&grad_shuffled, &grad_reference),
};
