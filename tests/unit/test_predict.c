/* The verb predict: images, probabilities, and what is none. */
#define _GNU_SOURCE
#include "unit/verb_call.h"

static void write_image(const char *path) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fwrite("P5 2 2 255\n\x00\x40\x80\xff", 1, 15, file);
    fclose(file);
}

/* The four features as an image of 2x2. */
static cnn_model image_model(void) {
    cnn_model model = tiny_model;
    model.input_rank = 3;
    model.input_shape[0] = model.input_shape[1] = 2;
    model.input_shape[2] = 1;
    return model;
}

static void images_are_classified(void **state) {
    cnn_model model = image_model();
    (void)state;
    write_image("image.pgm");
    write_image("other.pgm");
    expect_ok(&model, "init --output w");
    Result result = call(&model, "predict --weights w image.pgm other.pgm --json --top 2");
    if (result.status) fail_msg("%s", result.error);
    assert_memory_equal(result.out, "{\"file\": \"image.pgm\", \"class\": ", 31);
    assert_non_null(strstr(result.out, "\n{\"file\": \"other.pgm\", \"class\": "));
    assert_non_null(strstr(result.out, ", \"top\": [["));
    result = call(&model, "predict image.pgm --weights w");
    assert_int_equal(result.status, 0);
    assert_memory_equal(result.out, "image.pgm: ", 11);
    assert_int_equal(call(&model, "predict --weights w").status, 2);
    assert_int_equal(call(&model, "predict --weights w missing.png").status, 4);
    assert_int_equal(call(&model, "predict --weights w w").status, 3);
    result = call(&tiny_model, "predict --weights w image.pgm w");
    assert_int_equal(result.status, 3);
    assert_string_equal(result.error, "model tiny takes no images: its input is not height x width x 1 or 3");
}

/* One damaged file does not cost the others. */
static void images_behind_a_damaged_one_are_classified(void **state) {
    static const struct {
        const char *files;
        int status;
    } cases[] = {
        {"image.pgm w other.pgm",                          3},
        {"w image.pgm missing.png other.pgm",              3},
        {"image.pgm missing.png other.pgm w",              4},
        {"missing.png other.pgm --json --top 1 image.pgm", 4},
    };
    cnn_model model = image_model();
    (void)state;
    write_image("image.pgm");
    write_image("other.pgm");
    expect_ok(&model, "init --output w");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[128];
        snprintf(line, sizeof line, "predict --weights w %s", cases[i].files);
        Result result = call(&model, line);
        assert_int_equal(result.status, cases[i].status);
        assert_string_equal(result.error, "");
        assert_non_null(strstr(result.out, "image.pgm"));
        assert_non_null(strstr(result.out, "other.pgm"));
        assert_null(strstr(result.out, "missing.png"));
    }
}

/* The probability of the first class as predict prints it. */
static double first_probability(const cnn_model *model, int kind) {
    cnn_model changed = *model;
    changed.output_kind = kind;
    Result result = call(&changed, "predict --weights w image.pgm --json --top 1");
    const char *at = strstr(result.out, "\"probability\": ");
    if (result.status || !at) fail_msg("%d: %s", result.status, result.error);
    return strtod(at + strlen("\"probability\": "), NULL);
}

/* What the model's last layer leaves to be done: nothing, softmax, exp (of a log_softmax), sigmoid. */
static void outputs_become_probabilities(void **state) {
    enum { AS_IT_IS, SOFTMAX, EXP, SIGMOID };
    cnn_model model = image_model();
    float image[4], output[TINY_CLASSES];
    (void)state;
    write_image("image.pgm");
    expect_ok(&model, "init --output w --seed 3");
    for (int i = 0; i < 4; i++) image[i] = (float)("\x00\x40\x80\xff"[i] & 255) / 255;
    write_npy("image.npy", "<f4", "(2, 2, 1)", image, sizeof image);
    cnn_data scaled = *model.data;
    scaled.scale = 1.0f / 255;
    model.data = &scaled;
    expect_ok(&model, "run --weights w --input image.npy --output logits.npy");
    size_t size;
    char *bytes = contents("logits.npy", &size);
    memcpy(output, bytes + size - sizeof output, sizeof output);
    free(bytes);
    double top = output[0], sum = 0;
    for (int i = 1; i < TINY_CLASSES; i++) top = output[i] > top ? output[i] : top;
    for (int i = 0; i < TINY_CLASSES; i++) sum += exp(output[i] - top);
    assert_true(fabs(top) > 0.01);
    assert_float_equal(first_probability(&model, AS_IT_IS), top, 1e-5);
    assert_float_equal(first_probability(&model, SOFTMAX), 1 / sum, 1e-5);
    assert_float_equal(first_probability(&model, EXP), exp(top), 1e-5);
    assert_float_equal(first_probability(&model, SIGMOID), 1 / (1 + exp(-top)), 1e-5);
}

/* predict is for classes. */
static void an_output_of_more_axes_is_for_run(void **state) {
    cnn_model model = image_model();
    (void)state;
    model.output_rank = 2;
    model.output_shape[0] = 1;
    model.output_shape[1] = 3;
    Result result = call(&model, "predict --weights w image.pgm");
    assert_int_equal(result.status, 2);
    assert_string_equal(result.error,
                        "predict needs an output of one axis, a value a class, and that of model "
                        "tiny is 1x3; the verb run writes it");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_classified),
        cmocka_unit_test(images_behind_a_damaged_one_are_classified),
        cmocka_unit_test(outputs_become_probabilities),
        cmocka_unit_test(an_output_of_more_axes_is_for_run),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
