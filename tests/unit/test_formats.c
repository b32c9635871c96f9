/* The data formats of both programs: every word that the compiler takes has a loader in the runtime. */
#include "data/format.h"
#include "sema/data_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void every_format_has_a_loader(void **state) {
    static const struct {
        int number;
        const char *word;
    } formats[] = {
#define FORMAT(number, word) {CNN_FORMAT_##number, #word},
#define PLANNED(word)        {CNN_FORMAT_NONE, #word},
#include "runtime/formats.def"
#undef FORMAT
#undef PLANNED
    };
    (void)state;
    for (int i = 0; i < COUNT(formats); i++) {
        int number = data_format_number(formats[i].word);
        assert_int_equal(number, formats[i].number);
        assert_true(word_among(formats[i].word, data_format_words));
        assert_int_equal(word_among(formats[i].word, data_format_names), number != CNN_FORMAT_NONE);
        if (number == CNN_FORMAT_NONE) continue;
        assert_string_equal(data_format_at(number)->name, formats[i].word);
        assert_non_null(cnn_format_find(number));
        assert_non_null(cnn_format_find(number)->load);
    }
}

static void other_numbers_have_none(void **state) {
    static const int numbers[] = {-1, CNN_FORMAT_NONE, 1000};
    (void)state;
    for (int i = 0; i < COUNT(numbers); i++) {
        assert_null(cnn_format_find(numbers[i]));
        assert_null(data_format_at(numbers[i]));
    }
}

/* A key that a format alone knows is reported with any other. */
static void keys_belong_to_one_format(void **state) {
    const DataFormat *format, *other;
    const DataKey *key;
    (void)state;
    for (int i = 0; (key = data_format_key(i, &format)); i++) {
        assert_non_null(key->set);
        assert_non_null(key->misplaced);
        for (int j = 0; j < i; j++) assert_string_not_equal(key->name, data_format_key(j, &other)->name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_has_a_loader),
        cmocka_unit_test(other_numbers_have_none),
        cmocka_unit_test(keys_belong_to_one_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
