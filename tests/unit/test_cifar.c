/* CIFAR's binary layouts. */
#include "unit/scratch.h"

#include "data/cifar.h"
#include "data/dataset.h"
#include "unit/data_model.h"

enum { RECORD = 1 + CIFAR_PIXELS, RECORD_100 = 2 + CIFAR_PIXELS };

/* Records whose value at (channel, pixel) is known. */
static size_t compose(unsigned char *buffer, int count, int label_bytes) {
    size_t at = 0;
    for (int n = 0; n < count; n++) {
        buffer[at++] = (unsigned char)(n % 10);
        if (label_bytes == 2) buffer[at++] = (unsigned char)(90 + n);
        for (int c = 0; c < 3; c++)
            for (int pixel = 0; pixel < 1024; pixel++)
                buffer[at++] = (unsigned char)(c * 80 + pixel % 71 + n);
    }
    return at;
}

static void build(DataModel *built, int classes) {
    data_model_build(built, CNN_FORMAT_CIFAR, EXTENTS(32, 32, 3), EXTENTS(classes), CNN_CROSS_ENTROPY);
}

static void puts_channels_last(void **state) {
    static unsigned char buffer[5 * RECORD_100];
    DataModel built;
    Dataset dataset;
    Failure failure = {0};
    build(&built, 10);
    built.files[0] = scratch_write(state, "batch_1.bin", buffer, compose(buffer, 3, 1));
    built.files[1] = scratch_write(state, "batch_2.bin", buffer, compose(buffer, 2, 1));
    assert_success(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure);
    assert_int_equal(dataset.count, 5);
    assert_int_equal(dataset.sample_kind, CNN_SAMPLE_BYTE);
    const uint8_t *samples = dataset.samples;
    for (int n = 0; n < 5; n++) {
        assert_int_equal(((const int32_t *)dataset.targets)[n], n % 3);
        for (int i = 0; i < CIFAR_PIXELS; i++)
            assert_int_equal(samples[n * CIFAR_PIXELS + i], i % 3 * 80 + i / 3 % 71 + n % 3);
    }
    cnn_dataset_free(&dataset);
}

static void chooses_fine_or_coarse_labels(void **state) {
    static unsigned char buffer[5 * RECORD_100];
    DataModel built;
    Dataset dataset;
    Failure failure = {0};
    for (int labels = CIFAR_100_FINE; labels <= CIFAR_100_COARSE; labels++) {
        build(&built, 100);
        built.data.cifar_labels = labels;
        built.files[0] = scratch_write(state, "train.bin", buffer, compose(buffer, 5, 2));
        assert_success(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure);
        assert_int_equal(((const int32_t *)dataset.targets)[4], labels == CIFAR_100_FINE ? 94 : 4);
        assert_int_equal(((const uint8_t *)dataset.samples)[1], 80);
        cnn_dataset_free(&dataset);
    }
}

static void says_what_is_wrong(void **state) {
    static unsigned char buffer[3 * RECORD];
    DataModel built;
    Dataset dataset;
    Failure failure = {0};
    size_t size = compose(buffer, 3, 1);
    build(&built, 10);
    for (size_t cut = 0; cut < size; cut += cut % RECORD == RECORD - 1 ? 2 : 509) {
        memset(&failure, 0, sizeof failure);
        built.files[0] = scratch_write(state, "cut.bin", buffer, cut);
        if (cut && cut % RECORD == 0) continue;
        int status = cnn_dataset_load(&built.model, NULL, false, &dataset, &failure);
        assert_failure(status, &failure, STATUS_MALFORMED, cut ? "in a record" : "no records");
    }
    buffer[RECORD] = 10;
    memset(&failure, 0, sizeof failure);
    built.files[0] = scratch_write(state, "label.bin", buffer, size);
    assert_failure(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED, "label.bin: record 1 has the label 10; 0 to 9 were expected");
    buffer[RECORD] = 9;
    built.files[0] = scratch_write(state, "label.bin", buffer, size);
    data_model_build(&built, CNN_FORMAT_CIFAR, EXTENTS(32, 32, 3), EXTENTS(5), CNN_CROSS_ENTROPY);
    built.files[0] = scratch(state, "label.bin");
    memset(&failure, 0, sizeof failure);
    assert_failure(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED, "the target of sample 1 is 9; model tried has 5 classes");
    data_model_build(&built, CNN_FORMAT_CIFAR, EXTENTS(28, 28, 1), EXTENTS(10), CNN_CROSS_ENTROPY);
    built.files[0] = scratch(state, "label.bin");
    memset(&failure, 0, sizeof failure);
    assert_failure(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED, "CIFAR images are 32x32x3; model tried takes 28x28x1");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(puts_channels_last),
                                       cmocka_unit_test(chooses_fine_or_coarse_labels),
                                       cmocka_unit_test(says_what_is_wrong)};
    return cmocka_run_group_tests(tests, setup_scratch, teardown_scratch);
}
