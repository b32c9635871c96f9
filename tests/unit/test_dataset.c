/* NPY data sets, and the arrays of `run` and `gradients`. */
#include "unit/scratch.h"

#include "data/dataset.h"
#include "unit/data_model.h"

static const char *write_array(void **state, const char *name, const char *descr, int rank,
                               const int64_t *shape, const void *elements, size_t size) {
    unsigned char buffer[4096];
    char header[256];
    int used = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (int i = 0; i < rank; i++)
        used += snprintf(header + used, sizeof header - (size_t)used, "%ld, ", (long)shape[i]);
    if (rank > 1) used -= 2;
    used += snprintf(header + used, sizeof header - (size_t)used, "), }\n");
    memcpy(buffer, "\x93NUMPY\1\0", 8);
    buffer[8] = (unsigned char)used;
    buffer[9] = 0;
    memcpy(buffer + 10, header, (size_t)used);
    memcpy(buffer + 10 + used, elements, size);
    return scratch_write(state, name, buffer, 10 + (size_t)used + size);
}

static const float eight[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void floats_are_normalised_once(void **state) {
    DataModel built;
    Dataset dataset;
    Failure failure = {0};
    static const int64_t classes[] = {0, 2};
    data_model_build(&built, CNN_FORMAT_NPY, EXTENTS(2, 2), EXTENTS(3), CNN_CROSS_ENTROPY);
    built.data.scale = 0.5f;
    built.mean[1] = 1;
    built.std[1] = 4;
    built.files[0] = write_array(state, "x.npy", "<f4", 3, EXTENTS(2, 2, 2), eight, sizeof eight);
    built.files[1] = write_array(state, "y.npy", "<i8", 1, EXTENTS(2), classes, sizeof classes);
    assert_success(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure);
    assert_int_equal(dataset.sample_kind, CNN_SAMPLE_FLOAT);
    assert_int_equal(dataset.count, 2);
    for (int i = 0; i < 8; i++) {
        float expected = i % 2 ? (eight[i] * 0.5f - 1) / 4 : eight[i] * 0.5f;
        assert_true(((const float *)dataset.samples)[i] == expected);
    }
    assert_int_equal(((const int32_t *)dataset.targets)[1], 2);
    cnn_dataset_free(&dataset);
}

static void bytes_stay_bytes(void **state) {
    DataModel built;
    Dataset dataset;
    Failure failure = {0};
    data_model_build(&built, CNN_FORMAT_NPY, EXTENTS(2, 2), EXTENTS(2), CNN_MAE);
    built.data.scale = 0.5f;
    built.files[0] = write_array(state, "x.npy", "|u1", 3, EXTENTS(1, 2, 2), "\1\2\3\4", 4);
    built.files[1] = write_array(state, "y.npy", "<f4", 2, EXTENTS(1, 2), eight, 8);
    assert_success(cnn_dataset_load(&built.model, NULL, true, &dataset, &failure), &failure);
    assert_int_equal(dataset.sample_kind, CNN_SAMPLE_BYTE);
    assert_memory_equal(dataset.samples, "\1\2\3\4", 4);
    assert_int_equal(dataset.target_elements, 2);
    assert_true(((const float *)dataset.targets)[1] == 2.0f);
    cnn_dataset_free(&dataset);
}

/* A class a position, as a segmenter has them. */
static void classes_of_positions(void **state) {
    DataModel built;
    Dataset dataset;
    Failure failure = {0};
    data_model_build(&built, CNN_FORMAT_NPY, EXTENTS(2, 2), EXTENTS(2, 2, 3), CNN_CROSS_ENTROPY);
    built.files[0] = write_array(state, "x.npy", "<f4", 3, EXTENTS(2, 2, 2), eight, sizeof eight);
    built.files[1] = write_array(state, "y.npy", "|u1", 3, EXTENTS(2, 2, 2), "\0\1\2\0\1\2\0\1", 8);
    assert_success(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure);
    assert_int_equal(dataset.target_elements, 4);
    for (int i = 0; i < 8; i++) assert_int_equal(((const int32_t *)dataset.targets)[i], i % 3);
    cnn_dataset_free(&dataset);
    write_array(state, "y.npy", "|u1", 4, EXTENTS(2, 2, 2, 1), "\0\1\2\0\1\2\0\3", 8);
    assert_failure(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED,
                   "the target of sample 1, position (1, 1) is 3; model tried has 3 classes");
}

static void run_takes_one_sample_or_a_batch(void **state) {
    DataModel built;
    Dataset dataset;
    Failure failure = {0};
    data_model_build(&built, CNN_FORMAT_NONE, EXTENTS(2, 2), EXTENTS(3), CNN_CROSS_ENTROPY);
    built.data.scale = 100;
    const char *path = write_array(state, "one.npy", "<f4", 2, EXTENTS(2, 2), eight, 16);
    assert_success(cnn_dataset_load_samples(&built.model, path, false, &dataset, &failure), &failure);
    assert_int_equal(dataset.count, 1);
    assert_memory_equal(dataset.samples, eight, 16);
    path = write_array(state, "t.npy", "<i4", 0, NULL, "\2\0\0\0", 4);
    assert_success(cnn_dataset_load_targets(&built.model, path, &dataset, &failure), &failure);
    assert_int_equal(*(const int32_t *)dataset.targets, 2);
    cnn_dataset_free(&dataset);

    path = write_array(state, "batch.npy", "|u1", 3, EXTENTS(2, 2, 2), "\1\2\3\4\5\6\7\10", 8);
    assert_success(cnn_dataset_load_samples(&built.model, path, false, &dataset, &failure), &failure);
    assert_int_equal(dataset.count, 2);
    assert_int_equal(dataset.sample_kind, CNN_SAMPLE_FLOAT);
    assert_memory_equal(dataset.samples, eight, sizeof eight);
    path = write_array(state, "t.npy", "<f4", 1, EXTENTS(2), eight, 8);
    assert_failure(cnn_dataset_load_targets(&built.model, path, &dataset, &failure), &failure,
                   STATUS_MALFORMED, "floats where class indices were expected");
    memset(&failure, 0, sizeof failure);
    path = write_array(state, "t.npy", "<i4", 1, EXTENTS(1), eight, 4);
    assert_failure(cnn_dataset_load_targets(&built.model, path, &dataset, &failure), &failure,
                   STATUS_MALFORMED, "targets of shape 1; 2 class indices were expected for 2 samples");
    cnn_dataset_free(&dataset);

    memset(&failure, 0, sizeof failure);
    path = write_array(state, "wrong.npy", "<f4", 2, EXTENTS(2, 4), eight, sizeof eight);
    assert_failure(cnn_dataset_load_samples(&built.model, path, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED, "samples of shape 2x4; model tried takes 2x2");
}

static void refuses_what_is_not_finite(void **state) {
    DataModel built;
    Dataset dataset;
    Failure failure = {0};
    static const float values[] = {1, 2, __builtin_nanf(""), 4};
    data_model_build(&built, CNN_FORMAT_NPY, EXTENTS(2), EXTENTS(1), CNN_HUBER);
    built.files[0] = write_array(state, "x.npy", "<f4", 2, EXTENTS(2, 2), values, sizeof values);
    built.files[1] = write_array(state, "y.npy", "<f4", 1, EXTENTS(2), eight, 8);
    assert_failure(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED, "x.npy: sample 1, position (0) is nan");
    static const double large[] = {1, 1e300};
    built.files[0] = write_array(state, "x.npy", "<f4", 2, EXTENTS(2, 2), eight, 16);
    built.files[1] = write_array(state, "y.npy", "<f8", 2, EXTENTS(2, 1), large, sizeof large);
    memset(&failure, 0, sizeof failure);
    assert_failure(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED, "y.npy: element 1 is 1e+300; float32 reaches 3.4e38");
}

/* Where it is, in the axes of a sample: as whoever indexes the array counts. */
static void names_the_place_in_a_sample(void **state) {
    DataModel built;
    Dataset dataset;
    Failure failure = {0};
    static float values[2 * 2 * 3 * 1] = {[10] = __builtin_nanf("")};
    data_model_build(&built, CNN_FORMAT_NPY, EXTENTS(2, 3, 1), EXTENTS(1), CNN_HUBER);
    built.files[0] = write_array(state, "x.npy", "<f4", 4, EXTENTS(2, 2, 3, 1), values, sizeof values);
    built.files[1] = write_array(state, "y.npy", "<f4", 1, EXTENTS(2), eight, 8);
    assert_failure(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED,
                   "x.npy: sample 1, position (1, 1, 0) is nan; finite values were expected");
}

/* Samples that go into an embedding are numbers of its rows, as floats and as bytes, after scaling. */
static void refuses_what_no_row_is_for(void **state) {
    DataModel built;
    Dataset dataset;
    Failure failure = {0};
    static const cnn_layer layer = {.name = "embedding_1", .kind = "embedding", .indexes_rows = 1};
    static const cnn_parameter table = {
        .name = "embedding_1.weight", .rank = 2, .shape = {6, 3}
    };
    static const float half[] = {1, 2.5f};
    data_model_build(&built, CNN_FORMAT_NPY, EXTENTS(2), EXTENTS(2, 3), CNN_MSE);
    built.model.layers = &layer;
    built.model.layer_count = 1;
    built.model.parameters = &table;
    built.model.parameter_count = 1;
    const char *path = write_array(state, "x.npy", "<f4", 2, EXTENTS(2, 2), eight, 16);
    assert_success(cnn_dataset_load_samples(&built.model, path, false, &dataset, &failure), &failure);
    cnn_dataset_free(&dataset);
    path = write_array(state, "x.npy", "<f4", 2, EXTENTS(4, 2), eight, sizeof eight);
    assert_failure(cnn_dataset_load_samples(&built.model, path, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED,
                   "sample 2, position (1) is 6; model tried takes whole numbers from 0 to 5");
    memset(&failure, 0, sizeof failure);
    path = write_array(state, "x.npy", "<f4", 2, EXTENTS(1, 2), half, sizeof half);
    assert_failure(cnn_dataset_load_samples(&built.model, path, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED, "sample 0, position (1) is 2.5");
    built.files[0] = write_array(state, "x.npy", "|u1", 2, EXTENTS(1, 2), "\3\6", 2);
    built.files[1] = write_array(state, "y.npy", "<f4", 3, EXTENTS(1, 2, 3), eight, 24);
    memset(&failure, 0, sizeof failure);
    assert_failure(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED, "sample 0, position (1) is 6");
    write_array(state, "x.npy", "|u1", 2, EXTENTS(1, 2), "\2\12", 2);
    built.data.scale = 0.5f;
    memset(&failure, 0, sizeof failure);
    assert_success(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure);
    cnn_dataset_free(&dataset);
}

static void counts_must_agree(void **state) {
    DataModel built;
    Dataset dataset;
    Failure failure = {0};
    data_model_build(&built, CNN_FORMAT_NPY, EXTENTS(2), EXTENTS(1), CNN_MSE);
    built.files[0] = write_array(state, "x.npy", "<f4", 2, EXTENTS(2, 2), eight, 16);
    built.files[1] = write_array(state, "y.npy", "<f4", 1, EXTENTS(3), eight, 12);
    assert_failure(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED, "3 targets for the 2 samples of");
    built.files[1] = write_array(state, "y.npy", "<f4", 2, EXTENTS(2, 2), eight, 16);
    memset(&failure, 0, sizeof failure);
    assert_failure(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED, "targets of shape 2x2; 2x1 was expected");
    built.files[1] = NULL;
    memset(&failure, 0, sizeof failure);
    assert_failure(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED, "two files were expected");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_are_normalised_once), cmocka_unit_test(bytes_stay_bytes),
        cmocka_unit_test(classes_of_positions),       cmocka_unit_test(run_takes_one_sample_or_a_batch),
        cmocka_unit_test(refuses_what_is_not_finite), cmocka_unit_test(refuses_what_no_row_is_for),
        cmocka_unit_test(counts_must_agree),          cmocka_unit_test(names_the_place_in_a_sample),
    };
    return cmocka_run_group_tests(tests, setup_scratch, teardown_scratch);
}
