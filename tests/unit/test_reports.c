/* What the verbs report of a training: the rate of each epoch, the held-out samples, the gradients' loss, the
 * time that is left. */
#define _GNU_SOURCE
#include "unit/verb_call.h"

#include "run/evaluation.h"
#include "run/progress.h"

/* The number behind a key of the log's line of that epoch. */
static double logged(int epoch, const char *key) {
    size_t size;
    char *log = contents("log.jsonl", &size), wanted[32];
    log[size] = 0;
    const char *line = log;
    for (int i = 1; i < epoch && line; i++) line = strchr(line, '\n') + 1;
    snprintf(wanted, sizeof wanted, "\"%s\": ", key);
    const char *at = line ? strstr(line, wanted) : NULL;
    if (!at) fail_msg("epoch %d has no %s", epoch, key);
    double value = strtod(at + strlen(wanted), NULL);
    free(log);
    return value;
}

static void the_rate_is_that_of_the_epoch(void **state) {
    const cnn_schedule halves = {.kind = CNN_SCHEDULE_STEP, .every = 1, .factor = 0.5};
    cnn_train train_block = *tiny_model.train;
    cnn_model model = tiny_model;
    (void)state;
    train_block.schedule = &halves;
    model.train = &train_block;
    expect_ok(&model, "train --epochs 3 --lr 0.5 --log log.jsonl --save halved --quiet");
    for (int epoch = 1; epoch <= 3; epoch++)
        assert_float_equal(logged(epoch, "lr"), 1.0 / (1 << epoch), 1e-7);
}

/* An order is followed, past the samples that one window holds. */
static void the_order_chooses_what_is_evaluated(void **state) {
    enum { MANY = 1100 }; /* more than a window */
    uint32_t order[MANY];
    float weights[TINY_PARAMETERS] = {0};
    const Dataset dataset = {.samples = samples, .targets = targets, .count = SAMPLES};
    double single[SAMPLES], expected = 0;
    Failure failure = {0};
    Evaluator evaluator;
    (void)state;
    for (int i = 0; i < TINY_TRAINED; i++) weights[i] = (float)(i % 5) / 4;
    Threads *pool = cnn_threads_create(2);
    assert_int_equal(cnn_evaluator_open(&evaluator, &tiny_model, pool, weights, MANY, false, &failure), 0);
    assert_true(evaluator.program.capacity < MANY);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        Metrics metrics = {0};
        cnn_evaluator_run(&evaluator, &dataset, &i, 1, &metrics, NULL);
        single[i] = metrics.loss;
    }
    for (uint32_t i = 0; i < MANY; i++) {
        order[i] = i * i % 37;
        expected += single[order[i]];
    }
    Metrics metrics = {0};
    cnn_evaluator_run(&evaluator, &dataset, order, MANY, &metrics, NULL);
    assert_float_equal(metrics.loss, expected, 1e-3);
    assert_int_equal(metrics.samples, MANY);
    cnn_evaluator_close(&evaluator);
    cnn_threads_destroy(pool);
}

/* The mean over the batch, as eval gives it of the same samples. */
static void the_gradients_loss_is_the_mean(void **state) {
    (void)state;
    expect_ok(&tiny_model, "init --output w");
    expect_ok(&tiny_model, "gradients --weights w --input test-x.npy --target test-y.npy --output g");
    size_t size;
    char *bytes = contents("g", &size);
    char *loss = memmem(bytes, size, "\"loss\"", 6);
    unsigned begin = 0, header = 0;
    assert_non_null(loss);
    memcpy(&header, bytes, sizeof header);
    assert_int_equal(sscanf(strstr(loss, "data_offsets") + 14, " [%u", &begin), 1);
    float value;
    memcpy(&value, bytes + 8 + header + begin, sizeof value);
    free(bytes);
    /* In training mode the center takes the batch's mean; these samples' loss stays near that of eval. */
    Result result = call(&tiny_model, "eval --weights w --json");
    const char *at = strstr(result.out, "\"loss\": ");
    assert_non_null(at);
    assert_float_equal(value, strtod(at + 8, NULL), 0.5);
}

static void the_time_left_is_in_minutes_and_seconds(void **state) {
    char text[1024] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    Progress progress = {.out = out, .model = &tiny_model, .live = true, .epochs = 3, .total = 1000};
    const Metrics metrics = {.samples = 100, .loss = 50, .primary = 25};
    (void)state;
    setenv("COLUMNS", "120", 1);
    cnn_progress_epoch(&progress, 2);
    progress.begun -= 10.05; /* a tenth is done: 90.45 seconds are left, and a little more */
    cnn_progress_batch(&progress, &metrics);
    fclose(out);
    assert_non_null(
        strstr(text, "epoch 2/3 [==......................]  10 samples/s  1:31 left  loss 0.5000"));
    assert_non_null(strstr(text, "accuracy 0.2500"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_is_that_of_the_epoch),
        cmocka_unit_test(the_order_chooses_what_is_evaluated),
        cmocka_unit_test(the_gradients_loss_is_the_mean),
        cmocka_unit_test(the_time_left_is_in_minutes_and_seconds),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
