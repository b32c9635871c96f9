/* A program with two models in it. Arguments: the weights of tiny, a file that is none, floats for tiny, the
 * file for tiny's outputs, floats for fixed, the file for fixed's outputs. Prints what went wrong; exits 1
 * then. */
#include "fixed.h"
#include "tiny.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong;

#define EXPECT(condition)                                                                                    \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);                                  \
            wrong = 1;                                                                                       \
        }                                                                                                    \
    } while (0)

static float *read_floats(const char *path, size_t *count) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) exit(2);
    *count = (size_t)ftell(file) / sizeof(float);
    rewind(file);
    float *values = malloc(*count * sizeof *values);
    if (!values || fread(values, sizeof *values, *count, file) != *count) exit(2);
    fclose(file);
    return values;
}

static void write_floats(const char *path, const float *values, size_t count) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(values, sizeof *values, count, file) != count || fclose(file)) exit(2);
}

typedef struct Work {
    const char *weights;
    const float *input;
    float *output;
    size_t samples;
    int error;
} Work;

static void *run_tiny(void *user) {
    Work *work = user;
    tiny *instance = tiny_create();
    work->error = instance ? tiny_load(instance, work->weights) : -5;
    if (!work->error) work->error = tiny_forward(instance, work->input, work->output, work->samples);
    tiny_destroy(instance);
    return NULL;
}

/* Two threads with an instance each get what one alone gets. */
static void check_threads(const char *weights, const float *input, const float *output, size_t samples) {
    Work work[2];
    pthread_t threads[2];
    size_t bytes = samples * tiny_OUTPUT_SIZE * sizeof(float);
    for (int i = 0; i < 2; i++) {
        work[i] = (Work){weights, input, malloc(bytes), samples, 0};
        if (!work[i].output || pthread_create(&threads[i], NULL, run_tiny, &work[i])) exit(2);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        EXPECT(work[i].error == 0);
        EXPECT(memcmp(work[i].output, output, bytes) == 0);
        free(work[i].output);
    }
}

/* A sample by itself may have kernels of its own, which add up in another order. */
static bool differ_by_rounding(const float *a, const float *b, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(a[i] - b[i]) <= 1e-6f * (1 + fabsf(b[i])))) return false;
    return true;
}

static void check_tiny(char **files) {
    size_t count;
    float *input = read_floats(files[2], &count);
    size_t samples = count / tiny_INPUT_SIZE, outputs = samples * tiny_OUTPUT_SIZE;
    float *output = malloc(outputs * sizeof *output), *single = malloc(tiny_OUTPUT_SIZE * sizeof *single);
    tiny *instance = tiny_create();
    if (!output || !single || !instance) exit(2);
    EXPECT(tiny_forward(instance, input, output, samples) == -2);
    EXPECT(tiny_load(instance, "no such file") == -4);
    EXPECT(strstr(tiny_detail(instance), "no such file") != NULL);
    EXPECT(tiny_load(instance, files[1]) == -3);
    EXPECT(strstr(tiny_detail(instance), files[1]) != NULL);
    EXPECT(tiny_load(instance, NULL) == -1);
    EXPECT(tiny_forward(instance, input, output, samples) == -2);
    EXPECT(tiny_load(instance, files[0]) == 0);
    EXPECT(*tiny_detail(instance) == 0);
    EXPECT(tiny_forward(instance, NULL, output, samples) == -1);
    EXPECT(tiny_forward(instance, input, NULL, samples) == -1);
    EXPECT(tiny_forward(NULL, input, output, samples) == -1);
    EXPECT(tiny_forward(instance, input, output, (size_t)-1) == -1);
    EXPECT(tiny_forward(instance, NULL, NULL, 0) == 0);
    EXPECT(tiny_forward(instance, input, output, samples) == 0);
    /* A load that fails changes nothing, and samples may come one at a time. */
    EXPECT(tiny_load(instance, files[1]) == -3);
    for (size_t i = 0; i < samples; i++) {
        EXPECT(tiny_forward(instance, input + i * tiny_INPUT_SIZE, single, 1) == 0);
        EXPECT(differ_by_rounding(single, output + i * tiny_OUTPUT_SIZE, tiny_OUTPUT_SIZE));
    }
    write_floats(files[3], output, outputs);
    check_threads(files[0], input, output, samples);
    tiny_destroy(instance);
    free(single);
    free(output);
    free(input);
}

/* A model that holds its weights needs no file; any memory will do, and nothing is written beside it. */
static void check_fixed(char **files) {
    size_t count, size = fixed_size();
    float *input = read_floats(files[4], &count);
    size_t samples = count / fixed_INPUT_SIZE, outputs = samples * fixed_OUTPUT_SIZE;
    float *output = malloc((outputs + 1) * sizeof *output), *again = malloc((outputs + 1) * sizeof *again);
    enum { ALIGNMENTS = 64, GUARD = 64 };
    unsigned char *memory = malloc(size + ALIGNMENTS + GUARD);
    if (!output || !again || !memory) exit(2);
    for (int offset = 0; offset <= ALIGNMENTS; offset += 13) {
        memset(memory, 0xa5, size + ALIGNMENTS + GUARD);
        fixed *instance = fixed_init(memory + offset);
        EXPECT(instance != NULL);
        EXPECT(fixed_forward(instance, input, offset ? again : output, samples) == 0);
        EXPECT(!offset || memcmp(output, again, outputs * sizeof *output) == 0);
        fixed_destroy(instance);
        for (int i = 0; i < offset; i++) EXPECT(memory[i] == 0xa5);
        for (size_t i = (size_t)offset + size; i < size + ALIGNMENTS + GUARD; i++) EXPECT(memory[i] == 0xa5);
    }
    EXPECT(fixed_init(NULL) == NULL);
    write_floats(files[5], output, outputs);
    free(memory);
    free(again);
    free(output);
    free(input);
}

int main(int argc, char **argv) {
    if (argc != 7) return 2;
    static const int input_shape[] = tiny_INPUT_SHAPE, output_shape[] = tiny_OUTPUT_SHAPE;
    EXPECT(sizeof input_shape / sizeof *input_shape == tiny_INPUT_RANK);
    EXPECT(input_shape[0] * input_shape[1] * input_shape[2] == tiny_INPUT_SIZE);
    EXPECT(tiny_OUTPUT_RANK == 1 && output_shape[0] == 2 && tiny_OUTPUT_SIZE == 2);
    for (int error = -6; error < 2; error++)
        EXPECT(*tiny_error(error) && !strcmp(tiny_error(error), fixed_error(error)));
    EXPECT(strcmp(tiny_error(-2), tiny_error(-3)) != 0);
    tiny_destroy(NULL);
    check_tiny(argv + 1);
    check_fixed(argv + 1);
    return wrong;
}
