/* See diag.h. Collects reports; diag.def's rows become the table that gives each its code and its words. */
#include "diag/report.h"

#include "base/leaving.h"
#include "diag/context.h"
#include "runtime/exit_status.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR_LIMIT = 20, WARNING_LIMIT = 100 };

typedef struct Row {
    const char *code;
    Severity severity;
    const char *format, *explanation, *example;
} Row;

static const Row rows[] = {
#define DIAG(name, code, severity, format, explanation, example)                                             \
    {code, severity, format, explanation, example},
#include "diag/diag.def"
#undef DIAG
};

struct Diag {
    Arena *arena;
    FILE *stream;
    DiagFormat format;
    bool color;
    VEC(Report *) reports;
    Report *current;         /* where notes and help go; one that nobody prints after a repetition */
    const char *first_error; /* its code, until it was named on the closing line */
    int errors, warnings, printed;
    bool limit_told, explain_told;
};

Diag *diag_create(Arena *arena, FILE *stream, DiagFormat format, bool color) {
    Diag *d = ARENA_NEW(arena, Diag);
    *d = (Diag){.arena = arena, .stream = stream, .format = format, .color = color};
    return d;
}

static bool same_place(Span a, Span b) {
    return a.source == b.source && a.line == b.line && a.column == b.column && a.end_line == b.end_line &&
           a.end_column == b.end_column;
}

/* A loop that meets the same fault in every run says it once. */
static bool already_reported(const Diag *d, const Report *report) {
    for (int i = 0; i < d->reports.count; i++) {
        const Report *other = d->reports.items[i];
        if (other->code == report->code && same_place(other->at, report->at) &&
            !strcmp(other->message, report->message))
            return true;
    }
    return false;
}

void diag_report(Diag *d, Span at, DiagCode code, const char *format, ...) {
    const Row *row = &rows[code];
    Report *report = ARENA_NEW(d->arena, Report);
    va_list arguments;
    va_start(arguments, format);
    const char *message = arena_vprintf(d->arena, format, arguments);
    va_end(arguments);
    *report = (Report){.severity = row->severity, .code = row->code, .message = message, .at = at};
    d->current = report;
    if (already_reported(d, report)) return;
    int *count = row->severity == SEVERITY_ERROR ? &d->errors : &d->warnings;
    int limit = row->severity == SEVERITY_ERROR ? ERROR_LIMIT : WARNING_LIMIT;
    if (*count <= limit) ++*count;
    if (*count > limit) return;
    if (row->severity == SEVERITY_ERROR && !d->first_error) d->first_error = row->code;
    vec_push(d->arena, &d->reports, report);
}

void diag_note(Diag *d, Span at, const char *format, ...) {
    if (!d->current) return;
    va_list arguments;
    va_start(arguments, format);
    Note note = {at, arena_vprintf(d->arena, format, arguments)};
    va_end(arguments);
    vec_push(d->arena, &d->current->notes, note);
}

void diag_help(Diag *d, const char *format, ...) {
    if (!d->current) return;
    va_list arguments;
    va_start(arguments, format);
    const char *help = arena_vprintf(d->arena, format, arguments);
    va_end(arguments);
    vec_push(d->arena, &d->current->help, help);
}

int diag_errors(const Diag *d) {
    return d->errors;
}

/* One more than the limit, so that the line about further errors is earned. */
bool diag_full(const Diag *d) {
    return d->errors > ERROR_LIMIT;
}

static void print_limit(Diag *d) {
    Report limit = {.severity = SEVERITY_ERROR,
                    .message =
                        arena_printf(d->arena, "too many errors; the first %d are shown", ERROR_LIMIT)};
    if (d->format == DIAG_JSON)
        report_print_json(d->stream, &limit);
    else
        fprintf(d->stream, "%s\n", limit.message);
    d->limit_told = true;
}

void diag_flush(Diag *d) {
    for (; d->printed < d->reports.count; d->printed++) {
        const Report *report = d->reports.items[d->printed];
        if (d->format == DIAG_JSON)
            report_print_json(d->stream, report);
        else
            report_print_text(d->stream, report, d->color);
    }
    if (diag_full(d) && !d->limit_told) print_limit(d);
    if (d->first_error && d->format == DIAG_TEXT && !d->explain_told) {
        fprintf(d->stream, "for more: cnnc explain %s\n", d->first_error);
        d->explain_told = true;
    }
    fflush(d->stream);
}

/* The message's form: every typed hole becomes three points. */
static void print_form(FILE *stream, const char *format) {
    for (const char *at = format; *at; at++) {
        if (*at != '%') {
            fputc(*at, stream);
        } else if (at[1] == '%') {
            fputc(*++at, stream);
        } else {
            at += 1 + strspn(at + 1, "0123456789.*-+ #lhzjt");
            fputs("...", stream);
            if (!*at) return;
        }
    }
}

static void print_wrapped(FILE *stream, const char *text) {
    enum { WIDTH = 90 };
    int column = 0;
    while (*text) {
        int length = (int)strcspn(text, " \n");
        if (column && column + 1 + length > WIDTH) column = 0, fputc('\n', stream);
        fprintf(stream, "%s%.*s", column ? " " : "", length, text);
        column += length + (column > 0);
        text += length;
        if (*text == '\n') column = 0, fputc('\n', stream);
        if (*text) text++;
    }
    fputc('\n', stream);
}

static void print_indented(FILE *stream, const char *text) {
    while (*text) {
        int length = (int)strcspn(text, "\n");
        fprintf(stream, "    %.*s\n", length, text);
        text += length + (text[length] == '\n');
    }
}

static bool same_code(const char *a, const char *b) {
    for (; *a && *b; a++, b++)
        if (toupper((unsigned char)*a) != toupper((unsigned char)*b)) return false;
    return *a == *b;
}

bool diag_explain(FILE *stream, const char *code) {
    for (int i = 0; i < COUNT(rows); i++) {
        if (!same_code(rows[i].code, code)) continue;
        fprintf(stream, "%s, %s: ", rows[i].code,
                rows[i].severity == SEVERITY_ERROR ? "an error" : "a warning");
        print_form(stream, rows[i].format);
        fputs("\n\n", stream);
        print_wrapped(stream, rows[i].explanation);
        if (*rows[i].example) {
            fputs("\nExample:\n\n", stream);
            print_indented(stream, rows[i].example);
        }
        return true;
    }
    return false;
}

void internal_error_at(const char *file, int line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "cnnc: internal error at %s:%d: ", file, line);
    vfprintf(stderr, format, arguments);
    fputs("\nThis is a fault of the compiler, not of the model. Please report it, with the model that shows "
          "it.\n",
          stderr);
    va_end(arguments);
    leave(STATUS_INTERNAL);
}
