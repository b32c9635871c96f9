/* Files are compared by device and inode, so links do not hide one. Only regular files are lost by writing.
 */
#include "verbs/spare_inputs.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool same_file(const char *a, const char *b) {
    struct stat one, other;
    return !stat(a, &one) && S_ISREG(one.st_mode) && !stat(b, &other) && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* Two outputs at one place; a device or a pipe takes several. */
static bool same_output(const char *a, const char *b) {
    struct stat info;
    bool written_in_place = stat(a, &info) == 0 && !S_ISREG(info.st_mode);
    return same_file(a, b) || (strcmp(a, b) == 0 && !written_in_place);
}

static int refuse(Session *session, OptionId option, const char *path, const char *input) {
    return cnn_fail(session->failure, STATUS_USAGE, "%s %s would overwrite %s; name another file",
                    cnn_option_spelling(option), path, input);
}

static int refuse_input(Session *session, OptionId option, const char *path, const char *input) {
    if (!same_file(path, input)) return STATUS_OK;
    return cnn_fail(session->failure, STATUS_USAGE,
                    "%s %s would overwrite %s, which %s reads; name another file",
                    cnn_option_spelling(option), path, input, session->options->verb->name);
}

/* A file of the data block, which may be there with ".gz" added or taken away. */
static int refuse_data_file(Session *session, OptionId option, const char *path, const char *name) {
    const char *folder = session->options->data ? session->options->data : session->model->data->path;
    size_t length = strlen(name);
    char *input = NULL, *packed = NULL;
    int status = cnn_path_join(&input, folder, name, session->failure);
    if (status) return status;
    status = refuse_input(session, option, path, input);
    packed = malloc(strlen(input) + 4);
    if (!status && !packed) status = cnn_fail_memory(session->failure, name, length);
    if (!status) {
        strcpy(packed, input);
        strcat(packed, ".gz");
        status = refuse_input(session, option, path, packed);
    }
    if (!status && length > 3 && strcmp(name + length - 3, ".gz") == 0) {
        input[strlen(input) - 3] = 0;
        status = refuse_input(session, option, path, input);
    }
    free(input);
    free(packed);
    return status;
}

static int refuse_data(Session *session, OptionId option, const char *path) {
    const cnn_data *data = session->model->data;
    if (!data || !cnn_verb_takes(session->options->verb, OPTION_DATA)) return STATUS_OK;
    const char *const *lists[] = {data->train, data->test};
    int status = STATUS_OK;
    for (int i = 0; i < 2; i++)
        for (const char *const *name = lists[i]; !status && name && *name; name++)
            status = refuse_data_file(session, option, path, *name);
    return status;
}

int cnn_session_spare_from(Session *session, OptionId option, const char *path) {
    const Options *options = session->options;
    int status = STATUS_OK;
    if (same_file(path, "/proc/self/exe")) return refuse(session, option, path, "the program itself");
    for (int i = 0; !status && i < OPTION_COUNT; i++) {
        const char *input = cnn_option_read(options, (OptionId)i),
                   *output = cnn_option_written(options, (OptionId)i);
        if (input) status = refuse_input(session, option, path, input);
        if (!status && output && i != (int)option && same_output(path, output))
            status = refuse(session, option, path, "what another option writes");
    }
    for (int i = 0; !status && i < options->file_count; i++)
        status = refuse_input(session, option, path, options->files[i]);
    return status ? status : refuse_data(session, option, path);
}

int cnn_session_spare_inputs(Session *session) {
    int status = STATUS_OK;
    for (int i = 0; !status && i < OPTION_COUNT; i++) {
        const char *path = cnn_option_written(session->options, (OptionId)i);
        if (path) status = cnn_session_spare_from(session, (OptionId)i, path);
    }
    return status;
}
