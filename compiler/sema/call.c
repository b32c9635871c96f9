/* Calls of layers: operands, arguments, the shape rule, parameters, the node, its activation, and the row of
 * the summary. */
#include "sema/elaborator.h"

#include <math.h>

typedef struct Operands {
    VEC(ValueId) values;
    bool has_number;
    double number;
    int number_position;
    Span number_span;
} Operands;

/* Takes the values and the number that stand by position out of a merging layer's arguments. */
static bool take_operands(Elaborator *e, const Op *op, CallArguments *arguments, Operands *operands) {
    int kept = 0, position = operands->values.count;
    for (int i = 0; i < arguments->count; i++) {
        CallArgument *argument = &arguments->items[i];
        if (argument->name) {
            arguments->items[kept++] = *argument;
            continue;
        }
        Datum datum = argument_datum(e, argument, false);
        if (datum.kind == DATUM_ERROR) return false;
        if (datum.kind == DATUM_VALUE) {
            vec_push(e->arena, &operands->values, datum.value);
        } else if (datum_is_number(datum) && !operands->has_number) {
            operands->has_number = true;
            operands->number = datum_number(datum);
            operands->number_position = position;
            operands->number_span = argument->span;
        } else if (datum_is_number(datum)) {
            report(e, argument->span, E_MERGE_TWO_NUMBERS, op->name);
            return false;
        } else {
            report(e, argument->span, E_MERGE_OPERAND, op->name, datum_text(e, datum));
            if (datum.kind == DATUM_WORD && name_is_layer(datum.text))
                help(e, "name a layer's result first: branch = %s, then %s(branch, ...)", datum.text,
                     op->name);
            return false;
        }
        position++;
    }
    arguments->count = kept;
    return true;
}

static bool op_has(const Op *op, const char *name) {
    for (int i = 0; i < op->param_count; i++)
        if (!strcmp(op->params[i].name, name)) return true;
    return false;
}

static bool check_operands(Elaborator *e, const Op *op, const Operands *operands, Span call) {
    int count = operands->values.count + operands->has_number;
    if (operands->has_number && !op_has(op, "number")) {
        report(e, operands->number_span, E_MERGE_NUMBER, op->name);
        return false;
    }
    if (count < 2 || !operands->values.count) {
        report(e, call, E_MERGE_COUNT, op->name, count == 0 ? "none" : count == 1 ? "one" : "numbers alone");
        help(e, "%s(a, b) at the head of a pipeline, or a -> %s(b)", op->name, op->name);
        return false;
    }
    return true;
}

static void set_number(const Op *op, Attr *attrs, const Operands *operands) {
    if (!operands->has_number) return;
    for (int i = 0; i < op->param_count; i++) {
        if (!strcmp(op->params[i].name, "number")) {
            attrs[i].kind = ATTR_REAL;
            attrs[i].real = operands->number;
            attrs[i].given = true;
        } else if (!strcmp(op->params[i].name, "number_position")) {
            attrs[i].kind = ATTR_INT;
            attrs[i].integer = operands->number_position;
        }
    }
}

/* Adds to one of the model's totals; an error where it no longer fits. */
static bool add_total(Elaborator *e, int64_t *total, int64_t amount, const char *what, Span at) {
    if (amount >= 0 && !__builtin_add_overflow(*total, amount, total) && *total < (int64_t)1 << 60)
        return true;
    report(e, at, E_MODEL_TOO_LARGE, what);
    e->stopped = true;
    return false;
}

/* The layer's parameters become values and the node's further inputs; the layer's counts go up. `prefix`
 * stands before their names: "prelu." where an activation of a layer brings one. */
static bool add_parameters(Elaborator *e, ShapeCall *call, const char *prefix, ValueId *inputs) {
    Layer *layer = &e->graph->layers.items[call->layer];
    for (int i = 0; i < call->parameters.count; i++) {
        ParameterInfo *info = &call->parameters.items[i];
        int64_t elements = shape_elements(&info->shape);
        int64_t *total = info->statistic ? &e->statistics : &e->parameters;
        if (!add_total(e, total, elements, "the parameters", call->span)) return false;
        *(info->statistic ? &layer->statistics : &layer->parameters) += elements;
        if (info->trainable && !info->statistic) layer->trainable += elements;
        if (prefix) info->name = arena_printf(e->arena, "%s.%s", prefix, info->name);
        inputs[call->input_count + i] = graph_add_parameter(e->graph, info, call->layer, call->span);
    }
    return true;
}

/* Runs the shape rule and appends the node; gives its output, -1 after an error. */
static ValueId append_node(Elaborator *e, ShapeCall *call, const char *prefix) {
    if (!e->scratch_parameters) e->scratch_parameters = ARENA_ARRAY(e->arena, ParameterInfo, SCRATCH_ROOM);
    call->parameters.items = e->scratch_parameters;
    call->parameters.capacity = SCRATCH_ROOM;
    if (call->op->shape) {
        if (!call->op->shape(call)) {
            elaborator_note_way(e);
            return -1;
        }
    } else {
        call->output = graph_value(e->graph, call->inputs[0])->shape;
    }
    if (shape_elements(&call->output) < 0) {
        report(e, call->span, E_MODEL_TOO_LARGE, "the output");
        return -1;
    }
    int count = call->input_count + call->parameters.count;
    ValueId room[SCRATCH_ROOM],
        *inputs = count <= SCRATCH_ROOM ? room : ARENA_ARRAY(e->arena, ValueId, (size_t)count);
    memcpy(inputs, call->inputs, (size_t)call->input_count * sizeof *inputs);
    if (!add_parameters(e, call, prefix, inputs)) return -1;
    NodeId node = graph_add_node(e->graph, call->op, attrs_share(e, call->op, (Attr *)call->attrs), inputs,
                                 count, call->layer, call->span);
    ValueId output = graph_add_output(e->graph, node, ROLE_ACTIVATION, call->output);
    int64_t macs = call->op->macs ? call->op->macs(e->graph, graph_node(e->graph, node)) : 0;
    if (!add_total(e, &e->macs, macs, "the multiply-adds", call->span)) return -1;
    e->graph->layers.items[call->layer].macs += macs;
    return output;
}

static ValueId append_activation(Elaborator *e, ActivationChoice *choice, ValueId input, int layer, Span span,
                                 bool of_layer) {
    Attr *attrs = attrs_scratch(e, choice->op);
    if (!bind_arguments(e, choice->op, &choice->arguments, 0, choice->span, attrs, NULL)) return -1;
    ShapeCall call = {.cx = e->cx,
                      .graph = e->graph,
                      .op = choice->op,
                      .attrs = attrs,
                      .inputs = &input,
                      .input_count = 1,
                      .span = span,
                      .layer = layer};
    return append_node(e, &call, of_layer ? choice->op->name : NULL);
}

static int open_layer(Elaborator *e, const char *name, const char *kind, Span span, const ValueId *inputs,
                      int count) {
    if (e->graph->layers.count >= MAX_LAYERS) {
        report(e, span, E_TOO_MANY_LAYERS);
        e->stopped = true;
        return -1;
    }
    Layer layer = {.name = name, .kind = kind, .span = span, .output = -1};
    layer.inputs.items = ARENA_ARRAY(e->arena, const char *, (size_t)count + 1);
    layer.inputs.capacity = layer.inputs.count = count;
    for (int i = 0; i < count; i++) {
        int producer = graph_value(e->graph, inputs[i])->layer;
        layer.inputs.items[i] = producer < 0 ? "input" : e->graph->layers.items[producer].name;
    }
    vec_push(e->arena, &e->graph->layers, layer);
    return e->graph->layers.count - 1;
}

/* A call that failed once is not judged again in the next round of its loop. */
static const char *failed_key(Elaborator *e, const Expr *call) {
    return arena_printf(e->arena, "%p", (const void *)call);
}

static Datum fail(Elaborator *e, const Expr *call) {
    map_set(e->failed, failed_key(e, call), e);
    return datum_error;
}

static Datum finish_layer(Elaborator *e, const Expr *call, int layer, ValueId output) {
    if (output < 0) return fail(e, call);
    e->graph->layers.items[layer].output = output;
    return DATUM_OF(value, DATUM_VALUE, output);
}

static Datum build_layer(Elaborator *e, const Op *op, const Expr *call, const char *name,
                         CallArguments *arguments, const Operands *operands) {
    Attr *attrs = attrs_scratch(e, op);
    const Shape *first = &graph_value(e->graph, operands->values.items[0])->shape;
    ActivationChoice activation = {0};
    if (!bind_arguments(e, op, arguments, shape_spatial(first), call->span, attrs, &activation))
        return fail(e, call);
    set_number(op, attrs, operands);
    int layer = open_layer(e, name, op->name, call->span, operands->values.items, operands->values.count);
    if (layer < 0) return datum_error;
    ShapeCall shape_call = {.cx = e->cx,
                            .graph = e->graph,
                            .op = op,
                            .attrs = attrs,
                            .inputs = operands->values.items,
                            .input_count = operands->values.count,
                            .span = call->span,
                            .layer = layer};
    ValueId output = append_node(e, &shape_call, NULL);
    e->graph->layers.items[layer].activation = activation.span;
    if (output >= 0 && activation.op)
        output = append_activation(e, &activation, output, layer, call->span, true);
    return finish_layer(e, call, layer, output);
}

Datum call_layer(Elaborator *e, const Op *op, const Expr *call, Datum before) {
    if (diag_errors(e->cx->diag) && map_get(e->failed, failed_key(e, call))) return datum_error;
    CallArguments arguments = layer_arguments(e, call);
    const CallArgument *own = take_name(e, &arguments);
    const char *name = name_next(e, op->name, own, call->span);
    if (!name || before.kind == DATUM_ERROR) return datum_error;
    e->layer = name;
    ValueId room[SCRATCH_ROOM];
    Operands operands = {
        .values = {.items = room, .capacity = SCRATCH_ROOM}
    };
    if (before.kind == DATUM_VALUE) vec_push(e->arena, &operands.values, before.value);
    if (op->merge &&
        (!take_operands(e, op, &arguments, &operands) || !check_operands(e, op, &operands, call->span)))
        return fail(e, call);
    return build_layer(e, op, call, name, &arguments, &operands);
}

Datum call_activation(Elaborator *e, const Op *op, const Expr *call, Datum before) {
    if (diag_errors(e->cx->diag) && map_get(e->failed, failed_key(e, call))) return datum_error;
    CallArguments arguments = layer_arguments(e, call);
    const CallArgument *own = take_name(e, &arguments);
    const char *name = name_next(e, op->name, own, call->span);
    if (!name || before.kind == DATUM_ERROR) return datum_error;
    e->layer = name;
    for (int i = 0; i < arguments.count; i++) {
        const CallArgument *argument = &arguments.items[i];
        if (argument->name && strcmp(argument->name, "kind")) {
            report(e, argument->name_span, E_UNKNOWN_ARGUMENT, op->name, argument->name,
                   suggestion_of(e, argument->name, "kind name"));
            return fail(e, call);
        }
    }
    if (arguments.count > 1)
        report(e, arguments.items[1].span, E_TOO_MANY_ARGUMENTS, op->name, 1, "argument");
    if (arguments.count < 1) report(e, call->span, E_MISSING_ARGUMENT, op->name, "kind");
    if (arguments.count != 1) return fail(e, call);
    CallArgument *kind = &arguments.items[0];
    ActivationChoice choice = {0};
    if (!choose_activation(e, "kind", op->name, argument_datum(e, kind, true), kind->span, &choice))
        return fail(e, call);
    if (!choice.op) return before;
    int layer = open_layer(e, name, op->name, call->span, &before.value, 1);
    if (layer < 0) return datum_error;
    e->graph->layers.items[layer].activation = choice.span;
    return finish_layer(e, call, layer,
                        append_activation(e, &choice, before.value, layer, call->span, false));
}
