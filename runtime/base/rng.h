/* Random draws: Philox4x32-10 (Salmon et al., SC'11) keyed by the seed and counted by what is drawn, so that
 * no draw depends on the order of the others or on threads. A stream is a purpose; streams never overlap. */
#ifndef CNN_RNG_H
#define CNN_RNG_H

#include <stdint.h>

typedef enum RandomStream {
    /* Numbers from 0 on are layers: generated code draws their dropout masks. */
    RANDOM_SHUFFLE = -1,
    RANDOM_VALIDATION = -2,
    RANDOM_INIT = -3,
    RANDOM_BENCH = -4,
    RANDOM_AUGMENT = -5,
    RANDOM_GRADCHECK = -6
} RandomStream;

/* Four words for (seed, stream, group, index); group is 32 bits (an epoch, a parameter, a sample). */
void cnn_random_words(uint64_t seed, RandomStream stream, uint32_t group, uint64_t index, uint32_t words[4]);

/* Element `index` of a sequence: uniform in [0, 1) with 24 bits, and standard normal (Box and Muller). */
float cnn_random_uniform(uint64_t seed, RandomStream stream, uint32_t group, uint64_t index);
float cnn_random_normal(uint64_t seed, RandomStream stream, uint32_t group, uint64_t index);

/* Permutes members of the data set in place: the order of an epoch. The result depends on what members holds
 * on entry, so start every epoch from the same list (cnn_split_validation's). */
void cnn_shuffle(uint32_t *members, uint32_t count, uint64_t seed, uint32_t epoch);

/* Splits 0 .. count-1: the training samples come first in members, ascending, then round(count * fraction)
 * samples held out, ascending; the same ones for the same seed. Returns how many training samples there are
 * (at least 1 where count is). */
uint32_t cnn_split_validation(uint32_t *members, uint32_t count, double fraction, uint64_t seed);

#endif
