/* Images of any format as the caller wants them. See image.h. */
#include "data/image.h"

#include "base/aligned.h"
#include "base/file.h"
#include "data/image_codec.h"

#include <math.h>
#include <string.h>

enum { MAGIC_AT_MOST = 8 }; /* bytes */

/* Bytes; a pipe or a device may go on for ever. What is not compressed is as large as the largest image. */
enum { MAX_PACKED = 64 << 20, MAX_PLAIN = 3 * IMAGE_MAX_PIXELS + (1 << 20), MAX_STREAM = 32 << 20 };

/* ITU-R 601 luma in 16-bit fixed point; the weights add up to 65536. */
static uint8_t luma(const uint8_t *rgb) {
    return (uint8_t)((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 32768u) >> 16);
}

static int convert(const char *name, int32_t channels, Image *image, Failure *failure) {
    if (image->channels == channels) return STATUS_OK;
    Image converted;
    int status =
        image_allocate(name, (uint64_t)image->width, (uint64_t)image->height, channels, &converted, failure);
    size_t count = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < count && !status; i++) {
        if (channels == 1)
            converted.pixels[i] = luma(image->pixels + 3 * i);
        else
            memset(converted.pixels + 3 * i, image->pixels[i], 3);
    }
    cnn_image_free(image);
    if (!status) *image = converted;
    return status;
}

typedef int (*Decode)(const ImageBytes *source, Image *image, Failure *failure);

typedef struct ImageFormat {
    const char *magic;
    size_t length;
    Decode decode;
    uint64_t largest; /* bytes of a file */
} ImageFormat;

/* Of a file that begins so; NULL: none that is read here. */
static const ImageFormat *find_format(const void *bytes, size_t size) {
    static const ImageFormat formats[] = {
        {"\x89PNG\r\n\x1a\n", 8, image_decode_png,  MAX_PACKED},
        {"\xff\xd8\xff",      3, image_decode_jpeg, MAX_PACKED},
        {"P5",                2, image_decode_pnm,  MAX_PLAIN },
        {"P6",                2, image_decode_pnm,  MAX_PLAIN },
        {"P2",                2, image_decode_pnm,  MAX_PLAIN },
        {"P3",                2, image_decode_pnm,  MAX_PLAIN }
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (size >= formats[i].length && !memcmp(bytes, formats[i].magic, formats[i].length))
            return &formats[i];
    return NULL;
}

static int fail_unknown(const char *name, Failure *failure) {
    return cnn_fail(failure, STATUS_MALFORMED, "%s: no PNG, JPEG, PGM or PPM image", name);
}

int cnn_image_decode(const char *name, const void *bytes, size_t size, int32_t channels, Image *image,
                     Failure *failure) {
    memset(image, 0, sizeof *image);
    const ImageFormat *format = find_format(bytes, size);
    if (!format) return fail_unknown(name, failure);
    int status = format->decode(&(ImageBytes){name, bytes, size}, image, failure);
    return status ? status : convert(name, channels, image, failure);
}

int cnn_image_read(const char *path, int32_t channels, Image *image, Failure *failure) {
    memset(image, 0, sizeof *image);
    Reader *reader;
    void *bytes = NULL;
    uint64_t size = 0;
    int status = cnn_reader_open_raw(&reader, path, failure);
    if (status) return status;
    const unsigned char *first;
    size_t at_hand;
    bool regular = cnn_reader_left(reader) != UINT64_MAX;
    status = cnn_reader_peek(reader, &first, &at_hand, failure);
    const ImageFormat *format = status ? NULL : find_format(first, at_hand);
    /* A pipe may give less at first than tells what it is. */
    if (!status && !format && (regular || at_hand >= MAGIC_AT_MOST)) status = fail_unknown(path, failure);
    uint64_t largest = format && regular ? format->largest : MAX_STREAM;
    if (!status) status = cnn_reader_read_all(reader, &bytes, &size, largest, failure);
    cnn_reader_close(reader);
    if (!status) status = cnn_image_decode(path, bytes, size, channels, image, failure);
    cnn_aligned_free(bytes);
    return status;
}

/* Where an output place falls among the input's: two neighbours and the second one's share. */
typedef struct Tap {
    int32_t near, far;
    float share;
} Tap;

static Tap find_tap(int32_t place, int32_t from, int32_t to) {
    double centre = ((double)place + 0.5) * from / to - 0.5;
    if (centre < 0) centre = 0;
    int32_t near = (int32_t)centre;
    if (near > from - 1) near = from - 1;
    return (Tap){near, near + 1 < from ? near + 1 : near, (float)(centre - near)};
}

int cnn_image_resize(const Image *image, int32_t height, int32_t width, Image *resized, Failure *failure) {
    int32_t channels = image->channels;
    int status =
        image_allocate("a resized image", (uint64_t)width, (uint64_t)height, channels, resized, failure);
    if (status) return status;
    size_t row = (size_t)image->width * (size_t)channels;
    uint8_t *out = resized->pixels;
    for (int32_t y = 0; y < height; y++) {
        Tap v = find_tap(y, image->height, height);
        const uint8_t *upper = image->pixels + (size_t)v.near * row,
                      *lower = image->pixels + (size_t)v.far * row;
        for (int32_t x = 0; x < width; x++) {
            Tap h = find_tap(x, image->width, width);
            for (int32_t c = 0; c < channels; c++) {
                size_t left = (size_t)h.near * (size_t)channels + (size_t)c,
                       right = (size_t)h.far * (size_t)channels + (size_t)c;
                float above = (float)upper[left] * (1 - h.share) + (float)upper[right] * h.share;
                float below = (float)lower[left] * (1 - h.share) + (float)lower[right] * h.share;
                *out++ = (uint8_t)(above * (1 - v.share) + below * v.share + 0.5f);
            }
        }
    }
    return STATUS_OK;
}

static int resize_to(int32_t height, int32_t width, Image *image, Failure *failure) {
    if (image->height == height && image->width == width) return STATUS_OK;
    Image resized;
    int status = cnn_image_resize(image, height, width, &resized, failure);
    if (status) return status;
    cnn_image_free(image);
    *image = resized;
    return STATUS_OK;
}

int cnn_image_fits_model(const cnn_model *model, Failure *failure) {
    int64_t channels = model->input_rank == 3 ? model->input_shape[2] : 0;
    if (channels == 1 || channels == 3) return STATUS_OK;
    return cnn_fail(failure, STATUS_MALFORMED,
                    "model %s takes no images: its input is not height x width x 1 or 3", model->name);
}

int cnn_image_read_sample(const char *path, const cnn_model *model, uint8_t *sample, Failure *failure) {
    const int64_t *shape = model->input_shape;
    int64_t channels = shape[2];
    Image image;
    int status = cnn_image_fits_model(model, failure);
    if (!status) status = cnn_image_read(path, (int32_t)channels, &image, failure);
    if (status) return status;
    const cnn_data *data = model->data;
    if (!status && data && data->resize_height > 0 && data->resize_width > 0)
        status = resize_to(data->resize_height, data->resize_width, &image, failure);
    if (!status && (image.height != shape[0] || image.width != shape[1]))
        status =
            cnn_fail(failure, STATUS_MALFORMED,
                     "%s: an image %d high and %d wide; model %s takes %lldx%lld (resize in its data block "
                     "would fit it)",
                     path, image.height, image.width, model->name, (long long)shape[0], (long long)shape[1]);
    if (!status) memcpy(sample, image.pixels, (size_t)(shape[0] * shape[1] * channels));
    cnn_image_free(&image);
    return status;
}
