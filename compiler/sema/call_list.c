/* The arguments of a call as a list, before any is evaluated. */
#include "sema/elaborator.h"

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
