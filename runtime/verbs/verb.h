/* A row a verb: what its command line takes, what it needs, what it does. The verb's file ends with the row,
 * verbs.def lists it. */
#ifndef CNN_VERB_H
#define CNN_VERB_H

#include "verbs/arguments.h"

struct Session;

/* Options that a row names: takes = OPTION_LIST(OPTION_DATA, OPTION_JSON). */
#define OPTION_LIST(...) ((const OptionId[]){__VA_ARGS__, OPTION_COUNT})

typedef struct VerbRow {
    const char *name, *summary;
    /* What stands without an option, as --help writes it: "IMAGE..."; NULL: nothing does. */
    const char *files;
    /* What a message asks for where there are none: "an IMAGE"; NULL: they may be left out. */
    const char *needs_files;
    const OptionId *takes; /* in the order of --help */
    const OptionId *needs; /* the files among them that have to be given; NULL: none */
    bool needs_train;      /* the model has a train block */
    /* Returns a Status; NULL: not built yet. */
    int (*run)(struct Session *session);
} VerbRow;

/* All verbs, in the order of --help, those that are not built yet among them. */
const VerbRow *const *cnn_verb_table(int *count);
/* NULL where no verb is called so, or like it. */
const VerbRow *cnn_verb_find(const char *word);
const char *cnn_verb_nearest(const char *word);
bool cnn_verb_takes(const VerbRow *verb, OptionId option);

#endif
