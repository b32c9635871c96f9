/* NPY arrays: every type and version, and every way in which a file can be wrong. */
#include "unit/scratch.h"

#include "data/npy.h"

enum { ROOM = 70000 };

/* A file with this header text (its length as the version writes it) and these elements, in a buffer. */
static size_t compose(unsigned char *buffer, int version, const char *header, const void *elements,
                      size_t size) {
    size_t length = strlen(header), at = 8;
    memcpy(buffer, "\x93NUMPY", 6);
    buffer[6] = (unsigned char)version;
    buffer[7] = 0;
    for (int i = 0; i < (version == 1 ? 2 : 4); i++) buffer[at++] = (unsigned char)(length >> 8 * i);
    memcpy(buffer + at, header, length);
    if (size) memcpy(buffer + at + length, elements, size);
    return at + length + size;
}

/* Parses from a copy on the heap, so that a sanitizer sees what is read beyond it. */
static int parse(const void *bytes, size_t size, NpyArray *array, Failure *failure) {
    memset(failure, 0, sizeof *failure);
    unsigned char *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    Reader *reader;
    int status = cnn_reader_open_memory(&reader, "x.npy", copy, size, failure);
    if (!status) status = cnn_npy_parse(reader, array, failure);
    cnn_reader_close(reader);
    free(copy);
    return status;
}

static void reads_every_type_and_version(void **state) {
    (void)state;
    static const float f4[] = {1.5f, -2, 3};
    static const double f8[] = {1.5, -2, 3};
    static const uint8_t u1[] = {1, 2, 255};
    static const int32_t i4[] = {1, -2, INT32_MAX};
    static const int64_t i8[] = {1, -2, 1ll << 40};
    const struct {
        const char *descr;
        NpyType type;
        const void *elements;
        size_t size;
        double last;
    } cases[] = {
        {"<f4", NPY_F4, f4, sizeof f4, 3                  },
        {"<f8", NPY_F8, f8, sizeof f8, 3                  },
        {"|u1", NPY_U1, u1, sizeof u1, 255                },
        {"<i4", NPY_I4, i4, sizeof i4, INT32_MAX          },
        {"<i8", NPY_I8, i8, sizeof i8, (double)(1ll << 40)}
    };
    unsigned char buffer[400];
    for (int version = 1; version <= 3; version++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            char header[128];
            snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (3, 1), }   \n",
                     cases[i].descr);
            size_t size = compose(buffer, version, header, cases[i].elements, cases[i].size);
            NpyArray array;
            Failure failure;
            assert_success(parse(buffer, size, &array, &failure), &failure);
            assert_int_equal(array.type, cases[i].type);
            assert_int_equal(array.rank, 2);
            assert_int_equal(array.shape[0], 3);
            assert_int_equal(array.shape[1], 1);
            assert_int_equal(array.count, 3);
            assert_true(cnn_npy_element(&array, 2) == cases[i].last);
            float *values;
            assert_success(cnn_npy_take_floats(&array, "array", &values, &failure), &failure);
            assert_true(values[2] == (float)cases[i].last);
            cnn_aligned_free(values);
            cnn_npy_free(&array);
        }
}

static void reads_members_in_any_order(void **state) {
    (void)state;
    static const char *headers[] = {
        "{'shape': (2,), 'fortran_order': False, 'descr': '<f4'}\n",
        "{\"descr\":\"<f4\",\"fortran_order\":False,\"shape\":(2,)}",
        "{'descr': '<f4', 'shape': (1, 2), 'fortran_order': False, }",
        "{'descr': '<f4', 'shape': (1, 1, 2,), 'fortran_order': False, }",
    };
    unsigned char buffer[300];
    float elements[] = {1, 2};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        NpyArray array;
        Failure failure;
        assert_success(parse(buffer, compose(buffer, 1, headers[i], elements, 8), &array, &failure),
                       &failure);
        assert_int_equal(array.count, 2);
        cnn_npy_free(&array);
    }
}

static void says_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *header, *message;
    } cases[] = {
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }",                       "big-endian"                           },
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }",                       "elements of type '<f2'"               },
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }",              "array of records"                     },
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }",                        "Fortran order"                        },
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,), }",                       "True or False"                        },
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4), }",                     "without elements"                     },
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",                       "too short"                            },
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",                       "bytes after the end"                  },
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2), }",                        "',' after the only axis"              },
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }",                      "whole number"                         },
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,), }",     "63 bits"                              },
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,), }", "63 bits"                              },
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",   "too large"                            },
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,), }",     "too large"                            },
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,), }",           "too short"                            },
        {"{'descr': '<f4', 'fortran_order': False, }",                                      "lacks its shape"                      },
        {"{'descr': '<f4', 'shape': (2,), }",                                               "lacks its fortran_order"              },
        {"{'fortran_order': False, 'shape': (2,), }",                                       "lacks its descr"                      },
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",       "'descr' twice"                        },
        {"{'descr': '<f4', 'order': False, 'shape': (2,), }",                               "'order' that the format does not know"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } more",                  "the end of the header"                },
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)",                          "',' or '}'"                           },
        {"{'descr': '<f4",                                                                  "closing quote"                        },
        {"{'descr'",                                                                        "':'"                                  },
        {"",                                                                                "'{'"                                  },
        {"(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)",                                       "'{'"                                  },
        {"{'descr': '<f4', 'fortran_order': False, 'shape': "
         "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2), }", "at most 32 axes"                      },
    };
    unsigned char buffer[400];
    float elements[] = {1, 2};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        NpyArray array;
        Failure failure;
        int status = parse(buffer, compose(buffer, 1, cases[i].header, elements, 8), &array, &failure);
        assert_failure(status, &failure, STATUS_MALFORMED, cases[i].message);
        assert_null(array.data);
    }
}

static void refuses_other_files(void **state) {
    (void)state;
    unsigned char buffer[300];
    size_t size =
        compose(buffer, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "12345678", 8);
    NpyArray array;
    Failure failure;
    buffer[6] = 4;
    assert_failure(parse(buffer, size, &array, &failure), &failure, STATUS_MALFORMED, "NPY version 4.0");
    buffer[6] = 1;
    buffer[7] = 1;
    assert_failure(parse(buffer, size, &array, &failure), &failure, STATUS_MALFORMED, "NPY version 1.1");
    buffer[7] = 0;
    buffer[12] = 0;
    assert_failure(parse(buffer, size, &array, &failure), &failure, STATUS_MALFORMED, "zero byte");
    buffer[0] = 'x';
    assert_failure(parse(buffer, size, &array, &failure), &failure, STATUS_MALFORMED, "no NPY array");
}

static void refuses_long_headers(void **state) {
    (void)state;
    unsigned char *buffer = malloc(2 * ROOM);
    char *header = malloc(ROOM);
    memset(header, ' ', ROOM);
    const char *members = "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }";
    memcpy(header, members, strlen(members));
    NpyArray array;
    Failure failure;
    header[65536] = 0;
    assert_success(parse(buffer, compose(buffer, 2, header, "x", 1), &array, &failure), &failure);
    cnn_npy_free(&array);
    header[65536] = ' ';
    header[65537] = 0;
    assert_failure(parse(buffer, compose(buffer, 2, header, "x", 1), &array, &failure), &failure,
                   STATUS_MALFORMED, "a header of 65537 bytes");
    free(buffer);
    free(header);
}

static void survives_truncation_at_every_byte(void **state) {
    (void)state;
    unsigned char buffer[300];
    float elements[] = {1, 2, 3, 4};
    size_t size =
        compose(buffer, 3, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n", elements, 16);
    for (size_t cut = 0; cut < size; cut++) {
        NpyArray array;
        Failure failure;
        assert_int_equal(parse(buffer, cut, &array, &failure), STATUS_MALFORMED);
        assert_true(failure.message[0] != 0);
    }
}

static void writes_what_it_reads(void **state) {
    const char *path = scratch(state, "out.npy");
    float values[24];
    for (int i = 0; i < 24; i++) values[i] = (float)i / 7;
    const int64_t shape[] = {2, 3, 4};
    for (int rank = 0; rank <= 3; rank++) {
        Failure failure = {0};
        NpyArray array;
        assert_success(cnn_npy_write(path, values, rank, shape, &failure), &failure);
        assert_success(cnn_npy_read(path, &array, &failure), &failure);
        assert_int_equal(array.rank, rank);
        assert_int_equal(array.type, NPY_F4);
        for (int i = 0; i < rank; i++) assert_int_equal(array.shape[i], shape[i]);
        assert_memory_equal(array.data, values, array.count * sizeof *values);
        cnn_npy_free(&array);
        FILE *file = fopen(path, "rb");
        unsigned char prefix[10];
        assert_int_equal(fread(prefix, 1, 10, file), 10);
        fclose(file);
        assert_int_equal((prefix[8] + 256 * prefix[9] + 10) % 64, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_type_and_version), cmocka_unit_test(reads_members_in_any_order),
        cmocka_unit_test(says_what_is_wrong),           cmocka_unit_test(refuses_other_files),
        cmocka_unit_test(refuses_long_headers),         cmocka_unit_test(survives_truncation_at_every_byte),
        cmocka_unit_test(writes_what_it_reads),
    };
    return cmocka_run_group_tests(tests, setup_scratch, teardown_scratch);
}
