/* What the generators share: a random stream that is the same on every machine, and a writer of IDX files.
 * Everything is static, so that a generator stays one small program. */
#ifndef EXAMPLES_PICTURE_H
#define EXAMPLES_PICTURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SplitMix64 (Steele, Lea, Flood 2014): integers only, hence the same numbers everywhere. */
static inline uint64_t random_next(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in [low, high], both ends included. */
static inline int random_between(uint64_t *state, int low, int high) {
    return low + (int)(random_next(state) % (uint64_t)(high - low + 1));
}

/* Roughly normal with mean 0: the sum of four uniforms; `deviation` is its standard deviation. */
static inline int random_noise(uint64_t *state, int deviation) {
    int sum = 0;
    for (int i = 0; i < 4; i++) sum += random_between(state, -1000, 1000);
    return (int)((int64_t)sum * deviation / 1155);
}

static inline uint8_t clamp_byte(int value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Opens DIR/NAME for writing, or ends the program with a message. */
static inline FILE *file_create(const char *folder, const char *name) {
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path) {
        fprintf(stderr, "the path %s/%s is too long\n", folder, name);
        exit(2);
    }
    FILE *file = fopen(path, "wb");
    if (!file) {
        perror(path);
        exit(4);
    }
    return file;
}

static inline void file_close(FILE *file) {
    if (ferror(file) | fclose(file)) {
        perror("writing failed");
        exit(4);
    }
}

/* The header of an IDX file of bytes (LeCun's format of MNIST): big-endian extents. */
static inline void idx_header(FILE *file, int rank, const uint32_t *extents) {
    uint8_t bytes[4] = {0, 0, 0x08, (uint8_t)rank};
    fwrite(bytes, 1, 4, file);
    for (int i = 0; i < rank; i++) {
        for (int b = 0; b < 4; b++) bytes[b] = (uint8_t)(extents[i] >> (24 - 8 * b));
        fwrite(bytes, 1, 4, file);
    }
}

/* Writes PREFIX-images.idx and PREFIX-labels.idx: `count` square pictures, drawn by `draw` in turn for each
 * class. */
static inline void idx_write(const char *folder, const char *prefix, uint32_t count, uint32_t side,
                             int classes, uint64_t seed,
                             void (*draw)(uint64_t *state, int label, uint8_t *picture)) {
    char name[64];
    snprintf(name, sizeof name, "%s-images.idx", prefix);
    FILE *images = file_create(folder, name);
    snprintf(name, sizeof name, "%s-labels.idx", prefix);
    FILE *labels = file_create(folder, name);
    idx_header(images, 3, (const uint32_t[]){count, side, side});
    idx_header(labels, 1, &count);
    uint8_t *picture = malloc((size_t)side * side);
    if (!picture) exit(5);
    for (uint32_t i = 0; i < count; i++) {
        int label = (int)(i % (uint32_t)classes);
        draw(&seed, label, picture);
        fwrite(picture, 1, (size_t)side * side, images);
        fputc(label, labels);
    }
    free(picture);
    file_close(images);
    file_close(labels);
}

#endif
