/* Philox draws. The counter is (index, stream, group, index's upper half), the key the seed's halves:
 * generated code has its layer's number, never negative, where the stream stands. */
#include "base/rng.h"

#include <Random123/philox.h>
#include <math.h>
#include <stdlib.h>

void cnn_random_words(uint64_t seed, RandomStream stream, uint32_t group, uint64_t index, uint32_t words[4]) {
    philox4x32_ctr_t counter = {
        {(uint32_t)index, (uint32_t)stream, group, (uint32_t)(index >> 32)}
    };
    philox4x32_key_t key = {
        {(uint32_t)seed, (uint32_t)(seed >> 32)}
    };
    philox4x32_ctr_t drawn = philox4x32(counter, key);
    for (int i = 0; i < 4; i++) words[i] = drawn.v[i];
}

/* Four elements of a sequence share a block. */
float cnn_random_uniform(uint64_t seed, RandomStream stream, uint32_t group, uint64_t index) {
    uint32_t words[4];
    cnn_random_words(seed, stream, group, index / 4, words);
    return (float)(words[index % 4] >> 8) * 0x1p-24f;
}

float cnn_random_normal(uint64_t seed, RandomStream stream, uint32_t group, uint64_t index) {
    uint32_t words[4];
    cnn_random_words(seed, stream, group, index / 4, words);
    const uint32_t *pair = words + index % 4 / 2 * 2;
    /* In (0, 1], so that the logarithm is finite; in double precision, so that every C library rounds to the
     * same float. */
    double radius = sqrt(-2.0 * log(((double)pair[0] + 1.0) * 0x1p-32));
    double angle = 6.283185307179586 * ((double)pair[1] * 0x1p-32);
    return (float)(radius * (index % 2 ? sin(angle) : cos(angle)));
}

/* Uniform below bound; 64 bits keep the bias below 2^-32. */
static uint32_t draw_below(uint32_t bound, uint64_t seed, RandomStream stream, uint32_t group,
                           uint64_t index) {
    uint32_t words[4];
    cnn_random_words(seed, stream, group, index, words);
    uint64_t drawn = (uint64_t)words[1] << 32 | words[0];
    return (uint32_t)((unsigned __int128)drawn * bound >> 64);
}

/* Fisher and Yates: the last `fixed` places are drawn from all, then from what is left. */
static void shuffle(uint32_t *members, uint32_t count, uint32_t fixed, uint64_t seed, RandomStream stream,
                    uint32_t group) {
    for (uint32_t drawn = 0; drawn < fixed && drawn + 1 < count; drawn++) {
        uint32_t last = count - 1 - drawn, chosen = draw_below(last + 1, seed, stream, group, drawn);
        uint32_t moved = members[last];
        members[last] = members[chosen];
        members[chosen] = moved;
    }
}

void cnn_shuffle(uint32_t *members, uint32_t count, uint64_t seed, uint32_t epoch) {
    shuffle(members, count, count, seed, RANDOM_SHUFFLE, epoch);
}

static int compare_members(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

uint32_t cnn_split_validation(uint32_t *members, uint32_t count, double fraction, uint64_t seed) {
    for (uint32_t i = 0; i < count; i++) members[i] = i;
    if (!(fraction > 0) || count == 0) return count;
    double wanted = floor(count * fraction + 0.5);
    uint32_t held = wanted >= count ? count - 1 : (uint32_t)wanted, training = count - held;
    shuffle(members, count, held, seed, RANDOM_VALIDATION, 0);

    /* What was drawn is a set; each part keeps the file's order. */
    qsort(members, training, sizeof *members, compare_members);
    qsort(members + training, held, sizeof *members, compare_members);
    return training;
}
