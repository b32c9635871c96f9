/* The parser: texts and the trees they give, written as s-expressions. */
#include "syntax/parse.h"
#include "tree_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The text gives that tree and no diagnostic. */
static void gives(const char *text, const char *tree) {
    Arena *arena = arena_create();
    Context cx = {.arena = arena, .diag = diag_create(arena, stderr, DIAG_TEXT, false)};
    Source source = {"test.cnn", text, strlen(text)};
    const Ast *ast = syntax_parse(&cx, &source);
    char *written = tree_text(ast);
    diag_flush(cx.diag);
    assert_int_equal(diag_errors(cx.diag), 0);
    assert_string_equal(written, tree);
    free(written);
    arena_destroy(arena);
}

static void expression(const char *text, const char *tree) {
    char model[512], wanted[512];
    snprintf(model, sizeof model, "const c = %s", text);
    snprintf(wanted, sizeof wanted, "const c %s\n", tree);
    gives(model, wanted);
}

static void statements(const char *text, const char *tree) {
    char model[1024], wanted[1024];
    snprintf(model, sizeof model, "model m {%s}", text);
    snprintf(wanted, sizeof wanted, "model m {%s}\n", tree);
    gives(model, wanted);
}

static void precedence(void **state) {
    (void)state;
    expression("1 + 2 * 3 - 4", "(- (+ 1 (* 2 3)) 4)");
    expression("8 // 3 % 2 / 5", "(/ (% (// 8 3) 2) 5)");
    expression("-2 ** 2", "(neg (** 2 2))");
    expression("2 ** 3 ** 2", "(** 2 (** 3 2))");
    expression("2 ** -1", "(** 2 (neg 1))");
    expression("-a.b[0] * 3", "(* (neg (index (b a) 0)) 3)");
    expression("(1 + 2) * 3", "(* (+ 1 2) 3)");
    expression("a or b and not c == 1 + 1", "(or a (and b (not (== c (+ 1 1)))))");
    expression("1 if a < 2 else 2 if b else 3", "(cond 1 (< a 2) (cond 2 b 3))");
    expression("a - b - c", "(- (- a b) c)");
}

static void values(void **state) {
    (void)state;
    expression("300_000", "300000");
    expression("9223372036854775807", "9223372036854775807");
    expression("1e-4", "0.0001");
    expression("0.5", "0.5");
    expression("1_0.2_5e1", "102.5");
    expression("3x5", "(size 3 5)");
    expression("3x3x3", "(size 3 3 3)");
    expression("[1, [2, 3], [],]", "(list 1 (list 2 3) (list))");
    expression("\"a\\\"b\\\\ # no comment\"", "\"a\"b\\ # no comment\"");
    expression("[true, false, none, same]", "(list true false none same)");
    expression("min(1, 2,)", "(min 1 2)");
    expression("f()", "(f)");
    expression("memory.training", "(training memory)");
}

static void lines(void **state) {
    (void)state;
    statements("\n\n;; a ; b\nc\n", "(do a) (do b) (do c)");
    statements(" a # -> b\n # word\n -> c\n\n -> d ->\n\n e\n f ", "(do (-> a c d e)) (do f)");
    statements("x = add(a,\n b # b\n)\n y = [\n1\n,\n2\n]\n", "(let x (add a b)) (let y (list 1 2))");
    statements("if a { b }\n else if c\n {\n d }\n\nelse\n{ e }\n f",
               "(if a {(do b)} else {(if c {(do d)} else {(do e)})}) (do f)");
    statements("a\r\n-> b\r\nc", "(do (-> a b)) (do c)");
    gives("\n\n", "");
    gives("", "");
    gives("# only a comment", "");
    gives("const a = 1; const b = 2", "const a 1\nconst b 2\n");
}

static void statement_forms(void **state) {
    (void)state;
    statements("input(3) -> conv(2, kernel=3x5) -> relu",
               "(do (-> (input 3) (conv 2 kernel=(size 3 5)) relu))");
    statements("x = in -> relu; it -> x; in", "(let x (-> in relu)) (do (-> it x)) (do in)");
    statements("repeat 2 * n { a; b }", "(repeat (* 2 n) {(do a) (do b)})");
    statements("for i in 1..n - 1 { a }", "(for i 1 to (- n 1) {(do a)})");
    statements("for i in [1, 2] { a }", "(for i (list 1 2) {(do a)})");
    statements("for i in 1..5 { }", "(for i 1 to 5 {})");
    statements("assert a.b == 3, \"no\"", "(assert (== (b a) 3) \"no\")");
    statements("add(a -> b, c=d -> e)", "(do (add (-> a b) c=(-> d e)))");
    statements("(a -> b) -> c", "(do (-> a b c))");
    statements("x = a if b else c -> d", "(let x (-> (cond a b c) d))");
}

static void declarations(void **state) {
    (void)state;
    gives("import \"a.cnn\"\nassert parameters <= 3, \"m\"",
          "import \"a.cnn\"\nassert (<= parameters 3) \"m\"\n");
    gives("block b(f, stride=1,) { relu }\nblock c() { in }\nblock d\n{ in }",
          "block b :f :stride=1 {(do relu)}\nblock c {(do in)}\nblock d {(do in)}\n");
    gives("data { format = idx; train = [\"a\",\n\"b\"]\n augment { flip(horizontal); crop(pad=4)\n erase(1) "
          "}\n resize=2x3 }",
          "data format=idx train=(list \"a\" \"b\") resize=(size 2 3) "
          "(augment (flip horizontal) (crop pad=4) (erase 1))\n");
    gives("train\n{\n loss = cross_entropy(label_smoothing=0.1)\n optimizer = sgd\n}",
          "train loss=(cross_entropy label_smoothing=0.1) optimizer=sgd\n");
}

static void spans_cover_their_text(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Context cx = {.arena = arena, .diag = diag_create(arena, stderr, DIAG_TEXT, false)};
    const char *text = "model m {\n  # é\n  \"é\" -> conv(3,\n    4).x\n}\n";
    Source source = {"test.cnn", text, strlen(text)};
    const Decl *model = syntax_parse(&cx, &source)->declarations.items[0];
    const Expr *pipeline = model->body->statements.items[0]->value;
    assert_int_equal(model->span.end_line, 5);
    assert_int_equal(model->name_span.column, 7);
    assert_int_equal(pipeline->span.line, 3);
    assert_int_equal(pipeline->span.column, 3);
    assert_int_equal(pipeline->span.end_line, 4);
    assert_int_equal(pipeline->span.end_column, 9);
    assert_int_equal(pipeline->items.items[0]->span.end_column, 6);
    assert_int_equal(pipeline->items.items[1]->left->text_span.column, 10);
    assert_int_equal(pipeline->items.items[1]->left->text_span.end_column, 14);
    arena_destroy(arena);
}

static const Expr *definition(Context *cx, const char *text) {
    Source *source = ARENA_NEW(cx->arena, Source);
    *source = (Source){"-D", text, strlen(text)};
    return syntax_parse_expression(cx, source);
}

static void expressions_alone(void **state) {
    (void)state;
    Arena *arena = arena_create();
    FILE *nowhere = fopen("/dev/null", "w");
    Context cx = {.arena = arena, .diag = diag_create(arena, nowhere, DIAG_TEXT, false)};
    assert_int_equal(definition(&cx, "3")->integer, 3);
    assert_int_equal(definition(&cx, "[1, 2]")->items.count, 2);
    assert_int_equal(definition(&cx, "-1")->kind, EXPR_UNARY);
    assert_int_equal(diag_errors(cx.diag), 0);
    assert_null(definition(&cx, ""));
    assert_null(definition(&cx, "3 4"));
    assert_null(definition(&cx, "3; 4"));
    assert_null(definition(&cx, "99999999999999999999"));
    assert_null(definition(&cx, "model m { }"));
    arena_destroy(arena);
    fclose(nowhere);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(precedence),
        cmocka_unit_test(values),
        cmocka_unit_test(lines),
        cmocka_unit_test(statement_forms),
        cmocka_unit_test(declarations),
        cmocka_unit_test(spans_cover_their_text),
        cmocka_unit_test(expressions_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
