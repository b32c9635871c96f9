/* Batches hold the samples and targets that the order says, whoever copied them and when; with workers who
 * have nothing to do, a batch is there before it is asked for. */
#define _GNU_SOURCE
#include "data/loader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Shape {
    uint32_t count;
    int32_t kind;
    int64_t sample, target; /* elements */
    int64_t batch;
} Shape;

static int64_t sample_bytes(const Shape *shape) {
    return shape->sample * (shape->kind == CNN_SAMPLE_BYTE ? 1 : 4);
}

/* Bytes that differ from sample to sample, behind the end of which nothing may be read. */
static unsigned char *make_bytes(uint32_t count, int64_t size, uint32_t key) {
    unsigned char *bytes = malloc((size_t)(count * size));
    uint32_t number = key;
    assert_non_null(bytes);
    for (int64_t i = 0; i < count * size; i++) {
        number = number * 1664525 + 1013904223;
        bytes[i] = (unsigned char)(number >> 24);
    }
    return bytes;
}

static Dataset make_dataset(const Shape *shape) {
    return (Dataset){.samples = make_bytes(shape->count, sample_bytes(shape), 1),
                     .targets = make_bytes(shape->count, shape->target * 4, 2),
                     .count = shape->count,
                     .sample_kind = shape->kind,
                     .sample_elements = shape->sample,
                     .target_elements = shape->target};
}

static void free_dataset(Dataset *dataset) {
    free((void *)(uintptr_t)dataset->samples);
    free((void *)(uintptr_t)dataset->targets);
}

static void shuffle(uint32_t *order, uint32_t count, uint32_t key) {
    for (uint32_t i = 0; i < count; i++) order[i] = i;
    for (uint32_t i = count - 1; i > 0; i--) {
        key = key * 1664525 + 1013904223;
        uint32_t k = (key >> 8) % (i + 1), other = order[k];
        order[k] = order[i];
        order[i] = other;
    }
}

static void expect_same(const void *all, const void *batched, const Batch *batch, const uint32_t *order,
                        int64_t size) {
    for (int64_t i = 0; i < batch->count; i++) {
        int64_t place = batch->order ? batch->order[i] : i;
        assert_memory_equal((const char *)batched + place * size, (const char *)all + order[i] * size,
                            (size_t)size);
    }
}

static void expect_batch(const Shape *shape, const Dataset *dataset, const Batch *batch,
                         const uint32_t *order) {
    expect_same(dataset->samples, batch->samples, batch, order, sample_bytes(shape));
    expect_same(dataset->targets, batch->targets, batch, order, shape->target * 4);
    assert_int_equal(batch->sample_kind, shape->kind);
    const uint32_t *numbers = batch->numbers ? batch->numbers : batch->order;
    assert_memory_equal(numbers, order, (size_t)batch->count * sizeof *order);
}

/* Items of very different length: someone has nothing to do. */
static void work(void *user, int64_t index, int worker) {
    _Atomic int64_t *sum = user;
    (void)worker;
    for (int64_t i = 0; i < index * 300; i++) atomic_fetch_add_explicit(sum, i, memory_order_relaxed);
}

/* samples: of an epoch. */
static void expect_epoch(Loader *loader, const Shape *shape, const Dataset *dataset, Threads *pool,
                         uint32_t samples, uint32_t key) {
    uint32_t *order = malloc(shape->count * sizeof *order);
    _Atomic int64_t sum = 0;
    Batch batch;
    assert_non_null(order);
    shuffle(order, shape->count, key);
    cnn_loader_begin(loader, order, samples);
    for (int64_t first = 0; first < samples; first += shape->batch) {
        int64_t left = samples - first;
        assert_true(cnn_loader_next(loader, &batch));
        assert_int_equal(batch.count, left < shape->batch ? left : shape->batch);
        expect_batch(shape, dataset, &batch, order + first);
        if (key % 2) cnn_threads_run(pool, 3, work, &sum);
        expect_batch(shape, dataset, &batch, order + first);
    }
    assert_false(cnn_loader_next(loader, &batch));
    assert_false(cnn_loader_next(loader, &batch));
    free(order);
}

static void batches_are_what_the_order_says(void **state) {
    static const Shape shapes[] = {
        {1,   CNN_SAMPLE_FLOAT, 1,     1,    1 },
        {7,   CNN_SAMPLE_BYTE,  5,     1,    1 },
        {40,  CNN_SAMPLE_FLOAT, 3,     2,    7 },
        {200, CNN_SAMPLE_BYTE,  784,   1,    64},
        {50,  CNN_SAMPLE_BYTE,  8192,  3,    16},
        {30,  CNN_SAMPLE_FLOAT, 2047,  2048, 8 },
        {20,  CNN_SAMPLE_BYTE,  30001, 1,    3 },
        {10,  CNN_SAMPLE_FLOAT, 9000,  5003, 32}, /* more than there are samples */
    };
    static const int workers[] = {1, 2, 3, 8};
    (void)state;
    for (size_t w = 0; w < sizeof workers / sizeof *workers; w++) {
        Threads *pool = cnn_threads_create(workers[w]);
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            Failure failure = {0};
            Loader *loader;
            Dataset dataset = make_dataset(&shapes[i]);
            assert_int_equal(cnn_loader_open(&loader, &dataset, pool, shapes[i].batch, &failure), 0);
            for (uint32_t epoch = 0; epoch < 12; epoch++)
                expect_epoch(loader, &shapes[i], &dataset, pool, shapes[i].count - epoch % shapes[i].count,
                             epoch);
            cnn_loader_close(loader);
            free_dataset(&dataset);
        }
        cnn_threads_destroy(pool);
    }
}

/* An epoch that is left off, and a loader that is closed, while samples are being copied. */
static void nothing_is_copied_afterwards(void **state) {
    static const Shape shape = {12, CNN_SAMPLE_FLOAT, 5000, 10, 5};
    (void)state;
    for (int workers = 1; workers <= 4; workers++) {
        Threads *pool = cnn_threads_create(workers);
        for (int round = 0; round < 200; round++) {
            Failure failure = {0};
            Loader *loader;
            Batch batch;
            _Atomic int64_t sum = 0;
            Dataset dataset = make_dataset(&shape);
            uint32_t *order = malloc(shape.count * sizeof *order);
            assert_non_null(order);
            shuffle(order, shape.count, (uint32_t)round);
            assert_int_equal(cnn_loader_open(&loader, &dataset, pool, shape.batch, &failure), 0);
            for (int begun = 0; begun < 3; begun++) {
                cnn_loader_begin(loader, order, shape.count);
                for (int i = 0; i < round % 3; i++) {
                    assert_true(cnn_loader_next(loader, &batch));
                    expect_batch(&shape, &dataset, &batch, order + i * shape.batch);
                    cnn_threads_run(pool, round % 4, work, &sum);
                }
            }
            cnn_loader_close(loader);
            free(order);
            free_dataset(&dataset);
        }
        cnn_threads_destroy(pool);
    }
}

/* One item ends at once, the other one takes long. */
static void sleep_or_not(void *user, int64_t index, int worker) {
    (void)user, (void)worker;
    if (index == 0) usleep(20000);
}

/* The data set is overwritten when there was time to copy: the next batch is as it was before. Several
 * attempts, for a machine that is busy with other things. */
static void a_batch_is_there_before_it_is_asked_for(void **state) {
    static const Shape shape = {8, CNN_SAMPLE_BYTE, 100000, 1, 4};
    static const uint32_t order[] = {3, 1, 7, 2, 6, 0, 5, 4};
    Threads *pool = cnn_threads_create(2);
    bool before = false;
    (void)state;
    if (cnn_threads_parallel(pool) < 2) {
        cnn_threads_destroy(pool);
        skip();
    }
    for (int attempt = 0; attempt < 50 && !before; attempt++) {
        Failure failure = {0};
        Loader *loader;
        Batch batch;
        Dataset dataset = make_dataset(&shape), same = make_dataset(&shape);
        assert_int_equal(cnn_loader_open(&loader, &dataset, pool, shape.batch, &failure), 0);
        cnn_loader_begin(loader, order, shape.count);
        assert_true(cnn_loader_next(loader, &batch));
        cnn_threads_run(pool, 2, sleep_or_not, NULL);
        cnn_threads_when_idle(pool, NULL); /* nobody reads the data set any more */
        memset((void *)(uintptr_t)dataset.samples, 0, (size_t)(shape.count * shape.sample));
        assert_true(cnn_loader_next(loader, &batch));
        before = true;
        for (int i = 0; i < batch.count && before; i++)
            before = memcmp((const char *)batch.samples + i * shape.sample,
                            (const char *)same.samples + order[shape.batch + i] * shape.sample,
                            (size_t)shape.sample) == 0;
        cnn_loader_close(loader);
        free_dataset(&dataset);
        free_dataset(&same);
    }
    assert_true(before);
    cnn_threads_destroy(pool);
}

static void sizes_that_overflow_are_refused(void **state) {
    Threads *pool = cnn_threads_create(2);
    float sample = 0;
    Dataset dataset = {.samples = &sample,
                       .targets = &sample,
                       .count = 1,
                       .sample_kind = CNN_SAMPLE_FLOAT,
                       .sample_elements = INT64_C(1) << 40,
                       .target_elements = 1};
    Failure failure = {0};
    Loader *loader;
    (void)state;
    if (cnn_threads_parallel(pool) < 2) {
        cnn_threads_destroy(pool);
        skip();
    }
    assert_int_equal(cnn_loader_open(&loader, &dataset, pool, INT64_C(1) << 40, &failure), STATUS_MEMORY);
    assert_null(loader);
    cnn_threads_destroy(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_what_the_order_says),
        cmocka_unit_test(nothing_is_copied_afterwards),
        cmocka_unit_test(a_batch_is_there_before_it_is_asked_for),
        cmocka_unit_test(sizes_that_overflow_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
