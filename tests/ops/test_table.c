/* Every row of ops.def: in order, found by its name, documented where people can write it, and with the rules
 * that its kind needs. */
#include "graph/op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state) {
    (void)state;
    int count;
    const Op *const *table = op_table(&count);
    for (int i = 0; i < count; i++) {
        if (i) assert_true(strcmp(table[i - 1]->name, table[i]->name) < 0);
        assert_ptr_equal(op_find(table[i]->name), table[i]);
        if (op_planned(table[i]->name)) fail_msg("%s is built and planned", table[i]->name);
    }
    assert_null(op_find("no such operator"));
    assert_null(op_planned("no such operator"));
    assert_string_equal(op_planned("mixup"), "augmentation");
}

static bool is_user_visible(const Op *op) {
    return op->kind != OPK_INTERNAL;
}

static void test_documentation(void **state) {
    (void)state;
    int count;
    const Op *const *table = op_table(&count);
    for (int i = 0; i < count; i++) {
        const Op *op = table[i];
        if (!op->summary || !*op->summary) fail_msg("%s has no summary", op->name);
        if (is_user_visible(op) && (!op->formula || !op->example))
            fail_msg("%s has no formula or example", op->name);
        if (is_user_visible(op) && !strstr(op->example, op->name))
            fail_msg("the example of %s is another's", op->name);
        for (int k = 0; k < op->param_count; k++) {
            const Param *param = &op->params[k];
            if (!param->help || !*param->help) fail_msg("%s of %s has no help", param->name, op->name);
            bool names_activation = !strcmp(param->name, "activation") || op->stands_for;
            if (param->type == PARAM_WORD && !param->words && !names_activation)
                fail_msg("%s of %s has no words", param->name, op->name);
        }
    }
}

static bool is_layer(const Op *op) {
    return op->kind == OPK_LAYER || op->kind == OPK_ACTIVATION;
}

/* What can stand in a program's graph has a kernel, and a layer a gradient; what has none becomes something
 * else before. */
static void test_rules(void **state) {
    (void)state;
    int count;
    const Op *const *table = op_table(&count);
    for (int i = 0; i < count; i++) {
        const Op *op = table[i];
        bool by_elaboration = op->stands_for;
        if (op->kind == OPK_OPTIMIZER) {
            assert_non_null(op->update);
            continue;
        }
        if (op->kind == OPK_SCHEDULE) continue; /* the runtime's */
        if (!op->kernel_count && !op->lower && !by_elaboration) fail_msg("%s has no kernel", op->name);
        if (is_layer(op) && !op->gradient && !op->lower && !by_elaboration)
            fail_msg("%s has no gradient, and is not made of what has one", op->name);
        if (is_layer(op) && op->shape && !op->gives && !by_elaboration)
            fail_msg("%s does not say what shape comes out", op->name);
        if (op->elementwise && !op->map) fail_msg("%s is elementwise without a map", op->name);
        for (int k = 0; k < op->kernel_count; k++) {
            if (!op->kernels[k].emit || !op->kernels[k].name)
                fail_msg("kernel %d of %s is empty", k, op->name);
            if (k == op->kernel_count - 1 && op->kernels[k].applies)
                fail_msg("the last kernel of %s does not always apply", op->name);
        }
    }
}

/* Two rows of that kind with one number would be the same to the runtime. */
static void test_codes(void **state) {
    (void)state;
    int count;
    const Op *const *table = op_table(&count);
    for (int i = 0; i < count; i++) {
        const Op *op = table[i];
        if (op->kind != OPK_LOSS && op->kind != OPK_SCHEDULE) assert_int_equal(op->code, 0);
        if (op->kind == OPK_LOSS) assert_int_not_equal(op->code, 0);
        for (int k = 0; k < i; k++)
            if (op->code && table[k]->kind == op->kind && table[k]->code == op->code)
                fail_msg("%s and %s have one number", table[k]->name, op->name);
    }
}

/* What the passes take for granted of a row that has the fact. */
static void test_facts(void **state) {
    (void)state;
    int count;
    const Op *const *table = op_table(&count);
    for (int i = 0; i < count; i++) {
        const Op *op = table[i];
        assert_int_equal(op->effect, op->kind == OPK_LOSS || op == op_of_role(OPROLE_STORE));
        if (op->view || op->range) assert_true(op->min_inputs == 1 && op->max_inputs == 1);
        if (op->drops || op->reads_sign) assert_true(op->elementwise && op->min_inputs == 2);
        if (op->places_winners) assert_true(op->min_inputs == 2 && op->density);
        if (op->keeps_winners) assert_true(op->elementwise && op->gradient);
        if (op->predicts != MEANING_NUMBERS) assert_true(op->absorbs >> op->predicts & 1);
        if (op->stands_for) assert_true(op->params[0].type == PARAM_WORD && !op->params[0].words);
    }
    for (int role = 0; role < OPROLE_COUNT; role++) assert_non_null(op_of_role((OpRole)role));
    assert_int_equal(op_of_role(OPROLE_DEFAULT_OPTIMIZER)->kind, OPK_OPTIMIZER);
    assert_int_equal(op_of_role(OPROLE_DEFAULT_SCHEDULE)->kind, OPK_SCHEDULE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names), cmocka_unit_test(test_documentation), cmocka_unit_test(test_rules),
        cmocka_unit_test(test_codes), cmocka_unit_test(test_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
