/* See profile.h. */
#include "run/profile.h"

#include "run/progress.h"

#include <stdlib.h>

enum { PEAK_ROUNDS = 1 << 16, PEAK_RUNS = 20 };

/* The steps of a program lie in several arrays: one a stage for samples, one for the batch, and `prepare`. */
typedef struct Run {
    const cnn_step *steps;
    int32_t count;
} Run;

static int run_count(const cnn_program *code) {
    return 2 * code->stage_count + 1;
}

static Run run_at(const Profile *profile, int index) {
    const cnn_program *code = profile->code;
    if (index == 2 * code->stage_count) return (Run){code->prepare, code->prepare_steps};
    const cnn_stage *stage = &code->stages[index / 2];
    if (index % 2) return (Run){stage->batch, stage->batch_steps};
    return (Run){cnn_stage_steps(stage, profile->capacity), stage->sample_steps};
}

static int place_of(const Profile *profile, const cnn_step *step) {
    int place = 0;
    for (int i = 0; i < run_count(profile->code); i++) {
        Run run = run_at(profile, i);
        if (step >= run.steps && step < run.steps + run.count) return place + (int)(step - run.steps);
        place += run.count;
    }
    return place;
}

static void observe(void *user, const cnn_step *step, int worker) {
    Profile *profile = user;
    if (step)
        profile->seconds[worker * profile->steps + place_of(profile, step)] +=
            cnn_seconds() - profile->since[worker];
    profile->since[worker] = cnn_seconds();
}

int cnn_profile_open(Profile *profile, Program *program, Failure *failure) {
    *profile = (Profile){.code = program->code, .capacity = program->capacity};
    for (int i = 0; i < run_count(profile->code); i++) profile->steps += run_at(profile, i).count;
    size_t workers = (size_t)cnn_threads_count(program->pool);
    profile->seconds = calloc(workers * (size_t)profile->steps + 1, sizeof(double));
    profile->since = calloc(workers, sizeof(double));
    if (!profile->seconds || !profile->since) {
        cnn_profile_close(profile, program);
        return cnn_fail_memory(failure, "the times", workers * (size_t)profile->steps * sizeof(double));
    }
    program->observe = observe;
    program->observe_user = profile;
    return STATUS_OK;
}

void cnn_profile_close(Profile *profile, Program *program) {
    program->observe = NULL;
    free(profile->seconds);
    free(profile->since);
    *profile = (Profile){0};
}

const cnn_step *cnn_profile_step(const Profile *profile, int index) {
    int i = 0;
    while (index >= run_at(profile, i).count) index -= run_at(profile, i++).count;
    return &run_at(profile, i).steps[index];
}

double cnn_profile_seconds(const Profile *profile, const Program *program, int index) {
    double sum = 0;
    for (int worker = 0; worker < cnn_threads_count(program->pool); worker++)
        sum += profile->seconds[worker * profile->steps + index];
    return sum;
}

/* The fastest of several runs: whatever else the machine does only takes time away. */
double cnn_peak_measure(const cnn_model *model) {
    double best = 0;
    for (int i = 0; i < PEAK_RUNS; i++) {
        int64_t multiply_adds = 0;
        double begun = cnn_seconds();
        model->peak(PEAK_ROUNDS, &multiply_adds);
        double rate = (double)multiply_adds * PEAK_ROUNDS / (cnn_seconds() - begun);
        if (rate > best) best = rate;
    }
    return best;
}
