/* The verb bench: medians of training steps and of inference, on made-up data and initial weights. */
#include "session.h"

#include "aligned.h"
#include "madeup.h"
#include "progress.h"
#include "trainer.h"

#include <stdlib.h>

enum { BATCH_DEFAULT = 64, RUNS_LEFT_OUT = 3, RUNS_LEAST = 5, RUNS_MOST = 1 << 20 };

/* Small enough that made-up data never drives the weights away; the time does not depend on it. */
static const float bench_rate = 1e-6f;

typedef struct Bench {
    Session *session;
    Dataset dataset;
    Program program;
    Trainer trainer;
    float *output;
    double *times;
    double seconds;
    int64_t batch;
} Bench;

static void train_once(Bench *bench) {
    Metrics metrics = {0};
    cnn_trainer_step(&bench->trainer, &bench->dataset, NULL, bench->batch, &metrics);
}

static void infer_batch(Bench *bench) {
    for (int64_t first = 0; first < bench->batch; first += bench->program.capacity) {
        int64_t left = bench->batch - first;
        bench->program.frame.samples =
            (const float *)bench->dataset.samples + first * bench->dataset.sample_elements;
        cnn_program_run(&bench->program, left < bench->program.capacity ? left : bench->program.capacity);
    }
}

static void infer_one(Bench *bench) {
    bench->program.frame.samples = bench->dataset.samples;
    cnn_program_run(&bench->program, 1);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median time of a call, in milliseconds. */
static double median(Bench *bench, void (*call)(Bench *)) {
    int runs = 0;
    for (int i = 0; i < RUNS_LEFT_OUT; i++) call(bench);
    double begun = cnn_seconds(), now = begun;
    while (runs < RUNS_LEAST || (now - begun < bench->seconds && runs < RUNS_MOST)) {
        double start = now;
        call(bench);
        now = cnn_seconds();
        bench->times[runs++] = now - start;
    }
    qsort(bench->times, (size_t)runs, sizeof *bench->times, by_value);
    double middle = bench->times[runs / 2];
    return 1000 * (runs % 2 ? middle : (middle + bench->times[runs / 2 - 1]) / 2);
}

static int bench_training(Bench *bench, double *milliseconds) {
    Session *session = bench->session;
    int status = cnn_trainer_open(&bench->trainer, session->model, session->pool, session->parameters,
                                  bench->batch, session->model->train->seed, bench_rate, session->failure);
    if (!status) *milliseconds = median(bench, train_once);
    cnn_trainer_close(&bench->trainer);
    return status;
}

static int bench_inference(Bench *bench, double *batch, double *one) {
    Session *session = bench->session;
    const cnn_program *code = session->model->inference;
    void *output = NULL;
    int64_t window = cnn_program_window(session->model, code, bench->batch);
    int status = cnn_session_program(session, code, window, &bench->program);
    if (!status)
        status = cnn_aligned_allocate(&output, (uint64_t)(window * cnn_output_elements(session->model)),
                                      (uint64_t)cnn_program_element(code), "the outputs", session->failure);
    bench->program.frame.output = output;
    if (!status) {
        *batch = median(bench, infer_batch);
        *one = median(bench, infer_one);
    }
    cnn_aligned_free(output);
    cnn_program_close(&bench->program);
    return status;
}

static void print_result(const Bench *bench, double train, double batch, double one) {
    const Session *session = bench->session;
    FILE *out = session->out;
    int threads = cnn_threads_count(session->pool);
    double train_speed = 1000 * (double)bench->batch / train, speed = 1000 * (double)bench->batch / batch;
    if (!session->options->json) {
        fprintf(out, "%s: batch %lld, %d thread%s\n", session->model->name, (long long)bench->batch, threads,
                threads == 1 ? "" : "s");
        if (session->model->train)
            fprintf(out, "train          %10.4f ms  %.0f samples/s\n", train, train_speed);
        fprintf(out, "inference      %10.4f ms  %.0f samples/s\n", batch, speed);
        fprintf(out, "inference one  %10.4f ms\n", one);
        return;
    }
    fputs("{\"model\": ", out);
    cnn_print_json_string(out, session->model->name);
    fprintf(out, ", \"threads\": %d, \"batch\": %lld", threads, (long long)bench->batch);
    if (session->model->train)
        fprintf(out, ", \"train\": {\"median_ms\": %.6g, \"samples_per_second\": %.1f}", train, train_speed);
    fprintf(out, ", \"inference\": {\"median_ms\": %.6g, \"samples_per_second\": %.1f}", batch, speed);
    fprintf(out, ", \"inference_one\": {\"median_ms\": %.6g}}\n", one);
}

int cnn_verb_bench(Session *session) {
    const Options *options = session->options;
    const cnn_train *train = session->model->train;
    Bench bench = {.session = session, .seconds = options->seconds > 0 ? options->seconds : 1};
    double step = 0, batch = 0, one = 0;
    void *times = NULL;
    bench.batch = options->has_batch ? options->batch : train ? train->batch : BATCH_DEFAULT;
    int status = cnn_session_initial(session, train ? train->seed : 1);
    if (!status) status = cnn_session_threads(session);
    if (!status)
        status = cnn_madeup_create(session->model, (uint32_t)bench.batch, 1, RANDOM_BENCH, 0, &bench.dataset,
                                   session->failure);
    if (!status)
        status = cnn_aligned_allocate(&times, RUNS_MOST, sizeof(double), "the times", session->failure);
    bench.times = times;
    /* Inference comes first: training on made-up data need not leave weights that are finite. */
    if (!status) status = bench_inference(&bench, &batch, &one);
    if (!status && train) status = bench_training(&bench, &step);
    if (!status) print_result(&bench, step, batch, one);
    cnn_aligned_free(times);
    cnn_madeup_free(&bench.dataset);
    return status;
}
