/* IDX files alone, and as a data set with the model that they are for. */
#include "unit/scratch.h"

#include "data/dataset.h"
#include "data/idx.h"
#include "unit/data_model.h"

/* 4 + 4*rank bytes of header, then elements that count up. */
static size_t compose(unsigned char *buffer, int rank, const int64_t *shape) {
    memcpy(buffer, "\0\0\x08", 3);
    buffer[3] = (unsigned char)rank;
    size_t at = 4, count = 1;
    for (int i = 0; i < rank; i++) {
        for (int shift = 24; shift >= 0; shift -= 8) buffer[at++] = (unsigned char)(shape[i] >> shift);
        count *= (size_t)shape[i];
    }
    for (size_t i = 0; i < count; i++) buffer[at + i] = (unsigned char)(i % 3);
    return at + count;
}

static int parse(const void *bytes, size_t size, IdxArray *array, Failure *failure) {
    memset(failure, 0, sizeof *failure);
    unsigned char *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    Reader *reader;
    int status = cnn_reader_open_memory(&reader, "x.idx", copy, size, failure);
    if (!status) status = cnn_idx_parse(reader, array, failure);
    cnn_reader_close(reader);
    free(copy);
    return status;
}

static void reads_plain_and_packed(void **state) {
    (void)state;
    unsigned char buffer[200];
    IdxArray array;
    Failure failure;
    size_t size = compose(buffer, 3, EXTENTS(2, 4, 5)), packed_size;
    unsigned char *packed = pack_gzip(buffer, size, &packed_size);
    for (int pass = 0; pass < 2; pass++) {
        int status =
            pass ? parse(packed, packed_size, &array, &failure) : parse(buffer, size, &array, &failure);
        assert_success(status, &failure);
        assert_int_equal(array.rank, 3);
        assert_int_equal(array.shape[0], 2);
        assert_int_equal(array.shape[2], 5);
        assert_int_equal(array.count, 40);
        assert_memory_equal(array.data, buffer + 16, 40);
        cnn_idx_free(&array);
    }
    free(packed);
}

static void says_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        size_t at;
        unsigned char byte;
        const char *message;
    } cases[] = {
        {0, 1,    "no IDX file: it begins with 01 00"},
        {2, 0x0d, "IDX type 0x0d"                    },
        {3, 0,    "0 axes"                           },
        {3, 9,    "9 axes"                           },
        {7, 0,    "no samples"                       },
        {7, 3,    "too short"                        },
        {7, 1,    "bytes after the end"              },
        {4, 255,  "too short"                        }
    };
    unsigned char buffer[200];
    IdxArray array;
    Failure failure;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = compose(buffer, 3, EXTENTS(2, 4, 5));
        buffer[cases[i].at] = cases[i].byte;
        assert_failure(parse(buffer, size, &array, &failure), &failure, STATUS_MALFORMED, cases[i].message);
        assert_null(array.data);
    }
    compose(buffer, 3, EXTENTS(1, 1, 1));
    memset(buffer + 4, 255, 12);
    assert_failure(parse(buffer, 20, &array, &failure), &failure, STATUS_MALFORMED, "too large");
}

static void survives_truncation_at_every_byte(void **state) {
    (void)state;
    unsigned char buffer[200];
    size_t size = compose(buffer, 3, EXTENTS(2, 4, 5)), packed_size;
    unsigned char *packed = pack_gzip(buffer, size, &packed_size);
    IdxArray array;
    Failure failure;
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(parse(buffer, cut, &array, &failure), STATUS_MALFORMED);
    for (size_t cut = 0; cut < packed_size; cut++)
        assert_int_equal(parse(packed, cut, &array, &failure), STATUS_MALFORMED);
    free(packed);
}

/* A bomb: 64 MiB of zeros behind a header that promises two samples. */
static void a_bomb_is_bytes_after_the_end(void **state) {
    (void)state;
    enum { UNPACKED = 64 << 20 };
    unsigned char *buffer = calloc(UNPACKED, 1);
    compose(buffer, 3, EXTENTS(2, 4, 5));
    size_t packed_size;
    unsigned char *packed = pack_gzip(buffer, UNPACKED, &packed_size);
    IdxArray array;
    Failure failure;
    assert_failure(parse(packed, packed_size, &array, &failure), &failure, STATUS_MALFORMED,
                   "bytes after the end");
    free(packed);
    free(buffer);
}

static void build_pair(void **state, DataModel *built, const int64_t *images, int image_rank,
                       int64_t labels) {
    unsigned char buffer[2000];
    size_t size = compose(buffer, image_rank, images);
    built->files[0] = scratch_write(state, "images", buffer, size);
    size = compose(buffer, 1, EXTENTS(labels));
    built->files[1] = scratch_write(state, "labels", buffer, size);
}

static void loads_images_and_labels(void **state) {
    DataModel built;
    Dataset dataset;
    Failure failure = {0};
    data_model_build(&built, CNN_FORMAT_IDX, EXTENTS(4, 5, 1), EXTENTS(3), CNN_CROSS_ENTROPY);
    build_pair(state, &built, EXTENTS(7, 4, 5), 3, 7);
    assert_success(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure);
    assert_int_equal(dataset.count, 7);
    assert_int_equal(dataset.sample_kind, CNN_SAMPLE_BYTE);
    assert_int_equal(dataset.sample_elements, 20);
    assert_int_equal(dataset.target_elements, 1);
    for (int i = 0; i < 7; i++) assert_int_equal(((const int32_t *)dataset.targets)[i], i % 3);
    for (int i = 0; i < 140; i++) assert_int_equal(((const uint8_t *)dataset.samples)[i], i % 3);
    cnn_dataset_free(&dataset);

    built.data.path = "/nowhere";
    built.files[0] = "images.gz";
    built.files[1] = "labels.gz";
    assert_success(cnn_dataset_load(&built.model, *state, true, &dataset, &failure), &failure);
    cnn_dataset_free(&dataset);
    assert_failure(cnn_dataset_load(&built.model, NULL, true, &dataset, &failure), &failure, STATUS_FILE,
                   "/nowhere/images.gz: cannot open");
}

static void labels_become_numbers_for_other_losses(void **state) {
    DataModel built;
    Dataset dataset;
    Failure failure = {0};
    data_model_build(&built, CNN_FORMAT_IDX, EXTENTS(4, 5), EXTENTS(1), CNN_MSE);
    build_pair(state, &built, EXTENTS(7, 4, 5), 3, 7);
    assert_success(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure);
    assert_true(((const float *)dataset.targets)[5] == 2.0f);
    cnn_dataset_free(&dataset);
    built.train.loss = CNN_BINARY_CROSS_ENTROPY;
    assert_failure(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure,
                   STATUS_MALFORMED, "sample 2 is 2; binary_cross_entropy takes targets from 0 to 1");
}

static void checks_against_the_model(void **state) {
    static const struct {
        int64_t input[4], output[3];
        int64_t images[4], labels;
        int image_rank;
        const char *message;
    } cases[] = {
        {{4, 6, 1}, {3},    {7, 4, 5}, 7, 3, "images: samples of shape 4x5; model tried takes 4x6x1"         },
        {{4, 5, 3}, {3},    {7, 4, 5}, 7, 3, "samples of shape 4x5; model tried takes 4x5x3"                 },
        {{20},      {3},    {7, 4, 5}, 7, 3, "samples of shape 4x5; model tried takes 20"                    },
        {{4, 5, 1}, {3},    {7, 4, 5}, 6, 3, "labels: 6 targets for the 7 samples of"                        },
        {{4, 5, 1}, {2},    {7, 4, 5}, 7, 3, "the target of sample 2 is 2; model tried has 2 classes, 0 to 1"},
        {{4, 5, 1}, {2, 3}, {7, 4, 5}, 7, 3, "targets of shape 7; 7x2 class indices were expected"           },
        {{1},       {3},    {7},       7, 1, "samples of shape (); model tried takes 1"                      },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        DataModel built;
        Dataset dataset;
        Failure failure = {0};
        data_model_build(&built, CNN_FORMAT_IDX, cases[i].input, cases[i].output, CNN_CROSS_ENTROPY);
        build_pair(state, &built, cases[i].images, cases[i].image_rank, cases[i].labels);
        assert_failure(cnn_dataset_load(&built.model, NULL, false, &dataset, &failure), &failure,
                       STATUS_MALFORMED, cases[i].message);
        assert_null(dataset.samples);
    }
}

static void says_what_the_model_lacks(void **state) {
    (void)state;
    DataModel built;
    Dataset dataset;
    Failure failure = {0};
    data_model_build(&built, CNN_FORMAT_IDX, EXTENTS(4, 5, 1), EXTENTS(3), CNN_CROSS_ENTROPY);
    built.data.test = built.files + 7;
    assert_failure(cnn_dataset_load(&built.model, NULL, true, &dataset, &failure), &failure, STATUS_USAGE,
                   "names no test files");
    built.model.data = NULL;
    memset(&failure, 0, sizeof failure);
    assert_failure(cnn_dataset_load(&built.model, NULL, true, &dataset, &failure), &failure, STATUS_USAGE,
                   "no data block");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_plain_and_packed),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(survives_truncation_at_every_byte),
        cmocka_unit_test(a_bomb_is_bytes_after_the_end),
        cmocka_unit_test(loads_images_and_labels),
        cmocka_unit_test(labels_become_numbers_for_other_losses),
        cmocka_unit_test(checks_against_the_model),
        cmocka_unit_test(says_what_the_model_lacks),
    };
    return cmocka_run_group_tests(tests, setup_scratch, teardown_scratch);
}
