/* Diagnostics: what is said to the user about the model. Every message is a row of diag.def; a call site only
 * says what happened. Errors are collected and go on; nothing here ends the program.
 *
 *     diag(d, span, E_KERNEL_TOO_LARGE, "5x5", "3x3");
 *     diag_note(d, origin, "%s makes it %s", "maxpool_2", "3x3x16");
 *     diag_help(d, "floor((3 + 0 - 5)/1) + 1 = -1; padding=1 or kernel 3 would fit");
 *
 * Notes and help belong to the diagnostic before them. Diagnostics are printed by diag_flush, in the order in
 * which they were reported. Messages and help are formatted with printf's rules. A message's format stands in
 * its row of diag.def, and the C compiler checks the arguments of every call against it. */
#ifndef CNNC_DIAG_DIAG_H
#define CNNC_DIAG_DIAG_H

#include "diag/source.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

typedef enum DiagCode {
#define DIAG(name, code, severity, format, explanation, example) name,
#include "diag/diag.def"
#undef DIAG
    DIAG_CODE_COUNT
} DiagCode;

/* The format of each row by its name: -Wformat reads the initial value of a constant array. */
#define DIAG(name, code, severity, format, explanation, example)                                             \
    static const char diag_format_##name[] __attribute__((unused)) = format;
#include "diag/diag.def"
#undef DIAG

typedef enum Severity { SEVERITY_ERROR, SEVERITY_WARNING } Severity;
typedef enum DiagFormat { DIAG_TEXT, DIAG_JSON } DiagFormat;

typedef struct Diag Diag;

/* Writes to the stream; color as decided by the caller. At most 20 errors are printed, then a line that says
 * so. */
Diag *diag_create(Arena *arena, FILE *stream, DiagFormat format, bool color);

/* Reports what the row `code` says, which is the name of the row itself: no variable can stand there. */
#define diag(d, at, code, ...) diag_report(d, at, code, diag_format_##code __VA_OPT__(, ) __VA_ARGS__)
void diag_report(Diag *d, Span at, DiagCode code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void diag_note(Diag *d, Span at, const char *format, ...) __attribute__((format(printf, 3, 4)));
void diag_help(Diag *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

int diag_errors(const Diag *d); /* errors reported so far */
bool diag_full(const Diag *d);  /* the limit is reached: a phase may stop early */
void diag_flush(Diag *d);       /* prints what was not printed yet */

/* The nearest of the candidates to a misspelt word, or NULL where none is near. Damerau-Levenshtein distance,
 * at most a third of the word's length. */
const char *diag_nearest(const char *word, const char *const *candidates, int count);

/* Prints what `cnnc explain CODE` says; false where there is no such code. */
bool diag_explain(FILE *stream, const char *code);

#endif
