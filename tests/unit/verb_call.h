/* The verbs of a compiled model, called as its main calls them, on the model written by hand: a folder with
 * its data for a test group, and what a call gives. */
#ifndef TESTS_VERB_CALL_H
#define TESTS_VERB_CALL_H

#include "tiny_model.c"
#include "verbs/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { SAMPLES = 60, ARGUMENTS = 24 };

static inline void write_npy(const char *path, const char *type, const char *shape, const void *data,
                             size_t size) {
    char header[128];
    int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }",
                          type, shape);
    while ((10 + length) % 64 != 63) header[length++] = ' ';
    header[length++] = '\n';
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fwrite("\x93NUMPY\x01\x00", 1, 8, file);
    fputc(length & 255, file);
    fputc(length >> 8, file);
    fwrite(header, 1, (size_t)length, file);
    fwrite(data, 1, size, file);
    fclose(file);
}

static float samples[SAMPLES * TINY_INPUTS];
static int32_t targets[SAMPLES];

static inline int make_folder(void **state) {
    char *folder = strdup("/tmp/test_train_XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    for (int i = 0; i < SAMPLES; i++) {
        targets[i] = i % TINY_CLASSES;
        for (int c = 0; c < TINY_INPUTS; c++)
            samples[i * TINY_INPUTS + c] = (float)(c == targets[i]) * 2 + (float)((i * 13 + c * 5) % 7) / 7;
    }
    write_npy("train-x.npy", "<f4", "(60, 4)", samples, sizeof samples);
    write_npy("train-y.npy", "<i4", "(60,)", targets, sizeof targets);
    write_npy("test-x.npy", "<f4", "(60, 4)", samples, sizeof samples);
    write_npy("test-y.npy", "<i4", "(60,)", targets, sizeof targets);
    *state = folder;
    return 0;
}

static inline int remove_folder(void **state) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", (char *)*state);
    free(*state);
    return system(command) == 0 ? 0 : -1;
}

typedef struct Result {
    int status;
    char error[600], hint[300], out[8192];
} Result;

/* Runs "verb --option value ..." of a model. */
static inline Result call(const cnn_model *model, const char *line) {
    Result result = {0};
    char *words = strdup(line), *argv[ARGUMENTS] = {words}, *rest = words, *word;
    int argc = 1;
    while ((word = strsep(&rest, " ")) && argc < ARGUMENTS) argv[argc++] = word;
    Failure failure = {0};
    Options options;
    FILE *out = tmpfile();
    Session session = {.model = model, .options = &options, .out = out, .failure = &failure};
    result.status = cnn_options_parse(argc, argv, &options, &failure);
    if (!result.status) result.status = cnn_session_run(&session);
    cnn_session_close(&session);
    cnn_options_free(&options);
    snprintf(result.error, sizeof result.error, "%s", failure.message);
    snprintf(result.hint, sizeof result.hint, "%s", session.hint);
    rewind(out);
    result.out[fread(result.out, 1, sizeof result.out - 1, out)] = 0;
    fclose(out);
    free(words);
    return result;
}

static inline void expect_ok(const cnn_model *model, const char *line) {
    Result result = call(model, line);
    if (result.status) fail_msg("%s: exit %d: %s", line, result.status, result.error);
}

static inline char *contents(const char *path, size_t *size) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *bytes = malloc(1 << 20);
    *size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static inline bool same_files(const char *a, const char *b) {
    size_t size_a, size_b;
    char *bytes_a = contents(a, &size_a), *bytes_b = contents(b, &size_b);
    bool same = size_a == size_b && memcmp(bytes_a, bytes_b, size_a) == 0;
    free(bytes_a);
    free(bytes_b);
    return same;
}

#endif
