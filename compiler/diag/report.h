/* What diag.c keeps of a diagnostic and what printer.c prints of it. Inside diag/ only. */
#ifndef CNNC_DIAG_REPORT_H
#define CNNC_DIAG_REPORT_H

#include "base/vec.h"
#include "diag/diag.h"

typedef struct Note {
    Span at;
    const char *message;
} Note;

typedef struct Report {
    Severity severity;
    const char *code, *message;
    Span at;
    VEC(Note) notes;
    VEC(const char *) help;
} Report;

void report_print_text(FILE *stream, const Report *report, bool color);
void report_print_json(FILE *stream, const Report *report);

#endif
