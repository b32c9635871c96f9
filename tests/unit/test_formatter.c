/* The standard layout: what texts become, that they stay the same trees, and that the layout of the layout is
 * itself. Every model of the examples and the tests is a case of the latter two. */
#define _GNU_SOURCE
#include "syntax/formatter.h"
#include "tree_text.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* NULL for a text with errors. */
static const char *formatted(Arena *arena, const char *text) {
    static FILE *nowhere;
    if (!nowhere) nowhere = fopen("/dev/null", "w");
    Context cx = {.arena = arena, .diag = diag_create(arena, nowhere, DIAG_TEXT, false)};
    Source *source = ARENA_NEW(arena, Source);
    *source = (Source){"test.cnn", text, strlen(text)};
    return format_source(&cx, source);
}

static char *tree_of(Arena *arena, const char *text) {
    Context cx = {.arena = arena, .diag = diag_create(arena, stderr, DIAG_TEXT, false)};
    Source *source = ARENA_NEW(arena, Source);
    *source = (Source){"test.cnn", text, strlen(text)};
    return tree_text(syntax_parse(&cx, source));
}

/* A text without errors keeps its tree, and is done with once it is formatted. */
static void keeps_its_meaning(const char *name, const char *text) {
    Arena *arena = arena_create();
    const char *once = formatted(arena, text);
    if (once) {
        char *before = tree_of(arena, text), *after = tree_of(arena, once);
        const char *twice = formatted(arena, once);
        if (strcmp(before, after) != 0) fail_msg("%s: another tree", name);
        if (!twice || strcmp(once, twice) != 0) fail_msg("%s: formatted twice it is another text", name);
        free(before);
        free(after);
    }
    arena_destroy(arena);
}

static void becomes(const char *text, const char *wanted) {
    Arena *arena = arena_create();
    const char *got = formatted(arena, text);
    assert_non_null(got);
    assert_string_equal(got, wanted);
    arena_destroy(arena);
    keeps_its_meaning("a case", text);
}

static void blanks(void **state) {
    (void)state;
    becomes("", "");
    becomes("\n\n# only a comment  \r\n\n", "# only a comment\n");
    becomes("const  a=1+2 *3", "const a = 1 + 2 * 3\n");
    becomes("const a = - b **- 2 //( c+1 )", "const a = -b**-2 // (c + 1)\n");
    becomes("const a = 1 / 255; const b = x*1 / 255", "const a = 1/255\nconst b = x * 1 / 255\n");
    becomes("const a = not(b)and c [0] . width<=3x5", "const a = not (b) and c[0].width <= 3x5\n");
    becomes("const a = [ 1,2 ,[ ] , ]", "const a = [1, 2, []]\n");
    becomes("const a = f (x = 1, y = 2 if b else 3)", "const a = f(x=1, y = 2 if b else 3)\n");
    becomes("\n\nconst a = \"#  \\\" \"\n\n\n\nconst b = 2\n", "const a = \"#  \\\" \"\n\nconst b = 2\n");
}

static void bodies(void **state) {
    (void)state;
    becomes("model m { input(4);dense ( 2 ) }", "model m {\n  input(4)\n  dense(2)\n}\n");
    becomes("block b(n,m=1){relu}\nconst a = 1\nassert a==1,\"one\"",
            "block b(n, m=1) {\n  relu\n}\n\nconst a = 1\nassert a == 1, \"one\"\n");
    becomes("block b {\nrepeat 3\n{\n relu }\nfor i in 1 .. n - 1 { f(i) }\nfor v in [1]{}\n}",
            "block b {\n  repeat 3 { relu }\n  for i in 1..n-1 { f(i) }\n  for v in [1] {}\n}\n");
    becomes("block b {\nif a { relu } else if c{tanh}\nelse { x=1 ; y = in -> relu }\n}",
            "block b {\n  if a {\n    relu\n  } else if c {\n    tanh\n  } else {\n    x = 1\n    y = in -> "
            "relu\n  }\n}\n");
}

static void settings(void **state) {
    (void)state;
    becomes(
        "data { format=idx\n path = \"a\"\n\n validation=0.1\naugment{flip(horizontal);crop(pad=4)} }",
        "data {\n  format = idx\n  path   = \"a\"\n\n  validation = 0.1\n  augment {\n    flip(horizontal)\n"
        "    crop(pad=4)\n  }\n}\n");
    becomes("train { loss = mse }", "train {\n  loss = mse\n}\n");
}

static void comments(void **state) {
    (void)state;
    becomes(
        "# a\nconst x = 1# b\nconst long = 2   # c\n\n\n# d\n#e\nmodel m { # f\n  # g\n\n\n\n # h\n }# i\n",
        "# a\nconst x = 1     # b\nconst long = 2  # c\n\n# d\n#e\nmodel m {  # f\n  # g\n\n  # h\n}  # i\n");
    becomes("model m {\nif a # b\n{ relu } # c\n# d\nelse { relu # e\n}\n}",
            "model m {\n  if a {  # b\n    relu\n  } else {  # c\n    # d\n    relu  # e\n  }\n}\n");
    becomes("model m {\nx = in -> # a\n relu\n # b\n -> f(1, # c\n # d\n 2 # e\n)\n}",
            "model m {\n  x = in  # a\n         -> relu\n         # b\n         -> f(1,  # c\n"
            "              # d\n              2  # e\n              )\n}\n");
}

static void long_lines(void **state) {
    (void)state;
    becomes("block b {\nmain = in -> conv(filters, 3, stride=stride, padding=same, bias=false) -> batchnorm "
            "-> relu -> "
            "conv(filters, 3, padding=same, bias=false)\n}",
            "block b {\n  main = in -> conv(filters, 3, stride=stride, padding=same, bias=false) -> "
            "batchnorm -> relu\n"
            "            -> conv(filters, 3, padding=same, bias=false)\n}\n");
    becomes("const names = [\"11111111111111\", \"22222222222222\", \"33333333333333\", \"44444444444444\", "
            "\"55555555555555\", "
            "\"66666666666666\"]",
            "const names = [\"11111111111111\", \"22222222222222\", \"33333333333333\", \"44444444444444\", "
            "\"55555555555555\",\n"
            "               \"66666666666666\"]\n");
    becomes("const k = [[1, 0, -1], [22, 0, -2], [1, 0, -1]]",
            "const k = [[ 1, 0, -1],\n           [22, 0, -2],\n           [ 1, 0, -1]]\n");
    becomes("const p = [[1, 2], [3, 4], [5, 6]]", "const p = [[1, 2], [3, 4], [5, 6]]\n");
}

static void faults(void **state) {
    (void)state;
    Arena *arena = arena_create();
    assert_null(formatted(arena, "model m {"));
    assert_null(formatted(arena, "const a = \"\\q\""));
    arena_destroy(arena);
}

static int visit(const char *path, const struct stat *info, int type, struct FTW *place) {
    (void)info, (void)place;
    size_t length = strlen(path);
    if (type != FTW_F || length < 4 || strcmp(path + length - 4, ".cnn") != 0) return 0;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = NULL;
    size_t size = 0;
    if (getdelim(&text, &size, 0, file) >= 0) keeps_its_meaning(path, text); /* a NUL would be an error */
    free(text);
    fclose(file);
    return 0;
}

static void all_models(void **state) {
    (void)state;
    assert_int_equal(nftw("..", visit, 16, FTW_PHYS), 0);
    assert_int_equal(nftw("../../examples", visit, 16, FTW_PHYS), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks),     cmocka_unit_test(bodies),     cmocka_unit_test(settings),
        cmocka_unit_test(comments),   cmocka_unit_test(long_lines), cmocka_unit_test(faults),
        cmocka_unit_test(all_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
