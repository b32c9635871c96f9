/* Matches the arguments of a call to the rows of an operator's table and fills one Attr a row: what was
 * written, the default, or another argument's value. */
#include "sema/elaborator.h"

Datum argument_datum(Elaborator *e, CallArgument *argument, bool word) {
    if (!argument->evaluated) {
        argument->datum = word ? evaluate_word(e, argument->expr) : evaluate(e, argument->expr);
        argument->evaluated = true;
    }
    return argument->datum;
}

Span argument_place(const CallArgument *argument) {
    return argument->name ? argument->name_span : argument->span;
}

/* Rows that calls fill themselves, not the user. */
static bool is_hidden(const Op *op, const Param *param) {
    return op->merge && (!strcmp(param->name, "number") || !strcmp(param->name, "number_position"));
}

static bool takes_words(ParamType type) {
    return type == PARAM_WORD || type == PARAM_PADDING || type == PARAM_INIT;
}

static int param_index(const Op *op, const char *name) {
    for (int i = 0; i < op->param_count; i++)
        if (!is_hidden(op, &op->params[i]) && !strcmp(op->params[i].name, name)) return i;
    return -1;
}

static int next_positional(const Op *op, int from) {
    while (from < op->param_count && op->params[from].keyword_only) from++;
    return from;
}

static const char *suggest_param(Elaborator *e, const Op *op, const char *name) {
    VEC(const char *) names = {0};
    for (int i = 0; i < op->param_count; i++)
        if (!is_hidden(op, &op->params[i])) vec_push(e->arena, &names, op->params[i].name);
    vec_push(e->arena, &names, "name");
    return suggestion(e, name, names.items, names.count);
}

static int positional_count(const Op *op) {
    int count = 0;
    for (int i = 0; i < op->param_count; i++)
        count += !op->params[i].keyword_only && !is_hidden(op, &op->params[i]);
    return count;
}

/* chosen[i]: the argument of row i. Of a PARAM_DIMS row it is the first of all that stand by position, *dims
 * of them. */
static bool match(Elaborator *e, const Op *op, CallArguments *arguments, CallArgument **chosen, int *dims) {
    bool fine = true;
    int position = 0;
    for (int i = 0; i < arguments->count; i++) {
        CallArgument *argument = &arguments->items[i];
        int index = argument->name ? param_index(op, argument->name) : next_positional(op, position);
        if (argument->name && index < 0) {
            report(e, argument->name_span, E_UNKNOWN_ARGUMENT, op->name, argument->name,
                   suggest_param(e, op, argument->name));
            fine = false;
            continue;
        }
        if (index >= op->param_count) {
            int takes = positional_count(op);
            report(e, argument->span, E_TOO_MANY_ARGUMENTS, op->name, takes,
                   takes == 1 ? "argument" : "arguments");
            return false;
        }
        bool several = !argument->name && op->params[index].type == PARAM_DIMS;
        if (several) ++*dims;
        if (!argument->name && !several) position = index + 1;
        if (!chosen[index]) {
            chosen[index] = argument;
        } else if (!several || *dims == 1) {
            if (!argument->late)
                report(e, argument_place(argument), E_ARGUMENT_TWICE, op->params[index].name, op->name);
            fine = false;
        }
    }
    return fine;
}

/* reshape(4, 4, 2): the integers become one list, and what was written for them too. */
static Datum gather_dims(Elaborator *e, CallArgument *first, int count, const Expr **expr) {
    if (count == 1) return argument_datum(e, first, false);
    DatumList *list = ARENA_NEW(e->arena, DatumList);
    list->items = ARENA_ARRAY(e->arena, Datum, (size_t)count);
    Expr *written = ARENA_NEW(e->arena, Expr);
    *written = (Expr){.kind = EXPR_LIST, .span = first->span};
    for (CallArgument *argument = first; list->count < count; argument++) {
        if (argument->name) continue;
        Datum datum = argument_datum(e, argument, false);
        if (datum.kind == DATUM_ERROR) return datum;
        list->items[list->count++] = datum;
        vec_push(e->arena, &written->items, (Expr *)argument->expr);
    }
    *expr = written;
    return DATUM_OF(list, DATUM_LIST, list);
}

static bool fill_given(Elaborator *e, const Op *op, const Param *param, CallArgument *argument, int dims,
                       int spatial, Attr *attr, ActivationChoice *activation) {
    const Expr *expr = argument->expr;
    Datum datum = param->type == PARAM_DIMS && dims ? gather_dims(e, argument, dims, &expr)
                                                    : argument_datum(e, argument, takes_words(param->type));
    if (datum.kind == DATUM_ERROR) return false;
    bool fine;
    if (activation && param->type == PARAM_WORD && !param->words) {
        fine = choose_activation(e, param->name, op->name, datum, argument->span, activation);
        attr->kind = activation->op ? ATTR_WORD : ATTR_NONE;
        if (activation->op) attr->word = activation->op->name;
    } else {
        fine = attribute_convert(e, op, param, datum, argument->span, expr, spatial, attr);
    }
    attr->given = true;
    attr->span = argument->span;
    return fine;
}

bool bind_arguments(Elaborator *e, const Op *op, CallArguments *arguments, int spatial, Span call,
                    Attr *attrs, ActivationChoice *activation) {
    CallArgument *chosen[SCRATCH_ROOM] = {NULL};
    int dims = 0;
    if (!match(e, op, arguments, chosen, &dims)) return false;
    bool fine = true;
    for (int i = 0; i < op->param_count; i++) {
        const Param *param = &op->params[i];
        attrs[i].span = call;
        if (chosen[i]) {
            fine &= fill_given(e, op, param, chosen[i], dims, spatial, &attrs[i], activation);
        } else if (is_hidden(op, param)) {
            attrs[i].kind = param->type == PARAM_INT ? ATTR_INT : ATTR_NONE;
        } else if (!param->fallback) {
            report(e, call, E_MISSING_ARGUMENT, op->name, param->name);
            fine = false;
        } else if (*param->fallback != '=') {
            Datum datum = datum_of_text(e, param->fallback);
            fine &= attribute_convert(e, op, param, datum, call, NULL, spatial, &attrs[i]);
        }
    }
    for (int i = 0; fine && i < op->param_count; i++) {
        if (chosen[i] || !op->params[i].fallback || *op->params[i].fallback != '=') continue;
        attrs[i] = *attr_find(op, attrs, op->params[i].fallback + 1);
        attrs[i].given = false;
    }
    return fine;
}
