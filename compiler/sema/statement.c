/* Runs the statements of a model or a block: what they bind, how they branch and loop, what becomes the
 * current value. */
#include "sema/elaborator.h"

#include <inttypes.h>

/* Counts one more elaborated statement, or one more round of a loop; false where it is time to stop. */
static bool count_statement(Elaborator *e, Span at) {
    if (e->stopped) return false;
    if (++e->statements > MAX_STATEMENTS) {
        report(e, at, E_TOO_MANY_STATEMENTS);
        e->stopped = true;
    }
    if (diag_full(e->cx->diag)) e->stopped = true;
    return !e->stopped;
}

static void run_braces(Elaborator *e, const Body *body) {
    int mark = scope_open(e->frame);
    run_body(e, body);
    scope_close(e->frame, mark);
}

/* What an error leaves undone: names may be unbound and the current value unknown. */
static void pass_over(Elaborator *e) {
    e->frame->broken = true;
    e->frame->current = datum_error;
}

static void run_bind(Elaborator *e, const Stmt *stmt) {
    bool free_name = scope_may_bind(e, stmt->name, stmt->name_span);
    Datum datum = is_pipeline(e, stmt->value) ? run_pipeline(e, stmt->value) : evaluate(e, stmt->value);
    if (free_name || !scope_symbol(e->frame, stmt->name)) scope_bind(e, stmt->name, datum);
}

/* An else that holds nothing but an if goes on in the same loop: a long chain nests no deeper than a short
 * one. */
static void run_if(Elaborator *e, const Stmt *stmt) {
    for (;;) {
        bool truth;
        if (!evaluate_condition(e, stmt->value, &truth)) {
            pass_over(e);
            return;
        }
        const Body *body = truth ? stmt->body : stmt->otherwise;
        if (!body) return;
        bool chain = !truth && body->statements.count == 1 && body->statements.items[0]->kind == STMT_IF;
        if (!chain) {
            run_braces(e, body);
            return;
        }
        stmt = body->statements.items[0];
        if (!count_statement(e, stmt->span)) return;
    }
}

/* The loop's words before its braces. */
static Span head_of(const Stmt *stmt) {
    return span_join(stmt->span, (stmt->last ? stmt->last : stmt->value)->span);
}

/* One more turn of the loop, while `step` says which; false where it is time to stop. */
static bool run_turn(Elaborator *e, const Stmt *stmt, Step *step) {
    if (!count_statement(e, stmt->span)) return false;
    step->turn++;
    e->way = step;
    run_braces(e, stmt->body);
    e->way = step->outer;
    return true;
}

static void run_repeat(Elaborator *e, const Stmt *stmt) {
    int64_t count;
    if (!evaluate_integer(e, stmt->value, "the count of repeat", &count)) {
        pass_over(e);
        return;
    }
    if (count < 0) {
        report(e, stmt->value->span, E_NEGATIVE_REPEAT, count);
        pass_over(e);
        return;
    }
    Step step = {.outer = e->way, .at = head_of(stmt)};
    while (step.turn < count && run_turn(e, stmt, &step)) continue;
}

static bool run_turn_with(Elaborator *e, const Stmt *stmt, Step *step, Binding *variable, Datum datum) {
    variable->datum = step->value = datum;
    variable->live = true;
    return run_turn(e, stmt, step);
}

static void run_range(Elaborator *e, const Stmt *stmt, Step *step, Binding *variable) {
    int64_t first, last;
    bool known = evaluate_integer(e, stmt->value, "the start of a range", &first);
    if (!evaluate_integer(e, stmt->last, "the end of a range", &last) || !known) {
        pass_over(e);
        return;
    }
    for (int64_t i = first; i <= last; i++)
        if (!run_turn_with(e, stmt, step, variable, DATUM_OF(integer, DATUM_INT, i)) || i == last) return;
}

static void run_list(Elaborator *e, const Stmt *stmt, Step *step, Binding *variable) {
    Datum list = evaluate(e, stmt->value);
    if (list.kind != DATUM_LIST) {
        if (list.kind != DATUM_ERROR) report(e, stmt->value->span, E_FOR_LIST, datum_text(e, list));
        pass_over(e);
        return;
    }
    for (int i = 0; i < list.list->count; i++)
        if (!run_turn_with(e, stmt, step, variable, list.list->items[i])) return;
}

/* The loop variable hides a name of an enclosing scope and gives it back. */
static void run_for(Elaborator *e, const Stmt *stmt) {
    if (!scope_may_hide(e, stmt->name, stmt->name_span)) {
        pass_over(e);
        return;
    }
    Binding *variable = scope_place(e, stmt->name), before = *variable;
    Step step = {.outer = e->way, .at = head_of(stmt), .variable = stmt->name};
    if (stmt->last)
        run_range(e, stmt, &step, variable);
    else
        run_list(e, stmt, &step, variable);
    *variable = before;
}

static void run_statement(Elaborator *e, const Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_PIPELINE: e->frame->current = run_pipeline(e, stmt->value); break;
    case STMT_BIND: run_bind(e, stmt); break;
    case STMT_IF: run_if(e, stmt); break;
    case STMT_REPEAT: run_repeat(e, stmt); break;
    case STMT_FOR: run_for(e, stmt); break;
    case STMT_ASSERT: run_assert(e, stmt->value, stmt->message); break;
    }
}

void run_body(Elaborator *e, const Body *body) {
    if (!body || (body->statements.count && !elaborator_has_stack(e, body->span))) return;
    for (int i = 0; i < body->statements.count; i++) {
        const Stmt *stmt = body->statements.items[i];
        if (!count_statement(e, stmt->span)) return;
        run_statement(e, stmt);
    }
}
