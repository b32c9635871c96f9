/* See conv_geometry.h. */
#include "ops/conv/conv_geometry.h"

#include <string.h>

static bool has_argument(const Op *op, const char *name) {
    for (int i = 0; i < op->param_count; i++)
        if (!strcmp(op->params[i].name, name)) return true;
    return false;
}

ConvGeometry conv_geometry(const Node *node, const Shape *x, const Shape *y) {
    ConvGeometry g = {
        .spatial = shape_spatial(x), .channels = shape_channels(x), .filters = shape_channels(y)};
    g.groups = has_argument(node->op, "groups") ? node_int(node, "groups") : g.channels;
    g.group_channels = g.channels / g.groups;
    g.group_filters = g.filters / g.groups;
    g.depthwise = g.groups == g.channels && g.filters == g.channels && g.channels > 1;
    g.flip = node_bool(node, "flip");
    g.taps = 1;
    for (int i = g.spatial - 1; i >= 0; i--) {
        WindowAxis *axis = &g.axis[i];
        *axis = (WindowAxis){.input = x->dim[i],
                             .kernel = node_size(node, "kernel")->dim[i],
                             .stride = node_size(node, "stride")->dim[i],
                             .dilation = node_size(node, "dilation")->dim[i]};
        window_axis_fit(axis, node_padding(node, "padding"), i, false);
        g.tap_stride[i] = g.taps;
        g.taps *= axis->kernel;
    }
    return g;
}

static const Shape *input_shape(const Graph *graph, const Node *node, int i) {
    return &graph_value(graph, node->inputs.items[i])->shape;
}

ConvGeometry conv_node_geometry(const Graph *graph, const Node *node, KernelDirection direction) {
    const Shape *first = input_shape(graph, node, 0);
    const Shape *output = &graph_value(graph, node->outputs.items[0])->shape;
    if (direction == KERNEL_FORWARD) return conv_geometry(node, first, output);
    if (direction == KERNEL_INPUT_GRAD) return conv_geometry(node, output, first);
    return conv_geometry(node, first, input_shape(graph, node, 1));
}

ConvGeometry conv_call_geometry(const KernelCall *call) {
    return conv_node_geometry(call->graph, call->node, call->kernel->direction);
}

ConvGeometry conv_code_geometry(const KernelCode *code) {
    KernelCall call = code_call(code);
    return conv_call_geometry(&call);
}

bool conv_has_bias(const Node *node) {
    return node_bool(node, "bias");
}

Panels conv_panels(const Machine *machine, const ConvGeometry *g) {
    return panels_plan(machine, g->groups, g->group_filters, g->taps * g->group_channels);
}

Panels conv_transposed_panels(const Machine *machine, const ConvGeometry *g) {
    return panels_plan(machine, g->groups, g->group_channels, g->taps * g->group_filters);
}

static Shape weight_shape(const ConvGeometry *g) {
    Shape shape = {
        .rank = 2 + g->spatial, .dim = {g->filters, g->group_channels}
    };
    for (int i = 0; i < g->spatial; i++) shape.dim[2 + i] = g->axis[i].kernel;
    return shape;
}

/* A mirrored kernel lies mirrored: its taps are counted down from the last. */
static void mirror(Storage *s, const ConvGeometry *g) {
    for (int i = 0; i < g->spatial; i++) {
        s->origin += s->stride[2 + i] * (g->axis[i].kernel - 1);
        s->stride[2 + i] = -s->stride[2 + i];
    }
}

Storage conv_weight_storage(const Machine *machine, const ConvGeometry *g) {
    Shape shape = weight_shape(g);
    int64_t steps[SHAPE_MAX_RANK] = {0, 1};
    for (int i = 0; i < g->spatial; i++) steps[2 + i] = g->tap_stride[i] * g->group_channels;
    Storage s = {.size = g->taps * g->channels, .group = g->channels, .block = g->channels};
    for (int i = 0; i < g->spatial; i++) s.stride[2 + i] = g->tap_stride[i] * g->channels;
    if (!g->depthwise) {
        Panels panels = conv_panels(machine, g);
        s = panels_storage(&panels, &shape, steps);
    }
    if (g->flip) mirror(&s, g);
    return s;
}

void conv_input_halo(const ConvGeometry *g, Halo *halo) {
    for (int i = 0; i < g->spatial; i++) {
        const WindowAxis *axis = &g->axis[i];
        int64_t last = (axis->output - 1) * axis->stride + axis->dilation * (axis->kernel - 1) - axis->begin;
        halo->before[i] = axis->begin;
        halo->after[i] = last >= axis->input ? last - axis->input + 1 : 0;
    }
}

static int64_t greatest_common_divisor(int64_t a, int64_t b) {
    return b ? greatest_common_divisor(b, a % b) : a;
}

static ResidueClass residue_class(const WindowAxis *axis, int64_t residue) {
    ResidueClass c = {.first = residue};
    c.places = (axis->input - residue + axis->stride - 1) / axis->stride;
    c.tap_step = axis->stride / greatest_common_divisor(axis->stride, axis->dilation);
    for (int64_t tap = 0; tap < axis->kernel; tap++) {
        int64_t distance = residue + axis->begin - tap * axis->dilation; /* stride * y's place */
        if (distance % axis->stride != 0) continue;
        c.taps++;
        c.last_tap = tap;
        c.origin = distance / axis->stride;
    }
    c.y_step = c.tap_step * axis->dilation / axis->stride;
    return c;
}

int64_t conv_residues(const WindowAxis *axis) {
    return axis->stride < axis->input ? axis->stride : axis->input;
}

static bool continues(const ResidueClass *c, const ResidueClass *next, int64_t distance) {
    return next->places == c->places && next->taps == c->taps && next->origin == c->origin &&
           (!c->taps || next->last_tap == c->last_tap + distance);
}

int64_t conv_residue_run(const WindowAxis *axis, int64_t residue) {
    ResidueClass first = residue_class(axis, residue);
    int64_t run = 1;
    while (residue + run < conv_residues(axis)) {
        ResidueClass next = residue_class(axis, residue + run);
        if (!continues(&first, &next, run)) break;
        run++;
    }
    return run;
}

/* dy is read wherever a tap of some place of x lands. */
static void output_halo(const ConvGeometry *g, Halo *halo) {
    for (int i = 0; i < g->spatial; i++) {
        const WindowAxis *axis = &g->axis[i];
        halo->before[i] = halo->after[i] = 0;
        for (int64_t residue = 0; residue < conv_residues(axis); residue++) {
            ResidueClass c = residue_class(axis, residue);
            if (!c.taps) continue;
            int64_t last = c.origin + c.places - 1 + (c.taps - 1) * c.y_step;
            if (-c.origin > halo->before[i]) halo->before[i] = -c.origin;
            if (last - (axis->output - 1) > halo->after[i]) halo->after[i] = last - (axis->output - 1);
        }
    }
}

bool conv_halo(const KernelCall *call, int input, Halo *halo) {
    if (input != 0) return false;
    ConvGeometry g = conv_call_geometry(call);
    if (call->kernel->direction == KERNEL_INPUT_GRAD)
        output_halo(&g, halo);
    else
        conv_input_halo(&g, halo);
    return true;
}

static void each_class_from(KernelCode *code, const ConvGeometry *g, int axis, ResidueClasses *classes,
                            ClassesBody body, void *user) {
    if (axis == g->spatial) {
        body(code, user);
        return;
    }
    const WindowAxis *a = &g->axis[axis];
    for (int64_t residue = 0, run; residue < conv_residues(a); residue += run) {
        classes->axis[axis] = residue_class(a, residue);
        run = conv_residue_run(a, residue);
        Loop loop = loop_begin_const(code, 0, run, 1);
        classes->later[axis] = loop.index;
        each_class_from(code, g, axis + 1, classes, body, user);
        loop_end(code, &loop);
    }
}

void conv_each_class(KernelCode *code, const ConvGeometry *g, ResidueClasses *classes, ClassesBody body,
                     void *user) {
    each_class_from(code, g, 0, classes, body, user);
}

typedef struct GridWalk {
    int axes;
    bool shared;
    const int64_t *extent;
    GridBody body;
    void *user;
    GridTile tile;
} GridWalk;

/* A loop over `count` pieces of that size from `start` on, or over this call's share of them. */
static Loop pieces_begin(KernelCode *code, int64_t start, int64_t size, int64_t count, bool shared) {
    if (!shared) return loop_begin_const(code, start, start + size * count, size);
    Share share = code_share(code, code_int(code, count));
    return loop_begin(code, code_add_const(code, code_mul_const(code, share.begin, size), start),
                      code_add_const(code, code_mul_const(code, share.end, size), start), size);
}

/* Pieces of `most` places along the last axis. */
static void walk_columns(KernelCode *code, GridWalk *walk, int64_t most) {
    int last = walk->axes - 1;
    Cut cut = cut_evenly(walk->extent[last], most);
    int64_t start = 0;
    for (int small = 0; small < 2; small++) {
        int64_t size = cut.large - small, count = small ? cut.small_count : cut.large_count;
        if (size < 1 || count < 1) continue;
        Loop loop = pieces_begin(code, start, size, count, walk->shared && walk->axes == 1);
        walk->tile.index[last] = loop.index;
        walk->tile.columns = (int)size;
        walk->body(code, &walk->tile, walk->user);
        loop_end(code, &loop);
        start += size * count;
    }
}

/* Rows that, whole, fit the tile; one where even that does not. */
static int64_t rows_at_once(int64_t columns, int most_places) {
    return columns * 2 <= most_places ? most_places / columns : 1;
}

int64_t grid_pieces(int axes, const int64_t *extent, int most_places) {
    if (axes > 2) return extent[0];
    int64_t most = axes == 1 ? most_places : rows_at_once(extent[1], most_places);
    return (extent[0] + most - 1) / most;
}

/* Pieces of whole rows, of one where the tile is shorter. */
static void walk_rows(KernelCode *code, GridWalk *walk, int most_places) {
    int axis = walk->axes - 2;
    Cut cut = cut_evenly(walk->extent[axis], rows_at_once(walk->extent[axis + 1], most_places));
    int64_t start = 0;
    for (int small = 0; small < 2; small++) {
        int64_t size = cut.large - small, count = small ? cut.small_count : cut.large_count;
        if (size < 1 || count < 1) continue;
        Loop loop = pieces_begin(code, start, size, count, walk->shared && walk->axes == 2);
        walk->tile.index[axis] = loop.index;
        walk->tile.rows = (int)size;
        walk_columns(code, walk, most_places / size);
        loop_end(code, &loop);
        start += size * count;
    }
}

static void loop_some_grid(KernelCode *code, int axes, const int64_t *extent, int most_places, bool shared,
                           GridBody body, void *user) {
    GridWalk walk = {
        .axes = axes, .shared = shared, .extent = extent, .body = body, .user = user, .tile = {.rows = 1}};
    for (int i = 0; i < axes; i++)
        if (extent[i] < 1) return;
    Loop loops[SPATIAL_MAX];
    int outer = axes > 2 ? axes - 2 : 0;
    for (int i = 0; i < outer; i++) {
        loops[i] = pieces_begin(code, 0, 1, extent[i], shared && i == 0);
        walk.tile.index[i] = loops[i].index;
    }
    if (axes == 1)
        walk_columns(code, &walk, most_places);
    else
        walk_rows(code, &walk, most_places);
    for (int i = outer - 1; i >= 0; i--) loop_end(code, &loops[i]);
}

void loop_grid(KernelCode *code, int axes, const int64_t *extent, int most_places, GridBody body,
               void *user) {
    loop_some_grid(code, axes, extent, most_places, false, body, user);
}

void loop_shared_grid(KernelCode *code, int axes, const int64_t *extent, int most_places, GridBody body,
                      void *user) {
    loop_some_grid(code, axes, extent, most_places, true, body, user);
}
