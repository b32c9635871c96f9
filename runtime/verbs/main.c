/* A compiled model's command: verbs and exit statuses (the table in commands.md's "Exit status" holds for
 * both programs). */
#include "base/interrupt.h"
#include "verbs/session.h"

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

int main(int argc, char **argv) {
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
    if (session.hint[0]) fprintf(stderr, "help: %s\n", session.hint);
    cnn_session_close(&session);
    cnn_options_free(&options);
    return status;
}
