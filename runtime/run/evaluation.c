/* The evaluation program over windows of the data set. */
#include "run/evaluation.h"

#include "base/aligned.h"

static int allocate_floats(float **floats, int64_t a, int64_t b, const char *purpose, Failure *failure) {
    uint64_t count;
    void *block = NULL;
    if (!cnn_multiply((uint64_t)a, (uint64_t)b, &count)) return cnn_fail_memory(failure, purpose, UINT64_MAX);
    int status = cnn_aligned_allocate(&block, count, sizeof(float), purpose, failure);
    *floats = block;
    return status;
}

int cnn_evaluator_open(Evaluator *evaluator, const cnn_model *model, Threads *pool, float *parameters,
                       int64_t samples, bool with_output, Failure *failure) {
    *evaluator = (Evaluator){0};
    if (model->evaluation->double_precision)
        return cnn_fail(failure, STATUS_USAGE,
                        "a model that was compiled in double precision cannot be evaluated");
    int64_t window = cnn_program_window(model, model->evaluation, samples);
    void *order = NULL;
    int status =
        cnn_program_open(&evaluator->program, model, model->evaluation, pool, parameters, window, failure);
    if (!status) status = allocate_floats(&evaluator->loss, window, 1, "the losses", failure);
    if (!status)
        status = allocate_floats(&evaluator->metric, window, model->metric_count, "the metrics", failure);
    if (!status && with_output)
        status =
            allocate_floats(&evaluator->output, window, cnn_output_elements(model), "the outputs", failure);
    if (!status)
        status = cnn_aligned_allocate(&order, (uint64_t)window, sizeof(uint32_t), "the order", failure);
    evaluator->order = order;
    if (status) cnn_evaluator_close(evaluator);
    return status;
}

void cnn_evaluator_close(Evaluator *evaluator) {
    cnn_program_close(&evaluator->program);
    cnn_aligned_free(evaluator->loss);
    cnn_aligned_free(evaluator->metric);
    cnn_aligned_free(evaluator->output);
    cnn_aligned_free(evaluator->order);
    *evaluator = (Evaluator){0};
}

static int64_t largest(const float *values, int64_t count) {
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++)
        if (values[i] > values[best]) best = i;
    return best;
}

static void count_confusion(const Evaluator *evaluator, const Dataset *dataset, int64_t samples,
                            int64_t *confusion) {
    const cnn_model *model = evaluator->program.model;
    const uint32_t *order = evaluator->program.frame.order;
    const int32_t *targets = dataset->targets;
    int64_t classes = model->output_shape[model->output_rank - 1], positions = dataset->target_elements;
    for (int64_t n = 0; n < samples; n++)
        for (int64_t i = 0; i < positions; i++) {
            int64_t target = targets[order[n] * positions + i];
            confusion[target * classes +
                      largest(evaluator->output + (n * positions + i) * classes, classes)]++;
        }
}

void cnn_evaluator_run(Evaluator *evaluator, const Dataset *dataset, const uint32_t *order, int64_t count,
                       Metrics *metrics, int64_t *confusion) {
    Program *program = &evaluator->program;
    cnn_frame *frame = &program->frame;
    frame->samples = dataset->samples;
    frame->sample_kind = dataset->sample_kind;
    frame->targets = dataset->targets;
    frame->loss = evaluator->loss;
    frame->metric = evaluator->metric;
    frame->output = evaluator->output;
    cnn_program_prepare(program);
    for (int64_t first = 0; first < count; first += program->capacity) {
        int64_t now = count - first < program->capacity ? count - first : program->capacity;
        for (int64_t i = 0; i < now; i++)
            evaluator->order[i] = order ? order[first + i] : (uint32_t)(first + i);
        frame->order = evaluator->order;
        cnn_program_run(program, now);
        cnn_metrics_add(metrics, program->model, evaluator->loss, evaluator->metric, now);
        if (confusion) count_confusion(evaluator, dataset, now, confusion);
    }
}
