/* The pool hands out every item once; a program's stages see every sample once, in lanes, with the same bits
 * for any number of threads. */
#include "run/program.h"
#include "tiny_model.c"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ITEMS = 1000 };

typedef struct Tally {
    _Atomic int times[ITEMS];
    _Atomic int worst_worker;
} Tally;

static void count_item(void *user, int64_t index, int worker) {
    Tally *tally = user;
    atomic_fetch_add(&tally->times[index], 1);
    if (worker > atomic_load(&tally->worst_worker)) atomic_store(&tally->worst_worker, worker);
}

static void every_item_runs_once(void **state) {
    static const int sizes[] = {1, 2, 3, 8, 33};
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        Threads *pool = cnn_threads_create(sizes[s]);
        assert_non_null(pool);
        assert_int_equal(cnn_threads_count(pool), sizes[s]);
        for (int round = 0; round < 300; round++) {
            static Tally tally;
            memset(&tally, 0, sizeof tally);
            int64_t count = round % 7 == 0 ? ITEMS : round % 5;
            cnn_threads_run(pool, count, count_item, &tally);
            for (int i = 0; i < ITEMS; i++) assert_int_equal(tally.times[i], i < count);
            assert_true(tally.worst_worker < sizes[s]);
        }
        cnn_threads_destroy(pool);
    }
}

static void add_index(void *user, int64_t index, int worker) {
    (void)worker;
    ((int64_t *)user)[index] += index;
}

/* Plain memory that one job writes is read by the next, on other workers: nothing is lost between them. */
static void jobs_see_what_the_last_one_wrote(void **state) {
    Threads *pool = cnn_threads_create(4);
    int64_t sums[64] = {0};
    (void)state;
    for (int round = 0; round < 5000; round++) cnn_threads_run(pool, 64, add_index, sums);
    for (int64_t i = 0; i < 64; i++) assert_int_equal(sums[i], 5000 * i);
    cnn_threads_destroy(pool);
}

static void take_item(void *user, int64_t index, int worker) {
    void **both = user;
    (void)worker;
    ((int64_t *)both[0])[index]++;
    atomic_fetch_add((_Atomic int64_t *)both[1], 1);
}

/* A worker that is late for a job may take nothing of the next one before all of it is published, above all
 * where that has more items. */
static void a_late_worker_takes_nothing(void **state) {
    (void)state;
    for (int workers = 2; workers <= 4; workers++) {
        Threads *pool = cnn_threads_create(workers);
        for (int round = 0; round < 200000; round++) {
            int64_t ones[9] = {0}, count = round % 2 ? 9 : 2;
            _Atomic int64_t taken = 0;
            void *both[2] = {ones, &taken};
            cnn_threads_run(pool, count, take_item, both);
            assert_int_equal(taken, count);
            for (int64_t i = 0; i < count; i++) assert_int_equal(ones[i], 1);
        }
        cnn_threads_destroy(pool);
    }
}

typedef struct Chores {
    _Atomic int64_t left, done;
    _Atomic int64_t *memory; /* gone when the work is no longer the pool's */
} Chores;

static bool do_chore(void *user, int worker) {
    Chores *chores = user;
    int64_t left = atomic_load(&chores->left);
    (void)worker;
    while (left > 0 && !atomic_compare_exchange_weak(&chores->left, &left, left - 1)) continue;
    if (left <= 0) return false;
    atomic_fetch_add(&chores->memory[left - 1], 1);
    atomic_fetch_add(&chores->done, 1);
    return true;
}

/* The first item waits, not for ever, for the chores, which somebody else does who had one of the others. */
static void wait_for_chores(void *user, int64_t index, int worker) {
    Chores *chores = user;
    (void)worker;
    for (int i = 0; index == 0 && atomic_load(&chores->left) > 0 && i < 20000000; i++) sched_yield();
}

static void idle_workers_do_chores(void **state) {
    (void)state;
    for (int workers = 2; workers <= 9; workers++) {
        Threads *pool = cnn_threads_create(workers);
        assert_int_equal(cnn_threads_count(pool), workers);
        for (int round = 0; round < 100; round++) {
            _Atomic int64_t memory[50] = {0};
            Chores chores = {.memory = memory};
            const ThreadsIdle idle = {do_chore, &chores};
            cnn_threads_when_idle(pool, &idle);
            atomic_store(&chores.left, 50);
            cnn_threads_run(pool, workers, wait_for_chores, &chores);
            cnn_threads_when_idle(pool, NULL);
            assert_int_equal(chores.done, 50);
            for (int i = 0; i < 50; i++) assert_int_equal(memory[i], 1);
        }
        cnn_threads_destroy(pool);
    }
}

/* Chores come and go while jobs run: every item of a job and every chore is done at most once, nothing is
 * done once the work is not the pool's. */
static void chores_do_not_disturb_jobs(void **state) {
    (void)state;
    for (int workers = 1; workers <= 4; workers++) {
        Threads *pool = cnn_threads_create(workers);
        for (int round = 0; round < 5000; round++) {
            int64_t ones[9] = {0};
            _Atomic int64_t *memory = calloc(20, sizeof *memory);
            _Atomic int64_t taken = 0;
            void *both[2] = {ones, &taken};
            Chores chores = {.memory = memory};
            const ThreadsIdle idle = {do_chore, &chores};
            assert_non_null(memory);
            cnn_threads_when_idle(pool, &idle);
            for (int job = 1; job <= 3; job++) {
                atomic_store(&chores.left, 0);
                atomic_fetch_add(&chores.left, round % 20 + 1);
                cnn_threads_run(pool, 9, take_item, both);
                for (int i = 0; i < 9; i++) assert_int_equal(ones[i], job);
            }
            cnn_threads_when_idle(pool, NULL);
            int64_t done = 0;
            for (int i = 0; i < 20; i++) {
                assert_in_range(memory[i], 0, 3);
                done += memory[i];
            }
            assert_int_equal(done, chores.done);
            free(memory);
        }
        cnn_threads_destroy(pool);
    }
}

static void counts_are_cut(void **state) {
    (void)state;
    Threads *pool = cnn_threads_create(100000);
    assert_true(cnn_threads_count(pool) <= THREADS_MAXIMUM);
    cnn_threads_destroy(pool);
    pool = cnn_threads_create(0);
    assert_true(cnn_threads_count(pool) >= 1);
    cnn_threads_destroy(pool);
}

static void fill_parameters(float *parameters) {
    for (int k = 0; k < TINY_CLASSES; k++)
        for (int c = 0; c < TINY_INPUTS; c++)
            parameters[TINY_WEIGHT + k * TINY_ROW + c] = 0.1f * (float)(k - c) + 0.03f * (float)(k * c);
    for (int k = 0; k < TINY_CLASSES; k++) parameters[TINY_BIAS + k] = 0.2f * (float)k;
    for (int c = 0; c < TINY_INPUTS; c++) parameters[TINY_MEAN + c] = 0.5f * (float)c;
}

static float sample_value(int64_t sample, int feature) {
    return (float)((sample * 7 + feature * 3) % 11) - 5;
}

enum { SAMPLES = 37 };

static void inference_takes_every_sample_in_order(void **state) {
    _Alignas(64) float parameters[TINY_PARAMETERS] = {0};
    float samples[SAMPLES * TINY_INPUTS], output[SAMPLES * TINY_CLASSES];
    uint32_t order[SAMPLES];
    (void)state;
    fill_parameters(parameters);
    for (int64_t i = 0; i < SAMPLES * TINY_INPUTS; i++)
        samples[i] = sample_value(i / TINY_INPUTS, (int)(i % TINY_INPUTS));
    for (uint32_t i = 0; i < SAMPLES; i++) order[i] = (i * 5 + 3) % SAMPLES;
    for (int threads = 1; threads <= 8; threads++) {
        Failure failure = {0};
        Program program;
        Threads *pool = cnn_threads_create(threads);
        assert_int_equal(cnn_program_open(&program, &tiny_model, tiny_model.inference, pool, parameters,
                                          SAMPLES, &failure),
                         0);
        program.frame.samples = samples;
        program.frame.order = order;
        program.frame.output = output;
        cnn_program_prepare(&program);
        for (int64_t count = 1; count <= SAMPLES; count += 4) {
            memset(output, 0, sizeof output);
            cnn_program_run(&program, count);
            for (int64_t n = 0; n < count; n++)
                for (int k = 0; k < TINY_CLASSES; k++) {
                    float y = parameters[TINY_BIAS + k];
                    for (int c = 0; c < TINY_INPUTS; c++)
                        y += (sample_value(order[n], c) - parameters[TINY_MEAN + c]) *
                             parameters[k * TINY_ROW + c];
                    assert_float_equal(output[n * TINY_CLASSES + k], y, 1e-4f);
                }
        }
        cnn_program_close(&program);
        cnn_threads_destroy(pool);
    }
}

static void training_lanes_do_not_depend_on_threads(void **state) {
    _Alignas(64) float parameters[TINY_PARAMETERS] = {0};
    float samples[SAMPLES * TINY_INPUTS], loss[SAMPLES], metric[SAMPLES], first[TINY_LANES][TINY_TRAINED];
    int32_t targets[SAMPLES];
    (void)state;
    fill_parameters(parameters);
    for (int64_t i = 0; i < SAMPLES * TINY_INPUTS; i++)
        samples[i] = sample_value(i / TINY_INPUTS, (int)(i % TINY_INPUTS));
    for (int i = 0; i < SAMPLES; i++) targets[i] = i % TINY_CLASSES;
    for (int threads = 1; threads <= 8; threads++) {
        Failure failure = {0};
        Program program;
        Threads *pool = cnn_threads_create(threads);
        assert_int_equal(
            cnn_program_open(&program, &tiny_model, tiny_model.training, pool, parameters, SAMPLES, &failure),
            0);
        program.frame.samples = samples;
        program.frame.targets = targets;
        program.frame.loss = loss;
        program.frame.metric = metric;
        cnn_program_prepare(&program);
        cnn_program_run(&program, SAMPLES);
        for (int lane = 0; lane < TINY_LANES; lane++) {
            const float *gradient = (const float *)program.frame.lanes + lane * program.frame.lane_stride;
            if (threads == 1) memcpy(first[lane], gradient, sizeof first[lane]);
            assert_memory_equal(first[lane], gradient, sizeof first[lane]);
        }
        cnn_program_close(&program);
        cnn_threads_destroy(pool);
    }
}

/* Few samples at a time where each needs much, but a share for every lane. */
static void windows_fit_memory_and_lanes(void **state) {
    cnn_model model = tiny_model;
    cnn_program code = *tiny_model.inference;
    (void)state;
    assert_int_equal(cnn_program_window(&model, &code, 10), 10);
    assert_int_equal(cnn_program_window(&model, &code, 100000), 512);
    code.batch_stride = (1 << 20) - TINY_CLASSES - 1; /* 4 MB a sample */
    assert_int_equal(cnn_program_window(&model, &code, 100000), 16);
    code.double_precision = 1;
    assert_int_equal(cnn_program_window(&model, &code, 100000), 8);
    model.lanes = 24;
    assert_int_equal(cnn_program_window(&model, &code, 100000), 24);
    assert_int_equal(cnn_program_window(&model, &code, 20), 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_runs_once),
        cmocka_unit_test(jobs_see_what_the_last_one_wrote),
        cmocka_unit_test(a_late_worker_takes_nothing),
        cmocka_unit_test(idle_workers_do_chores),
        cmocka_unit_test(chores_do_not_disturb_jobs),
        cmocka_unit_test(counts_are_cut),
        cmocka_unit_test(inference_takes_every_sample_in_order),
        cmocka_unit_test(training_lanes_do_not_depend_on_threads),
        cmocka_unit_test(windows_fit_memory_and_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
