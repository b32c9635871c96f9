/* Prints one diagnostic, as text with its source line underlined or as one JSON object on a line. Whatever
 * the source holds, what goes out is UTF-8 without control characters; a column is one character. */
#include "diag/report.h"

#include "base/leaving.h"
#include "runtime/printable.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

/* A line longer than this is shown in part, around the place that is meant. */
enum { LINE_LIMIT = 200, LINE_BEFORE = 80, GUTTER = 4 };

static const char bold[] = "\033[1m", red[] = "\033[1;31m", magenta[] = "\033[1;35m", cyan[] = "\033[1;36m",
                  green[] = "\033[1;32m", plain[] = "\033[0m";

/* One character of a source line, as one column, so that an underline keeps in step. */
static void print_character(FILE *stream, const char *at, int length) {
    char printable[PRINTABLE_SIZE];
    cnn_printable(printable, at, (size_t)(length ? length : 1));
    bool escaped = *printable == '\\' && *at != '\\';
    if (length == 0)
        fputs("\xef\xbf\xbd", stream);
    else if (*at == '\t')
        fputc('\t', stream);
    else
        fputs(escaped ? "?" : printable, stream);
}

static const char *line_start(const Source *source, int line, size_t *length) {
    const char *at = source->text, *end = at + source->length;
    for (; line > 1 && at < end; line--) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline ? newline + 1 : end;
    }
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    *length = (size_t)((newline ? newline : end) - at);
    if (newline && *length && at[*length - 1] == '\r') --*length;
    return at;
}

/* Characters from..to of the line, counted from 1. As blanks: what keeps an underline in step, tabs kept. */
static void print_range(FILE *stream, const char *line, size_t left, int from, int to, bool blank) {
    for (int column = 1; left && column < to; column++) {
        int length = cnn_utf8_length(line, left), step = length ? length : 1;
        if (column >= from) {
            if (blank)
                fputc(*line == '\t' ? '\t' : ' ', stream);
            else
                print_character(stream, line, length);
        }
        line += step;
        left -= (size_t)step;
    }
}

static int count_characters(const char *line, size_t left) {
    int count = 0;
    for (; left; count++) {
        int length = cnn_utf8_length(line, left), step = length ? length : 1;
        line += step;
        left -= (size_t)step;
    }
    return count;
}

static void print_excerpt(FILE *stream, Span at, bool color) {
    size_t length;
    const char *line = line_start(at.source, at.line, &length);
    int characters = count_characters(line, length), from = 1, to = characters + 1;
    if (characters > LINE_LIMIT) {
        if (at.column > LINE_BEFORE) from = at.column - LINE_BEFORE;
        if (to > from + LINE_LIMIT) to = from + LINE_LIMIT;
    }
    const char *head = from > 1 ? "..." : "", *tail = to <= characters ? "..." : "";
    int last = at.end_line > at.line ? characters : at.end_column - 1;
    if (last > to - 1) last = to - 1;

    char number[16];
    int width = snprintf(number, sizeof number, "%d", at.line);
    if (width < GUTTER) width = GUTTER;
    fprintf(stream, "%*s | %s", width, number, head);
    print_range(stream, line, length, from, to, false);
    fprintf(stream, "%s\n%*s | %*s", tail, width, "", (int)strlen(head), "");
    print_range(stream, line, length, from, at.column, true);
    if (color) fputs(green, stream);
    fputc('^', stream);
    for (int column = at.column + 1; column <= last; column++) fputc('~', stream);
    fprintf(stream, "%s\n", color ? plain : "");
}

static void print_head(FILE *stream, Span at, const char *kind, const char *shade, const char *message,
                       bool color) {
    if (color) fputs(bold, stream);
    cnn_print_text(stream, at.source ? at.source->name : "cnnc");
    if (at.source) fprintf(stream, ":%d:%d", at.line, at.column);
    fprintf(stream, ": %s%s: %s", color ? shade : "", kind, color ? plain : "");
    cnn_print_text(stream, message);
    fputc('\n', stream);
}

void report_print_text(FILE *stream, const Report *report, bool color) {
    bool error = report->severity == SEVERITY_ERROR;
    print_head(stream, report->at, error ? "error" : "warning", error ? red : magenta, report->message,
               color);
    if (report->at.source) print_excerpt(stream, report->at, color);
    for (int i = 0; i < report->notes.count; i++) {
        const Note *note = &report->notes.items[i];
        print_head(stream, note->at, "note", cyan, note->message, color);
    }
    for (int i = 0; i < report->help.count; i++) {
        fprintf(stream, "%shelp:%s ", color ? green : "", color ? plain : "");
        cnn_print_text(stream, report->help.items[i]);
        fputc('\n', stream);
    }
}

/* JSON is UTF-8: a byte that is not becomes U+FFFD. The caller frees the result. */
static char *valid_text(const char *text) {
    size_t left = strlen(text), size = 0;
    char *valid = memory_or_leave(malloc(left * 3 + 1));
    while (left) {
        int length = cnn_utf8_length(text, left), step = length ? length : 1;
        memcpy(valid + size, length ? text : "\xef\xbf\xbd", length ? (size_t)length : 3);
        size += length ? (size_t)length : 3;
        text += step;
        left -= (size_t)step;
    }
    valid[size] = 0;
    return valid;
}

static void add_text(cJSON *object, const char *key, const char *text) {
    char *valid = text ? valid_text(text) : NULL;
    if (valid)
        cJSON_AddStringToObject(object, key, valid);
    else
        cJSON_AddNullToObject(object, key);
    free(valid);
}

static void add_place(cJSON *object, Span at) {
    add_text(object, "file", at.source ? at.source->name : NULL);
    cJSON_AddNumberToObject(object, "line", at.line);
    cJSON_AddNumberToObject(object, "column", at.column);
    cJSON_AddNumberToObject(object, "end_line", at.end_line);
    cJSON_AddNumberToObject(object, "end_column", at.end_column);
}

static void add_help(cJSON *object, const Report *report) {
    size_t size = 1;
    for (int i = 0; i < report->help.count; i++) size += strlen(report->help.items[i]) + 1;
    char *joined = report->help.count ? memory_or_leave(calloc(size, 1)) : NULL;
    for (int i = 0; joined && i < report->help.count; i++) {
        if (i) strcat(joined, "\n");
        strcat(joined, report->help.items[i]);
    }
    add_text(object, "fix", joined);
    free(joined);
}

void report_print_json(FILE *stream, const Report *report) {
    cJSON *object = cJSON_CreateObject(), *notes = cJSON_CreateArray();
    add_place(object, report->at);
    const char *severity = report->severity == SEVERITY_ERROR ? "error" : "warning";
    add_text(object, "severity", report->code ? severity : "note"); /* no code: a word about the run itself */
    add_text(object, "code", report->code);
    add_text(object, "message", report->message);
    for (int i = 0; i < report->notes.count; i++) {
        cJSON *note = cJSON_CreateObject();
        add_place(note, report->notes.items[i].at);
        add_text(note, "message", report->notes.items[i].message);
        cJSON_AddItemToArray(notes, note);
    }
    cJSON_AddItemToObject(object, "notes", notes);
    add_help(object, report);
    char *line = cJSON_PrintUnformatted(object);
    fprintf(stream, "%s\n", line);
    cJSON_free(line);
    cJSON_Delete(object);
}
