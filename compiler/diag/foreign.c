/* See foreign.h. The table is small and asked only after a mistake: it is searched from the front. */
#include "diag/foreign.h"

#include "base/vec.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static const ForeignWord rows[] = {
#define FOREIGN(place, of, words, here, note) {FOREIGN_##place, of, words, here, note},
#include "diag/foreign.def"
#undef FOREIGN
};

/* Compares a word with the first of a blank-separated list. */
static bool same_word(const char *word, const char *listed) {
    for (;;) {
        while (*word == '_') word++;
        while (*listed == '_') listed++;
        bool ended = !*listed || *listed == ' ';
        if (ended || !*word) return ended && !*word;
        if (tolower((unsigned char)*word++) != tolower((unsigned char)*listed++)) return false;
    }
}

static bool is_listed(const char *word, const char *words) {
    while (*words) {
        if (same_word(word, words)) return true;
        words += strcspn(words, " ");
        words += strspn(words, " ");
    }
    return false;
}

const ForeignWord *foreign_find(ForeignPlace place, const char *of, const char *word) {
    for (int i = 0; i < COUNT(rows); i++) {
        const ForeignWord *row = &rows[i];
        bool belongs = row->place == place && (!of || !*row->of || is_listed(of, row->of));
        if (belongs && is_listed(word, row->words)) return row;
    }
    return NULL;
}

const ForeignWord *foreign_rows(int *count) {
    *count = COUNT(rows);
    return rows;
}
