/* Words of other frameworks: what a row says that they are called here is there, and no row hides another or
 * a word of the language. */
#include "diag/foreign.h"
#include "graph/op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { LONGEST = 64 };

/* The n-th of blank-separated words; false past the end. */
static bool word_at(const char *words, int n, char *word) {
    for (; n > 0 && *words; n--) {
        words += strcspn(words, " ");
        words += strspn(words, " ");
    }
    size_t length = strcspn(words, " ");
    assert_true(length < LONGEST);
    memcpy(word, words, length);
    word[length] = 0;
    return length > 0;
}

/* conv of "conv(3)", nothing of "[a, b]". */
static void first_name(const char *text, char *name) {
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789");
    assert_true(length < LONGEST);
    memcpy(name, text, length);
    name[length] = 0;
}

static bool has_param(const Op *op, const char *name) {
    for (int i = 0; i < op->param_count; i++)
        if (!strcmp(op->params[i].name, name)) return true;
    return false;
}

static bool is_layer(const char *name) {
    const Op *op = op_find(name);
    return !strcmp(name, "input") || (op && (op->kind == OPK_LAYER || op->kind == OPK_ACTIVATION));
}

static void check_argument(const ForeignWord *row) {
    char of[LONGEST], here[LONGEST], word[LONGEST];
    first_name(row->here, here);
    for (int i = 0; word_at(row->of, i, of); i++) {
        const Op *op = op_find(of);
        if (!strcmp(of, "input")) continue;
        if (!op) fail_msg("there is no '%s'", of);
        if (*here && !has_param(op, here)) fail_msg("%s has no argument '%s'", of, here);
        for (int k = 0; word_at(row->words, k, word); k++)
            if (has_param(op, word)) fail_msg("%s has an argument '%s' itself", of, word);
    }
}

static void check_layer(const ForeignWord *row) {
    char here[LONGEST], word[LONGEST];
    first_name(row->here, here);
    if (*here && !is_layer(here)) fail_msg("there is no layer '%s'", here);
    for (int i = 0; word_at(row->words, i, word); i++)
        if (is_layer(word)) fail_msg("'%s' is a layer itself", word);
}

/* A loss, an optimizer or a schedule. */
static void check_choice(const ForeignWord *row, OpKind kind) {
    char here[LONGEST];
    first_name(row->here, here);
    if (*here && (!op_find(here) || op_find(here)->kind != kind)) fail_msg("%s is no %s", here, row->of);
}

static void what_rows_name_is_there(void **state) {
    (void)state;
    int count;
    const ForeignWord *rows = foreign_rows(&count);
    for (int i = 0; i < count; i++) {
        const ForeignWord *row = &rows[i];
        if (!*row->here && !*row->note) fail_msg("the row of '%s' says nothing", row->words);
        if (row->place == FOREIGN_ARGUMENT) check_argument(row);
        if (row->place == FOREIGN_LAYER) check_layer(row);
        if (row->place != FOREIGN_WORD) continue;
        if (!strcmp(row->of, "loss")) check_choice(row, OPK_LOSS);
        if (!strcmp(row->of, "optimizer")) check_choice(row, OPK_OPTIMIZER);
        if (!strcmp(row->of, "schedule")) check_choice(row, OPK_SCHEDULE);
    }
}

static void no_row_hides_another(void **state) {
    (void)state;
    int count;
    char word[LONGEST], of[LONGEST];
    const ForeignWord *rows = foreign_rows(&count);
    for (int i = 0; i < count; i++)
        for (int k = 0; word_at(rows[i].words, k, word); k++)
            for (int n = 0; n == 0 || word_at(rows[i].of, n, of); n++) {
                word_at(rows[i].of, n, of);
                const ForeignWord *found = foreign_find(rows[i].place, of, word);
                if (found != &rows[i]) fail_msg("'%s' of '%s' stands in two rows", word, of);
            }
}

static void case_and_underscores_make_no_difference(void **state) {
    (void)state;
    static const char *const words[] = {"Conv2D", "conv2d", "CONV_2D", "_conv2d", "Conv2d_"};
    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++)
        assert_string_equal(foreign_find(FOREIGN_LAYER, "", words[i])->here, "conv");
    static const char *const others[] = {"Conv2", "Conv2DD", "Conv", "", "_", " ", "conv2d conv3d"};
    for (int i = 0; i < (int)(sizeof others / sizeof *others); i++)
        assert_null(foreign_find(FOREIGN_LAYER, "", others[i]));
    assert_non_null(foreign_find(FOREIGN_ARGUMENT, "conv", "subsample"));
    assert_null(foreign_find(FOREIGN_ARGUMENT, "dense", "subsample"));
    assert_null(foreign_find(FOREIGN_SETTING, "train", "subsample"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_rows_name_is_there),
        cmocka_unit_test(no_row_hides_another),
        cmocka_unit_test(case_and_underscores_make_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
