/* Direct convolution, forward and gradient to the input: register tiles of places x filters (contraction.h),
 * weights in panels, x and dy with a halo of zeros so that no loop looks for the border. */
#include "ops/conv/conv_kernels.h"
#include "ops/parts/estimate.h"

#include <math.h>

enum {
    LEAST_SHARED_PANELS = 4,
    PARTS_OF_CACHE = 4 /* weights of more than such a part of the second-level cache do not wait in it */
};

/* What one panel of filters is being computed for. */
typedef struct DirectWalk {
    const ConvGeometry *g;
    const Machine *machine;
    LLVMValueRef group, sample;
    LLVMValueRef source, weights; /* this group's and sample's pointers */
    LLVMValueRef panel_weights;
    LLVMValueRef channel; /* the panel's first channel of the output */
    int64_t panel_width;
    int64_t reduced; /* channels summed over */
    int64_t ahead;   /* from one panel to the next where they come from far away, else 0 */
    int vectors, last_live;
    const Value *bias;
    bool shares_panels; /* a split step shares out panels, else places */
    int64_t extent[SPATIAL_MAX];
    int window_places; /* forward: the grid of tiles, in windows, and the places of one */
    ResidueClasses classes;
} DirectWalk;

/* The same for a tile whose places are whole windows: the maximum of each is stored. `position` is the tile's
 * first window. */
static void finish_pooled(KernelCode *code, const DirectWalk *walk, Tile *tile, const Position *first,
                          int columns) {
    int window = code->node->max_window;
    for (int m = 0; m < tile->rows / (window * window); m++)
        for (int v = 0; v < tile->vectors; v++) {
            int row = m / (columns / window) * window, column = m % (columns / window) * window;
            Register reg = tile_register(code, tile, v);
            LLVMValueRef channel = code_add_const(code, walk->channel, (int64_t)v * code->width);
            Maximum maximum = maximum_begin(code, code->width);
            Position place = {.sample = first->sample, .channel = channel};
            for (int i = 0; i < 2; i++) place.spatial[i] = code_mul_const(code, first->spatial[i], window);
            for (int k = 0; k < window * window; k++) {
                place.delta[0] = row + k / window;
                place.delta[1] = column + k % window;
                LLVMValueRef x = tile->acc[place.delta[0] * columns + place.delta[1]][v];
                maximum_visit(code, &maximum, code_epilogue(code, x, &place, reg), k);
            }
            Position pooled = *first;
            pooled.channel = channel;
            pooled.delta[0] = row / window;
            pooled.delta[1] = column / window;
            maximum_store(code, &maximum, &pooled, reg);
        }
}

static void finish_tile(KernelCode *code, const DirectWalk *walk, Tile *tile, Position *position, int columns,
                        const int64_t *step) {
    int spatial = walk->g->spatial;
    for (int m = 0; m < tile->rows; m++) {
        if (spatial > 1) position->delta[spatial - 2] = m / columns * step[spatial - 2];
        position->delta[spatial - 1] = m % columns * step[spatial - 1];
        for (int v = 0; v < tile->vectors; v++) {
            position->channel = code_add_const(code, walk->channel, (int64_t)v * code->width);
            code_finish(code, tile->acc[m][v], position, tile_register(code, tile, v));
        }
    }
}

/* Row m of the tile is the place (m / columns, m % columns), `step` elements of A apart along the last two
 * axes. */
static Tile tile_of_grid(const DirectWalk *walk, const GridTile *grid, int64_t row_step, int64_t column_step,
                         int width) {
    Tile tile = {.rows = grid->rows * grid->columns, .vectors = walk->vectors, .last_live = walk->last_live};
    for (int m = 0; m < tile.rows; m++)
        tile.row_offset[m] = m / grid->columns * row_step + m % grid->columns * column_step;
    for (int v = 0; v < tile.vectors; v++) tile.vector_offset[v] = (int64_t)v * width;
    tile.ahead = walk->ahead;
    return tile;
}

/* Panels are filled up with zeros, so whole registers of weights can be read; only stores are masked. */
static void contract_unmasked(KernelCode *code, Tile *tile) {
    int live = tile->last_live;
    tile->last_live = code->width;
    contraction_emit(code, tile);
    tile->last_live = live;
}

/* Places of the result before pooling, from a tile of the grid that counts windows. */
static GridTile places_of_windows(KernelCode *code, const GridTile *grid, int window) {
    GridTile places = {.rows = grid->rows * window, .columns = grid->columns * window};
    for (int i = 0; i < 2; i++) places.index[i] = code_mul_const(code, grid->index[i], window);
    return places;
}

static void forward_tile(KernelCode *code, const GridTile *cell, void *user) {
    DirectWalk *walk = user;
    const ConvGeometry *g = walk->g;
    int window = code->node->max_window;
    GridTile places = window ? places_of_windows(code, cell, window) : *cell;
    const GridTile *grid = &places;
    const int64_t *stride = code_input(code, 0)->layout.stride;
    int last = g->spatial - 1;
    Tile tile = tile_of_grid(walk, grid, last > 0 ? g->axis[last - 1].stride * stride[last - 1] : 0,
                             g->axis[last].stride * stride[last], code->width);
    tile.a = walk->source;
    int64_t corner = 0;
    int64_t steps[SPATIAL_MAX];
    for (int i = 0; i < g->spatial; i++) {
        tile.a = code_at(code, tile.a, code_mul_const(code, grid->index[i], g->axis[i].stride * stride[i]));
        corner -= g->axis[i].begin * stride[i];
        tile_add_level(&tile, g->axis[i].kernel, g->axis[i].dilation * stride[i],
                       g->tap_stride[i] * walk->reduced * walk->panel_width);
        steps[i] = 1;
    }
    tile.a = code_at_const(code, tile.a, corner);
    tile.b = walk->panel_weights;
    tile_add_level(&tile, walk->reduced, 1, walk->panel_width);
    for (int v = 0; v < tile.vectors; v++) {
        LLVMValueRef initial = code_constant(code, 0, code->width);
        if (walk->bias) {
            LLVMValueRef at = code_add_const(code, walk->channel, (int64_t)v * code->width);
            initial = code_load(code, code_at(code, code->inputs[2], at), tile_register(code, &tile, v));
        }
        for (int m = 0; m < tile.rows; m++) tile.acc[m][v] = initial;
    }
    contract_unmasked(code, &tile);
    Position position = {.sample = walk->sample};
    for (int i = 0; i < g->spatial; i++) position.spatial[i] = cell->index[i];
    if (window)
        finish_pooled(code, walk, &tile, &position, grid->columns);
    else
        finish_tile(code, walk, &tile, &position, grid->columns, steps);
}

/* A loop over samples for one panel, source pointing at the sample's first place in this group. */
static Loop samples_begin(KernelCode *code, DirectWalk *walk) {
    Loop loop = loop_begin(code, code_int(code, 0), code->count, 1);
    walk->sample = loop.index;
    LLVMValueRef at = code_mul_const(code, loop.index, code_sample_stride(code, code_input(code, 0)));
    at = code_add(code, at, code_mul_const(code, walk->group, walk->reduced));
    walk->source = code_at(code, code->inputs[0], at);
    return loop;
}

static void set_panel(KernelCode *code, DirectWalk *walk, LLVMValueRef panel, int vectors, int last_live,
                      int64_t panel_stride, int64_t group_outputs) {
    walk->vectors = vectors;
    walk->last_live = last_live;
    walk->panel_weights = code_at(code, walk->weights, code_mul_const(code, panel, panel_stride));
    walk->channel = code_add(code, code_mul_const(code, walk->group, group_outputs),
                             code_mul_const(code, panel, walk->panel_width));
}

static void forward_panel(KernelCode *code, LLVMValueRef panel, int vectors, int last_live, void *user) {
    DirectWalk *walk = user;
    const ConvGeometry *g = walk->g;
    set_panel(code, walk, panel, vectors, last_live, g->taps * walk->reduced * walk->panel_width,
              g->group_filters);
    Loop samples = samples_begin(code, walk);
    int most = tile_max_rows(walk->machine, vectors) / walk->window_places;
    if (walk->shares_panels)
        loop_grid(code, g->spatial, walk->extent, most, forward_tile, walk);
    else
        loop_shared_grid(code, g->spatial, walk->extent, most, forward_tile, walk);
    loop_end(code, &samples);
}

/* The next panel is asked for while this one is multiplied where its lines would be waited for. Windows wait
 * less, and their tiles are so tight that LLVM would put sums on the stack. */
static int64_t distance_ahead(const DirectWalk *walk, const Panels *panels) {
    int64_t bytes = (int64_t)sizeof(float) * panels->groups * panels->count * panels->stride;
    return walk->g->taps == 1 && bytes * PARTS_OF_CACHE > walk->machine->l2_bytes ? panels->stride : 0;
}

static void each_group(KernelCode *code, DirectWalk *walk, const Panels *panels, PanelBody body) {
    walk->panel_width = panels->width;
    walk->ahead = distance_ahead(walk, panels);
    Loop groups = loop_begin_const(code, 0, panels->groups, 1);
    walk->group = groups.index;
    walk->weights =
        code_at(code, code->inputs[1], code_mul_const(code, groups.index, panels->count * panels->stride));
    if (walk->shares_panels)
        loop_shared_panels(code, panels, body, walk);
    else
        loop_panels(code, panels, body, walk);
    loop_end(code, &groups);
}

static void forward_emit(KernelCode *code) {
    ConvGeometry g = conv_code_geometry(code);
    Panels panels = conv_panels(code->emit->machine, &g);
    DirectWalk walk = {.g = &g, .machine = code->emit->machine, .reduced = g.group_channels};
    if (conv_has_bias(code->node)) walk.bias = code_input(code, 2);
    int window = code->node->max_window ? code->node->max_window : 1;
    for (int i = 0; i < g.spatial; i++) walk.extent[i] = g.axis[i].output / window;
    walk.window_places = window * window;
    int most = tile_max_rows(walk.machine, panels.vectors) / walk.window_places;
    walk.shares_panels =
        panels.count >= LEAST_SHARED_PANELS || panels.count > grid_pieces(g.spatial, walk.extent, most);
    each_group(code, &walk, &panels, forward_panel);
}

static void input_grad_tile(KernelCode *code, const GridTile *grid, void *user) {
    DirectWalk *walk = user;
    const ConvGeometry *g = walk->g;
    const int64_t *stride = code_input(code, 0)->layout.stride;
    int last = g->spatial - 1;
    Tile tile = tile_of_grid(walk, grid, last > 0 ? stride[last - 1] : 0, stride[last], code->width);
    tile.a = walk->source;
    tile.b = walk->panel_weights;
    Position position = {.sample = walk->sample};
    int64_t steps[SPATIAL_MAX], origin = 0, first_tap = 0;
    bool reached = true;
    for (int i = 0; i < g->spatial; i++) {
        const ResidueClass *c = &walk->classes.axis[i];
        int64_t tap =
            g->tap_stride[i] * walk->reduced * walk->panel_width; /* elements of a tap along this axis */
        tile.a = code_at(code, tile.a, code_mul_const(code, grid->index[i], stride[i]));
        origin += c->origin * stride[i];
        first_tap += (g->axis[i].kernel - 1 - c->last_tap) * tap; /* mirrored */
        tile.b =
            code_at(code, tile.b,
                    code_mul_const(code, walk->classes.later[i], -tap)); /* its taps begin so much later */
        tile_add_level(&tile, c->taps, c->y_step * stride[i], c->tap_step * tap);
        steps[i] = g->axis[i].stride;
        position.spatial[i] =
            code_add(code, code_mul_const(code, grid->index[i], steps[i]), walk->classes.later[i]);
        position.spatial[i] = code_add_const(code, position.spatial[i], c->first);
        reached = reached && c->taps > 0;
    }
    for (int m = 0; m < tile.rows; m++)
        for (int v = 0; v < tile.vectors; v++) tile.acc[m][v] = code_constant(code, 0, code->width);
    if (reached) {
        tile.a = code_at_const(code, tile.a, origin);
        tile.b = code_at_const(code, tile.b, first_tap);
        tile_add_level(&tile, walk->reduced, 1, walk->panel_width);
        contract_unmasked(code, &tile);
    }
    finish_tile(code, walk, &tile, &position, grid->columns, steps);
}

static void input_grad_class(KernelCode *code, void *user) {
    DirectWalk *walk = user;
    int64_t extent[SPATIAL_MAX];
    for (int i = 0; i < walk->g->spatial; i++) extent[i] = walk->classes.axis[i].places;
    loop_grid(code, walk->g->spatial, extent, tile_max_rows(walk->machine, walk->vectors), input_grad_tile,
              walk);
}

static void input_grad_panel(KernelCode *code, LLVMValueRef panel, int vectors, int last_live, void *user) {
    DirectWalk *walk = user;
    const ConvGeometry *g = walk->g;
    set_panel(code, walk, panel, vectors, last_live, g->taps * walk->reduced * walk->panel_width,
              g->group_channels);
    Loop samples = samples_begin(code, walk);
    conv_each_class(code, g, &walk->classes, input_grad_class, walk);
    loop_end(code, &samples);
}

static void input_grad_emit(KernelCode *code) {
    ConvGeometry g = conv_code_geometry(code);
    Panels panels = conv_transposed_panels(code->emit->machine, &g);
    DirectWalk walk = {.g = &g, .machine = code->emit->machine, .reduced = g.group_filters};
    each_group(code, &walk, &panels, input_grad_panel);
}

bool conv_direct_applies(const KernelCall *call) {
    return !conv_call_geometry(call).depthwise;
}

/* Registers run over one operand's channels, the other's are broadcast one by one. The gradient to the input
 * also multiplies with the zeros around dy: every place of x with every tap that some place of y reaches it
 * by. */
double conv_direct_cost(const KernelCall *call) {
    ConvGeometry g = conv_call_geometry(call);
    bool input_grad = call->kernel->direction == KERNEL_INPUT_GRAD;
    int64_t in_registers = input_grad ? g.group_channels : g.group_filters;
    int64_t broadcast = input_grad ? g.group_filters : g.group_channels;
    double products = (double)g.groups * (double)broadcast;
    for (int i = 0; i < g.spatial; i++) {
        const WindowAxis *a = &g.axis[i];
        products *=
            (double)a->kernel * (input_grad ? (double)a->input / (double)a->stride : (double)a->output);
    }
    return products * estimate_registers(call->machine, in_registers) / estimate_ports(call->machine);
}

const Kernel conv_direct_forward = {.name = "direct",
                                    .direction = KERNEL_FORWARD,
                                    .elements = ELEMENT_F32 | ELEMENT_F64,
                                    .applies = conv_direct_applies,
                                    .cost = conv_direct_cost,
                                    .halo = conv_halo,
                                    .emit = forward_emit,
                                    .epilogue = true,
                                    .pools = true,
                                    .splits = true};

const Kernel conv_direct_input_grad = {.name = "direct",
                                       .direction = KERNEL_INPUT_GRAD,
                                       .elements = ELEMENT_F32 | ELEMENT_F64,
                                       .applies = conv_direct_applies,
                                       .cost = conv_direct_cost,
                                       .halo = conv_halo,
                                       .emit = input_grad_emit,
                                       .epilogue = true};
