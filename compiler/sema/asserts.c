/* Asserts: judged where they stand, or at the end where they speak of parameters, macs or memory, which only
 * the whole model has. An assert that is put off takes along what its names meant. */
#include "sema/elaborator.h"

#include <inttypes.h>

static bool is_total(const char *name) {
    return word_among(name, "parameters macs memory");
}

static bool is_shadowed(const Elaborator *e, const char *name) {
    return scope_find(e->frame, name) || scope_symbol(e->frame, name);
}

typedef struct Search {
    const Elaborator *e;
    bool found, memory;
} Search;

static void search_total(const Expr *expr, void *user) {
    Search *search = user;
    if (expr->kind != EXPR_NAME || !is_total(expr->text) || is_shadowed(search->e, expr->text)) return;
    search->found = true;
    search->memory |= !strcmp(expr->text, "memory");
}

bool mentions_totals(Elaborator *e, const Expr *condition) {
    Search search = {.e = e};
    walk_expression(condition, search_total, &search);
    if (search.memory) e->result->wants_memory = true;
    return search.found;
}

static Datum total_of(Elaborator *e, const char *name) {
    int64_t total = !strcmp(name, "parameters")  ? e->parameters
                    : !strcmp(name, "macs")      ? e->macs
                    : !strcmp(name, "inference") ? e->memory_inference
                                                 : e->memory_training;
    return DATUM_OF(integer, DATUM_INT, total);
}

bool total_lookup(Elaborator *e, const Expr *expr, Datum *datum) {
    const char *name = expr->kind == EXPR_ATTR ? expr->left->text : expr->text;
    if (!is_total(name) || is_shadowed(e, name)) return false;
    bool memory = !strcmp(name, "memory");
    if (memory != (expr->kind == EXPR_ATTR)) {
        if (!memory) return false;
        report(e, expr->span, E_MEMORY_OF_WHAT);
    } else if (!e->judging) {
        report(e, expr->span, E_TOTALS_OUTSIDE,
               memory                  ? "memory.inference and memory.training are"
               : !strcmp(name, "macs") ? "macs is"
                                       : "parameters is");
    } else if (memory && !word_among(expr->text, "inference training")) {
        report(e, expr->text_span, E_UNKNOWN_ATTRIBUTE, "memory", expr->text,
               suggestion_of(e, expr->text, "inference training"));
    } else {
        *datum = total_of(e, memory ? expr->text : name);
        return true;
    }
    *datum = datum_error;
    return true;
}

static void judge(Elaborator *e, const Expr *condition, const char *message) {
    bool truth;
    if (!evaluate_condition(e, condition, &truth) || truth) return;
    report(e, condition->span, E_ASSERT, message ? ": " : "", message ? message : "");
    bool comparison =
        condition->kind == EXPR_BINARY && condition->op >= OP_EQUAL && condition->op <= OP_GREATER_EQUAL;
    if (!comparison) return;
    static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">="};
    Datum left = evaluate(e, condition->left), right = evaluate(e, condition->right);
    help(e, "%s %s %s is false", datum_text(e, left), signs[condition->op - OP_EQUAL], datum_text(e, right));
}

typedef struct Snapshot {
    Elaborator *e;
    Frame *frame;
} Snapshot;

static void keep_name(const Expr *expr, void *user) {
    Snapshot *snapshot = user;
    Elaborator *e = snapshot->e;
    if (expr->kind != EXPR_NAME) return;
    const Binding *binding = scope_find(e->frame, expr->text);
    if (binding)
        table_set(e->arena, &snapshot->frame->bindings, expr->text,
                  arena_copy(e->arena, binding, sizeof *binding));
    else if (!is_total(expr->text))
        evaluate(e, expr); /* an unknown name is reported where it stands */
}

/* The steps stand on the stack of who takes them; what an assert needs of them later is copied. */
static Step *keep_way(Elaborator *e, const Step *way) {
    enum { KEPT = 6 };
    Step *kept = NULL, **next = &kept;
    for (int i = 0; way && i < KEPT; way = way->outer, i++) {
        *next = arena_copy(e->arena, way, sizeof *way);
        next = &(*next)->outer;
    }
    *next = NULL;
    return kept;
}

void run_assert(Elaborator *e, const Expr *condition, const Expr *message) {
    const char *text = message && message->kind == EXPR_STRING ? message->text : NULL;
    if (!mentions_totals(e, condition)) {
        judge(e, condition, text);
        return;
    }
    int errors = diag_errors(e->cx->diag);
    Frame *frame = ARENA_NEW(e->arena, Frame);
    frame->file = e->frame->file;
    frame->current = e->frame->current;
    frame->input = e->frame->input;
    frame->is_block = e->frame->is_block;
    Snapshot snapshot = {e, frame};
    walk_expression(condition, keep_name, &snapshot);
    if (diag_errors(e->cx->diag) > errors) return;
    DeferredAssert *deferred = ARENA_NEW(e->arena, DeferredAssert);
    *deferred = (DeferredAssert){e, condition, text, frame, keep_way(e, e->way)};
    vec_push(e->arena, &e->result->asserts, deferred);
}

void sema_judge_asserts(Context *cx, Elaboration *elaboration, int64_t memory_inference,
                        int64_t memory_training) {
    (void)cx;
    for (int i = 0; i < elaboration->asserts.count; i++) {
        const DeferredAssert *deferred = elaboration->asserts.items[i];
        Elaborator *e = deferred->elaborator;
        char here;
        e->stack = &here;
        e->judging = true;
        e->stopped = false;
        e->memory_inference = memory_inference;
        e->memory_training = memory_training;
        e->frame = deferred->frame;
        e->way = deferred->way;
        judge(e, deferred->condition, deferred->message);
    }
}
