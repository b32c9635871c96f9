/* Runs pipelines: the head takes the current value or names one, every later layer takes the value before it.
 */
#include "sema/elaborator.h"

/* The current value, which a head without a value of its own takes. */
static Datum value_before(Elaborator *e, const Expr *head) {
    Datum current = e->frame->current;
    if (current.kind == DATUM_NONE && !e->frame->broken) report(e, head->span, E_NO_CURRENT_VALUE);
    return current.kind == DATUM_NONE ? datum_error : current;
}

static Datum unknown_layer(Elaborator *e, const Expr *expr) {
    if (name_is_function(expr->text))
        report(e, expr->span, E_NOT_A_VALUE, expr->text, "a number");
    else if (op_find(expr->text) && op_find(expr->text)->kind != OPK_INTERNAL)
        report(e, expr->span, E_NOT_A_LAYER, expr->text,
               op_find(expr->text)->kind == OPK_LOSS       ? "a loss"
               : op_find(expr->text)->kind == OPK_SCHEDULE ? "a schedule"
                                                           : "an optimizer");
    else if (!unknown_is_no_news(e)) {
        const ForeignWord *foreign = foreign_name(e, FOREIGN_LAYER, expr->text);
        report(e, expr->kind == EXPR_CALL ? expr->text_span : expr->span, E_UNKNOWN_LAYER, expr->text,
               foreign_hint(e, foreign, suggest_name(e, expr->text, true)));
        foreign_help(e, foreign);
    }
    return datum_error;
}

/* A layer or a block. head: nothing stands before it in the pipeline; `before` is then the current value's.
 */
static Datum run_call(Elaborator *e, const Expr *expr, bool head, Datum before) {
    const Symbol *symbol = scope_symbol(e->frame, expr->text);
    if (!strcmp(expr->text, "input")) {
        if (head) return call_input(e, expr);
        report(e, expr->span, E_INPUT_FIRST);
        return datum_error;
    }
    const Op *op = op_find(expr->text);
    bool merge_head = head && op && op->merge;
    bool layer = name_is_layer(expr->text), block = symbol && symbol->decl->kind == DECL_BLOCK;
    if (!layer && !block) return unknown_layer(e, expr);
    if (head) before = merge_head ? datum_none : value_before(e, expr);
    if (block) return call_block(e, symbol, expr, before);
    if (op) {
        Datum result =
            op->stands_for ? call_activation(e, op, expr, before) : call_layer(e, op, expr, before);
        e->layer = NULL;
        return result;
    }
    report(e, expr->span, E_PLANNED, op_planned(expr->text), expr->text);
    return datum_error;
}

static Datum expect_value(Elaborator *e, const Expr *expr, Datum datum) {
    if (datum.kind == DATUM_VALUE || datum.kind == DATUM_ERROR) return datum;
    const char *what = expr->kind == EXPR_NAME ? arena_printf(e->arena, "'%s'", expr->text) : "this";
    report(e, expr->span, E_NOT_A_VALUE, what, datum_text(e, datum));
    if (datum.kind == DATUM_WORD && name_is_layer(datum.text) && expr->kind == EXPR_NAME)
        help(e, "activation(%s) applies the one that a word names", expr->text);
    if (datum.kind == DATUM_NONE) help(e, "bind it to a value of the network first");
    return datum_error;
}

static Datum run_head(Elaborator *e, const Expr *expr) {
    if (foreign_comment_found(e, expr)) expr = expr->left;
    if (expr->kind == EXPR_PIPELINE) return run_pipeline(e, expr);
    if (expr->kind == EXPR_CALL && !name_is_function(expr->text)) return run_call(e, expr, true, datum_none);
    if (expr->kind == EXPR_NAME && !name_is_bound(e, expr->text)) {
        const Symbol *symbol = scope_symbol(e->frame, expr->text);
        if (symbol || name_is_layer(expr->text)) return run_call(e, expr, true, datum_none);
        if (!map_get(e->words, expr->text)) {
            if (!unknown_is_no_news(e)) {
                const ForeignWord *foreign = foreign_name(e, FOREIGN_LAYER, expr->text);
                report(e, expr->span, E_UNKNOWN_NAME, expr->text,
                       foreign_hint(e, foreign, suggest_name(e, expr->text, false)));
                foreign_help(e, foreign);
            }
            return datum_error;
        }
    }
    Datum datum = evaluate(e, expr);
    return expect_value(e, expr, datum);
}

static Datum run_next(Elaborator *e, const Expr *expr, Datum before) {
    if (foreign_comment_found(e, expr)) expr = expr->left;
    bool named = expr->kind == EXPR_NAME && !name_is_bound(e, expr->text);
    if (named || expr->kind == EXPR_CALL) return run_call(e, expr, false, before);
    if (expr->kind == EXPR_ERROR) return datum_error;
    const char *what = expr->kind == EXPR_NAME       ? arena_printf(e->arena, "'%s'", expr->text)
                       : expr->kind == EXPR_IT       ? "'it'"
                       : expr->kind == EXPR_IN       ? "'in'"
                       : expr->kind == EXPR_PIPELINE ? "a pipeline in parentheses"
                                                     : "this";
    report(e, expr->span, E_VALUE_IN_PIPELINE, what);
    return datum_error;
}

Datum run_pipeline(Elaborator *e, const Expr *expr) {
    if (!elaborator_has_stack(e, expr->span)) return datum_error;
    if (expr->kind != EXPR_PIPELINE) return run_head(e, expr);
    Datum datum = run_head(e, expr->items.items[0]);
    for (int i = 1; i < expr->items.count && !e->stopped; i++)
        datum = run_next(e, expr->items.items[i], datum);
    return datum;
}
