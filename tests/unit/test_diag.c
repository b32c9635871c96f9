/* Diagnostics: the text form to the last character, JSON, limits, repetitions, nearest words, UTF-8. */
#include "diag/context.h"
#include "runtime/printable.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char model_text[] = "model lenet {\n\tinput(8, 8, 1)\n  conv(120, 5)\r\n  größe é\n}";
static const Source source = {"lenet.cnn", model_text, sizeof model_text - 1};

typedef struct Recorder {
    Arena *arena;
    Diag *diag;
    FILE *stream;
    char *text;
    size_t size;
} Recorder;

static Recorder recorder_open(DiagFormat format, bool color) {
    Recorder recorder = {.arena = arena_create()};
    recorder.stream = tmpfile();
    recorder.diag = diag_create(recorder.arena, recorder.stream, format, color);
    return recorder;
}

static const char *recorder_text(Recorder *recorder) {
    diag_flush(recorder->diag);
    long size = ftell(recorder->stream);
    rewind(recorder->stream);
    char *text = arena_alloc(recorder->arena, (size_t)size + 1);
    assert_int_equal(fread(text, 1, (size_t)size, recorder->stream), size);
    return text;
}

static void recorder_close(Recorder *recorder) {
    fclose(recorder->stream);
    arena_destroy(recorder->arena);
}

static void expect_text(Recorder *recorder, const char *text) {
    assert_string_equal(recorder_text(recorder), text);
    recorder_close(recorder);
}

static Span place(int line, int column, int end_line, int end_column) {
    return (Span){&source, line, column, end_line, end_column};
}

static void text_has_excerpt_notes_and_help(void **state) {
    (void)state;
    Recorder r = recorder_open(DIAG_TEXT, false);
    diag(r.diag, place(3, 3, 3, 15), E_SYNTAX, "a 5x5 kernel", "less");
    diag_note(r.diag, place(2, 2, 2, 16), "%s makes it %s", "input", "8x8x1");
    diag_help(r.diag, "padding=%d would fit", 1);
    expect_text(&r, "lenet.cnn:3:3: error: found a 5x5 kernel, expected less\n"
                    "   3 |   conv(120, 5)\n"
                    "     |   ^~~~~~~~~~~~\n"
                    "lenet.cnn:2:2: note: input makes it 8x8x1\n"
                    "help: padding=1 would fit\n"
                    "for more: cnnc explain E0009\n");
}

static void underlines_keep_step(void **state) {
    (void)state;
    Recorder r = recorder_open(DIAG_TEXT, false);
    diag(r.diag, place(2, 2, 5, 2), E_UNARY_PLUS); /* over several lines: to the end of the first */
    diag(r.diag, place(4, 9, 4, 10), E_UNARY_PLUS);
    diag(r.diag, place(5, 2, 5, 2), E_UNARY_PLUS); /* behind the last character */
    diag(r.diag, (Span){0}, E_UNARY_PLUS);
    expect_text(&r, "lenet.cnn:2:2: error: there is no unary plus\n"
                    "   2 | \tinput(8, 8, 1)\n"
                    "     | \t^~~~~~~~~~~~~~\n"
                    "lenet.cnn:4:9: error: there is no unary plus\n"
                    "   4 |   größe é\n"
                    "     |         ^\n"
                    "lenet.cnn:5:2: error: there is no unary plus\n"
                    "   5 | }\n"
                    "     |  ^\n"
                    "cnnc: error: there is no unary plus\n"
                    "for more: cnnc explain E0018\n");
}

static void color_goes_round_the_words(void **state) {
    (void)state;
    Recorder r = recorder_open(DIAG_TEXT, true);
    diag(r.diag, place(5, 1, 5, 2), E_UNARY_PLUS);
    const char *text = recorder_text(&r);
    assert_non_null(strstr(text, "\033[1;31merror: \033[0mthere is no unary plus\n"));
    recorder_close(&r);
}

static void what_is_printed_is_text(void **state) {
    (void)state;
    static const char bytes[] = "a\033[2J\xff\x7f";
    Source bad = {"bad.cnn", bytes, sizeof bytes - 1};
    Recorder r = recorder_open(DIAG_TEXT, false);
    diag(r.diag, ((Span){&bad, 1, 1, 1, 2}), E_CHARACTER, "\xff\n\001");
    expect_text(&r, "bad.cnn:1:1: error: unexpected character \\xff\\n\\x01\n"
                    "   1 | a?[2J\xef\xbf\xbd?\n"
                    "     | ^\n"
                    "for more: cnnc explain E0003\n");
}

static void json_is_an_object_a_line(void **state) {
    (void)state;
    Recorder r = recorder_open(DIAG_JSON, false);
    diag(r.diag, place(3, 3, 3, 15), E_CHARACTER, "\"\xff");
    diag_note(r.diag, place(2, 2, 2, 16), "here");
    diag_help(r.diag, "one");
    diag_help(r.diag, "two");
    const char *text = recorder_text(&r);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    cJSON *object = cJSON_Parse(text);
    assert_non_null(object);
    assert_string_equal(cJSON_GetObjectItem(object, "file")->valuestring, "lenet.cnn");
    assert_int_equal(cJSON_GetObjectItem(object, "line")->valueint, 3);
    assert_int_equal(cJSON_GetObjectItem(object, "column")->valueint, 3);
    assert_int_equal(cJSON_GetObjectItem(object, "end_column")->valueint, 15);
    assert_string_equal(cJSON_GetObjectItem(object, "severity")->valuestring, "error");
    assert_string_equal(cJSON_GetObjectItem(object, "code")->valuestring, "E0003");
    assert_string_equal(cJSON_GetObjectItem(object, "message")->valuestring,
                        "unexpected character \"\xef\xbf\xbd");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(object, "notes")), 1);
    assert_string_equal(cJSON_GetObjectItem(object, "fix")->valuestring, "one\ntwo");
    cJSON_Delete(object);
    recorder_close(&r);
}

static int count_lines(const char *text, const char *with) {
    int count = 0;
    for (; (text = strstr(text, with)); text++) count++;
    return count;
}

static void errors_end_at_the_limit(void **state) {
    (void)state;
    Recorder r = recorder_open(DIAG_TEXT, false);
    for (int i = 1; i <= 20; i++) diag(r.diag, place(3, i, 3, i + 1), E_UNARY_PLUS);
    assert_false(diag_full(r.diag));
    for (int i = 21; i <= 40; i++) diag(r.diag, place(3, i, 3, i + 1), E_UNARY_PLUS);
    diag_note(r.diag, place(1, 1, 1, 2), "not printed");
    assert_true(diag_full(r.diag));
    const char *text = recorder_text(&r);
    assert_int_equal(count_lines(text, ": error: "), 20);
    assert_int_equal(count_lines(text, "too many errors; the first 20 are shown\n"), 1);
    assert_null(strstr(text, "not printed"));
    recorder_close(&r);
}

static void a_repetition_is_said_once(void **state) {
    (void)state;
    Recorder r = recorder_open(DIAG_TEXT, false);
    for (int i = 0; i < 50; i++) {
        diag(r.diag, place(5, 1, 5, 2), E_UNARY_PLUS);
        diag_note(r.diag, place(1, 1, 1, 2), "once");
    }
    diag(r.diag, place(5, 1, 5, 2), E_STRAY_CLOSER, "}");
    assert_int_equal(diag_errors(r.diag), 2);
    const char *text = recorder_text(&r);
    assert_int_equal(count_lines(text, "note: once\n"), 1);
    recorder_close(&r);
}

static void flush_goes_on_where_it_stopped(void **state) {
    (void)state;
    Recorder r = recorder_open(DIAG_TEXT, false);
    diag(r.diag, place(5, 1, 5, 2), E_UNARY_PLUS);
    diag_flush(r.diag);
    diag_flush(r.diag);
    diag(r.diag, place(1, 1, 1, 2), E_UNARY_PLUS);
    const char *text = recorder_text(&r);
    assert_int_equal(count_lines(text, ": error: "), 2);
    assert_int_equal(count_lines(text, "for more: "), 1);
    recorder_close(&r);
}

static void nearest_words(void **state) {
    (void)state;
    const char *const words[] = {"conv", "maxpool", "stride", "padding", "batchnorm", "relu", "it"};
    const struct {
        const char *word, *near;
    } cases[] = {
        {"strides",    "stride"   },
        {"cnov",       "conv"     },
        {"Conv2D",     "conv"     },
        {"max_pool",   "maxpool"  },
        {"RELU",       "relu"     },
        {"lstm",       NULL       },
        {"",           NULL       },
        {"x",          NULL       },
        {"paddin",     "padding"  },
        {"batch_norm", "batchnorm"},
        {"attention",  NULL       }
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *near = diag_nearest(cases[i].word, words, 7);
        if (cases[i].near)
            assert_string_equal(near, cases[i].near);
        else
            assert_null(near);
    }
    char endless[1000];
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = 0;
    assert_null(diag_nearest(endless, words, 7));
}

static void utf8_by_the_book(void **state) {
    (void)state;
    const struct {
        const char *bytes;
        int length;
    } cases[] = {
        {"a",                1},
        {"\xc3\xa9",         2},
        {"\xe2\x82\xac",     3},
        {"\xf0\x9f\x98\x80", 4},
        {"\x80",             0},
        {"\xc0\xaf",         0},
        {"\xe0\x80\xaf",     0},
        {"\xed\xa0\x80",     0},
        {"\xed\x9f\xbf",     3},
        {"\xf0\x80\x80\xaf", 0},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xc3",             0},
        {"\xe2\x82",         0},
        {"\xe2\x28\xa1",     0}
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(cnn_utf8_length(cases[i].bytes, strlen(cases[i].bytes)), cases[i].length);
    assert_int_equal(cnn_utf8_length("", 0), 0);
}

static void codes_are_explained(void **state) {
    (void)state;
    FILE *stream = tmpfile();
    assert_true(diag_explain(stream, "E0009"));
    long size = ftell(stream);
    assert_true(diag_explain(stream, "e0009"));
    assert_int_equal(ftell(stream), 2 * size);
    assert_false(diag_explain(stream, "E9999"));
    assert_false(diag_explain(stream, "E00"));
    assert_false(diag_explain(stream, ""));
    fclose(stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_has_excerpt_notes_and_help),
        cmocka_unit_test(underlines_keep_step),
        cmocka_unit_test(color_goes_round_the_words),
        cmocka_unit_test(what_is_printed_is_text),
        cmocka_unit_test(json_is_an_object_a_line),
        cmocka_unit_test(errors_end_at_the_limit),
        cmocka_unit_test(a_repetition_is_said_once),
        cmocka_unit_test(flush_goes_on_where_it_stopped),
        cmocka_unit_test(nearest_words),
        cmocka_unit_test(utf8_by_the_book),
        cmocka_unit_test(codes_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
