/* The verb init: the weights that a training with this seed starts from. */
#include "verbs/session.h"

#include "base/interrupt.h"
#include "weights/weights.h"

static int verb_init(Session *session) {
    const Options *options = session->options;
    uint64_t seed = options->has_seed       ? options->seed
                    : session->model->train ? session->model->train->seed
                                            : 1;
    int status = cnn_session_initial(session, seed);
    if (status) return status;
    cnn_interrupt_hold();
    status = cnn_weights_write(options->output, session->model, session->parameters, session->failure);
    cnn_interrupt_release();
    return status;
}

const VerbRow cnn_verb_init = {
    .name = "init",
    .summary = "write the initial weights",
    .takes = OPTION_LIST(OPTION_SEED, OPTION_OUTPUT),
    .needs = OPTION_LIST(OPTION_OUTPUT),
    .run = verb_init,
};
