/* The verb gradients, and the run of the gradients program that gradcheck shares. */
#include "verbs/verb_gradients.h"

#include "base/aligned.h"
#include "base/interrupt.h"
#include "weights/weights.h"

/* The lanes' sums, in lane order, as the update adds them. */
static void sum_lanes(const Program *program, float *sum) {
    const cnn_frame *frame = &program->frame;
    bool doubles = program->code->double_precision;
    for (int64_t i = 0; i < program->model->trained_elements; i++) {
        float total = 0;
        double precise = 0;
        for (int64_t lane = 0; lane < frame->lane_count; lane++) {
            int64_t at = lane * frame->lane_stride + i;
            if (doubles)
                precise += ((const double *)frame->lanes)[at];
            else
                total += ((const float *)frame->lanes)[at];
        }
        sum[i] = doubles ? (float)precise : total;
    }
}

static int run_program(Session *session, const Dataset *dataset, Program *program, Gradients *gradients,
                       void *input, void *loss) {
    const cnn_model *model = session->model;
    void *metric = NULL;
    uint64_t metrics;
    int64_t count = dataset->count;
    if (!cnn_multiply((uint64_t)count, (uint64_t)model->metric_count, &metrics))
        return cnn_fail_memory(session->failure, "the metrics", UINT64_MAX);
    int status = cnn_aligned_allocate(&metric, metrics, sizeof(float), "the metrics", session->failure);
    if (status) return status;
    cnn_frame *frame = &program->frame;
    frame->samples = dataset->samples;
    frame->targets = dataset->targets;
    frame->sample_kind = dataset->sample_kind;
    frame->output = input;
    frame->loss = loss;
    frame->metric = metric;
    cnn_program_run(program, count);
    sum_lanes(program, gradients->parameters);
    cnn_program_floats(program, input, count * dataset->sample_elements, gradients->input);
    double sum = 0;
    for (int64_t n = 0; n < count; n++)
        sum += program->code->double_precision ? ((const double *)loss)[n] : ((const float *)loss)[n];
    gradients->loss = (float)(sum / (double)count);
    cnn_aligned_free(metric);
    return STATUS_OK;
}

int cnn_gradients_compute(Session *session, const Dataset *dataset, Gradients *gradients) {
    const cnn_model *model = session->model;
    const cnn_program *code = model->gradients;
    Program program;
    void *parameters = NULL, *input = NULL, *block = NULL, *loss = NULL;
    uint64_t inputs, size = (uint64_t)cnn_program_element(code);
    *gradients = (Gradients){0};
    if (!cnn_multiply(dataset->count, (uint64_t)dataset->sample_elements, &inputs))
        return cnn_fail_memory(session->failure, "the gradients", UINT64_MAX);
    int status = cnn_session_program(session, code, dataset->count, &program);
    if (status) return status;
    status = cnn_aligned_allocate(&parameters, (uint64_t)model->parameter_elements, sizeof(float),
                                  "the gradients", session->failure);
    gradients->parameters = parameters;
    if (!status)
        status = cnn_aligned_allocate(&input, inputs, sizeof(float), "the gradients", session->failure);
    gradients->input = input;
    if (!status) status = cnn_aligned_allocate(&block, inputs, size, "the gradients", session->failure);
    if (!status) status = cnn_aligned_allocate(&loss, dataset->count, size, "the losses", session->failure);
    if (!status) status = run_program(session, dataset, &program, gradients, block, loss);
    cnn_aligned_free(block);
    cnn_aligned_free(loss);
    cnn_program_close(&program);
    return status;
}

void cnn_gradients_free(Gradients *gradients) {
    cnn_aligned_free(gradients->parameters);
    cnn_aligned_free(gradients->input);
    *gradients = (Gradients){0};
}

static int verb_gradients(Session *session) {
    const Options *options = session->options;
    Dataset dataset = {0};
    Gradients gradients = {0};
    int status = cnn_session_weights(session);
    if (!status)
        status = cnn_dataset_load_samples(session->model, options->input, false, &dataset, session->failure);
    if (!status)
        status = cnn_dataset_load_targets(session->model, options->target, &dataset, session->failure);
    if (!status) status = cnn_session_threads(session);
    if (!status) status = cnn_gradients_compute(session, &dataset, &gradients);
    if (!status) {
        cnn_interrupt_hold();
        status = cnn_gradients_write(options->output, session->model, gradients.parameters, gradients.input,
                                     dataset.count, gradients.loss, session->failure);
        cnn_interrupt_release();
    }
    cnn_gradients_free(&gradients);
    cnn_dataset_free(&dataset);
    return status;
}

const VerbRow cnn_verb_gradients = {
    .name = "gradients",
    .summary = "gradients of the mean loss of a batch",
    .takes = OPTION_LIST(OPTION_WEIGHTS, OPTION_THREADS, OPTION_INPUT, OPTION_TARGET, OPTION_OUTPUT),
    .needs = OPTION_LIST(OPTION_INPUT, OPTION_TARGET, OPTION_OUTPUT),
    .needs_train = true,
    .run = verb_gradients,
};
