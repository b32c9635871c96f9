/* Two tables, the verbs and the options with the verbs that take them; parsing and --help both read them. */
#define _GNU_SOURCE
#include "verbs/arguments.h"

#include "base/nearest_word.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

typedef struct VerbRow {
    const char *name, *help, *files; /* files: what stands without an option, or NULL */
    bool built;
} VerbRow;

static const VerbRow verbs[VERB_COUNT] = {
    [VERB_TRAIN] = {"train",     "train on the data block's training files",            NULL,       true },
    [VERB_EVAL] = {"eval",      "loss and accuracy on the data block's test files",    NULL,       true },
    [VERB_PREDICT] = {"predict",   "classify images",                                     "IMAGE...", true },
    [VERB_RUN] = {"run",       "the output, or any layer's, for an array of samples", NULL,       true },
    [VERB_GRADIENTS] = {"gradients", "gradients of the mean loss of a batch",               NULL,       true },
    [VERB_INIT] = {"init",      "write the initial weights",                           NULL,       true },
    [VERB_GRADCHECK] = {"gradcheck", "compare the gradients with finite differences",       NULL,       true },
    [VERB_SUMMARY] = {"summary",   "the layers, their shapes and sizes",                  NULL,       true },
    [VERB_BENCH] = {"bench",     "time training steps and inference on made-up data",   NULL,       true },
    [VERB_FEATURES] = {"features",  "a picture of a layer's output",                       "IMAGE",    false},
    [VERB_FILTERS] = {"filters",   "a picture of a layer's kernels",                      NULL,       false},
    [VERB_EXPORT] = {"export",    "write the model as ONNX",                             NULL,       false},
};

typedef enum Kind {
    KIND_TEXT,
    KIND_FLAG,
    KIND_INTEGER,
    KIND_SEED,
    KIND_RATE,
    KIND_SECONDS,
    KIND_SWITCH
} Kind;

enum { NOT_BUILT = 1u << VERB_COUNT };

typedef struct OptionRow {
    const char *name, *value, *help;
    unsigned verbs; /* bits */
    Kind kind;
    size_t field;
    int64_t minimum, maximum; /* KIND_INTEGER */
    size_t has;               /* offset of the has_ member; 0: none */
} OptionRow;

#define BIT(verb)  (1u << VERB_##verb)
#define AT(member) offsetof(Options, member)
#define COMPUTES                                                                                             \
    (BIT(TRAIN) | BIT(EVAL) | BIT(PREDICT) | BIT(RUN) | BIT(GRADIENTS) | BIT(GRADCHECK) | BIT(BENCH))
#define WITH_WEIGHT (BIT(EVAL) | BIT(PREDICT) | BIT(RUN) | BIT(GRADIENTS))

static const OptionRow rows[] = {
    {"--data",       "DIR",        "where the data block's files lie",                  BIT(TRAIN) | BIT(EVAL),                               KIND_TEXT,    AT(data),      0, 0,
     0                                                                                                                                                                                                   },
    {"--weights",    "FILE",       "the weights (.safetensors)",                        WITH_WEIGHT,                                          KIND_TEXT,    AT(weights),   0, 0,          0              },
    {"--epochs",     "N",          "epochs to train; 0 only saves",                     BIT(TRAIN),                                           KIND_INTEGER, AT(epochs),    0, 1000000000,
     AT(has_epochs)                                                                                                                                                                                      },
    {"--batch",      "N",          "samples a step",                                    BIT(TRAIN) | BIT(BENCH),                              KIND_INTEGER, AT(batch),     1, 1000000000,
     AT(has_batch)                                                                                                                                                                                       },
    {"--lr",         "X",          "learning rate",                                     BIT(TRAIN),                                           KIND_RATE,    AT(rate),      0, 0,          AT(has_rate)   },
    {"--threads",    "N",          "threads; 0, the default: a processor each",         COMPUTES,                                             KIND_INTEGER, AT(threads),   0,
     INT64_MAX,                                                                                                                                                                           0              },
    {"--seed",       "N",          "seed of every random draw",                         BIT(TRAIN) | BIT(INIT) | BIT(GRADCHECK),              KIND_SEED,    AT(seed),
     0,                                                                                                                                                                       0,          AT(has_seed)   },
    {"--init",       "FILE",       "weights to start from",                             BIT(TRAIN),                                           KIND_TEXT,    AT(init),      0, 0,          0              },
    {"--save",       "FILE",       "where the weights go; NAME.safetensors by default", BIT(TRAIN),                                           KIND_TEXT,    AT(save),
     0,                                                                                                                                                                       0,          0              },
    {"--shuffle",    "on|off",     "another order every epoch; on by default",          BIT(TRAIN),                                           KIND_SWITCH,  AT(shuffle),
     0,                                                                                                                                                                       0,          0              },
    {"--log",        "FILE.jsonl", "a JSON object an epoch",                            BIT(TRAIN),                                           KIND_TEXT,    AT(log),       0, 0,          0              },
    {"--limit",      "N",          "only the first N training samples",                 BIT(TRAIN),                                           KIND_INTEGER, AT(limit),     1, INT64_MAX,
     0                                                                                                                                                                                                   },
    {"--quiet",      NULL,         "no progress",                                       BIT(TRAIN),                                           KIND_FLAG,    AT(quiet),     0, 0,          0              },
    {"--confusion",  NULL,         "how often each class was taken for which",          BIT(EVAL),                                            KIND_FLAG,    AT(confusion), 0,
     0,                                                                                                                                                                                   0              },
    {"--top",        "K",          "classes an image; 5 by default",                    BIT(PREDICT),                                         KIND_INTEGER, AT(top),       1, INT64_MAX,
     AT(has_top)                                                                                                                                                                                         },
    {"--input",      "X.npy",      "the samples",                                       BIT(RUN) | BIT(GRADIENTS),                            KIND_TEXT,    AT(input),     0, 0,          0              },
    {"--target",     "T.npy",      "the targets",                                       BIT(GRADIENTS),                                       KIND_TEXT,    AT(target),    0, 0,          0              },
    {"--output",     "FILE",       "the file to write",                                 BIT(RUN) | BIT(GRADIENTS) | BIT(INIT),                KIND_TEXT,    AT(output),    0,
     0,                                                                                                                                                                                   0              },
    {"--layer",      "NAME",       "the layer to read instead of the output",           BIT(RUN),                                             KIND_TEXT,    AT(layer),     0, 0,          0              },
    {"--samples",    "N",          "coordinates of each tensor; 8 by default",          BIT(GRADCHECK),                                       KIND_INTEGER, AT(samples),
     1,                                                                                                                                                                       1000000000, AT(has_samples)},
    {"--seconds",    "S",          "time for each measurement; 1 by default",           BIT(BENCH),                                           KIND_SECONDS, AT(seconds),   0, 0,
     0                                                                                                                                                                                                   },
    {"--json",       NULL,         "print JSON",                                        BIT(EVAL) | BIT(PREDICT) | BIT(SUMMARY) | BIT(BENCH), KIND_FLAG,    AT(json),
     0,                                                                                                                                                                       0,          0              },
    {"--layers",     NULL,         "what each step of the code takes",                  BIT(BENCH),                                           KIND_FLAG,    AT(layers),    0, 0,          0              },
    {"--checkpoint", "DIR",        NULL,                                                BIT(TRAIN) | NOT_BUILT,                               KIND_TEXT,    0,             0, 0,          0              },
    {"--resume",     "DIR",        NULL,                                                BIT(TRAIN) | NOT_BUILT,                               KIND_TEXT,    0,             0, 0,          0              },
    {"--augment",    "on|off",     NULL,                                                BIT(TRAIN) | NOT_BUILT,                               KIND_TEXT,    0,             0, 0,          0              },
    {"--report",     "FILE.html",  NULL,                                                BIT(TRAIN) | NOT_BUILT,                               KIND_TEXT,    0,             0, 0,          0              },
};

static int unknown(const char *kind, const char *word, const char *const *names, int count, const char *help,
                   Failure *failure) {
    const char *near = cnn_nearest(word, names, count);
    if (near) return cnn_fail(failure, STATUS_USAGE, "unknown %s '%s'; did you mean '%s'?", kind, word, near);
    return cnn_fail(failure, STATUS_USAGE, "unknown %s '%s'; %s", kind, word, help);
}

static int find_verb(const char *word, Options *options, Failure *failure) {
    const char *names[VERB_COUNT];
    for (int i = 0; i < VERB_COUNT; i++) {
        names[i] = verbs[i].name;
        if (strcmp(word, names[i]) != 0) continue;
        options->verb = (Verb)i;
        options->has_verb = true;
        if (verbs[i].built) return STATUS_OK;
        return cnn_fail(failure, STATUS_USAGE, "the verb '%s' is not built yet", word);
    }
    return unknown("verb", word, names, VERB_COUNT, "--help lists them", failure);
}

static const OptionRow *find_option(const char *word, size_t length) {
    for (int i = 0; i < COUNT(rows); i++)
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, word, length) == 0) return &rows[i];
    return NULL;
}

static int unknown_option(const char *word, size_t length, Verb verb, Failure *failure) {
    const char *names[COUNT(rows)];
    char *name = strndup(word, length);
    int count = 0;
    if (!name) return cnn_fail_memory(failure, "an option", length);
    for (int i = 0; i < COUNT(rows); i++)
        if (rows[i].verbs & 1u << verb && !(rows[i].verbs & NOT_BUILT)) names[count++] = rows[i].name;
    int status = unknown("option", name, names, count, "--help after the verb lists them", failure);
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

static bool read_real(const char *text, double *number) {
    char *end;
    if (!strchr("0123456789.", *text) || !*text) return false;
    *number = strtod(text, &end);
    return !*end && isfinite(*number);
}

static int set_value(const OptionRow *row, const char *value, Options *options, Failure *failure) {
    void *field = (char *)options + row->field;
    uint64_t number = 0;
    double real;
    if (row->has) *(bool *)((char *)options + row->has) = true;
    switch (row->kind) {
    case KIND_TEXT:
        if (!*value) return bad_value(row, value, row->value, failure);
        *(const char **)field = value;
        return STATUS_OK;
    case KIND_FLAG: *(bool *)field = true; return STATUS_OK;
    case KIND_INTEGER:
        if (!read_digits(value, (uint64_t)row->maximum, row->maximum == INT64_MAX, &number) ||
            (int64_t)number < row->minimum)
            return bad_value(row, value, row->minimum ? "a whole number from 1" : "a whole number from 0",
                             failure);
        *(int64_t *)field = (int64_t)number;
        return STATUS_OK;
    case KIND_SEED:
        if (!read_digits(value, UINT64_MAX, false, &number))
            return bad_value(row, value, "a whole number from 0 to 18446744073709551615", failure);
        *(uint64_t *)field = number;
        return STATUS_OK;
    case KIND_RATE:
        if (!read_real(value, &real) || !((float)real > 0) || !isfinite((float)real))
            return bad_value(row, value, "a number above 0", failure);
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
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const OptionRow *row = find_option(word, length);
    if (!row) return unknown_option(word, length, options->verb, failure);
    if (!(row->verbs & 1u << options->verb))
        return cnn_fail(failure, STATUS_USAGE, "%s has no option %s", verbs[options->verb].name, row->name);
    if (row->verbs & NOT_BUILT) return cnn_fail(failure, STATUS_USAGE, "%s is not built yet", row->name);
    if (row->kind == KIND_FLAG) {
        if (equals) return cnn_fail(failure, STATUS_USAGE, "%s takes no value", row->name);
        return set_value(row, "", options, failure);
    }
    if (equals) return set_value(row, equals + 1, options, failure);
    if (*at + 1 >= argc)
        return cnn_fail(failure, STATUS_USAGE, "%s needs a value: %s", row->name, row->value);
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
        } else if (verbs[options->verb].files) {
            options->files[options->file_count++] = word;
        } else {
            return cnn_fail(failure, STATUS_USAGE, "%s takes no '%s'", verbs[options->verb].name, word);
        }
    }
    return STATUS_OK;
}

int cnn_options_parse(int argc, char **argv, Options *options, Failure *failure) {
    *options = (Options){.shuffle = true};
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

void cnn_options_help(FILE *out, const char *program, const Options *options) {
    if (!options->has_verb) {
        fprintf(out, "usage: %s VERB [options]\n\n", program);
        for (int i = 0; i < VERB_COUNT; i++)
            if (verbs[i].built) fprintf(out, "  %-11s %s\n", verbs[i].name, verbs[i].help);
        fprintf(out, "\n%s VERB --help lists a verb's options.\n", program);
        return;
    }
    const VerbRow *verb = &verbs[options->verb];
    fprintf(out, "usage: %s %s [options]%s%s\n%s\n\n", program, verb->name, verb->files ? " " : "",
            verb->files ? verb->files : "", verb->help);
    for (int i = 0; i < COUNT(rows); i++) {
        if (!(rows[i].verbs & 1u << options->verb) || rows[i].verbs & NOT_BUILT) continue;
        char head[40];
        snprintf(head, sizeof head, "%s%s%s", rows[i].name, rows[i].value ? " " : "",
                 rows[i].value ? rows[i].value : "");
        fprintf(out, "  %-18s %s\n", head, rows[i].help);
    }
}
