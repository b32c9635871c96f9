/* See shape_call.h. Sizes and paddings come fitted: elaboration has spread a single number over the input's
 * spatial axes, so one whose rank differs was written with the wrong number of axes. */
#include "graph/shape_call.h"

#include <inttypes.h>
#include <string.h>

const Shape *shape_input(const ShapeCall *call, int i) {
    return &graph_value(call->graph, call->inputs[i])->shape;
}

const Attr *shape_attr(const ShapeCall *call, const char *name) {
    for (int i = 0; i < call->op->param_count; i++)
        if (!strcmp(call->op->params[i].name, name)) return &call->attrs[i];
    return NULL;
}

Span shape_span(const ShapeCall *call, const char *argument) {
    const Attr *attr = shape_attr(call, argument);
    return attr && attr->given ? attr->span : call->span;
}

const char *shape_article(const char *text) {
    if (*text == '8') return "an";
    if (*text == '1' && (text[1] == '1' || text[1] == '8')) {
        size_t digits = strspn(text, "0123456789");
        return digits % 3 == 2 ? "an" : "a"; /* eleven, eighteen thousand, but a hundred and eleven */
    }
    return *text && strchr("aeioAEIO", *text) ? "an" : "a";
}

static const char *spatial_text(Arena *arena, const Shape *shape) {
    Shape spatial = *shape;
    spatial.rank = shape_spatial(shape);
    return shape_text(arena, &spatial);
}

void shape_note_origin(ShapeCall *call, int input) {
    const Value *value = graph_value(call->graph, call->inputs[input]);
    const char *shape = shape_text(call->cx->arena, &value->shape);
    if (value->role == ROLE_INPUT)
        diag_note(call->cx->diag, value->origin, "the input is %s", shape);
    else if (value->layer >= 0)
        diag_note(call->cx->diag, value->origin, "%s makes it %s",
                  call->graph->layers.items[value->layer].name, shape);
}

static const char *const rank_names[] = {"a number", "a vector (features)", "a sequence (length, channels)",
                                         "an image (height, width, channels)",
                                         "a volume (depth, height, width, channels)"};

static const char *ranks_text(Arena *arena, int from, int to) {
    if (to > 4) to = 4;
    const char *text = rank_names[from];
    for (int rank = from + 1; rank <= to; rank++)
        text = arena_printf(arena, "%s%s%s", text, rank == to ? " or " : ", ", rank_names[rank]);
    return text;
}

bool shape_call_rank(ShapeCall *call, int min_rank, int max_rank) {
    const Shape *shape = shape_input(call, 0);
    if (shape->rank >= min_rank && shape->rank <= max_rank) return true;
    Arena *arena = call->cx->arena;
    static const char *const kinds[] = {"a number", "a vector", "a sequence", "an image", "a volume"};
    const char *found =
        arena_printf(arena, "%s (%s)", shape->rank <= 4 ? kinds[shape->rank] : "a sample of many axes",
                     shape_text(arena, shape));
    diag(call->cx->diag, call->span, E_INPUT_RANK, call->op->name, ranks_text(arena, min_rank, max_rank),
         found);
    shape_note_origin(call, 0);
    return false;
}

static bool axes_agree(ShapeCall *call, const char *name, const char *text, int axes) {
    const Shape *shape = shape_input(call, 0);
    int spatial = shape_spatial(shape);
    if (axes == spatial) return true;
    diag(call->cx->diag, shape_span(call, name), E_SIZE_AXES, name, text, axes, axes == 1 ? "axis" : "axes",
         spatial);
    shape_note_origin(call, 0);
    diag_help(call->cx->diag, "one number stands for every axis; the channels have none");
    return false;
}

bool shape_size_rank(ShapeCall *call, const char *name) {
    const Attr *attr = shape_attr(call, name);
    if (!attr || attr->kind != ATTR_SIZE) return true;
    return axes_agree(call, name, size_text(call->cx->arena, &attr->size), attr->size.rank);
}

bool shape_padding_rank(ShapeCall *call, const char *name) {
    const Attr *attr = shape_attr(call, name);
    if (!attr || attr->kind != ATTR_PADDING || attr->padding.kind != PADDING_EXPLICIT) return true;
    const Padding *padding = &attr->padding;
    const char *text = "[";
    for (int i = 0; i < padding->rank; i++)
        text = arena_printf(call->cx->arena, "%s%s[%" PRId64 ", %" PRId64 "]", text, i ? ", " : "",
                            padding->begin[i], padding->end[i]);
    return axes_agree(call, name, arena_printf(call->cx->arena, "%s]", text), padding->rank);
}

/* How the formula comes out, and what would fit instead. */
static void help_window(ShapeCall *call, const char *window, const WindowAxis *axis, bool ceil) {
    int64_t reach = axis->dilation * (axis->kernel - 1) + 1, padding = axis->begin + axis->end;
    int64_t wider = axis->begin + (reach - axis->input - padding + 1) / 2;
    int64_t largest = (axis->input + padding - 1) / axis->dilation + 1;
    bool pool = !strcmp(window, "window");
    const char *cure = pool && wider > axis->kernel / 2
                           ? arena_printf(call->cx->arena, "%s %" PRId64 " would fit", window, largest)
                           : arena_printf(call->cx->arena, "padding=%" PRId64 " or %s %" PRId64 " would fit",
                                          wider, window, largest);
    diag_help(call->cx->diag,
              "%s((%" PRId64 " + %" PRId64 " - %" PRId64 ")/%" PRId64 ") + 1 = %" PRId64 "; %s",
              ceil ? "ceil" : "floor", axis->input, padding, reach, axis->stride, axis->output, cure);
}

static void report_window(ShapeCall *call, const char *window, const Size *size, const WindowAxis *axis,
                          bool ceil) {
    Arena *arena = call->cx->arena;
    const Shape *shape = shape_input(call, 0);
    const char *window_text = size_text(arena, size), *input = spatial_text(arena, shape);
    const char *dilated =
        axis->dilation > 1 ? arena_printf(arena, " with dilation %" PRId64, axis->dilation) : "";
    if (shape_spatial(shape) == 1)
        diag(call->cx->diag, call->span, E_WINDOW_TOO_LARGE,
             arena_printf(arena, "a %s of length %s%s", window, window_text, dilated),
             arena_printf(arena, "an input of length %s", input));
    else
        diag(call->cx->diag, call->span, E_WINDOW_TOO_LARGE,
             arena_printf(arena, "%s %s %s%s", shape_article(window_text), window_text, window, dilated),
             arena_printf(arena, "%s %s input", shape_article(input), input));
    shape_note_origin(call, 0);
    help_window(call, window, axis, ceil);
}

bool shape_windows(ShapeCall *call, bool ceil, WindowAxis axes[SPATIAL_MAX]) {
    const char *window = shape_attr(call, "kernel") ? "kernel" : "window";
    const Attr *size = shape_attr(call, window), *stride = shape_attr(call, "stride");
    const Attr *dilation = shape_attr(call, "dilation"), *padding = shape_attr(call, "padding");
    const Padding valid = {.kind = PADDING_VALID};
    if (!shape_size_rank(call, window) || !shape_size_rank(call, "stride") ||
        !shape_size_rank(call, "dilation") || !shape_padding_rank(call, "padding"))
        return false;
    const Shape *shape = shape_input(call, 0);
    for (int i = 0; i < shape_spatial(shape); i++) {
        axes[i] = (WindowAxis){.input = shape->dim[i],
                               .kernel = size->size.dim[i],
                               .stride = stride ? stride->size.dim[i] : 1,
                               .dilation = dilation ? dilation->size.dim[i] : 1};
        int64_t reach = extent_multiply(axes[i].dilation, axes[i].kernel - 1);
        if (reach < 0 || reach > INT64_MAX / 4) {
            diag(call->cx->diag, call->span, E_SIZE_TOO_LARGE, window);
            return false;
        }
        window_axis_fit(&axes[i], padding ? &padding->padding : &valid, i, ceil);
        if (axes[i].output >= 1) continue;
        report_window(call, window, &size->size, &axes[i], ceil);
        return false;
    }
    return true;
}

static Storage plain_storage(const Shape *shape) {
    Storage storage = {.size = shape_elements(shape), .group = 1, .block = 1};
    int64_t stride = 1;
    for (int axis = shape->rank - 1; axis > 0; axis--) {
        storage.stride[axis] = stride;
        stride *= shape->dim[axis];
    }
    storage.group_stride = stride;
    return storage;
}

void shape_add_parameter(ShapeCall *call, ParameterInfo info) {
    if (!info.storage.size && shape_elements(&info.shape) > 0) info.storage = plain_storage(&info.shape);
    vec_push(call->cx->arena, &call->parameters, info);
}
