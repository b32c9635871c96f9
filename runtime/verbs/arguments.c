/* Parsing and --help read the rows of options.def and of the verbs. */
#define _GNU_SOURCE
#include "verbs/arguments.h"

#include "base/nearest_word.h"
#include "verbs/verb.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef enum Kind {
    KIND_PLANNED,
    KIND_READS,
    KIND_WRITES,
    KIND_TEXT,
    KIND_FLAG,
    KIND_COUNT,
    KIND_SEED,
    KIND_RATE,
    KIND_SECONDS,
    KIND_SWITCH
} Kind;

typedef struct OptionRow {
    const char *name, *value, *help;
    Kind kind;
    size_t field, has;        /* offsets of the members in Options */
    int64_t minimum, maximum; /* KIND_COUNT */
} OptionRow;

static const OptionRow rows[OPTION_COUNT] = {
#define OPTION(option, member, kind, spelling, value, minimum, maximum, help)                                \
    [OPTION_##option] = {                                                                                    \
        spelling, value,  help, KIND_##kind, offsetof(Options, member), offsetof(Options, has_##member),     \
        minimum,  maximum},
#define PLANNED(option, spelling) [OPTION_##option] = {.name = spelling},
#include "verbs/options.def"
#undef OPTION
#undef PLANNED
};

/* near: the nearest known word; NULL where none is near. */
static int unknown(const char *kind, const char *word, const char *near, const char *help, Failure *failure) {
    if (near) return cnn_fail(failure, STATUS_USAGE, "unknown %s '%s'; did you mean '%s'?", kind, word, near);
    return cnn_fail(failure, STATUS_USAGE, "unknown %s '%s'; %s", kind, word, help);
}

static int find_verb(const char *word, Options *options, Failure *failure) {
    options->verb = cnn_verb_find(word);
    if (!options->verb) return unknown("verb", word, cnn_verb_nearest(word), "--help lists them", failure);
    if (options->verb->run) return STATUS_OK;
    return cnn_fail(failure, STATUS_USAGE, "the verb '%s' is not built yet", word);
}

/* The option that the word spells, up to its '='; OPTION_COUNT where it spells none. */
static OptionId find_option(const char *word) {
    size_t length = strcspn(word, "=");
    int option = 0;
    while (option < OPTION_COUNT &&
           (strlen(rows[option].name) != length || memcmp(rows[option].name, word, length) != 0))
        option++;
    return (OptionId)option;
}

static int unknown_option(const char *word, const VerbRow *verb, Failure *failure) {
    const char *names[OPTION_COUNT];
    size_t length = strcspn(word, "=");
    char *name = strndup(word, length);
    int count = 0;
    if (!name) return cnn_fail_memory(failure, "an option", length);
    for (const OptionId *taken = verb->takes; *taken != OPTION_COUNT; taken++)
        if (rows[*taken].kind != KIND_PLANNED) names[count++] = rows[*taken].name;
    int status =
        unknown("option", name, cnn_nearest(name, names, count), "--help after the verb lists them", failure);
    free(name);
    return status;
}

static int bad_value(const OptionRow *row, const char *value, const char *expected, Failure *failure) {
    return cnn_fail(failure, STATUS_USAGE, "%s %s: expected %s", row->name, *value ? value : "''", expected);
}

/* Decimal digits alone; larger than the limit is the limit where saturate is set (more threads than anyone
 * has). */
static bool read_digits(const char *text, uint64_t limit, bool saturate, uint64_t *number) {
    if (!*text || strspn(text, "0123456789") != strlen(text)) return false;
    errno = 0;
    *number = strtoull(text, NULL, 10);
    if (!errno && *number <= limit) return true;
    *number = limit;
    return saturate;
}

/* A decimal number, its exponent behind an e; strtod takes more than that. */
static bool read_real(const char *text, double *number) {
    char *end;
    if (!strchr("0123456789.", *text) || strspn(text, "0123456789.eE+-") != strlen(text) || !*text)
        return false;
    *number = strtod(text, &end);
    return !*end && isfinite(*number);
}

static int bad_count(const OptionRow *row, const char *value, Failure *failure) {
    char expected[80];
    if (row->maximum == INT64_MAX)
        snprintf(expected, sizeof expected, "a whole number from %lld", (long long)row->minimum);
    else
        snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)row->minimum,
                 (long long)row->maximum);
    return bad_value(row, value, expected, failure);
}

static int set_value(const OptionRow *row, const char *value, Options *options, Failure *failure) {
    void *field = (char *)options + row->field;
    uint64_t number = 0;
    double real;
    *(bool *)((char *)options + row->has) = true;
    switch (row->kind) {
    case KIND_PLANNED: break;
    case KIND_READS:
    case KIND_WRITES:
    case KIND_TEXT:
        if (!*value) return bad_value(row, value, row->value, failure);
        *(const char **)field = value;
        return STATUS_OK;
    case KIND_FLAG: *(bool *)field = true; return STATUS_OK;
    case KIND_COUNT:
        if (!read_digits(value, (uint64_t)row->maximum, row->maximum == INT64_MAX, &number) ||
            (int64_t)number < row->minimum)
            return bad_count(row, value, failure);
        *(int64_t *)field = (int64_t)number;
        return STATUS_OK;
    case KIND_SEED:
        if (!read_digits(value, UINT64_MAX, false, &number))
            return bad_value(row, value, "a whole number from 0 to 18446744073709551615", failure);
        *(uint64_t *)field = number;
        return STATUS_OK;
    case KIND_RATE:
        if (!read_real(value, &real) || !((float)real > 0) || !isfinite((float)real))
            return bad_value(row, value, "a number above 0, in float32 from 1e-45 to 3.4e38", failure);
        *(double *)field = real;
        return STATUS_OK;
    case KIND_SECONDS:
        if (!read_real(value, &real) || !(real > 0))
            return bad_value(row, value, "a number above 0", failure);
        *(double *)field = real;
        return STATUS_OK;
    case KIND_SWITCH:
        if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
            return bad_value(row, value, "on or off", failure);
        *(bool *)field = strcmp(value, "on") == 0;
        return STATUS_OK;
    }
    return STATUS_OK;
}

/* argv[*at] is an option; takes the next argument too where that is its value. */
static int parse_option(int argc, char **argv, int *at, Options *options, Failure *failure) {
    const char *word = argv[*at], *equals = strchr(word, '=');
    OptionId option = find_option(word);
    if (option == OPTION_COUNT) return unknown_option(word, options->verb, failure);
    const OptionRow *row = &rows[option];
    if (!cnn_verb_takes(options->verb, option))
        return cnn_fail(failure, STATUS_USAGE, "%s has no option %s", options->verb->name, row->name);
    if (row->kind == KIND_PLANNED) return cnn_fail(failure, STATUS_USAGE, "%s is not built yet", row->name);
    if (row->kind == KIND_FLAG) {
        if (equals) return cnn_fail(failure, STATUS_USAGE, "%s takes no value", row->name);
        return set_value(row, "", options, failure);
    }
    if (equals) return set_value(row, equals + 1, options, failure);
    if (*at + 1 >= argc)
        return cnn_fail(failure, STATUS_USAGE, "%s needs a value: %s", row->name, row->value);
    OptionId next = find_option(argv[*at + 1]);
    if (next != OPTION_COUNT)
        return cnn_fail(failure, STATUS_USAGE, "%s needs a value: %s; the option %s was found", row->name,
                        row->value, rows[next].name);
    return set_value(row, argv[++*at], options, failure);
}

static int parse_rest(int argc, char **argv, int at, Options *options, Failure *failure) {
    bool only_files = false;
    for (; at < argc; at++) {
        const char *word = argv[at];
        if (!only_files && strcmp(word, "--") == 0) {
            only_files = true;
        } else if (!only_files && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            options->help = true;
            return STATUS_OK;
        } else if (!only_files && word[0] == '-' && word[1]) {
            int status = parse_option(argc, argv, &at, options, failure);
            if (status) return status;
        } else if (options->verb->files) {
            options->files[options->file_count++] = word;
        } else {
            return cnn_fail(failure, STATUS_USAGE, "%s takes no '%s'", options->verb->name, word);
        }
    }
    return STATUS_OK;
}

int cnn_options_parse(int argc, char **argv, Options *options, Failure *failure) {
    *options = (Options){0};
    for (int i = 0; i < OPTION_COUNT; i++)
        if (rows[i].kind == KIND_SWITCH) *(bool *)((char *)options + rows[i].field) = true;
    if (argc < 2) return cnn_fail(failure, STATUS_USAGE, "a verb is missing; --help lists them");
    const char *word = argv[1];
    options->help = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
    options->version = strcmp(word, "--version") == 0;
    if (options->help || options->version) return STATUS_OK;
    if (word[0] == '-')
        return cnn_fail(failure, STATUS_USAGE, "expected a verb before '%s'; --help lists them", word);
    options->files = calloc((size_t)argc, sizeof *options->files);
    if (!options->files) return cnn_fail_memory(failure, "the arguments", (size_t)argc * sizeof(char *));
    int status = find_verb(word, options, failure);
    return status ? status : parse_rest(argc, argv, 2, options, failure);
}

void cnn_options_free(Options *options) {
    free(options->files);
    options->files = NULL;
}

static void list_verbs(FILE *out, const char *program) {
    int count;
    const VerbRow *const *verbs = cnn_verb_table(&count);
    fprintf(out, "usage: %s VERB [options]\n\n", program);
    for (int i = 0; i < count; i++)
        if (verbs[i]->run) fprintf(out, "  %-11s %s\n", verbs[i]->name, verbs[i]->summary);
    fprintf(out, "\n%s VERB --help lists a verb's options.\n", program);
}

void cnn_options_help(FILE *out, const char *program, const Options *options) {
    const VerbRow *verb = options->verb;
    if (!verb) {
        list_verbs(out, program);
        return;
    }
    fprintf(out, "usage: %s %s [options]%s%s\n%s\n\n", program, verb->name, verb->files ? " " : "",
            verb->files ? verb->files : "", verb->summary);
    for (const OptionId *taken = verb->takes; *taken != OPTION_COUNT; taken++) {
        const OptionRow *row = &rows[*taken];
        char head[40];
        if (row->kind == KIND_PLANNED) continue;
        snprintf(head, sizeof head, "%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
        fprintf(out, "  %-18s %s\n", head, row->help);
    }
}

const char *cnn_option_spelling(OptionId option) {
    return rows[option].name;
}

bool cnn_option_is_given(const Options *options, OptionId option) {
    return rows[option].kind != KIND_PLANNED && *(const bool *)((const char *)options + rows[option].has);
}

static const char *path_of(const Options *options, OptionId option, Kind kind) {
    if (rows[option].kind != kind) return NULL;
    return *(const char *const *)((const char *)options + rows[option].field);
}

const char *cnn_option_read(const Options *options, OptionId option) {
    return path_of(options, option, KIND_READS);
}

const char *cnn_option_written(const Options *options, OptionId option) {
    return path_of(options, option, KIND_WRITES);
}
