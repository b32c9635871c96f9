/* The totals of the whole model, which asserts speak of: parameters, macs, memory. */
#include "sema/elaborator.h"

bool name_is_total(const char *name) {
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
    if (expr->kind != EXPR_NAME || !name_is_total(expr->text) || is_shadowed(search->e, expr->text)) return;
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
    if (!name_is_total(name) || is_shadowed(e, name)) return false;
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
