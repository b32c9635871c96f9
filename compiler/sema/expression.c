/* Evaluates expressions at compile time. Gives DATUM_ERROR after a diagnostic, and silently for operands that
 * are one. Chains of operators lean to the left and are walked in a loop, so that their length is no matter
 * of the C stack. */
#include "sema/elaborator.h"

#include <inttypes.h>

static Datum evaluate_name(Elaborator *e, const Expr *expr, bool word) {
    const char *name = expr->text;
    const Binding *binding = scope_find(e->frame, name);
    if (binding) return binding->datum;
    const Symbol *symbol = scope_symbol(e->frame, name);
    if (symbol && symbol->decl->kind == DECL_BLOCK) {
        report(e, expr->span, E_LAYER_IN_EXPRESSION, "a block's result");
        help(e, "name it first: branch = %s(...), then write branch here", name);
        return datum_error;
    }
    if (symbol && symbol->known) return symbol->datum;
    if (symbol) {
        report(e, expr->span, E_LATER_CONSTANT, name);
        note(e, symbol->decl->name_span, "'%s' is declared here", name);
        return datum_error;
    }
    Datum total;
    if (total_lookup(e, expr, &total)) return total;
    const char *known = map_get(e->words, name);
    if (known || word || op_planned(name)) return DATUM_OF(text, DATUM_WORD, known ? known : name);
    if (unknown_is_no_news(e)) return datum_error;
    const ForeignWord *foreign = foreign_name(e, FOREIGN_VALUE, name);
    report(e, expr->span, E_UNKNOWN_NAME, name, foreign_hint(e, foreign, suggest_name(e, name, false)));
    foreign_help(e, foreign);
    return datum_error;
}

static Datum evaluate_size(Elaborator *e, const Expr *expr) {
    if (expr->items.count > SPATIAL_MAX) {
        report(e, expr->span, E_SIZE_RANK, expr->items.count);
        return datum_error;
    }
    Size *size = ARENA_NEW(e->arena, Size);
    size->rank = expr->items.count;
    for (int i = 0; i < size->rank; i++) size->dim[i] = expr->items.items[i]->integer;
    return DATUM_OF(size, DATUM_SIZE, size);
}

static Datum evaluate_list(Elaborator *e, const Expr *expr) {
    DatumList *list = ARENA_NEW(e->arena, DatumList);
    list->count = expr->items.count;
    list->items = ARENA_ARRAY(e->arena, Datum, (size_t)list->count);
    for (int i = 0; i < list->count; i++) {
        list->items[i] = evaluate(e, expr->items.items[i]);
        if (list->items[i].kind == DATUM_ERROR) return datum_error;
    }
    return DATUM_OF(list, DATUM_LIST, list);
}

/* leaky_relu(0.2), normal(0.02), sgd(lr=0.1): whoever is handed it knows what its arguments mean. */
static bool is_word_with_arguments(Elaborator *e, const char *name) {
    const Op *op = op_find(name);
    if (op && op->kind != OPK_INTERNAL) return op->kind != OPK_LAYER;
    const char *planned = op_planned(name);
    return planned ? strcmp(planned, "layer") != 0 : map_get(e->words, name) != NULL;
}

static Datum evaluate_call(Elaborator *e, const Expr *expr) {
    if (name_is_function(expr->text)) return function_call(e, expr);
    const Symbol *symbol = scope_symbol(e->frame, expr->text);
    bool block = symbol && symbol->decl->kind == DECL_BLOCK;
    if (!block && is_word_with_arguments(e, expr->text)) {
        DatumCall *call = ARENA_NEW(e->arena, DatumCall);
        call->name = expr->text;
        call->arguments = call_arguments(e, expr);
        for (int i = 0; i < call->arguments.count; i++)
            if (argument_datum(e, &call->arguments.items[i], false).kind == DATUM_ERROR) return datum_error;
        return DATUM_OF(call, DATUM_CALL, call);
    }
    if (block || name_is_layer(expr->text)) {
        report(e, expr->span, E_LAYER_IN_EXPRESSION, block ? "a block's result" : "a layer's result");
        help(e, "name it first: branch = %s(...), then write branch here", expr->text);
    } else if (scope_find(e->frame, expr->text) || symbol) {
        report(e, expr->text_span, E_NOT_CALLABLE, expr->text);
    } else if (!unknown_is_no_news(e)) {
        const ForeignWord *foreign = foreign_name(e, FOREIGN_FUNCTION, expr->text);
        report(e, expr->text_span, E_UNKNOWN_FUNCTION, expr->text,
               foreign_hint(e, foreign, suggest_name(e, expr->text, false)));
        foreign_help(e, foreign);
    }
    return datum_error;
}

static Datum evaluate_index(Elaborator *e, const Expr *expr) {
    Datum of = evaluate(e, expr->left);
    int64_t index;
    if (of.kind == DATUM_ERROR || !evaluate_integer(e, expr->right, "an index", &index)) return datum_error;
    if (of.kind != DATUM_LIST && of.kind != DATUM_SIZE) {
        report(e, expr->left->span, E_INDEX_KIND, datum_text(e, of));
        return datum_error;
    }
    int count = of.kind == DATUM_LIST ? of.list->count : of.size->rank;
    if (index < 0 || index >= count) {
        report(e, expr->right->span, E_INDEX_RANGE, index, count);
        return datum_error;
    }
    return of.kind == DATUM_LIST ? of.list->items[index] : DATUM_OF(integer, DATUM_INT, of.size->dim[index]);
}

static Datum evaluate_attribute(Elaborator *e, const Expr *expr) {
    Datum total;
    if (expr->left->kind == EXPR_NAME && total_lookup(e, expr, &total)) return total;
    const char *object = expr->left->kind == EXPR_NAME ? expr->left->text : NULL;
    bool unknown = object && !scope_find(e->frame, object) && !scope_symbol(e->frame, object);
    const ForeignWord *module = unknown ? foreign_find(FOREIGN_MODULE, "", object) : NULL;
    if (module && !name_is_attribute(expr->text)) {
        report(e, expr->left->span, E_UNKNOWN_NAME, object, foreign_hint(e, module, ""));
        return datum_error;
    }
    Datum of = evaluate(e, expr->left);
    return of.kind == DATUM_ERROR ? of : attribute_get(e, expr, of);
}

/* What `and` and `or` give when their left side decides; false where the right one must be looked at. */
static bool left_decides(const Expr *expr, Datum left) {
    return (expr->op == OP_AND && !left.boolean) || (expr->op == OP_OR && left.boolean);
}

static Datum evaluate_binary_step(Elaborator *e, const Expr *expr, Datum left) {
    if (expr->op != OP_AND && expr->op != OP_OR) {
        Datum right = evaluate(e, expr->right);
        return left.kind == DATUM_ERROR || right.kind == DATUM_ERROR ? datum_error
                                                                     : binary_apply(e, expr, left, right);
    }
    const char *word = expr->op == OP_AND ? "and" : "or";
    if (left.kind == DATUM_ERROR) return left;
    if (left.kind != DATUM_BOOL) {
        report(e, expr->left->span, E_OPERAND, word, "true or false", datum_text(e, left));
        return datum_error;
    }
    if (left_decides(expr, left)) return left;
    Datum right = evaluate(e, expr->right);
    if (right.kind == DATUM_BOOL || right.kind == DATUM_ERROR) return right;
    report(e, expr->right->span, E_OPERAND, word, "true or false", datum_text(e, right));
    return datum_error;
}

static Datum evaluate_binary(Elaborator *e, const Expr *expr) {
    VEC(const Expr *) chain = {0};
    const Expr *local[16];
    if (foreign_comment_found(e, expr)) return datum_error;
    chain.items = local, chain.capacity = COUNT(local);
    for (; expr->kind == EXPR_BINARY; expr = expr->left) vec_push(e->arena, &chain, expr);
    Datum left = evaluate(e, expr);
    while (chain.count) left = evaluate_binary_step(e, chain.items[--chain.count], left);
    return left;
}

static Datum current_value(Elaborator *e, const Expr *expr) {
    if (e->frame->current.kind != DATUM_NONE || e->frame->broken) {
        Datum current = e->frame->current;
        return current.kind == DATUM_NONE ? datum_error : current;
    }
    report(e, expr->span, E_NO_CURRENT_VALUE);
    return datum_error;
}

static Datum evaluate_with(Elaborator *e, const Expr *expr, bool word) {
    if (!elaborator_has_stack(e, expr->span)) return datum_error;
    while (expr->kind == EXPR_COND) {
        bool truth;
        if (!evaluate_condition(e, expr->right, &truth)) return datum_error;
        expr = truth ? expr->left : expr->third;
    }
    switch (expr->kind) {
    case EXPR_INT: return DATUM_OF(integer, DATUM_INT, expr->integer);
    case EXPR_REAL: return DATUM_OF(real, DATUM_REAL, expr->real);
    case EXPR_STRING: return DATUM_OF(text, DATUM_STRING, expr->text);
    case EXPR_TRUE: return DATUM_OF(boolean, DATUM_BOOL, true);
    case EXPR_FALSE: return DATUM_OF(boolean, DATUM_BOOL, false);
    case EXPR_NONE: return datum_none;
    case EXPR_SIZE: return evaluate_size(e, expr);
    case EXPR_NAME: return evaluate_name(e, expr, word);
    case EXPR_IT: return current_value(e, expr);
    case EXPR_IN:
        if (e->frame->is_block) return e->frame->input;
        report(e, expr->span, E_IN_OUTSIDE);
        return datum_error;
    case EXPR_LIST: return evaluate_list(e, expr);
    case EXPR_CALL: return evaluate_call(e, expr);
    case EXPR_UNARY: {
        Datum operand = evaluate(e, expr->left);
        return operand.kind == DATUM_ERROR ? operand : unary_apply(e, expr, operand);
    }
    case EXPR_BINARY: return evaluate_binary(e, expr);
    case EXPR_INDEX: return evaluate_index(e, expr);
    case EXPR_ATTR: return evaluate_attribute(e, expr);
    case EXPR_PIPELINE:
        report(e, expr->span, E_LAYER_IN_EXPRESSION, "a pipeline");
        help(e, "name it first: branch = ... -> ..., then write branch here");
        return datum_error;
    default: return datum_error;
    }
}

Datum evaluate(Elaborator *e, const Expr *expr) {
    return evaluate_with(e, expr, false);
}

Datum evaluate_word(Elaborator *e, const Expr *expr) {
    return evaluate_with(e, expr, true);
}

bool evaluate_condition(Elaborator *e, const Expr *expr, bool *truth) {
    Datum datum = evaluate(e, expr);
    if (datum.kind == DATUM_BOOL) {
        *truth = datum.boolean;
        return true;
    }
    if (datum.kind != DATUM_ERROR) report(e, expr->span, E_CONDITION, datum_text(e, datum));
    return false;
}

bool evaluate_integer(Elaborator *e, const Expr *expr, const char *what, int64_t *integer) {
    Datum datum = evaluate(e, expr);
    if (datum.kind == DATUM_ERROR) return false;
    if (datum_whole(datum, integer)) return true;
    report(e, expr->span, E_WANTS_INTEGER, what, datum_text(e, datum));
    return false;
}
