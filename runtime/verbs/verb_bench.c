/* The verb bench: medians of training steps and of inference, on made-up data and initial weights. */
#include "verbs/session.h"

#include "base/aligned.h"
#include "data/madeup.h"
#include "run/profile.h"
#include "run/progress.h"
#include "run/trainer.h"

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
    double peak;  /* --layers: multiply-adds a second of one thread */
    int programs; /* whose steps were printed */
} Bench;

static void train_once(Bench *bench) {
    Metrics metrics = {0};
    const Dataset *data = &bench->dataset;
    Batch batch = {.samples = data->samples,
                   .targets = data->targets,
                   .count = bench->batch,
                   .sample_kind = data->sample_kind};
    cnn_trainer_step(&bench->trainer, &batch, &metrics);
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

static void print_step(Bench *bench, const Profile *profile, const Program *program, int index, double runs) {
    FILE *out = bench->session->out;
    const cnn_step *step = cnn_profile_step(profile, index);
    const char *layer = step->layer ? step->layer : "";
    double seconds = cnn_profile_seconds(profile, program, index) / (runs * (double)bench->batch);
    double rate = seconds > 0 ? (double)step->macs / seconds : 0;
    double estimate = step->estimate * bench->session->model->peak_per_cycle / bench->peak;
    if (bench->session->options->json) {
        fprintf(out, "%s{\"layer\": ", index ? ", " : "");
        cnn_print_json_string(out, layer);
        fprintf(out,
                ", \"kernel\": \"%s\", \"us\": %.6g, \"estimate_us\": %.6g, \"macs\": %lld, "
                "\"gflops\": %.5g, \"share_of_peak\": %.4g}",
                step->kernel, seconds * 1e6, estimate * 1e6, (long long)step->macs, 2e-9 * rate,
                rate / bench->peak);
        return;
    }
    fprintf(out, "%-24s %-36s %10.3f", layer, step->kernel, seconds * 1e6);
    if (step->estimate > 0)
        fprintf(out, " %10.3f", estimate * 1e6);
    else
        fprintf(out, " %10s", "-");
    if (step->macs)
        fprintf(out, " %10.1f %6.1f %%\n", 2e-9 * rate, 100 * rate / bench->peak);
    else
        fprintf(out, " %10s %8s\n", "-", "-");
}

/* A row a step: processor time a sample, whatever the number of threads; multiply-adds are counted as the
 * layer's, so that a kernel that needs fewer shows more than the peak. */
static void print_layers(Bench *bench, const char *what, const Profile *profile, const Program *program,
                         double runs) {
    FILE *out = bench->session->out;
    if (bench->session->options->json) {
        fprintf(out, "%s\"%s\": [", bench->programs ? ", " : "", what);
    } else {
        fprintf(out, "%s%s, batch %lld; peak of a thread %.1f GFLOP/s\n", bench->programs ? "\n" : "", what,
                (long long)bench->batch, 2e-9 * bench->peak);
        fprintf(out, "%-24s %-36s %10s %10s %10s %8s\n", "layer", "kernel", "us/sample", "estimate",
                "GFLOP/s", "of peak");
    }
    for (int i = 0; i < profile->steps; i++) print_step(bench, profile, program, i, runs);
    if (bench->session->options->json) fputs("]", out);
    bench->programs++;
}

/* Runs for the time that was asked for, watching the steps. */
static int bench_layers(Bench *bench, const char *what, Program *program, void (*call)(Bench *)) {
    Profile profile = {0};
    for (int i = 0; i < RUNS_LEFT_OUT; i++) call(bench);
    int status = cnn_profile_open(&profile, program, bench->session->failure), runs = 0;
    double begun = cnn_seconds();
    while (!status && (runs < RUNS_LEAST || cnn_seconds() - begun < bench->seconds)) {
        call(bench);
        runs++;
    }
    if (!status) print_layers(bench, what, &profile, program, runs);
    cnn_profile_close(&profile, program);
    return status;
}

static int bench_training(Bench *bench, double *milliseconds) {
    Session *session = bench->session;
    int status = cnn_trainer_open(&bench->trainer, session->model, session->pool, session->parameters,
                                  bench->batch, session->model->train->seed, bench_rate, session->failure);
    if (!status && bench->peak > 0)
        status = bench_layers(bench, "train", &bench->trainer.program, train_once);
    else if (!status)
        *milliseconds = median(bench, train_once);
    cnn_trainer_close(&bench->trainer);
    return status;
}

/* Opens the program for so many samples at a time and times what it does with them. */
static int bench_window(Bench *bench, int64_t window, void (*call)(Bench *), double *milliseconds) {
    Session *session = bench->session;
    const cnn_program *code = session->model->inference;
    void *output = NULL;
    int status = cnn_session_program(session, code, window, &bench->program);
    if (!status)
        status = cnn_aligned_allocate(&output, (uint64_t)(window * cnn_output_elements(session->model)),
                                      (uint64_t)cnn_program_element(code), "the outputs", session->failure);
    bench->program.frame.output = output;
    if (!status && bench->peak > 0)
        status = bench_layers(bench, "inference", &bench->program, call);
    else if (!status)
        *milliseconds = median(bench, call);
    cnn_aligned_free(output);
    cnn_program_close(&bench->program);
    return status;
}

static int bench_inference(Bench *bench, double *batch, double *one) {
    const cnn_model *model = bench->session->model;
    int64_t window = cnn_program_window(model, model->inference, bench->batch);
    int status = bench_window(bench, window, infer_batch, batch);
    if (!status && bench->peak <= 0) status = bench_window(bench, 1, infer_one, one);
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

static int verb_bench(Session *session) {
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
    if (options->layers) bench.peak = cnn_peak_measure(session->model);
    if (options->layers && options->json) fputs("{", session->out);
    /* Inference comes first: training on made-up data need not leave weights that are finite. */
    if (!status) status = bench_inference(&bench, &batch, &one);
    if (!status && train) status = bench_training(&bench, &step);
    if (!status && !options->layers) print_result(&bench, step, batch, one);
    if (!status && options->layers && options->json)
        fprintf(session->out, ", \"peak_gflops\": %.5g}\n", 2e-9 * bench.peak);
    cnn_aligned_free(times);
    cnn_madeup_free(&bench.dataset);
    return status;
}

const VerbRow cnn_verb_bench = {
    .name = "bench",
    .summary = "time training steps and inference on made-up data",
    .takes = OPTION_LIST(OPTION_BATCH, OPTION_THREADS, OPTION_SECONDS, OPTION_JSON, OPTION_LAYERS),
    .run = verb_bench,
};
