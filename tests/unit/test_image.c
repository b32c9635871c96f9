/* Images: what each format decodes to, resizing, and damaged files. */
#include "unit/scratch.h"

#include "data/image.h"
#include "unit/data_model.h"

#include <jpeglib.h>
#include <png.h>

typedef struct Bytes {
    unsigned char *bytes;
    size_t size;
} Bytes;

static void append(png_structp png, png_bytep bytes, size_t size) {
    Bytes *to = png_get_io_ptr(png);
    to->bytes = realloc(to->bytes, to->size + size);
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static void flush_nothing(png_structp png) {
    (void)png;
}

/* Any kind of PNG; rows are row_bytes apart. */
static Bytes encode_png(int width, int height, int depth, int kind, int interlace, const unsigned char *rows,
                        int row_bytes) {
    Bytes to = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &to, append, flush_nothing);
    png_set_IHDR(png, info, (unsigned)width, (unsigned)height, depth, kind, interlace, 0, 0);
    static const png_color palette[] = {
        {1,   2,   3  },
        {10,  20,  30 },
        {100, 150, 200},
        {255, 255, 255}
    };
    if (kind == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 4);
    png_write_info(png, info);
    int passes = interlace ? png_set_interlace_handling(png) : 1;
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < height; y++) png_write_row(png, rows + y * row_bytes);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return to;
}

static Bytes encode_jpeg(int width, int height, int channels, J_COLOR_SPACE space, bool progressive,
                         const unsigned char *pixels) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *buffer = NULL;
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &buffer, &size);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = channels;
    jpeg.in_color_space = space;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 98, TRUE);
    if (progressive) jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)pixels + jpeg.next_scanline * (unsigned)(width * channels);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return (Bytes){buffer, size};
}

/* Decodes from a copy on the heap. */
static int decode(const void *bytes, size_t size, int channels, Image *image, Failure *failure) {
    memset(failure, 0, sizeof *failure);
    unsigned char *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    int status = cnn_image_decode("x", copy, size, channels, image, failure);
    free(copy);
    return status;
}

static void expect_pixels(Bytes file, int channels, int width, int height, const unsigned char *pixels) {
    Image image;
    Failure failure;
    assert_success(decode(file.bytes, file.size, channels, &image, &failure), &failure);
    assert_int_equal(image.width, width);
    assert_int_equal(image.height, height);
    assert_int_equal(image.channels, channels);
    assert_memory_equal(image.pixels, pixels, (size_t)(width * height * channels));
    cnn_image_free(&image);
    free(file.bytes);
}

static void reads_every_kind_of_png(void **state) {
    (void)state;
    static const unsigned char grey[] = {0, 50, 255, 7, 8, 9}, rgb[] = {255, 0, 0, 0, 255, 0};
    static const unsigned char grey_rgb[] = {0, 0, 0, 50, 50, 50, 255, 255, 255, 7, 7, 7, 8, 8, 8, 9, 9, 9};
    static const unsigned char luma[] = {76, 150}, alpha[] = {10, 20, 30, 0, 40, 50, 60, 255},
                               opaque[] = {10, 20, 30, 40, 50, 60};
    static const unsigned char wide[] = {0, 128, 255, 255, 0x80, 0}, narrowed[] = {0, 255, 128};
    static const unsigned char indices[] = {0x1b},
                               colours[] = {1, 2, 3, 10, 20, 30, 100, 150, 200, 255, 255, 255};
    static const unsigned char bits[] = {0xa0}, bit_pixels[] = {255, 0, 255};
    for (int interlace = 0; interlace < 2; interlace++) {
        expect_pixels(encode_png(3, 2, 8, PNG_COLOR_TYPE_GRAY, interlace, grey, 3), 1, 3, 2, grey);
        expect_pixels(encode_png(3, 2, 8, PNG_COLOR_TYPE_GRAY, interlace, grey, 3), 3, 3, 2, grey_rgb);
        expect_pixels(encode_png(2, 1, 8, PNG_COLOR_TYPE_RGB, interlace, rgb, 6), 3, 2, 1, rgb);
        expect_pixels(encode_png(2, 1, 8, PNG_COLOR_TYPE_RGB, interlace, rgb, 6), 1, 2, 1, luma);
        expect_pixels(encode_png(2, 1, 8, PNG_COLOR_TYPE_RGB_ALPHA, interlace, alpha, 8), 3, 2, 1, opaque);
        expect_pixels(encode_png(3, 1, 16, PNG_COLOR_TYPE_GRAY, interlace, wide, 6), 1, 3, 1, narrowed);
        expect_pixels(encode_png(4, 1, 2, PNG_COLOR_TYPE_PALETTE, interlace, indices, 1), 3, 4, 1, colours);
        expect_pixels(encode_png(3, 1, 1, PNG_COLOR_TYPE_GRAY, interlace, bits, 1), 1, 3, 1, bit_pixels);
    }
}

static void reads_pgm_and_ppm(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        int channels, width, height;
        const char *pixels;
    } cases[] = {
        {"P5 2 1 255\n\x01\xff",                   13, 1, 2, 1, "\x01\xff"        },
        {"P5\n# a comment\n2 #c\n1\n15\n\x01\x0f", 27, 1, 2, 1, "\x11\xff"        },
        {"P5 2 1 65535 \x00\x00\xff\xff",          17, 1, 2, 1, "\x00\xff"        },
        {"P6 1 1 255 \x01\x02\x03",                14, 3, 1, 1, "\x01\x02\x03"    },
        {"P2 2 2 10 0 5\n10 1",                    18, 1, 2, 2, "\x00\x80\xff\x1a"},
        {"P3 1 1 255 1 2 3\n",                     17, 3, 1, 1, "\x01\x02\x03"    },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Bytes file = {malloc(cases[i].size), cases[i].size};
        memcpy(file.bytes, cases[i].text, cases[i].size);
        expect_pixels(file, cases[i].channels, cases[i].width, cases[i].height,
                      (const unsigned char *)cases[i].pixels);
    }
}

static void reads_jpeg(void **state) {
    (void)state;
    unsigned char pixels[16 * 16 * 3];
    for (int i = 0; i < 16 * 16; i++) {
        pixels[3 * i] = (unsigned char)(i / 16 * 10);
        pixels[3 * i + 1] = (unsigned char)(i % 16 * 10);
        pixels[3 * i + 2] = 90;
    }
    for (int progressive = 0; progressive < 2; progressive++) {
        Bytes file = encode_jpeg(16, 16, 3, JCS_RGB, progressive, pixels);
        Image image;
        Failure failure;
        assert_success(decode(file.bytes, file.size, 3, &image, &failure), &failure);
        assert_int_equal(image.width, 16);
        for (int i = 0; i < 16 * 16 * 3; i++) assert_in_range(image.pixels[i] + 12 - pixels[i], 0, 24);
        cnn_image_free(&image);
        assert_success(decode(file.bytes, file.size, 1, &image, &failure), &failure);
        assert_in_range(image.pixels[0], 4, 17);
        cnn_image_free(&image);
        free(file.bytes);
    }
}

static void refuses_cmyk(void **state) {
    (void)state;
    static const unsigned char pixels[8 * 8 * 4];
    Bytes file = encode_jpeg(8, 8, 4, JCS_CMYK, false, pixels);
    Image image;
    Failure failure;
    assert_failure(decode(file.bytes, file.size, 3, &image, &failure), &failure, STATUS_MALFORMED,
                   "a JPEG of 4 channels (CMYK); grey or RGB was expected");
    free(file.bytes);
}

/* An end that is missing anywhere is damage. Flipped bits may go unseen in a JPEG, but never do harm. */
static void survives_damage(void **state) {
    (void)state;
    unsigned char pixels[24 * 24 * 3];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)(i * i * 31 >> 3);
    Bytes files[] = {encode_png(24, 24, 8, PNG_COLOR_TYPE_RGB, 0, pixels, 72),
                     encode_png(24, 24, 8, PNG_COLOR_TYPE_RGB, 1, pixels, 72),
                     encode_jpeg(24, 24, 3, JCS_RGB, false, pixels),
                     encode_jpeg(24, 24, 3, JCS_RGB, true, pixels)};
    for (int f = 0; f < 4; f++) {
        Image image;
        Failure failure;
        for (size_t cut = 0; cut < files[f].size; cut++) {
            int status = decode(files[f].bytes, cut, 3, &image, &failure);
            if (status != STATUS_MALFORMED) fail_msg("file %d cut to %zu bytes: status %d", f, cut, status);
            assert_null(image.pixels);
        }
        for (size_t at = 0; at < files[f].size; at++) {
            files[f].bytes[at] ^= (unsigned char)(1 << at % 8);
            int status = decode(files[f].bytes, files[f].size, 3, &image, &failure);
            if (f < 2)
                assert_int_equal(status, STATUS_MALFORMED);
            else
                assert_true(status == STATUS_OK || status == STATUS_MALFORMED);
            cnn_image_free(&image);
            files[f].bytes[at] ^= (unsigned char)(1 << at % 8);
        }
        free(files[f].bytes);
    }
}

static void refuses_what_is_too_large_or_no_image(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *message;
    } cases[] = {
        {"",                       0,  "no PNG, JPEG, PGM or PPM image"                   },
        {"GIF89a",                 6,  "no PNG, JPEG, PGM or PPM image"                   },
        {"P4 1 1 \1",              8,  "no PNG, JPEG, PGM or PPM image"                   },
        {"P5 50000 50000 255 ",    19, "an image of 50000x50000 pixels; at most 134217728"},
        {"P5 0 5 255 ",            11, "an image of 0x5 pixels"                           },
        {"P5 99999999999 1 255 x", 22, "a smaller number"                                 },
        {"P5 1 1 65536 xx",        15, "a smaller number"                                 },
        {"P5 1 1 0 x",             10, "a largest value of 1 at least"                    },
        {"P5 2 1 255 x",           12, "more pixels"                                      },
        {"P5 2 1 256 xxx",         14, "more pixels"                                      },
        {"P5 1 1 9 x",             10, "a value up to the largest"                        },
        {"P5 1 1 255",             10, "a blank"                                          },
        {"P5 x",                   4,  "a number"                                         },
        {"P2 2 1 255 3",           12, "a number"                                         },
        {"P2 1 1 255 256",         14, "a smaller number"                                 },
    };
    Image image;
    Failure failure;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_failure(decode(cases[i].text, cases[i].size, 1, &image, &failure), &failure, STATUS_MALFORMED,
                       cases[i].message);
    /* A PNG of 50,000 x 50,000, by its header, whose checksum is right. */
    unsigned char pixel = 0;
    Bytes file = encode_png(1, 1, 8, PNG_COLOR_TYPE_GRAY, 0, &pixel, 1);
    memcpy(file.bytes + 16, "\0\0\xc3\x50\0\0\xc3\x50", 8);
    unsigned long checksum = crc32(0, file.bytes + 12, 17);
    for (int i = 0; i < 4; i++) file.bytes[29 + i] = (unsigned char)(checksum >> (24 - 8 * i));
    assert_failure(decode(file.bytes, file.size, 1, &image, &failure), &failure, STATUS_MALFORMED,
                   "an image of 50000x50000 pixels");
    free(file.bytes);
}

/* Values that torch.nn.functional.interpolate(mode="bilinear", align_corners=False) gives, rounded. */
static void resizes_between_centres(void **state) {
    (void)state;
    uint8_t square[] = {0, 100, 200, 40}, ramp[] = {0, 10, 20, 30, 40, 50, 60, 70};
    static const uint8_t larger[] = {0, 25, 75, 100, 50, 59, 76, 85, 150, 126, 79, 55, 200, 160, 80, 40};
    static const uint8_t halved[] = {5, 25, 45, 65}, thirds[] = {8, 35, 62};
    Image image = {2, 2, 1, square}, resized;
    Failure failure = {0};
    assert_success(cnn_image_resize(&image, 4, 4, &resized, &failure), &failure);
    assert_memory_equal(resized.pixels, larger, 16);
    cnn_image_free(&resized);
    image = (Image){1, 8, 1, ramp};
    assert_success(cnn_image_resize(&image, 1, 4, &resized, &failure), &failure);
    assert_memory_equal(resized.pixels, halved, 4);
    cnn_image_free(&resized);
    assert_success(cnn_image_resize(&image, 1, 3, &resized, &failure), &failure);
    assert_memory_equal(resized.pixels, thirds, 3);
    cnn_image_free(&resized);
}

static void fits_the_model(void **state) {
    uint8_t pixels[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, sample[48];
    Image image = {2, 2, 3, pixels};
    Failure failure = {0};
    const char *path = scratch(state, "x.png");
    assert_success(cnn_image_write_png(path, &image, &failure), &failure);
    DataModel built;
    data_model_build(&built, CNN_FORMAT_NONE, EXTENTS(2, 2, 3), EXTENTS(3), CNN_CROSS_ENTROPY);
    assert_success(cnn_image_read_sample(path, &built.model, sample, &failure), &failure);
    assert_memory_equal(sample, pixels, 12);
    data_model_build(&built, CNN_FORMAT_NONE, EXTENTS(4, 4, 3), EXTENTS(3), CNN_CROSS_ENTROPY);
    assert_failure(cnn_image_read_sample(path, &built.model, sample, &failure), &failure, STATUS_MALFORMED,
                   "an image 2 high and 2 wide; model tried takes 4x4");
    built.data.resize_height = built.data.resize_width = 4;
    memset(&failure, 0, sizeof failure);
    assert_success(cnn_image_read_sample(path, &built.model, sample, &failure), &failure);
    assert_int_equal(sample[0], 1);
    assert_int_equal(sample[47], 12);
    data_model_build(&built, CNN_FORMAT_NONE, EXTENTS(12), EXTENTS(3), CNN_CROSS_ENTROPY);
    assert_failure(cnn_image_read_sample(path, &built.model, sample, &failure), &failure, STATUS_MALFORMED,
                   "model tried takes no images");
    memset(&failure, 0, sizeof failure);
    data_model_build(&built, CNN_FORMAT_NONE, EXTENTS(2, 2, 1), EXTENTS(3), CNN_CROSS_ENTROPY);
    assert_failure(cnn_image_read_sample(scratch(state, "absent.png"), &built.model, sample, &failure),
                   &failure, STATUS_FILE, "absent.png: cannot open");
    memset(&failure, 0, sizeof failure);
    assert_failure(cnn_image_write_png("/dev/full", &image, &failure), &failure, STATUS_FILE,
                   "/dev/full: cannot write");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_kind_of_png),
        cmocka_unit_test(reads_pgm_and_ppm),
        cmocka_unit_test(reads_jpeg),
        cmocka_unit_test(refuses_cmyk),
        cmocka_unit_test(survives_damage),
        cmocka_unit_test(refuses_what_is_too_large_or_no_image),
        cmocka_unit_test(resizes_between_centres),
        cmocka_unit_test(fits_the_model),
    };
    return cmocka_run_group_tests(tests, setup_scratch, teardown_scratch);
}
