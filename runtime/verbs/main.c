/* A compiled model's command: from the verb to the exit status. */
#include "base/interrupt.h"
#include "verbs/session.h"

#include <fcntl.h>
#include <unistd.h>

static int run_verb(Session *session) {
    const Options *options = session->options;
    if (options->help) {
        cnn_options_help(session->out, session->model->name, options);
        return STATUS_OK;
    }
    if (options->version) {
        fprintf(session->out, "%s, compiled by cnnc %s\n", session->model->name,
                session->model->compiler_version);
        return STATUS_OK;
    }
    return cnn_session_run(session);
}

/* No file that is opened takes the number of a closed standard stream. */
static bool reserve_streams(void) {
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0) return false;
    return true;
}

int main(int argc, char **argv) {
    if (!reserve_streams()) return STATUS_FILE;
    Failure failure = {0};
    Options options = {0};
    Session session = {.model = &cnn_compiled_model, .options = &options, .out = stdout, .failure = &failure};
    cnn_interrupt_install();
    int status = cnn_compiled_model.abi_version == CNN_ABI_VERSION
                     ? cnn_options_parse(argc, argv, &options, &failure)
                     : cnn_fail(&failure, STATUS_FILE,
                                "the model and the runtime were built by different versions of cnnc");
    if (!status) status = run_verb(&session);
    int flushed = cnn_session_flush(&session);
    if (!status) status = flushed;
    if (failure.message[0]) cnn_session_print_failure(&session);
    if (session.hint[0]) {
        fputs("help: ", stderr);
        cnn_print_text(stderr, session.hint);
        fputc('\n', stderr);
    }
    cnn_session_close(&session);
    cnn_options_free(&options);
    return status;
}
