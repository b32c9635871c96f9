/* The verb init: the weights that a training with this seed starts from. */
#include "verbs/session.h"

#include "base/interrupt.h"
#include "weights/weights.h"

int cnn_verb_init(Session *session) {
    const Options *options = session->options;
    uint64_t seed = options->has_seed       ? options->seed
                    : session->model->train ? session->model->train->seed
                                            : 1;
    int status = cnn_session_need(session, "--output FILE", options->output);
    if (!status) status = cnn_session_initial(session, seed);
    if (status) return status;
    cnn_interrupt_hold();
    status = cnn_weights_write(options->output, session->model, session->parameters, session->failure);
    cnn_interrupt_release();
    return status;
}
