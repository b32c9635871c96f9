/* The table of what --emit can ask for: every row is whole. */
#include "emit_kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void rows_are_whole(void **state) {
    const EmitKind *kind, *other;
    bool built = true;
    (void)state;
    assert_non_null(emit_kind_at(0)->write);
    for (int i = 0; (kind = emit_kind_at(i)); i++) {
        for (int k = 0; k < i; k++) assert_string_not_equal(kind->word, emit_kind_at(k)->word);
        if (emit_kind_is_built(kind) && !built) fail_msg("%s stands behind what is not built", kind->word);
        built = emit_kind_is_built(kind);
        if (!built) continue;
        assert_true(!kind->print != !kind->write);
        assert_true(kind->write || !(kind->interface || kind->companion));
        assert_non_null(kind->suffix);
        for (int k = 0; k < i; k++) {
            other = emit_kind_at(k);
            assert_string_not_equal(kind->suffix, other->suffix);
        }
        if (!kind->companion) continue;
        assert_string_not_equal(kind->suffix, kind->companion->suffix);
        assert_non_null(kind->companion->both);
        assert_non_null(kind->companion->print);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_are_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
