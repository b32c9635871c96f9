/* What every report of an error goes through: one a place, the way that led there, and the depth of the
 * stack.
 */
#include "sema/elaborator.h"

#include <inttypes.h>

bool elaborator_first(Elaborator *e, Span at, DiagCode code) {
    const char *key = arena_printf(e->arena, "%p %d %d %d %d %d", (const void *)at.source, at.line, at.column,
                                   at.end_line, at.end_column, (int)code);
    e->fresh = !map_get(e->reported, key);
    if (e->fresh) map_set(e->reported, key, e);
    return e->fresh;
}

static void note_turn(Elaborator *e, const Step *step, const char *layer) {
    const char *at = layer ? arena_printf(e->arena, ", at %s", layer) : "", *value = "";
    if (step->variable) {
        bool plain = step->value.kind == DATUM_STRING || step->value.kind == DATUM_WORD;
        value = arena_printf(e->arena, " (%s = %s)", step->variable,
                             plain ? step->value.text : datum_text(e, step->value));
    }
    diag_note(e->cx->diag, step->at, "in turn %" PRId64 " of this loop%s%s", step->turn, value, at);
}

static void note_call(Elaborator *e, const Step *step) {
    enum { LONGEST = 60 };
    size_t length = strlen(step->block);
    bool cut = length > LONGEST;
    diag_note(e->cx->diag, step->at, "in %s%s, called here", cut ? "..." : "",
              step->block + (cut ? length - LONGEST : 0));
}

/* Which turns of loops and calls of blocks led here, the nearest first. */
void elaborator_note_way(Elaborator *e) {
    enum { SHOWN = 4 };
    const Step *step = e->way;
    for (int shown = 0; step && shown < SHOWN; step = step->outer, shown++) {
        if (step->block)
            note_call(e, step);
        else
            note_turn(e, step, shown ? NULL : e->layer);
    }
    int left = 0;
    for (const Step *rest = step; rest; rest = rest->outer) left++;
    if (left) diag_note(e->cx->diag, step->at, "and %d more around %s", left, left == 1 ? "it" : "them");
}

bool elaborator_has_stack(Elaborator *e, Span at) {
    char here;
    const char *now = &here;
    if ((now < e->stack ? e->stack - now : now - e->stack) < MAX_STACK) return true;
    report(e, at, E_NESTING);
    e->stopped = true;
    return false;
}
