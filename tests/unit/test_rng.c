/* Random draws: Philox's published vectors, permutations, the split, and the moments of what is drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* From Random123's kat_vectors: philox4x32 with 10 rounds, all zeros and all ones. */
static void draws_the_published_vectors(void **state) {
    (void)state;
    static const uint32_t zeros[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    static const uint32_t ones[] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
    uint32_t words[4];
    cnn_random_words(0, (RandomStream)0, 0, 0, words);
    assert_memory_equal(words, zeros, sizeof words);
    cnn_random_words(UINT64_MAX, (RandomStream)-1, UINT32_MAX, UINT64_MAX, words);
    assert_memory_equal(words, ones, sizeof words);
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void every_epoch_is_a_permutation(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    uint32_t first[COUNT], again[COUNT], second[COUNT], other_seed[COUNT];
    uint32_t *all[] = {first, again, second, other_seed};
    for (int i = 0; i < 4; i++) cnn_split_validation(all[i], COUNT, 0, 1);
    cnn_shuffle(first, COUNT, 7, 1);
    cnn_shuffle(again, COUNT, 7, 1);
    cnn_shuffle(second, COUNT, 7, 2);
    cnn_shuffle(other_seed, COUNT, 8, 1);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, second, sizeof first);
    assert_memory_not_equal(first, other_seed, sizeof first);
    for (int i = 0; i < 4; i++) {
        qsort(all[i], COUNT, sizeof(uint32_t), compare);
        for (uint32_t k = 0; k < COUNT; k++) assert_int_equal(all[i][k], k);
    }
    cnn_shuffle(first, 0, 7, 1);
    cnn_shuffle(first, 1, 7, 1);
    assert_int_equal(first[0], 0);
}

/* Each of the 24 orders of four comes up as often as the others: chi-squared with 23 degrees of freedom, p =
 * 1e-6. */
static void orders_are_equally_likely(void **state) {
    (void)state;
    enum { DRAWS = 24000 };
    int counts[256] = {0};
    for (uint32_t epoch = 0; epoch < DRAWS; epoch++) {
        uint32_t members[] = {0, 1, 2, 3};
        cnn_shuffle(members, 4, 3, epoch);
        counts[members[0] * 64 + members[1] * 16 + members[2] * 4 + members[3]]++;
    }
    double chi = 0;
    int orders = 0;
    for (int i = 0; i < 256; i++) {
        if (!counts[i]) continue;
        orders++;
        chi += (counts[i] - 1000.0) * (counts[i] - 1000.0) / 1000.0;
    }
    assert_int_equal(orders, 24);
    assert_true(chi < 70);
}

static void the_split_is_the_same_for_a_seed(void **state) {
    (void)state;
    enum { COUNT = 101 };
    uint32_t members[COUNT], again[COUNT], other[COUNT], seen[COUNT] = {0};
    uint32_t training = cnn_split_validation(members, COUNT, 0.1, 5);
    assert_int_equal(training, 91);
    cnn_split_validation(again, COUNT, 0.1, 5);
    cnn_split_validation(other, COUNT, 0.1, 6);
    assert_memory_equal(members, again, sizeof members);
    assert_memory_not_equal(members, other, sizeof members);
    for (uint32_t i = 0; i < COUNT; i++) {
        seen[members[i]]++;
        if (i && i != training) assert_true(members[i] > members[i - 1]);
    }
    for (uint32_t i = 0; i < COUNT; i++) assert_int_equal(seen[i], 1);
    assert_int_equal(cnn_split_validation(members, COUNT, 0, 5), COUNT);
    assert_int_equal(cnn_split_validation(members, COUNT, 0.999999, 5), 1);
    assert_int_equal(cnn_split_validation(members, 1, 0.9, 5), 1);
    assert_int_equal(cnn_split_validation(members, 0, 0.5, 5), 0);
}

static void draws_have_their_moments(void **state) {
    (void)state;
    enum { COUNT = 1 << 18 };
    double sum = 0, squares = 0, uniform_sum = 0, uniform_squares = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        double normal = cnn_random_normal(9, RANDOM_BENCH, 0, i),
               uniform = cnn_random_uniform(9, RANDOM_BENCH, 1, i);
        assert_true(isfinite(normal) && uniform >= 0 && uniform < 1);
        sum += normal;
        squares += normal * normal;
        uniform_sum += uniform;
        uniform_squares += uniform * uniform;
    }
    /* Five standard errors each. */
    double root = sqrt((double)COUNT);
    assert_true(fabs(sum / COUNT) < 5 / root);
    assert_true(fabs(squares / COUNT - 1) < 5 * sqrt(2.0) / root);
    assert_true(fabs(uniform_sum / COUNT - 0.5) < 5 * sqrt(1.0 / 12) / root);
    assert_true(fabs(uniform_squares / COUNT - 1.0 / 3) < 5 * sqrt(4.0 / 45) / root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_the_published_vectors), cmocka_unit_test(every_epoch_is_a_permutation),
        cmocka_unit_test(orders_are_equally_likely),   cmocka_unit_test(the_split_is_the_same_for_a_seed),
        cmocka_unit_test(draws_have_their_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
