/* Safetensors and the weights of a model: the storage mapping, the round trip, and every malformed file. */
#include "unit/scratch.h"

#include "weights/weights.h"

#include <math.h>

enum { BLOCK = 64, KERNEL_AT = 0, BIAS_AT = 48 };

/* weight (3, 2, 2): filters in blocks of 4 (one place stays padding), then inputs and taps; the taps
 * mirrored. bias (3). */
static const cnn_parameter parameters[] = {
    {.name = "conv_1.weight",
     .rank = 3,
     .shape = {3, 2, 2},
     .offset = KERNEL_AT,
     .origin = 4,
     .size = 16,
     .group = 3,
     .block = 4,
     .block_stride = 16,
     .stride = {0, 8, -4},
     .trainable = 1},
    {.name = "conv_1.bias",
     .rank = 1,
     .shape = {3},
     .offset = BIAS_AT,
     .size = 16,
     .group = 3,
     .block = 3,
     .trainable = 1},
    {.name = "norm_1.running_mean",
     .rank = 1,
     .shape = {3},
     .offset = BIAS_AT + 8,
     .size = 8,
     .group = 3,
     .block = 3,
     .statistic = 1},
};
static const cnn_model model = {
    .name = "tried",
    .compiler_version = "1.2",
    .parameters = parameters,
    .parameter_count = 3,
    .parameter_elements = BLOCK,
    .input_rank = 2,
    .input_shape = {2, 2}
};

static void maps_logical_to_storage(void **state) {
    (void)state;
    float logical[12], back[12], block[BLOCK] = {0};
    for (int i = 0; i < 12; i++) logical[i] = (float)(i + 1);
    cnn_parameter_scatter(&parameters[0], logical, block);
    for (int f = 0; f < 3; f++)
        for (int c = 0; c < 2; c++)
            for (int k = 0; k < 2; k++)
                assert_true(block[4 + f + 8 * c - 4 * k] == logical[f * 4 + c * 2 + k]);
    for (int i = 3; i < 16; i += 4) assert_true(block[i] == 0);
    cnn_parameter_gather(&parameters[0], block, back);
    assert_memory_equal(logical, back, sizeof logical);
    assert_int_equal(cnn_parameter_count(&parameters[0]), 12);
}

static void groups_and_blocks(void **state) {
    (void)state;
    /* Two groups of 5 filters, in blocks of 4: 8 places a group and tap. */
    const cnn_parameter p = {
        .rank = 2,
        .shape = {10, 3},
        .offset = 2,
        .group = 5,
        .group_stride = 24,
        .block = 4,
        .block_stride = 12,
        .stride = {0,  4}
    };
    float logical[30], block[64];
    for (int i = 0; i < 30; i++) logical[i] = (float)(i + 1);
    memset(block, 0, sizeof block);
    cnn_parameter_scatter(&p, logical, block);
    for (int f = 0; f < 10; f++)
        for (int c = 0; c < 3; c++)
            assert_true(block[2 + f / 5 * 24 + f % 5 / 4 * 12 + f % 5 % 4 + 4 * c] == logical[f * 3 + c]);
}

static void comes_back_as_written(void **state) {
    const char *path = scratch(state, "w.safetensors");
    float block[BLOCK] = {0}, back[BLOCK] = {0}, logical[12];
    for (int i = 0; i < 12; i++) logical[i] = sinf((float)i);
    for (int p = 0; p < 3; p++) cnn_parameter_scatter(&parameters[p], logical + p, block);
    Failure failure = {0};
    assert_success(cnn_weights_write(path, &model, block, &failure), &failure);
    assert_success(cnn_weights_read(path, &model, back, (char[WEIGHTS_PREFIX]){0}, &failure), &failure);
    assert_memory_equal(block, back, sizeof block);
    TensorFile file;
    assert_success(cnn_tensors_read(path, &file, &failure), &failure);
    assert_string_equal(cnn_tensors_metadata(&file, "cnnc.model"), "tried");
    assert_string_equal(cnn_tensors_metadata(&file, "cnnc.version"), "1.2");
    assert_null(cnn_tensors_metadata(&file, "other"));
    assert_memory_equal(cnn_tensors_find(&file, "conv_1.weight")->values, logical, sizeof logical);
    cnn_tensors_free(&file);
}

static void writes_gradients(void **state) {
    const char *path = scratch(state, "g.safetensors");
    float block[BLOCK], input[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (int i = 0; i < BLOCK; i++) block[i] = (float)i;
    Failure failure = {0};
    TensorFile file;
    assert_success(cnn_gradients_write(path, &model, block, input, 2, 0.5f, &failure), &failure);
    assert_success(cnn_tensors_read(path, &file, &failure), &failure);
    assert_int_equal(file.tensor_count, 4);
    assert_null(cnn_tensors_find(&file, "norm_1.running_mean"));
    const Tensor *tensor = cnn_tensors_find(&file, "input");
    assert_int_equal(tensor->rank, 3);
    assert_int_equal(tensor->shape[0], 2);
    assert_memory_equal(tensor->values, input, sizeof input);
    tensor = cnn_tensors_find(&file, "loss");
    assert_int_equal(tensor->rank, 0);
    assert_true(tensor->values[0] == 0.5f);
    cnn_tensors_free(&file);
}

static void checkpoints_have_prefixes_and_strings(void **state) {
    const char *path = scratch(state, "s.safetensors");
    float block[BLOCK], back[BLOCK] = {0};
    for (int i = 0; i < BLOCK; i++) block[i] = (float)(i + 1);
    Failure failure = {0};
    TensorList list = {0};
    Metadata metadata[] = {
        {"epoch", "3"                              },
        {"note",  "a \"quoted\"\n\\ line, \xc3\xa9"}
    };
    assert_success(cnn_tensor_list_add_block(&list, &model, "slot.0.", true, block, &failure), &failure);
    assert_success(cnn_tensor_list_add(&list, "best", 1, (const int64_t[]){2}, block, &failure), &failure);
    assert_success(cnn_tensors_write(path, &model, list.tensors, list.count, metadata, 2, &failure),
                   &failure);
    cnn_tensor_list_free(&list);
    TensorFile file;
    assert_success(cnn_tensors_read(path, &file, &failure), &failure);
    assert_int_equal(file.tensor_count, 3);
    assert_string_equal(cnn_tensors_metadata(&file, "epoch"), "3");
    assert_string_equal(cnn_tensors_metadata(&file, "note"), metadata[1].value);
    assert_success(cnn_weights_take(&file, &model, "slot.0.", true, back, &failure), &failure);
    assert_true(back[BIAS_AT + 2] == block[BIAS_AT + 2] && back[BIAS_AT + 8] == 0);
    assert_failure(cnn_weights_take(&file, &model, "slot.1.", true, back, &failure), &failure,
                   STATUS_MALFORMED,
                   "no tensor 'slot.1.conv_1.weight', which model tried has; is it 'slot.0.conv_1.weight'?");
    cnn_tensors_free(&file);
}

/* 8 bytes of length, the header, zeros for data. */
static size_t compose(unsigned char *buffer, const char *header, size_t data) {
    size_t length = strlen(header);
    for (int i = 0; i < 8; i++) buffer[i] = (unsigned char)((uint64_t)length >> 8 * i);
    memcpy(buffer + 8, header, length);
    memset(buffer + 8 + length, 0, data);
    return 8 + length + data;
}

static int parse(const void *bytes, size_t size, TensorFile *file, Failure *failure) {
    memset(failure, 0, sizeof *failure);
    unsigned char *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    Reader *reader;
    int status = cnn_reader_open_memory(&reader, "w", copy, size, failure);
    if (!status) status = cnn_tensors_parse(reader, file, failure);
    cnn_reader_close(reader);
    free(copy);
    return status;
}

#define ENTRY(name, type, shape, begin, end)                                                                 \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":[" shape "],\"data_offsets\":[" #begin "," #end "]}"

static void takes_every_well_formed_file(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        int tensors;
    } cases[] = {
        {"{}", 0, 0},
        {"{ }      ", 0, 0},
        {"{\"__metadata__\":{}}", 0, 0},
        {"{\"__metadata__\":{\"a\":\"b\"}," ENTRY("x", "F32", "2", 0, 8) "}", 8, 1},
        {"{" ENTRY("x", "F32", "2", 4, 12) "," ENTRY("y", "F32", "", 0, 4) "}", 12, 2},
        {"{" ENTRY("x", "U8", "1", 0, 1) "," ENTRY("y", "F32", "1", 1, 5) "}", 5, 2},
        {"{" ENTRY("x", "F32", "0,7", 0, 0) "," ENTRY("y", "F32", "1", 0, 4) "," ENTRY("z", "I64", "0", 4,
         4) "}",
         4, 3},
        {"{ \"a\\u0062\\ud83d\\ude00\" : { \"data_offsets\" : [ 0 , 2 ] , \"dtype\" : \"BF16\" ,\n \"shape\" "
         ": [ 1 ] } }", 2, 1},
    };
    unsigned char buffer[1000];
    TensorFile file;
    Failure failure;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_success(parse(buffer, compose(buffer, cases[i].header, cases[i].data), &file, &failure),
                       &failure);
        assert_int_equal(file.tensor_count, cases[i].tensors);
        if (i == 7) assert_string_equal(file.tensors[0].name, "ab\xf0\x9f\x98\x80");
        cnn_tensors_free(&file);
    }
}

static void says_what_is_malformed(void **state) {
    (void)state;
    static const struct {
        const char *header, *message;
        size_t data;
    } cases[] = {
        {"", "'{' expected", 0},
        {" {}", "'{' expected", 0},
        {"[]", "'{' expected", 0},
        {"{} x", "the end of the header expected", 0},
        {"{\"x\":1}", "'{' expected", 0},
        {"{\"x\"}", "':' expected", 0},
        {"{\"x", "the end of a string expected", 0},
        {"{\"x\\q\":1}", "an escape of JSON expected", 0},
        {"{\"\\u00\":1}", "four hexadecimal digits", 0},
        {"{\"\\ud800x\":1}", "surrogate", 0},
        {"{\"\\u0000\":1}", "can stand in a name", 0},
        {"{\"\xff\":1}", "UTF-8 expected", 0},
        {"{\"\xc0\x80\":1}", "UTF-8 expected", 0},
        {"{" ENTRY("x", "F32", "2", 0, 8) ",}", "a string expected", 8},
        {"{" ENTRY("x", "F32", "2", 0, 8) "," ENTRY("x", "F32", "2", 8, 16) "}", "tensor 'x' stands twice",
         16},
        {"{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}", "metadata 'a' stands twice", 0},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", "only one __metadata__", 0},
        {"{\"__metadata__\":{\"a\":1}}", "a string expected", 0},
        {"{" ENTRY("x", "F99", "2", 0, 8) "}", "the type 'F99', which is not known", 8},
        {"{" ENTRY("x", "F32", "2", 0, 12) "}", "data_offsets 0 to 12 where its shape and type take 8 bytes",
         12},
        {"{" ENTRY("x", "F32", "2", 8, 0) "}", "data_offsets 8 to 0", 8},
        {"{" ENTRY("x", "F32", "2", 4, 12) "}",
         "begins at byte 4 of the data; the ones before it end at 0 (a gap)", 12},
        {"{" ENTRY("x", "F32", "2", 0, 8) "," ENTRY("y", "F32", "2", 4, 12) "}", "they overlap", 12},
        {"{" ENTRY("x", "F32", "2", 0, 8) "," ENTRY("y", "F32", "2", 0, 8) "}", "they overlap", 8},
        {"{" ENTRY("x", "F32", "2", 0, 8) "}", "too short", 7},
        {"{" ENTRY("x", "F32", "2", 0, 8) "}", "bytes after the end", 9},
        {"{" ENTRY("x", "F32", "-2", 0, 8) "}", "a whole number", 8},
        {"{" ENTRY("x", "F32", "2.0", 0, 8) "}", "']' expected", 8},
        {"{" ENTRY("x", "F32", "02", 0, 8) "}", "a whole number", 8},
        {"{" ENTRY("x", "F32", "1,1,1,1,1,1,1,1,2", 0, 8) "}", "more than 8 axes", 8},
        {"{" ENTRY("x", "F32", "99999999999999999999", 0, 8) "}", "at most 18 digits", 8},
        {"{" ENTRY("x", "F32", "4294967296,4294967296", 0, 8) "}", "the product of its shape is too large",
         8},
        {"{" ENTRY("x", "F32", "250000000000000000", 0, 1000000000000000000) "}", "at most 18 digits", 8},
        {"{" ENTRY("x", "U8", "999999999999999999", 0, 999999999999999999) "}", "too short", 8},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2]}}", "lacks its data_offsets", 8},
        {"{\"x\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "lacks its shape", 8},
        {"{\"x\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "lacks its dtype", 8},
        {"{\"x\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         "'dtype' twice", 8},
        {"{\"x\":{\"dtype\":\"F32\",\"kind\":2,\"shape\":[2],\"data_offsets\":[0,8]}}", "does not know", 8},
    };
    unsigned char buffer[1000];
    TensorFile file;
    Failure failure;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = parse(buffer, compose(buffer, cases[i].header, cases[i].data), &file, &failure);
        assert_failure(status, &failure, STATUS_MALFORMED, cases[i].message);
        assert_null(file.tensors);
    }
}

static void checks_the_length_of_the_header(void **state) {
    (void)state;
    unsigned char buffer[64];
    TensorFile file;
    Failure failure;
    size_t size = compose(buffer, "{}", 0);
    buffer[0] = 3;
    assert_failure(parse(buffer, size, &file, &failure), &failure, STATUS_MALFORMED, "too short");
    memcpy(buffer, "\x00\xe1\xf5\x05\0\0\0\0", 8);
    assert_failure(parse(buffer, size, &file, &failure), &failure, STATUS_MALFORMED, "too short");
    memcpy(buffer, "\x01\xe1\xf5\x05\0\0\0\0", 8);
    assert_failure(parse(buffer, size, &file, &failure), &failure, STATUS_MALFORMED,
                   "at most 100000000 are allowed");
    memset(buffer, 255, 8);
    assert_failure(parse(buffer, size, &file, &failure), &failure, STATUS_MALFORMED,
                   "at most 100000000 are allowed");
}

static void survives_truncation_and_flips(void **state) {
    const char *path = scratch(state, "t.safetensors");
    float block[BLOCK] = {0};
    Failure failure = {0};
    assert_success(cnn_weights_write(path, &model, block, &failure), &failure);
    unsigned char bytes[2000];
    FILE *stream = fopen(path, "rb");
    size_t size = fread(bytes, 1, sizeof bytes, stream);
    fclose(stream);
    TensorFile file;
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(parse(bytes, cut, &file, &failure), STATUS_MALFORMED);
    for (size_t at = 0; at < size; at++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[at] ^= (unsigned char)(1 << bit);
            if (!parse(bytes, size, &file, &failure)) cnn_tensors_free(&file);
            bytes[at] ^= (unsigned char)(1 << bit);
        }
}

static void widens_halves(void **state) {
    (void)state;
    static const uint16_t halves[] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x0400};
    static const float expected[] = {1, -2, 0x1p-24f, 65504, -0.0f, 0x1p-14f};
    unsigned char buffer[300];
    const char *header = "{" ENTRY("h", "F16", "6", 0, 12) "," ENTRY("b", "BF16", "2", 12, 16) "}";
    size_t size = compose(buffer, header, 16);
    memcpy(buffer + 8 + strlen(header), halves, 12);
    memcpy(buffer + 8 + strlen(header) + 12, "\x80\x3f\x40\xc0", 4);
    TensorFile file;
    Failure failure;
    assert_success(parse(buffer, size, &file, &failure), &failure);
    assert_memory_equal(cnn_tensors_find(&file, "h")->values, expected, sizeof expected);
    assert_true(cnn_tensors_find(&file, "b")->values[0] == 1 &&
                cnn_tensors_find(&file, "b")->values[1] == -3);
    cnn_tensors_free(&file);
}

static int write_and_read(void **state, const Tensor *tensors, int count, const cnn_model *writer,
                          Failure *failure) {
    const char *path = scratch(state, "c.safetensors");
    float block[BLOCK];
    char removed[WEIGHTS_PREFIX];
    memset(block, 0x55, sizeof block);
    memset(failure, 0, sizeof *failure);
    assert_success(cnn_tensors_write(path, writer, tensors, count, NULL, 0, failure), failure);
    int status = cnn_weights_read(path, &model, block, removed, failure);
    for (size_t i = 0; status && i < sizeof block; i++) assert_int_equal(((char *)block)[i], 0x55);
    return status;
}

static void fits_exactly_the_model(void **state) {
    static const float values[12];
    static const float infinite[3] = {0, INFINITY, 0};
    const Tensor good[] = {
        {"conv_1.weight",              3, {3, 2, 2}, values, NULL},
        {"conv_1.bias",                1, {3},       values, NULL},
        {"norm_1.running_mean",        1, {3},       values, NULL},
        {"norm_1.num_batches_tracked", 0, {0},       values, NULL},
        {"conv_2.bias",                1, {3},       values, NULL}
    };
    Tensor tensors[5];
    Failure failure;
    memcpy(tensors, good, sizeof good);
    assert_success(write_and_read(state, tensors, 3, &model, &failure), &failure);
    assert_success(write_and_read(state, tensors, 4, &model, &failure), &failure);
    assert_failure(write_and_read(state, tensors, 5, &model, &failure), &failure, STATUS_MALFORMED,
                   "c.safetensors: tensor 'conv_2.bias' is none of model tried; did you mean 'conv_1.bias'?");
    assert_failure(write_and_read(state, tensors, 2, &model, &failure), &failure, STATUS_MALFORMED,
                   "no tensor 'norm_1.running_mean', which model tried has");
    tensors[1].name = "conv_1.bais";
    assert_failure(write_and_read(state, tensors, 3, &model, &failure), &failure, STATUS_MALFORMED,
                   "no tensor 'conv_1.bias', which model tried has; is it 'conv_1.bais'?");
    memcpy(tensors, good, sizeof good);
    tensors[0] = (Tensor){
        "conv_1.weight", 3, {2, 3, 2},
          values, NULL
    };
    assert_failure(write_and_read(state, tensors, 3, &model, &failure), &failure, STATUS_MALFORMED,
                   "tensor 'conv_1.weight' is 2x3x2 where model tried has 3x2x2");
    cnn_model other = {.name = "lenet", .compiler_version = "1"};
    assert_failure(write_and_read(state, tensors, 3, &other, &failure), &failure, STATUS_MALFORMED,
                   "; the file is of model 'lenet'");
    memcpy(tensors, good, sizeof good);
    tensors[2].values = infinite;
    assert_failure(write_and_read(state, tensors, 3, &model, &failure), &failure, STATUS_MALFORMED,
                   "tensor 'norm_1.running_mean', element 1 is inf");
}

/* Weights that were saved from inside another module. */
static void takes_a_shared_prefix_off(void **state) {
    static const float values[12];
    static const struct {
        const char *kernel, *bias, *mean, *count; /* of the tensors */
        const char *removed, *message;            /* message NULL: they fit */
    } cases[] = {
        {"m.conv_1.weight",            "m.conv_1.bias",            "m.norm_1.running_mean",            "m.norm_1.num_batches_tracked", "m.",
         NULL                                                                                                                                               },
        {"module.model.conv_1.weight", "module.model.conv_1.bias", "module.model.norm_1.running_mean",
         "module.model.norm_1.num_batches_tracked",                                                                                    "module.model.", NULL},
        {"conv_1.weight",              "conv_1.bias",              "norm_1.running_mean",              "norm_1.num_batches_tracked",   "",              NULL},
        {"m.conv_1.weight",            "m.conv_1.bias",            "norm_1.running_mean",              "m.norm_1.num_batches_tracked", "",
         "no tensor 'conv_1.weight', which model tried has"                                                                                                 },
        {"module.conv.weight",         "module.conv.bias",         "module.norm.running_mean",         "module.n.num_batches_tracked",
         "module.",                                                                                                                                     "no tensor 'conv_1.weight', which model tried has; is it 'conv.weight'?; 'module.' before all its "
         "names is left out"                                                                                                             },
        {"net.conv.weight",            "net.conv.bias",            "net.norm.running_mean",            "net.n.num_batches_tracked",    "",
         "no tensor 'conv_1.weight', which model tried has"                                                                                                 },
    };
    const char *path = scratch(state, "p.safetensors");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Tensor tensors[] = {
            {cases[i].kernel, 3, {3, 2, 2}, values, NULL},
            {cases[i].bias,   1, {3},       values, NULL},
            {cases[i].mean,   1, {3},       values, NULL},
            {cases[i].count,  0, {0},       values, NULL},
        };
        float block[BLOCK];
        char removed[WEIGHTS_PREFIX];
        Failure failure = {0};
        assert_success(cnn_tensors_write(path, &model, tensors, 4, NULL, 0, &failure), &failure);
        int status = cnn_weights_read(path, &model, block, removed, &failure);
        if (cases[i].message)
            assert_failure(status, &failure, STATUS_MALFORMED, cases[i].message);
        else
            assert_success(status, &failure);
        assert_string_equal(removed, cases[i].removed);
    }
}

static void names_the_files_of_other_frameworks(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *message;
    } cases[] = {
        {"PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0archive/data.pkl", 46,
         "w: a PyTorch file (zip) where a safetensors file was expected; in Python: "
         "safetensors.torch.save_file("                                                                                 },
        {"PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0x.npy",              35, "a NumPy archive"        },
        {"PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0notes",              35, "a zip archive"          },
        {"PK\3\4\x14\0\0\0",                                                               8,  "a zip archive"          },
        {"\x80\2\x8a\nl\xfc\x9c\x46",                                                      8,  "a PyTorch file (pickle)"},
        {"\x89HDF\r\n\x1a\n",                                                              8,  "a Keras file (HDF5)"    },
        {"\x93NUMPY\1\0",                                                                  8,  "a NumPy array"          },
        {"\x08\x07\x12\x07pytorch",                                                        11, "an ONNX model"          },
        {"\0\0\0\0\2\0\0\0",                                                               8,  "a darknet weight file"  },
        {"version https://git-lfs",                                                        23, "Git LFS"                },
    };
    TensorFile file;
    Failure failure;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_failure(parse(cases[i].bytes, cases[i].size, &file, &failure), &failure, STATUS_MALFORMED,
                       cases[i].message);
}

static void refuses_types_that_are_no_floats(void **state) {
    unsigned char buffer[500];
    const char *header = "{" ENTRY("conv_1.weight", "I32", "3,2,2", 0, 48) "}";
    const char *path = scratch_write(state, "i.safetensors", buffer, compose(buffer, header, 48));
    float block[BLOCK];
    Failure failure = {0};
    assert_failure(cnn_weights_read(path, &model, block, (char[WEIGHTS_PREFIX]){0}, &failure), &failure,
                   STATUS_MALFORMED, "tensor 'conv_1.weight' is I32; F32, F16 or BF16 was expected");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_logical_to_storage),
        cmocka_unit_test(groups_and_blocks),
        cmocka_unit_test(comes_back_as_written),
        cmocka_unit_test(writes_gradients),
        cmocka_unit_test(checkpoints_have_prefixes_and_strings),
        cmocka_unit_test(takes_every_well_formed_file),
        cmocka_unit_test(says_what_is_malformed),
        cmocka_unit_test(checks_the_length_of_the_header),
        cmocka_unit_test(survives_truncation_and_flips),
        cmocka_unit_test(widens_halves),
        cmocka_unit_test(fits_exactly_the_model),
        cmocka_unit_test(refuses_types_that_are_no_floats),
        cmocka_unit_test(takes_a_shared_prefix_off),
        cmocka_unit_test(names_the_files_of_other_frameworks),
    };
    return cmocka_run_group_tests(tests, setup_scratch, teardown_scratch);
}
