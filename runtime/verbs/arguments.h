/* The command line of a compiled model: a verb, its options in any order, and what stands without an option
 * (images). */
#ifndef CNN_ARGUMENTS_H
#define CNN_ARGUMENTS_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef enum Verb {
    VERB_TRAIN,
    VERB_EVAL,
    VERB_PREDICT,
    VERB_RUN,
    VERB_GRADIENTS,
    VERB_INIT,
    VERB_GRADCHECK,
    VERB_SUMMARY,
    VERB_BENCH,
    VERB_FEATURES,
    VERB_FILTERS,
    VERB_EXPORT,
    VERB_COUNT
} Verb;

/* Paths are NULL and has_ members false where the option is not given. */
typedef struct Options {
    Verb verb;
    bool help, version; /* nothing else counts then; has_verb says whether a verb stood before --help */
    bool has_verb;
    const char *data, *init, *save, *log, *weights, *input, *output, *layer, *target;
    bool has_epochs, has_batch, has_seed, has_rate, has_samples, has_top;
    int64_t epochs, batch, threads, limit, top, samples; /* threads 0: all processors; limit 0: none */
    uint64_t seed;
    double rate;
    double seconds; /* 0: not given */
    bool shuffle, quiet, confusion, json, layers;
    const char **files; /* pointers into argv */
    int file_count;
} Options;

/* STATUS_USAGE with a message that names the nearest known word. */
int cnn_options_parse(int argc, char **argv, Options *options, Failure *failure);
void cnn_options_free(Options *options);
/* What --help prints: all verbs, or one with its options. */
void cnn_options_help(FILE *out, const char *program, const Options *options);

#endif
