/* See explain.h. */
#include "explain.h"

#include "graph/op.h"

#include <ctype.h>
#include <string.h>

static bool is_public(const Op *op) {
    return op->kind != OPK_INTERNAL;
}

/* The call with every argument and its default: conv(filters, kernel, stride=1, ...). */
static void print_call(FILE *out, const Op *op) {
    fputs(op->name, out);
    const char *joint = "(";
    if (op->merge) {
        fputs("(a, b, ...", out);
        joint = ", ";
    }
    for (int i = 0; i < op->param_count; i++) {
        const Param *param = &op->params[i];
        const char *fallback = param->fallback;
        if (fallback && *fallback == '=') fallback++;
        fprintf(out, "%s%s%s%s", joint, param->name, fallback ? "=" : "", fallback ? fallback : "");
        joint = ", ";
    }
    fputs(op->merge || op->param_count ? ")\n" : "\n", out);
}

static void print_row(FILE *out, const Op *op) {
    print_call(out, op);
    if (op->summary) fprintf(out, "\n%s\n", op->summary);
    if (op->formula) fprintf(out, "\n    %s\n", op->formula);
    int width = 0;
    for (int i = 0; i < op->param_count; i++) {
        int length = (int)strlen(op->params[i].name);
        if (length > width) width = length;
    }
    if (width) fputc('\n', out);
    for (int i = 0; i < op->param_count; i++)
        fprintf(out, "  %-*s  %s\n", width, op->params[i].name, op->params[i].help ? op->params[i].help : "");
    if (op->example) fprintf(out, "\nExample:\n\n    %s\n", op->example);
}

static void print_unknown(const char *word) {
    int count;
    const Op *const *ops = op_table(&count);
    const char *names[256];
    int known = 0;
    for (int i = 0; i < count && known < COUNT(names); i++)
        if (is_public(ops[i])) names[known++] = ops[i]->name;
    const char *near = diag_nearest(word, names, known);
    bool code = (toupper((unsigned char)*word) == 'E' || toupper((unsigned char)*word) == 'W') &&
                isdigit((unsigned char)word[1]);
    if (code)
        fprintf(stderr, "cnnc: error: there is no diagnostic with the code '%s'\n", word);
    else if (near)
        fprintf(stderr, "cnnc: error: nothing is known of '%s'; did you mean '%s'?\n", word, near);
    else
        fprintf(stderr,
                "cnnc: error: nothing is known of '%s'; give a code such as E0009, or a layer's name\n",
                word);
}

bool explain_print(FILE *out, const char *word) {
    if (diag_explain(out, word)) return true;
    const Op *op = op_find(word);
    if (op && is_public(op)) {
        print_row(out, op);
        return true;
    }
    const char *planned = op_planned(word);
    if (planned)
        fprintf(stderr, "cnnc: error: the %s %s is not built yet\n", planned, word);
    else
        print_unknown(word);
    return false;
}
