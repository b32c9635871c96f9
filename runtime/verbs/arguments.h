/* The command line of a compiled model: a verb, its options in any order, and what stands without an option
 * (images). */
#ifndef CNN_ARGUMENTS_H
#define CNN_ARGUMENTS_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef enum OptionId {
#define OPTION(name, member, kind, spelling, value, minimum, maximum, help) OPTION_##name,
#define PLANNED(name, spelling)                                             OPTION_##name,
#include "verbs/options.def"
#undef OPTION
#undef PLANNED
    OPTION_COUNT
} OptionId;

/* What an option of each kind holds. */
#define OPTION_TYPE_READS   const char *
#define OPTION_TYPE_WRITES  const char *
#define OPTION_TYPE_TEXT    const char *
#define OPTION_TYPE_FLAG    bool
#define OPTION_TYPE_COUNT   int64_t
#define OPTION_TYPE_SEED    uint64_t
#define OPTION_TYPE_RATE    double
#define OPTION_TYPE_SECONDS double
#define OPTION_TYPE_SWITCH  bool

struct VerbRow;

/* Members of options.def: 0, NULL or false where the option is not given; switches are on then. */
typedef struct Options {
    const struct VerbRow *verb; /* NULL where there is none before --help */
    bool help, version;         /* nothing else counts then */
#define OPTION(name, member, kind, spelling, value, minimum, maximum, help)                                  \
    OPTION_TYPE_##kind member;                                                                               \
    bool has_##member;
#define PLANNED(name, spelling)
#include "verbs/options.def"
#undef OPTION
#undef PLANNED
    const char **files; /* pointers into argv */
    int file_count;
} Options;

/* STATUS_USAGE with a message that names the nearest known word. */
int cnn_options_parse(int argc, char **argv, Options *options, Failure *failure);
void cnn_options_free(Options *options);
/* What --help prints: all verbs, or one with its options. */
void cnn_options_help(FILE *out, const char *program, const Options *options);
/* The option as one writes it: "--data". */
const char *cnn_option_spelling(OptionId option);
bool cnn_option_is_given(const Options *options, OptionId option);
/* The file that the option names and the verb reads (writes); NULL where it names none. */
const char *cnn_option_read(const Options *options, OptionId option);
const char *cnn_option_written(const Options *options, OptionId option);

#endif
