/* See elaborator.h: compile-time data, what messages call them, and the nearest words to misspelt ones. */
#include "sema/elaborator.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static const char *real_text(Arena *arena, double real) {
    const char *shortest = arena_printf(arena, "%.6g", real);
    return strtod(shortest, NULL) == real ? shortest : arena_printf(arena, "%.17g", real);
}

const char *datum_text(Elaborator *e, Datum datum) {
    switch (datum.kind) {
    case DATUM_ERROR: return "an error";
    case DATUM_NONE: return "none";
    case DATUM_INT: return arena_printf(e->arena, "%" PRId64, datum.integer);
    case DATUM_REAL: return real_text(e->arena, datum.real);
    case DATUM_BOOL: return datum.boolean ? "true" : "false";
    case DATUM_STRING: return arena_printf(e->arena, "the string \"%.60s\"", datum.text);
    case DATUM_WORD: return arena_printf(e->arena, "the word '%s'", datum.text);
    case DATUM_SIZE: return arena_printf(e->arena, "the size %s", size_text(e->arena, datum.size));
    case DATUM_LIST: return arena_printf(e->arena, "a list of %d", datum.list->count);
    case DATUM_VALUE: return "a value of the network";
    case DATUM_CALL: return arena_printf(e->arena, "%s(...)", datum.call->name);
    }
    return "";
}

bool datum_is_number(Datum datum) {
    return datum.kind == DATUM_INT || datum.kind == DATUM_REAL;
}

double datum_number(Datum datum) {
    return datum.kind == DATUM_INT ? (double)datum.integer : datum.real;
}

bool datum_whole(Datum datum, int64_t *integer) {
    if (datum.kind == DATUM_INT) {
        *integer = datum.integer;
        return true;
    }
    if (datum.kind != DATUM_REAL || floor(datum.real) != datum.real || fabs(datum.real) >= 0x1p63)
        return false;
    *integer = (int64_t)datum.real;
    return true;
}

bool datum_size(Datum datum, Size *size, bool *whole) {
    *whole = datum_is_number(datum);
    if (datum.kind == DATUM_SIZE) {
        *size = *datum.size;
        return true;
    }
    size->rank = 1;
    if (*whole) return datum_whole(datum, &size->dim[0]);
    if (datum.kind != DATUM_LIST || datum.list->count < 1 || datum.list->count > SPATIAL_MAX) return false;
    size->rank = datum.list->count;
    for (int i = 0; i < size->rank; i++)
        if (!datum_whole(datum.list->items[i], &size->dim[i])) return false;
    return true;
}

static bool lists_equal(Datum a, Datum b) {
    if (a.kind == DATUM_LIST && b.kind == DATUM_LIST) {
        if (a.list->count != b.list->count) return false;
        for (int i = 0; i < a.list->count; i++)
            if (!datum_equal(a.list->items[i], b.list->items[i])) return false;
        return true;
    }
    Size left, right;
    bool whole;
    if (!datum_size(a, &left, &whole) || !datum_size(b, &right, &whole) || left.rank != right.rank)
        return false;
    for (int i = 0; i < left.rank; i++)
        if (left.dim[i] != right.dim[i]) return false;
    return true;
}

bool datum_equal(Datum a, Datum b) {
    if (a.kind == DATUM_INT && b.kind == DATUM_INT) return a.integer == b.integer;
    if (datum_is_number(a) && datum_is_number(b)) {
        long double left = a.kind == DATUM_INT ? (long double)a.integer : (long double)a.real;
        long double right = b.kind == DATUM_INT ? (long double)b.integer : (long double)b.real;
        return left == right;
    }
    bool extents = a.kind == DATUM_SIZE || a.kind == DATUM_LIST;
    if (extents && (b.kind == DATUM_SIZE || b.kind == DATUM_LIST)) return lists_equal(a, b);
    if (a.kind != b.kind) return false;
    switch (a.kind) {
    case DATUM_NONE: return true;
    case DATUM_BOOL: return a.boolean == b.boolean;
    case DATUM_STRING:
    case DATUM_WORD: return !strcmp(a.text, b.text);
    case DATUM_VALUE: return a.value == b.value;
    default: return false;
    }
}

/* A number or a word, as the default of an argument spells them. */
static Datum plain_datum(const char *text) {
    char *end;
    long long integer = strtoll(text, &end, 10);
    if (end != text && !*end) return DATUM_OF(integer, DATUM_INT, integer);
    double real = strtod(text, &end);
    if (end != text && !*end) return DATUM_OF(real, DATUM_REAL, real);
    if (!strcmp(text, "true") || !strcmp(text, "false")) return DATUM_OF(boolean, DATUM_BOOL, *text == 't');
    if (!strcmp(text, "none")) return datum_none;
    return DATUM_OF(text, DATUM_WORD, text);
}

Datum datum_of_text(Elaborator *e, const char *text) {
    const char *open = strchr(text, '(');
    if (!open) return plain_datum(text);
    DatumCall *call = ARENA_NEW(e->arena, DatumCall);
    call->name = arena_strndup(e->arena, text, (size_t)(open - text));
    const char *inside = arena_strndup(e->arena, open + 1, strcspn(open + 1, ")"));
    vec_push(e->arena, &call->arguments, (CallArgument){.datum = plain_datum(inside), .evaluated = true});
    return DATUM_OF(call, DATUM_CALL, call);
}

const char *word_at(Arena *arena, const char *words, int n) {
    while (words && *words) {
        size_t length = strcspn(words, " ");
        if (!n--) return arena_strndup(arena, words, length);
        words += length + strspn(words + length, " ");
    }
    return NULL;
}

const char *words_text(Elaborator *e, const char *words) {
    const char *text = "", *word;
    for (int i = 0; (word = word_at(e->arena, words, i)); i++)
        text = arena_printf(e->arena, "%s%s%s", text, i ? ", " : "", word);
    return text;
}

bool word_among(const char *word, const char *words) {
    size_t length = strlen(word);
    for (const char *at = words; at && *at;) {
        size_t found = strcspn(at, " ");
        if (found == length && !strncmp(at, word, length)) return true;
        at += found + strspn(at + found, " ");
    }
    return false;
}

const char *suggestion(Elaborator *e, const char *word, const char *const *candidates, int count) {
    const char *nearest = diag_nearest(word, candidates, count);
    return nearest && strcmp(nearest, word) ? arena_printf(e->arena, "; did you mean '%s'?", nearest) : "";
}

const char *suggestion_of(Elaborator *e, const char *word, const char *words) {
    VEC(const char *) candidates = {0};
    const char *candidate;
    for (int i = 0; (candidate = word_at(e->arena, words, i)); i++)
        vec_push(e->arena, &candidates, candidate);
    return suggestion(e, word, candidates.items, candidates.count);
}
