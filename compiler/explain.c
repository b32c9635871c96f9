/* See explain.h. */
#include "explain.h"

#include "base/say.h"
#include "output/reference.h"

#include <ctype.h>
#include <string.h>

static bool is_public(const Op *op) {
    return op->kind != OPK_INTERNAL;
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
        say_error("there is no diagnostic with the code '%s'", word);
    else if (near)
        say_error("nothing is known of '%s'; did you mean '%s'?", word, near);
    else
        say_error("nothing is known of '%s'; give a code such as E0009, or a layer's name", word);
}

bool explain_print(FILE *out, const char *word) {
    if (diag_explain(out, word)) return true;
    const Op *op = op_find(word);
    if (op && is_public(op)) {
        reference_print(out, op);
        return true;
    }
    const char *planned = op_planned(word);
    if (planned)
        say_error("the %s %s is not built yet", planned, word);
    else
        print_unknown(word);
    return false;
}
