/* The prefix under which the model's names are found; else what wrappers of other frameworks put there. */
#include "weights/name_prefix.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST_NAME = 1024 };

static const char *const wrappers[] = {"module.", "model.", "_orig_mod."};

/* Bytes of the words with their dots that all names begin with. */
static size_t shared_length(const TensorFile *file) {
    const char *first = file->tensors[0].name;
    size_t shared = strlen(first);
    for (int32_t i = 0; i < file->tensor_count; i++) {
        size_t same = 0;
        while (same < shared && file->tensors[i].name[same] == first[same]) same++;
        while (same && first[same - 1] != '.') same--;
        shared = same;
    }
    return shared;
}

/* Does the file have one of the model's names behind so many bytes of its own? */
static bool fits(const TensorFile *file, const cnn_model *model, size_t length) {
    for (int32_t i = 0; i < model->parameter_count; i++) {
        char name[LONGEST_NAME];
        int wanted = snprintf(name, sizeof name, "%.*s%s", (int)length, file->tensors[0].name,
                              model->parameters[i].name);
        if (wanted < LONGEST_NAME && cnn_tensors_find(file, name)) return true;
    }
    return false;
}

/* Bytes of the wrappers' words at the beginning. */
static size_t wrapped_length(const char *name, size_t shared) {
    size_t length = 0;
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        size_t word = strlen(wrappers[i]);
        if (length + word > shared || strncmp(name + length, wrappers[i], word)) continue;
        length += word;
        i = (size_t)-1;
    }
    return length;
}

static size_t prefix_length(const TensorFile *file, const cnn_model *model) {
    const char *name = file->tensors[0].name;
    size_t shared = shared_length(file);
    if (!shared || shared >= LONGEST_NAME || fits(file, model, 0)) return 0;
    for (size_t length = 1; length <= shared; length++)
        if (name[length - 1] == '.' && fits(file, model, length)) return length;
    return wrapped_length(name, shared);
}

void cnn_name_prefix_remove(TensorFile *file, const cnn_model *model, char *prefix, size_t size) {
    size_t length = file->tensor_count ? prefix_length(file, model) : 0;
    snprintf(prefix, size, "%.*s", (int)length, length ? file->tensors[0].name : "");
    /* The order of the names stays what it was. */
    for (int32_t i = 0; i < file->tensor_count; i++) file->tensors[i].name += length;
}
