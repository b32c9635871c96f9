/* See reference.h. */
#include "output/reference.h"

#include "base/textstream.h"

#include <stdlib.h>
#include <string.h>

enum { CALL_WIDTH = 100, CALL_INDENT = 4, COLUMNS = 4 };

/* What a merge keeps in arguments is written among its values. */
static int written_params(const Op *op) {
    return op->merge ? 0 : op->param_count;
}

static void put_part(FILE *out, const char *part, int indent, int *column) {
    if (*column + 1 + (int)strlen(part) > CALL_WIDTH)
        *column = fprintf(out, "\n%*s", indent, "") - 1;
    else if (*column > indent)
        *column += fprintf(out, " ");
    *column += fprintf(out, "%s", part);
}

/* The call with every argument and its default. */
static void print_call(FILE *out, const Op *op) {
    int column = fprintf(out, "%*s%s", CALL_INDENT, "", op->name), count = written_params(op);
    if (op->merge || count) column += fprintf(out, "(");
    if (op->merge) fprintf(out, "a, b, ...");
    for (int i = 0, indent = column; i < count; i++) {
        const Param *param = &op->params[i];
        const char *fallback = param->fallback ? param->fallback : "";
        char part[128];
        snprintf(part, sizeof part, "%s%s%s%s", param->name, *fallback && *fallback != '=' ? "=" : "",
                 fallback, i + 1 < count ? "," : "");
        put_part(out, part, indent, &column);
    }
    fputs(op->merge || count ? ")\n" : "\n", out);
}

/* What an argument takes. */
static void write_type(FILE *out, const Param *param) {
    static const char *const names[] = {
        [PARAM_INT] = "integer", [PARAM_REAL] = "number",           [PARAM_BOOL] = "true or false",
        [PARAM_SIZE] = "size",   [PARAM_PADDING] = "padding",       [PARAM_PADS] = "size or pairs",
        [PARAM_WORD] = "word",   [PARAM_INIT] = "initialiser",      [PARAM_TENSOR] = "nested list",
        [PARAM_DIMS] = "sizes",  [PARAM_SCALAR] = "number or none", [PARAM_INTEGERS] = "list of integers"};
    bool activation = param->type == PARAM_WORD && !param->words;
    fputs(activation ? "an activation" : names[param->type], out);
    if (param->words) fprintf(out, ": %s", param->words);
    if (param->min == 0 && param->max == 0 && !param->above && !param->below) return;
    fprintf(out, ", %s %.10g", param->above ? "above" : "from", param->min);
    if (param->max > param->min && param->max < 1e15)
        fprintf(out, " to %s%.10g", param->below ? "below " : "", param->max);
}

static void write_fallback(FILE *out, const Param *param) {
    if (!param->fallback)
        fputs("required", out);
    else if (*param->fallback == '=')
        fprintf(out, "that of `%s`", param->fallback + 1);
    else
        fprintf(out, "`%s`", param->fallback);
}

static void write_cell(FILE *out, const Param *param, int column) {
    switch (column) {
    case 0: fprintf(out, "`%s`", param->name); break;
    case 1: write_type(out, param); break;
    case 2: write_fallback(out, param); break;
    default: fputs(param->help ? param->help : "", out); break;
    }
}

/* A cell's text, for the caller to free; a bar would end it. */
static char *cell_text(const Param *param, int column) {
    TextStream text, escaped;
    textstream_open(&text);
    write_cell(text.out, param, column);
    textstream_close(&text);
    textstream_open(&escaped);
    for (const char *p = text.bytes; *p; p++) fprintf(escaped.out, "%s%c", *p == '|' ? "\\" : "", *p);
    textstream_close(&escaped);
    free(text.bytes);
    return escaped.bytes;
}

static void print_cell(FILE *out, const char *text, int width, bool last) {
    fprintf(out, " %-*s |", last ? 0 : width, text);
}

static void print_table(FILE *out, const Op *op) {
    static const char *const headings[COLUMNS] = {"argument", "takes", "default", "meaning"};
    int widths[COLUMNS];
    for (int column = 0; column < COLUMNS; column++) {
        widths[column] = (int)strlen(headings[column]);
        for (int i = 0; i < op->param_count; i++) {
            char *text = cell_text(&op->params[i], column);
            int width = (int)strlen(text);
            if (width > widths[column]) widths[column] = width;
            free(text);
        }
    }
    fputs("\n|", out);
    for (int c = 0; c < COLUMNS; c++) print_cell(out, headings[c], widths[c], c == COLUMNS - 1);
    fputs("\n|", out);
    for (int c = 0; c < COLUMNS; c++) print_cell(out, "---", widths[c], c == COLUMNS - 1);
    for (int i = 0; i < op->param_count; i++) {
        fputs("\n|", out);
        for (int c = 0; c < COLUMNS; c++) {
            char *text = cell_text(&op->params[i], c);
            print_cell(out, text ? text : "", widths[c], c == COLUMNS - 1);
            free(text);
        }
    }
    fputc('\n', out);
}

static const char *output_shape(const Op *op) {
    if (op->kind != OPK_LAYER && op->kind != OPK_ACTIVATION) return NULL;
    if (op->gives) return op->gives;
    return op->shape ? NULL : "that of the input";
}

void reference_print(FILE *out, const Op *op) {
    print_call(out, op);
    if (op->summary) fprintf(out, "\n%s\n", op->summary);
    if (op->formula) fprintf(out, "\n    %s\n", op->formula);
    if (output_shape(op)) fprintf(out, "\nShape: %s.\n", output_shape(op));
    if (written_params(op)) print_table(out, op);
    if (op->example) fprintf(out, "\nFor example `%s`.\n", op->example);
}
