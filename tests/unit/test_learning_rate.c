/* The arithmetic of schedules, epoch by epoch and batch by batch, against numbers worked out by hand or
 * printed by PyTorch's classes; and the counting of epochs without progress. */
#include "run/learning_rate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_near(double ours, double expected, int at) {
    if (!(fabs(ours - expected) <= 1e-12 * fabs(expected)))
        fail_msg("rate %d is %.17g where %.17g was expected", at, ours, expected);
}

static LearningRate open_rate(const cnn_schedule *schedule, cnn_train *train, int64_t epochs,
                              int64_t batches) {
    *train = (cnn_train){.schedule = schedule, .learning_rate = 0.5};
    return cnn_learning_rate_open(train, NULL, epochs, batches);
}

/* The first batch's rate of each epoch, and the same for every batch of it. */
static void expect_epochs(const cnn_schedule *schedule, int count, const double *expected) {
    enum { BATCHES = 7 };
    cnn_train train;
    LearningRate rate = open_rate(schedule, &train, count, BATCHES);
    for (int epoch = 0; epoch < count; epoch++)
        for (int batch = 0; batch < BATCHES; batch++)
            expect_near(cnn_learning_rate_at(&rate, epoch, batch), expected[epoch], epoch);
}

static void constant_stays(void **state) {
    (void)state;
    expect_epochs(&(cnn_schedule){.kind = CNN_SCHEDULE_CONSTANT}, 3, (double[]){0.5, 0.5, 0.5});
}

static void steps_fall_after_every_so_many_epochs(void **state) {
    (void)state;
    cnn_schedule schedule = {.kind = CNN_SCHEDULE_STEP, .every = 2, .factor = 0.5};
    expect_epochs(&schedule, 5, (double[]){0.5, 0.5, 0.25, 0.25, 0.125});
    schedule.every = INT64_MAX;
    expect_epochs(&schedule, 2, (double[]){0.5, 0.5});
}

static void milestones_fall_after_each(void **state) {
    (void)state;
    int64_t epochs[] = {1, 3, 4, 90};
    cnn_schedule schedule = {
        .kind = CNN_SCHEDULE_MILESTONES, .factor = 0.5, .milestones = epochs, .milestone_count = 4};
    expect_epochs(&schedule, 6, (double[]){0.5, 0.25, 0.25, 0.125, 0.0625, 0.0625});
    schedule.milestone_count = 0;
    expect_epochs(&schedule, 2, (double[]){0.5, 0.5});
}

static void exponential_falls_every_epoch(void **state) {
    (void)state;
    cnn_schedule schedule = {.kind = CNN_SCHEDULE_EXPONENTIAL, .factor = 0.5};
    expect_epochs(&schedule, 3, (double[]){0.5, 0.25, 0.125});
    schedule.factor = 0;
    expect_epochs(&schedule, 3, (double[]){0.5, 0, 0});
}

static void cosine_falls_to_its_end(void **state) {
    (void)state;
    cnn_schedule schedule = {.kind = CNN_SCHEDULE_COSINE, .target = 0.1};
    double half = sqrt(0.5);
    expect_epochs(&schedule, 4, (double[]){0.5, 0.3 + 0.2 * half, 0.3, 0.3 - 0.2 * half});
    expect_epochs(&schedule, 1, (double[]){0.5});
}

static void cosine_begins_after_the_warm_up(void **state) {
    (void)state;
    cnn_train train;
    cnn_schedule schedule = {.kind = CNN_SCHEDULE_COSINE, .warmup = 2};
    LearningRate rate = open_rate(&schedule, &train, 4, 2);
    double expected[] = {0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.25, 0.25};
    for (int i = 0; i < 8; i++) expect_near(cnn_learning_rate_at(&rate, i / 2, i % 2), expected[i], i);
    rate.epochs = 2; /* the warm-up is all */
    expect_near(cnn_learning_rate_at(&rate, 1, 1), 0.5, 3);
}

static void a_warm_up_rises_with_every_batch(void **state) {
    (void)state;
    cnn_train train;
    cnn_schedule schedule = {.kind = CNN_SCHEDULE_STEP, .every = 1, .factor = 0.5, .warmup = 1.5};
    LearningRate rate = open_rate(&schedule, &train, 3, 4);
    double ramp = 1.0 / 6,
           expected[] = {0.5 * ramp, 0.5 * 2 * ramp, 0.5 * 3 * ramp, 0.5 * 4 * ramp, 0.25 * 5 * ramp,
                         0.25,       0.25,           0.25,           0.125};
    for (int i = 0; i < 9; i++) expect_near(cnn_learning_rate_at(&rate, i / 4, i % 4), expected[i], i);
    schedule.warmup = 0.1; /* less than a batch: none */
    expect_near(cnn_learning_rate_at(&rate, 0, 0), 0.5, 0);
}

/* Printed by torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1, total_steps=10). */
static void one_cycle_rises_and_falls(void **state) {
    (void)state;
    static const double expected[] = {0.040000000000000036,
                                      0.52,
                                      1.0,
                                      0.9504846320134737,
                                      0.8117456539497631,
                                      0.6112620219362893,
                                      0.38874197806371075,
                                      0.18825834605023697,
                                      0.049519367986526286,
                                      4e-06};
    cnn_train train;
    cnn_schedule schedule = {.kind = CNN_SCHEDULE_ONE_CYCLE, .target = 1};
    LearningRate rate = open_rate(&schedule, &train, 5, 2);
    for (int i = 0; i < 10; i++) {
        double ours = cnn_learning_rate_at(&rate, i / 2, i % 2);
        if (!(fabs(ours - expected[i]) <= 1e-12)) fail_msg("rate %d is %.17g", i, ours);
    }
    expect_near(cnn_learning_rate_at(&rate, 9, 0), 4e-6, 18); /* past its end it stays */
}

/* Whatever the lengths, a rate is a number within the cycle. */
static void one_cycle_of_any_length(void **state) {
    (void)state;
    for (int64_t epochs = 1; epochs < 9; epochs++)
        for (int64_t batches = 1; batches < 9; batches++)
            for (double warmup = 0; warmup < 10; warmup += 0.75) {
                cnn_train train;
                cnn_schedule schedule = {.kind = CNN_SCHEDULE_ONE_CYCLE, .target = 1, .warmup = warmup};
                LearningRate rate = open_rate(&schedule, &train, epochs, batches);
                for (int64_t i = 0; i < epochs * batches; i++) {
                    double ours = cnn_learning_rate_at(&rate, i / batches, i % batches);
                    assert_true(ours > 0 && ours <= 1);
                }
            }
}

static void a_given_rate_replaces_the_written_one(void **state) {
    (void)state;
    double given = 0.25;
    cnn_schedule constant = {.kind = CNN_SCHEDULE_CONSTANT},
                 cycle = {.kind = CNN_SCHEDULE_ONE_CYCLE, .target = 1};
    cnn_train train = {.schedule = &constant, .learning_rate = 0.5};
    LearningRate rate = cnn_learning_rate_open(&train, &given, 10, 10);
    expect_near(cnn_learning_rate_at(&rate, 0, 0), 0.25, 0);
    train.schedule = &cycle;
    rate = cnn_learning_rate_open(&train, &given, 10, 10);
    expect_near(cnn_learning_rate_at(&rate, 0, 0), 0.25 / 25, 0);
    expect_near(cnn_learning_rate_at(&rate, 2, 9), 0.25, 29);
}

/* As torch.optim.lr_scheduler.ReduceLROnPlateau(patience=1, factor=0.5) does with the same losses. */
static void plateau_falls_where_the_loss_stays(void **state) {
    (void)state;
    static const double losses[] = {1, 0.99995, 0.9999, 0.5, 0.6, NAN, 0.4, 0.4, 0.4, 0.4, 0.4};
    static const double after[] = {0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125, 0.0625, 0.0625, 0.03125};
    cnn_train train;
    cnn_schedule schedule = {.kind = CNN_SCHEDULE_PLATEAU, .every = 1, .factor = 0.5};
    LearningRate rate = open_rate(&schedule, &train, 12, 1);
    for (int i = 0; i < 11; i++) {
        cnn_learning_rate_report(&rate, losses[i]);
        expect_near(cnn_learning_rate_at(&rate, i + 1, 0), after[i], i);
    }
}

static void patience_counts_epochs_without_progress(void **state) {
    (void)state;
    static const double losses[] = {NAN, 3, 3, 2, 2.5, INFINITY, 2, 1.9999999};
    static const int64_t waited[] = {1, 0, 1, 0, 1, 2, 3, 0};
    Patience patience = cnn_patience_open();
    for (int i = 0; i < 8; i++) assert_int_equal(cnn_patience_report(&patience, losses[i], 0), waited[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_stays),
        cmocka_unit_test(steps_fall_after_every_so_many_epochs),
        cmocka_unit_test(milestones_fall_after_each),
        cmocka_unit_test(exponential_falls_every_epoch),
        cmocka_unit_test(cosine_falls_to_its_end),
        cmocka_unit_test(cosine_begins_after_the_warm_up),
        cmocka_unit_test(a_warm_up_rises_with_every_batch),
        cmocka_unit_test(one_cycle_rises_and_falls),
        cmocka_unit_test(one_cycle_of_any_length),
        cmocka_unit_test(a_given_rate_replaces_the_written_one),
        cmocka_unit_test(plateau_falls_where_the_loss_stays),
        cmocka_unit_test(patience_counts_epochs_without_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
