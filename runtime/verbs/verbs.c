/* The table of verbs, made from verbs.def. */
#include "verbs/verb.h"

#include "base/nearest_word.h"

#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

#define VERB(name) extern const VerbRow cnn_verb_##name;
#define PLANNED(name)
#include "verbs/verbs.def"
#undef VERB
#undef PLANNED

static const VerbRow *const table[] = {
#define VERB(name)    &cnn_verb_##name,
#define PLANNED(verb) &(const VerbRow){.name = #verb},
#include "verbs/verbs.def"
#undef VERB
#undef PLANNED
};

const VerbRow *const *cnn_verb_table(int *count) {
    *count = COUNT(table);
    return table;
}

const VerbRow *cnn_verb_find(const char *word) {
    for (int i = 0; i < COUNT(table); i++)
        if (strcmp(word, table[i]->name) == 0) return table[i];
    return NULL;
}

const char *cnn_verb_nearest(const char *word) {
    const char *names[COUNT(table)];
    for (int i = 0; i < COUNT(table); i++) names[i] = table[i]->name;
    return cnn_nearest(word, names, COUNT(table));
}

bool cnn_verb_takes(const VerbRow *verb, OptionId option) {
    for (const OptionId *taken = verb->takes; *taken != OPTION_COUNT; taken++)
        if (*taken == option) return true;
    return false;
}
