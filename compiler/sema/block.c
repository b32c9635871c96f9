/* Calls of blocks: their arguments, a frame of their own, and the model's input, whose call begins it all. */
#include "sema/elaborator.h"

#include <inttypes.h>

static CallArguments fill_arguments(Elaborator *e, const Expr *call, CallArgument *room) {
    CallArguments arguments = {.items = room};
    int count = call->kind == EXPR_CALL ? call->arguments.count : 0;
    if (count && (!room || count > SCRATCH_ROOM))
        arguments.items = ARENA_ARRAY(e->arena, CallArgument, (size_t)count);
    arguments.capacity = arguments.count = count;
    for (int i = 0; i < count; i++) {
        const Argument *argument = &call->arguments.items[i];
        arguments.items[i] = (CallArgument){.name = argument->name,
                                            .name_span = argument->name_span,
                                            .span = argument->value->span,
                                            .expr = argument->value};
        if (argument->name || !i || !call->arguments.items[i - 1].name) continue;
        arguments.items[i].late = true;
        report(e, argument->span, E_POSITIONAL_LATE);
    }
    return arguments;
}

CallArguments call_arguments(Elaborator *e, const Expr *call) {
    return fill_arguments(e, call, NULL);
}

CallArguments layer_arguments(Elaborator *e, const Expr *call) {
    if (!e->scratch_arguments) e->scratch_arguments = ARENA_ARRAY(e->arena, CallArgument, SCRATCH_ROOM);
    return fill_arguments(e, call, e->scratch_arguments);
}

const CallArgument *take_name(Elaborator *e, CallArguments *arguments) {
    const CallArgument *own = NULL;
    int kept = 0;
    for (int i = 0; i < arguments->count; i++) {
        CallArgument *argument = &arguments->items[i];
        if (!argument->name || strcmp(argument->name, "name")) {
            arguments->items[kept++] = *argument;
            continue;
        }
        Datum datum = argument_datum(e, argument, false);
        if (datum.kind == DATUM_STRING)
            own = arena_copy(e->arena, argument, sizeof *argument);
        else if (datum.kind != DATUM_ERROR)
            report(e, argument->span, E_ARGUMENT_TYPE, "name", "a layer", "a string", datum_text(e, datum));
    }
    arguments->count = kept;
    return own;
}

static int parameter_index(const Decl *block, const char *name) {
    for (int i = 0; i < block->parameters.count; i++)
        if (!strcmp(block->parameters.items[i].name, name)) return i;
    return -1;
}

static const char *suggest_parameter(Elaborator *e, const Decl *block, const char *name) {
    VEC(const char *) names = {0};
    for (int i = 0; i < block->parameters.count; i++)
        vec_push(e->arena, &names, block->parameters.items[i].name);
    return suggestion(e, name, names.items, names.count);
}

/* Gives every parameter its argument, evaluated where the call stands; NULL where the default holds. */
static bool match_parameters(Elaborator *e, const Decl *block, CallArguments *arguments,
                             CallArgument **chosen) {
    bool fine = true;
    int position = 0;
    for (int i = 0; i < arguments->count; i++) {
        CallArgument *argument = &arguments->items[i];
        int index = argument->name ? parameter_index(block, argument->name) : position++;
        if (index < 0) {
            report(e, argument->name_span, E_UNKNOWN_ARGUMENT, block->name, argument->name,
                   suggest_parameter(e, block, argument->name));
            fine = false;
        } else if (index >= block->parameters.count) {
            report(e, argument->span, E_TOO_MANY_ARGUMENTS, block->name, block->parameters.count,
                   block->parameters.count == 1 ? "argument" : "arguments");
            return false;
        } else if (chosen[index]) {
            if (!argument->late)
                report(e, argument_place(argument), E_ARGUMENT_TWICE, block->parameters.items[index].name,
                       block->name);
            fine = false;
        } else {
            chosen[index] = argument;
            argument_datum(e, argument, false);
        }
    }
    return fine;
}

/* In the block's frame: arguments first, then defaults, which may use the parameters before them. */
static bool bind_parameters(Elaborator *e, const Decl *block, CallArgument **chosen, Span call) {
    bool fine = true;
    for (int i = 0; i < block->parameters.count; i++) {
        const Parameter *parameter = &block->parameters.items[i];
        Datum datum = datum_error;
        if (chosen[i]) {
            datum = chosen[i]->datum;
        } else if (parameter->fallback) {
            datum = evaluate(e, parameter->fallback);
        } else {
            report(e, call, E_MISSING_ARGUMENT, block->name, parameter->name);
            note(e, parameter->span, "'%s' is declared here", parameter->name);
            fine = false;
        }
        scope_bind(e, parameter->name, datum);
    }
    return fine;
}

Datum call_block(Elaborator *e, const Symbol *block, const Expr *call, Datum before) {
    const Decl *decl = block->decl;
    CallArguments arguments = call_arguments(e, call);
    const CallArgument *own = take_name(e, &arguments);
    const char *name = name_next(e, decl->name, own, call->span);
    CallArgument **chosen = ARENA_ARRAY(e->arena, CallArgument *, (size_t)decl->parameters.count + 1);
    if (!match_parameters(e, decl, &arguments, chosen) || !name) return datum_error;
    if (before.kind == DATUM_ERROR || e->stopped) return datum_error;
    if (e->block_depth >= MAX_NESTING) {
        report(e, call->span, E_NESTING);
        e->stopped = true;
        return datum_error;
    }
    e->block_depth++;
    Frame *frame = frame_open(e, block->file);
    frame->is_block = true;
    frame->name = name;
    Step step = {.outer = e->way, .at = call->span, .block = name};
    e->way = &step;
    frame->current = frame->input = before;
    Datum result = datum_error;
    if (bind_parameters(e, decl, chosen, call->span)) {
        run_body(e, decl->body);
        result = frame->current;
    }
    frame_close(e);
    e->way = step.outer;
    e->block_depth--;
    return result;
}

static bool input_extents(Elaborator *e, const Expr *call, Shape *shape) {
    for (int i = 0; i < call->arguments.count; i++) {
        const Argument *argument = &call->arguments.items[i];
        if (argument->name) {
            report(e, argument->name_span, E_UNKNOWN_ARGUMENT, "input", argument->name, "");
            return false;
        }
        int64_t extent;
        if (!evaluate_integer(e, argument->value, "an extent of the input", &extent)) return false;
        if (extent < 1) {
            report(e, argument->value->span, E_INPUT_EXTENT, extent);
            return false;
        }
        if (shape->rank < 4) shape->dim[shape->rank] = extent;
        shape->rank++;
    }
    if (shape->rank >= 1 && shape->rank <= 4) return true;
    report(e, call->span, E_INPUT_AXES, shape->rank);
    return false;
}

Datum call_input(Elaborator *e, const Expr *call) {
    if (!e->input_allowed) {
        if (!e->input_missing) report(e, call->span, E_INPUT_FIRST);
        return datum_error;
    }
    e->input_allowed = false;
    Shape shape = {0};
    e->frame->current = datum_error;
    if (call->kind != EXPR_CALL) {
        report(e, call->span, E_INPUT_AXES, 0);
        return datum_error;
    }
    if (!input_extents(e, call, &shape)) return datum_error;
    if (shape_elements(&shape) < 0) {
        report(e, call->span, E_MODEL_TOO_LARGE, "the input");
        return datum_error;
    }
    e->graph->input = graph_add_value(e->graph, ROLE_INPUT, shape, "input", -1, call->span);
    e->frame->current = DATUM_OF(value, DATUM_VALUE, e->graph->input);
    return e->frame->current;
}
