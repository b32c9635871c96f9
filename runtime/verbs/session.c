/* Threads, parameters and messages that the verbs share. */
#include "verbs/session.h"

#include "base/aligned.h"
#include "verbs/spare_inputs.h"
#include "weights/first_values.h"
#include "weights/weights.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* The command line lacks the option. */
static int need_file(Session *session, OptionId option) {
    return cnn_fail(session->failure, STATUS_USAGE, "%s needs %s FILE", session->options->verb->name,
                    cnn_option_spelling(option));
}

int cnn_session_threads(Session *session) {
    int64_t count = session->options->threads;
    session->pool = cnn_threads_create(count > THREADS_MAXIMUM ? THREADS_MAXIMUM : (int)count);
    return session->pool ? STATUS_OK : cnn_fail_memory(session->failure, "the threads", sizeof(void *));
}

static int allocate_parameters(Session *session) {
    void *block = NULL;
    int status = cnn_aligned_allocate(&block, (uint64_t)session->model->parameter_elements, sizeof(float),
                                      "the parameters", session->failure);
    session->parameters = block;
    return status;
}

int cnn_session_initial(Session *session, uint64_t seed) {
    int status = allocate_parameters(session);
    if (!status) cnn_parameters_initialise(session->model, seed, session->parameters);
    return status;
}

int cnn_session_weights(Session *session) {
    const cnn_model *model = session->model;
    int status;
    if (!session->options->weights) {
        if (!cnn_parameters_are_fixed(model)) return need_file(session, OPTION_WEIGHTS);
        return cnn_session_initial(session, 1);
    }
    status = allocate_parameters(session);
    return status ? status : cnn_session_read_weights(session, session->options->weights);
}

int cnn_session_read_weights(Session *session, const char *path) {
    char removed[WEIGHTS_PREFIX];
    int status = cnn_weights_read(path, session->model, session->parameters, removed, session->failure);
    if (!status && *removed)
        cnn_session_note(session, "%s: '%s' before all its names is left out", path, removed);
    return status;
}

int cnn_session_data(Session *session, bool test, Dataset *dataset) {
    const cnn_data *data = session->model->data;
    const char *folder = session->options->data;
    int status = cnn_dataset_load(session->model, folder, test, dataset, session->failure);
    if (status == STATUS_FILE)
        snprintf(session->hint, sizeof session->hint,
                 "--data DIR says where the data block's files lie; they were looked for in '%.120s'",
                 folder        ? folder
                 : *data->path ? data->path
                               : ".");
    return status;
}

void cnn_session_close(Session *session) {
    cnn_threads_destroy(session->pool);
    cnn_aligned_free(session->parameters);
    session->pool = NULL;
    session->parameters = NULL;
}

int cnn_session_run(Session *session) {
    const VerbRow *verb = session->options->verb;
    if (verb->needs_train && !session->model->train)
        return cnn_fail(session->failure, STATUS_USAGE,
                        "%s needs a train block, and the model '%s' was compiled without one", verb->name,
                        session->model->name);
    if (verb->needs_files && session->options->file_count == 0)
        return cnn_fail(session->failure, STATUS_USAGE, "%s needs %s", verb->name, verb->needs_files);
    for (const OptionId *needed = verb->needs; needed && *needed != OPTION_COUNT; needed++)
        if (!cnn_option_is_given(session->options, *needed)) return need_file(session, *needed);
    int status = cnn_session_spare_inputs(session);
    return status ? status : verb->run(session);
}

int cnn_session_program(Session *session, const cnn_program *code, int64_t capacity, Program *program) {
    int status = cnn_program_open(program, session->model, code, session->pool, session->parameters, capacity,
                                  session->failure);
    if (status) return status;
    program->frame.seed = session->model->train ? session->model->train->seed : 1;
    cnn_program_prepare(program);
    return STATUS_OK;
}

void cnn_session_note(const Session *session, const char *format, ...) {
    Failure text = {0};
    va_list arguments;
    va_start(arguments, format);
    cnn_fail_list(&text, STATUS_USAGE, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s: note: %s\n", session->model->name, text.message);
}

int cnn_session_print_failure(Session *session) {
    int status = session->failure->exit_code;
    fprintf(stderr, "%s: error: %s\n", session->model->name, session->failure->message);
    *session->failure = (Failure){0};
    return status;
}

int cnn_session_flush(Session *session) {
    errno = 0;
    if (fflush(session->out) == 0 && !ferror(session->out)) return STATUS_OK;
    return cnn_fail(session->failure, STATUS_FILE, "cannot write to standard output: %s",
                    errno ? strerror(errno) : "an earlier write failed");
}

void cnn_print_json_number(FILE *out, const char *format, double number) {
    if (isfinite(number))
        fprintf(out, format, number);
    else
        fputs("null", out);
}
