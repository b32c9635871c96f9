/* A step: the training program's stages, then the update in chunks, then the packed weights anew. */
#include "run/trainer.h"

#include "base/aligned.h"

#include <math.h>
#include <stdatomic.h>

enum {
    UPDATE_UNIT = 1024, /* chunks are multiples: every chunk begins on a whole register */
    UPDATE_SMALLEST = 4096,
    UPDATE_CHUNKS = 128
};

static int allocate_floats(float **floats, int64_t a, int64_t b, const char *purpose, Failure *failure) {
    uint64_t count;
    void *block = NULL;
    if (!cnn_multiply((uint64_t)a, (uint64_t)b, &count)) return cnn_fail_memory(failure, purpose, UINT64_MAX);
    int status = cnn_aligned_allocate(&block, count, sizeof(float), purpose, failure);
    *floats = block;
    return status;
}

static int64_t chunk_count(const Trainer *trainer, const cnn_model *model) {
    return (model->trained_elements + trainer->chunk - 1) / trainer->chunk;
}

int cnn_trainer_open(Trainer *trainer, const cnn_model *model, Threads *pool, float *parameters,
                     int64_t batch, uint64_t seed, float learning_rate, Failure *failure) {
    *trainer = (Trainer){0};
    if (model->training->double_precision)
        return cnn_fail(failure, STATUS_USAGE,
                        "a model that was compiled in double precision cannot be trained");
    float *slots = NULL;
    int status =
        cnn_program_open(&trainer->program, model, model->training, pool, parameters, batch, failure);
    if (!status) status = allocate_floats(&trainer->loss, batch, 1, "the losses", failure);
    if (!status)
        status = allocate_floats(&trainer->metric, batch, model->metric_count, "the metrics", failure);
    if (!status)
        status = allocate_floats(&slots, model->trained_elements, model->train->slot_count,
                                 "the optimizer's state", failure);
    trainer->slots = slots;
    int64_t chunk = model->trained_elements / UPDATE_CHUNKS / UPDATE_UNIT * UPDATE_UNIT;
    trainer->chunk = chunk > UPDATE_SMALLEST ? chunk : UPDATE_SMALLEST;
    if (!status && model->gather) {
        void *squares = NULL;
        status = cnn_aligned_allocate(&squares, (uint64_t)chunk_count(trainer, model), sizeof(double),
                                      "the gradient's norm", failure);
        trainer->squares = squares;
    }
    if (status) {
        cnn_trainer_close(trainer);
        return status;
    }
    cnn_frame *frame = &trainer->program.frame;
    frame->loss = trainer->loss;
    frame->metric = trainer->metric;
    frame->slots = trainer->slots;
    frame->seed = seed;
    frame->random = 1;
    frame->learning_rate = learning_rate;
    cnn_program_prepare(&trainer->program);
    return STATUS_OK;
}

void cnn_trainer_close(Trainer *trainer) {
    cnn_program_close(&trainer->program);
    cnn_aligned_free(trainer->loss);
    cnn_aligned_free(trainer->metric);
    cnn_aligned_free(trainer->slots);
    cnn_aligned_free(trainer->squares);
    *trainer = (Trainer){0};
}

typedef struct Update {
    Trainer *trainer;
    cnn_frame frame;
    _Atomic int bad;
} Update;

static int64_t chunk_end(const Trainer *trainer, int64_t index) {
    int64_t end = (index + 1) * trainer->chunk, trained = trainer->program.model->trained_elements;
    return end < trained ? end : trained;
}

static void update_chunk(void *user, int64_t index, int worker) {
    Update *update = user;
    Trainer *trainer = update->trainer;
    (void)worker;
    if (trainer->program.model->update(&update->frame, index * trainer->chunk, chunk_end(trainer, index)))
        atomic_store(&update->bad, 1);
}

static void gather_chunk(void *user, int64_t index, int worker) {
    Trainer *trainer = user;
    (void)worker;
    trainer->squares[index] = trainer->program.model->gather(&trainer->program.frame, index * trainer->chunk,
                                                             chunk_end(trainer, index));
}

/* clip_norm, as torch.nn.utils.clip_grad_norm_ computes it, the chunks' sums in order: what is left of the
 * gradient. */
static float gradient_scale(Trainer *trainer, int64_t chunks) {
    static const double against_zero = 1e-6;
    double sum = 0;
    cnn_threads_run(trainer->program.pool, chunks, gather_chunk, trainer);
    for (int64_t i = 0; i < chunks; i++) sum += trainer->squares[i];
    double scale = trainer->program.model->train->clip_norm / (sqrt(sum) + against_zero);
    return scale < 1 ? (float)scale : 1;
}

static bool update_parameters(Trainer *trainer) {
    Update update = {.trainer = trainer, .frame = trainer->program.frame};
    int64_t chunks = chunk_count(trainer, trainer->program.model);
    if (trainer->squares) {
        update.frame.gradient_scale = gradient_scale(trainer, chunks);
        update.frame.lane_count = 1;
    }
    cnn_threads_run(trainer->program.pool, chunks, update_chunk, &update);
    return !atomic_load(&update.bad);
}

StepResult cnn_trainer_step(Trainer *trainer, const Batch *batch, Metrics *metrics) {
    Program *program = &trainer->program;
    const cnn_model *model = program->model;
    cnn_frame *frame = &program->frame;
    frame->samples = batch->samples;
    frame->targets = batch->targets;
    frame->order = batch->order;
    frame->numbers = batch->numbers;
    frame->sample_kind = batch->sample_kind;
    cnn_program_run(program, batch->count);
    double loss = cnn_metrics_add(metrics, model, trainer->loss, trainer->metric, batch->count);
    if (!isfinite(loss)) {
        frame->step++;
        return STEP_LOSS_NOT_FINITE;
    }
    bool finite = update_parameters(trainer);
    frame->step++;
    if (!finite) return STEP_UPDATE_NOT_FINITE;
    cnn_program_prepare(program);
    return STEP_DONE;
}
