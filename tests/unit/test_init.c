/* First values: the distributions that the names promise, and the same draws whatever the storage is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "weights/first_values.h"
#include "weights/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILTERS = 100, FAN_IN = 300, FAN_OUT = 600, COUNT = FILTERS * FAN_IN };

static cnn_parameter matrix(cnn_init init, float value) {
    return (cnn_parameter){
        .name = "w",
        .rank = 2,
        .shape = {FILTERS, FAN_IN},
        .size = COUNT,
        .group = FILTERS,
        .block = 1,
        .block_stride = FAN_IN,
        .stride = {0,       1     },
        .init = init,
        .init_value = value,
        .fan_in = FAN_IN,
        .fan_out = FAN_OUT
    };
}

static void initialise(const cnn_parameter *parameter, int64_t elements, uint64_t seed, float *block) {
    cnn_model model = {.parameters = parameter, .parameter_count = 1, .parameter_elements = elements};
    cnn_parameters_initialise(&model, seed, block);
}

static void distributions_are_as_named(void **state) {
    (void)state;
    const struct {
        cnn_init init;
        float value;
        double deviation, limit; /* limit 0: normal */
    } cases[] = {
        {CNN_INIT_HE_NORMAL,      0,    sqrt(2.0 / FAN_IN),             0                             },
        {CNN_INIT_GLOROT_NORMAL,  0,    sqrt(2.0 / (FAN_IN + FAN_OUT)), 0                             },
        {CNN_INIT_NORMAL,         0.3f, 0.3,                            0                             },
        {CNN_INIT_HE_UNIFORM,     0,    sqrt(2.0 / FAN_IN),             sqrt(6.0 / FAN_IN)            },
        {CNN_INIT_GLOROT_UNIFORM, 0,    sqrt(2.0 / (FAN_IN + FAN_OUT)), sqrt(6.0 / (FAN_IN + FAN_OUT))},
        {CNN_INIT_UNIFORM,        0.6f, 0.6 / sqrt(3.0),                0.6                           },
    };
    float *block = malloc(COUNT * sizeof *block);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_parameter parameter = matrix(cases[i].init, cases[i].value);
        initialise(&parameter, COUNT, 1, block);
        double sum = 0, squares = 0, largest = 0;
        for (int k = 0; k < COUNT; k++) {
            sum += block[k];
            squares += (double)block[k] * block[k];
            largest = fmax(largest, fabs(block[k]));
        }
        assert_true(fabs(sum / COUNT) < 5 * cases[i].deviation / sqrt(COUNT));
        assert_true(fabs(sqrt(squares / COUNT) / cases[i].deviation - 1) < 0.02);
        if (cases[i].limit)
            assert_true(largest <= cases[i].limit * (1 + 1e-6) && largest > 0.99 * cases[i].limit);
        else
            assert_true(largest > 3 * cases[i].deviation); /* not truncated */
    }
    free(block);
}

static void values_are_taken_as_given(void **state) {
    (void)state;
    static const float given[] = {1, 2, 3, 4, 5, 6};
    cnn_parameter parameters[] = {
        {.name = "a",
         .rank = 1,
         .shape = {3},
         .size = 16,
         .offset = 0,
         .group = 3,
         .block = 3,
         .init = CNN_INIT_ONES},
        {.name = "b",
         .rank = 1,
         .shape = {3},
         .size = 16,
         .offset = 16,
         .group = 3,
         .block = 3,
         .init = CNN_INIT_CONSTANT,
         .init_value = 0.25f},
        {.name = "c",
         .rank = 2,
         .shape = {2, 3},
         .size = 16,
         .offset = 32,
         .group = 2,
         .block = 2,
         .stride = {0, 2},
         .init = CNN_INIT_VALUES,
         .values = given},
        {.name = "d",
         .rank = 1,
         .shape = {3},
         .size = 16,
         .offset = 48,
         .group = 3,
         .block = 3,
         .init = CNN_INIT_ZEROS},
    };
    cnn_model model = {.parameters = parameters, .parameter_count = 4, .parameter_elements = 64};
    float block[64];
    memset(block, 255, sizeof block);
    cnn_parameters_initialise(&model, 1, block);
    const float expected[64] = {[0] = 1,  [1] = 1,  [2] = 1,  [16] = 0.25f, [17] = 0.25f, [18] = 0.25f,
                                [32] = 1, [33] = 4, [34] = 2, [35] = 5,     [36] = 3,     [37] = 6};
    assert_memory_equal(block, expected, sizeof block);
}

/* Groups of 40, blocks of 16 with padding in the last. */
static void draws_do_not_depend_on_storage(void **state) {
    (void)state;
    enum {
        GROUP = 40,
        BLOCK = 16,
        BLOCK_STRIDE = BLOCK * FAN_IN,
        GROUP_STRIDE = 3 * BLOCK_STRIDE,
        SIZE = 3 * GROUP_STRIDE
    };
    cnn_parameter plain = matrix(CNN_INIT_HE_NORMAL, 0), blocked = plain;
    blocked.size = SIZE;
    blocked.group = GROUP;
    blocked.group_stride = GROUP_STRIDE;
    blocked.block = BLOCK;
    blocked.block_stride = BLOCK_STRIDE;
    blocked.stride[1] = BLOCK;
    float *plain_block = malloc(COUNT * sizeof(float)), *logical = malloc(COUNT * sizeof(float));
    float *blocked_block = malloc(SIZE * sizeof(float));
    initialise(&plain, COUNT, 11, plain_block);
    initialise(&blocked, SIZE, 11, blocked_block);
    cnn_parameter_gather(&blocked, blocked_block, logical);
    assert_memory_equal(logical, plain_block, COUNT * sizeof(float));
    initialise(&plain, COUNT, 12, plain_block);
    assert_memory_not_equal(logical, plain_block, COUNT * sizeof(float));
    free(plain_block);
    free(logical);
    free(blocked_block);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(distributions_are_as_named),
                                       cmocka_unit_test(values_are_taken_as_given),
                                       cmocka_unit_test(draws_do_not_depend_on_storage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
