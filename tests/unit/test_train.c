/* The verbs of a compiled model, called as its main calls them, on a model written by hand: training's
 * results and faults. */
#define _GNU_SOURCE
#include "run/trainer.h"
#include "unit/verb_call.h"

static void threads_do_not_change_the_weights(void **state) {
    (void)state;
    expect_ok(&tiny_model, "train --epochs 4 --threads 1 --save one --quiet");
    expect_ok(&tiny_model, "train --epochs 4 --threads 2 --save two --quiet");
    expect_ok(&tiny_model, "train --epochs 4 --threads=3 --save=three --quiet");
    expect_ok(&tiny_model, "train --epochs 4 --threads 8 --save eight --quiet");
    assert_true(same_files("one", "two"));
    assert_true(same_files("one", "three"));
    assert_true(same_files("one", "eight"));
    expect_ok(&tiny_model, "train --epochs 4 --seed 2 --save other --quiet");
    assert_false(same_files("one", "other"));
    expect_ok(&tiny_model, "train --epochs 4 --shuffle off --save ordered --quiet");
    assert_false(same_files("one", "ordered"));
}

static void training_learns(void **state) {
    (void)state;
    Result result = call(&tiny_model, "train --epochs 30 --log log.jsonl --save learned");
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.out, "epoch 30/30  loss "));
    assert_non_null(strstr(result.out, "  val_accuracy "));
    result = call(&tiny_model, "eval --weights learned --json");
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.out, "{\"samples\": 60, \"loss\": "));
    assert_non_null(strstr(
        result.out, "\"accuracy\": 1, \"top_2\": 1, \"confusion\": [[20, 0, 0], [0, 20, 0], [0, 0, 20]]}"));
    size_t size;
    char *log = contents("log.jsonl", &size);
    log[size] = 0;
    int lines = 0;
    for (char *c = log; *c; c++) lines += *c == '\n';
    assert_int_equal(lines, 30);
    assert_non_null(strstr(log, "{\"epoch\": 1, \"loss\": "));
    assert_non_null(strstr(log, "\"lr\": 0.1, \"seconds\": "));
    free(log);
}

/* With a rate that moves nothing the training loss stands still. */
static void without_progress_the_rate_falls_and_training_ends(void **state) {
    (void)state;
    cnn_schedule schedule = {.kind = CNN_SCHEDULE_PLATEAU, .every = 0, .factor = 0.5};
    cnn_train train = *tiny_model.train;
    cnn_data data = *tiny_model.data;
    cnn_model model = tiny_model;
    data.validation = 0;
    model.data = &data;
    train.schedule = &schedule;
    train.early_stop = 4;
    train.learning_rate = 1e-30;
    model.train = &train;
    Result result = call(&model, "train --epochs 9 --shuffle off --log log.jsonl --save stopped");
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.out, "epoch 5/9  loss "));
    assert_null(strstr(result.out, "epoch 6/9"));
    assert_non_null(strstr(result.out, "stopped after epoch 5: the training loss was least in epoch 1\n"));
    size_t size;
    char *log = contents("log.jsonl", &size);
    log[size] = 0;
    assert_non_null(strstr(log, "\"lr\": 1e-30, "));
    assert_non_null(strstr(log, "\"lr\": 5e-31, "));
    assert_non_null(strstr(log, "\"lr\": 2.5e-31, "));
    free(log);
    result = call(&model, "train --epochs 5 --shuffle off --save stopped");
    assert_null(strstr(result.out, "stopped after")); /* it was the end anyway */
    result = call(&model, "train --epochs 9 --lr 0.1 --save stopped");
    assert_non_null(strstr(result.out, "epoch 9/9  loss "));
}

static void no_epochs_only_save(void **state) {
    (void)state;
    expect_ok(&tiny_model, "train --epochs 0 --save zero");
    expect_ok(&tiny_model, "init --output initial");
    assert_true(same_files("zero", "initial"));
    expect_ok(&tiny_model, "train --epochs 0 --seed 5 --save five");
    assert_false(same_files("zero", "five"));
    expect_ok(&tiny_model, "train --epochs 0 --init five --save again");
    assert_true(same_files("five", "again"));
}

static void divergence_names_the_place_and_keeps_the_last_epoch(void **state) {
    (void)state;
    Result result = call(&tiny_model, "train --lr 3e38 --epochs 3 --save broken --quiet");
    assert_int_equal(result.status, 6);
    assert_string_equal(result.error, "step 2: layer dense_1, tensor output: not finite");
    assert_non_null(strstr(result.hint, "lower the learning rate"));
    assert_non_null(strstr(result.hint, "no weights were saved"));
    assert_int_not_equal(access("broken", F_OK), 0);
}

static uint64_t failing_step; /* from 1 */

static int32_t failing_update(const cnn_frame *frame, int64_t begin, int64_t end) {
    int32_t bad = update(frame, begin, end);
    if (frame->step + 1 != failing_step || begin > TINY_WEIGHT || end <= TINY_WEIGHT) return bad;
    ((float *)frame->parameters)[TINY_WEIGHT] = INFINITY;
    return 1;
}

/* Steps count from 1, through all epochs; there are five in each. */
static void divergence_names_the_step(void **state) {
    cnn_model model = tiny_model;
    (void)state;
    model.update = failing_update;
    for (failing_step = 1; failing_step <= 7; failing_step += 3) {
        char expected[64], hint[64];
        Result result = call(&model, "train --epochs 3 --save broken --quiet");
        assert_int_equal(result.status, 6);
        snprintf(expected, sizeof expected, "step %d: layer dense_1, tensor weight: not finite",
                 (int)failing_step);
        assert_string_equal(result.error, expected);
        snprintf(hint, sizeof hint,
                 failing_step > 5 ? "broken holds the weights of epoch %d" : "no weights were saved",
                 (int)(failing_step - 1) / 5);
        assert_non_null(strstr(result.hint, hint));
    }
}

/* Each epoch is a permutation: with a learning rate that changes nothing visible, the sum of losses is that
 * of all samples. */
static _Atomic int seen[SAMPLES];

static void note_samples(const cnn_frame *frame) {
    for (int64_t i = 0; i < frame->count; i++)
        seen[(frame->numbers ? frame->numbers : frame->order)[frame->first + i]]++;
    train_stage(frame);
}

static void every_epoch_is_a_permutation(void **state) {
    static const cnn_step note_step = STEP(note_samples);
    static const cnn_stage stages[] = {
        {SAMPLES_STEP(sum_step), BATCH_STEP(mean_step)},
        {SAMPLES_STEP(note_step)}
    };
    cnn_program program = training;
    cnn_model model = tiny_model;
    cnn_data all = data;
    (void)state;
    program.stages = stages;
    all.validation = 0;
    model.training = &program;
    model.data = &all;
    memset((void *)seen, 0, sizeof seen);
    expect_ok(&model, "train --epochs 5 --batch 7 --threads 3 --save permuted --quiet");
    for (int i = 0; i < SAMPLES; i++) assert_int_equal(seen[i], 5);
    memset((void *)seen, 0, sizeof seen);
    expect_ok(&model, "train --epochs 2 --limit 10 --save permuted --quiet");
    for (int i = 0; i < SAMPLES; i++) assert_int_equal(seen[i], i < 10 ? 2 : 0);
}

static void gradients_agree_with_differences(void **state) {
    (void)state;
    Result result = call(&tiny_model, "gradcheck --samples 12");
    if (result.status) fail_msg("%s%s", result.out, result.error);
    assert_non_null(strstr(result.out, "gradients agree"));
    assert_non_null(strstr(result.out, "dense_1"));
    cnn_model model = tiny_model;
    model.check = NULL;
    result = call(&model, "gradcheck");
    assert_int_equal(result.status, 2);
    assert_non_null(strstr(result.error, "--gradcheck"));
}

static void wrong_gradient(const cnn_frame *frame) {
    gradient_stage(frame);
    ((float *)frame->lane)[TINY_BIAS + 1] *= 1.01f;
}

static void a_wrong_gradient_is_found(void **state) {
    static const cnn_step wrong_step = STEP(wrong_gradient);
    static const cnn_stage stages[] = {
        {SAMPLES_STEP(sum_step),   BATCH_STEP(mean_step)  },
        {SAMPLES_STEP(wrong_step), BATCH_STEP(finish_step)}
    };
    cnn_program program = gradients;
    cnn_model model = tiny_model;
    (void)state;
    program.stages = stages;
    model.gradients = &program;
    Result result = call(&model, "gradcheck");
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.out, "WRONG"));
}

static void layers_and_outputs_can_be_read(void **state) {
    (void)state;
    expect_ok(&tiny_model, "init --output w");
    expect_ok(&tiny_model, "run --weights w --input test-x.npy --output y.npy");
    expect_ok(&tiny_model,
              "run --weights w --input test-x.npy --output same.npy --layer dense_1 --threads 3");
    assert_true(same_files("y.npy", "same.npy"));
    expect_ok(&tiny_model, "run --weights w --input test-x.npy --output x.npy --layer center_1");
    assert_true(same_files("x.npy", "test-x.npy"));
    Result result = call(&tiny_model, "run --weights w --input test-x.npy --output y.npy --layer dense_2");
    assert_int_equal(result.status, 2);
    assert_non_null(strstr(result.error, "did you mean 'dense_1'"));
    expect_ok(&tiny_model, "gradients --weights w --input test-x.npy --target test-y.npy --output g");
}

static void usage_is_checked(void **state) {
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"trian",                   "unknown verb 'trian'; did you mean 'train'?"                         },
        {"train --epoch 3",         "unknown option '--epoch'; did you mean '--epochs'?"                  },
        {"train --json",            "train has no option --json"                                          },
        {"train --epochs",          "--epochs needs a value: N"                                           },
        {"train --epochs -1",       "--epochs -1: expected a whole number from 0 to 1000000000"           },
        {"train --batch 0",         "--batch 0: expected a whole number from 1 to 1000000000"             },
        {"train --lr 0",            "--lr 0: expected a number above 0, in float32 from 1e-45 to 3.4e38"  },
        {"train --lr nan",          "--lr nan: expected a number above 0, in float32 from 1e-45 to 3.4e38"},
        {"train --shuffle maybe",   "--shuffle maybe: expected on or off"                                 },
        {"train --quiet=1",         "--quiet takes no value"                                              },
        {"train --checkpoint d",    "--checkpoint is not built yet"                                       },
        {"train --epochs --epochs", "--epochs needs a value: N; the option --epochs was found"            },
        {"train --save --lr=1",     "--save needs a value: FILE; the option --lr was found"               },
        {"filters",                 "the verb 'filters' is not built yet"                                 },
        {"train somewhere",         "train takes no 'somewhere'"                                          },
        {"run --output y",          "run needs --input FILE"                                              },
        {"eval",                    "eval needs --weights FILE"                                           },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Result result = call(&tiny_model, cases[i].line);
        assert_int_equal(result.status, 2);
        assert_string_equal(result.error, cases[i].message);
    }
    expect_ok(&tiny_model, "train --epochs 1 --threads 99999999999999999999 --save many --quiet");
    cnn_model model = tiny_model;
    model.train = NULL;
    assert_int_equal(call(&model, "train").status, 2);
    assert_int_equal(call(&model, "gradients --input a --target b --output c").status, 2);
}

static bool lists(const OptionId *options, OptionId wanted) {
    while (*options != OPTION_COUNT && *options != wanted) options++;
    return *options == wanted;
}

/* A verb's row has all that it needs, and each option belongs to a verb. */
static void rows_of_verbs_are_whole(void **state) {
    int count;
    const VerbRow *const *verbs = cnn_verb_table(&count);
    bool taken[OPTION_COUNT] = {false};
    (void)state;
    for (int i = 0; i < count; i++) {
        const VerbRow *verb = verbs[i];
        assert_ptr_equal(cnn_verb_find(verb->name), verb);
        if (!verb->run) continue;
        assert_non_null(verb->summary);
        assert_non_null(verb->takes);
        assert_true(verb->files || !verb->needs_files);
        for (const OptionId *option = verb->takes; *option != OPTION_COUNT; option++) {
            taken[*option] = true;
            assert_false(lists(option + 1, *option));
        }
        for (const OptionId *option = verb->needs; option && *option != OPTION_COUNT; option++)
            assert_true(lists(verb->takes, *option));
    }
    for (int i = 0; i < OPTION_COUNT; i++)
        if (!taken[i]) fail_msg("no verb takes %s", cnn_option_spelling((OptionId)i));
}

static void a_save_that_cannot_work_is_said_first(void **state) {
    (void)state;
    assert_int_equal(call(&tiny_model, "train --save no/such/folder/w").status, 4);
    assert_int_equal(call(&tiny_model, "train --log no/such/folder/l --save w2").status, 4);
}

static void summary_and_bench_print(void **state) {
    (void)state;
    Result result = call(&tiny_model, "summary");
    assert_non_null(strstr(result.out, "tiny: 4 to 3\n"));
    assert_non_null(strstr(result.out, "multiply-adds"));
    result = call(&tiny_model, "bench --seconds 0.01 --batch 600 --json");
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.out, "\"train\": {\"median_ms\": "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_the_weights),
        cmocka_unit_test(training_learns),
        cmocka_unit_test(without_progress_the_rate_falls_and_training_ends),
        cmocka_unit_test(no_epochs_only_save),
        cmocka_unit_test(divergence_names_the_place_and_keeps_the_last_epoch),
        cmocka_unit_test(divergence_names_the_step),
        cmocka_unit_test(every_epoch_is_a_permutation),
        cmocka_unit_test(gradients_agree_with_differences),
        cmocka_unit_test(a_wrong_gradient_is_found),
        cmocka_unit_test(layers_and_outputs_can_be_read),
        cmocka_unit_test(usage_is_checked),
        cmocka_unit_test(rows_of_verbs_are_whole),
        cmocka_unit_test(a_save_that_cannot_work_is_said_first),
        cmocka_unit_test(summary_and_bench_print),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
