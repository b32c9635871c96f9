/* See elaborator.h: what a message about an unknown word says besides, where the word is one of another
 * framework. */
#include "sema/elaborator.h"

#include <ctype.h>

/* Softmax, ReLU: a word of the language but for the case of its letters. */
static bool is_own_word(Elaborator *e, const char *name) {
    char *lower = arena_strdup(e->arena, name);
    for (char *at = lower; *at; at++) *at = (char)tolower((unsigned char)*at);
    return map_get(e->words, lower) != NULL;
}

const ForeignWord *foreign_name(Elaborator *e, ForeignPlace place, const char *name) {
    static const ForeignPlace others[] = {FOREIGN_VALUE, FOREIGN_LAYER, FOREIGN_FUNCTION};
    if (is_own_word(e, name)) return NULL;
    const ForeignWord *found = foreign_find(place, "", name);
    if (!found) found = foreign_find(FOREIGN_WORD, NULL, name);
    for (int i = 0; i < COUNT(others) && !found; i++) found = foreign_find(others[i], "", name);
    return found;
}

const char *foreign_hint(Elaborator *e, const ForeignWord *foreign, const char *nearest) {
    if (!foreign) return nearest;
    return *foreign->here ? arena_printf(e->arena, "; here it is %s", foreign->here)
                          : arena_printf(e->arena, "; %s", foreign->note);
}

void foreign_help(Elaborator *e, const ForeignWord *foreign) {
    if (foreign && *foreign->here && *foreign->note) help(e, "%s", foreign->note);
}

void quoted_help(Elaborator *e, const char *of, Datum datum) {
    if (datum.kind != DATUM_STRING || !*datum.text) return;
    const ForeignWord *foreign = foreign_find(FOREIGN_WORD, of, datum.text);
    help(e, "a word stands without quotation marks: %s",
         foreign && *foreign->here ? foreign->here : datum.text);
}

bool foreign_comment_found(Elaborator *e, const Expr *expr) {
    if (expr->kind != EXPR_BINARY || expr->op != OP_FLOOR_DIVIDE) return false;
    const Expr *right = expr->right;
    bool unknown = right->kind == EXPR_NAME && !scope_find(e->frame, right->text) &&
                   !scope_symbol(e->frame, right->text) && !mentions_totals(e, right);
    if (!is_pipeline(e, expr->left) && !(unknown && !unknown_is_no_news(e))) return false;
    report(e, expr->text_span, E_COMMENT, "//");
    return true;
}
