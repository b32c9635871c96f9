/* PNG in and out with libpng, whose errors come back here by longjmp; everything that must survive one is in
 * a structure. */
#include "base/aligned.h"
#include "base/file.h"
#include "data/image_codec.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CHUNK = 8 << 20 };

/* libpng reports a lack of memory as damage; what its allocator met tells the two apart. The flag is its
 * mem_ptr. */
static png_voidp allocate(png_structp png, png_alloc_size_t size) {
    void *block = malloc(size);
    if (!block) *(bool *)png_get_mem_ptr(png) = true;
    return block;
}

static void release(png_structp png, png_voidp block) {
    (void)png;
    free(block);
}

typedef struct PngDecoding {
    bool out_of_memory;
    const ImageBytes *source;
    size_t position;
    png_structp png;
    png_infop info;
    Image *image;
    Failure *failure;
    int status;
} PngDecoding;

static void on_error(png_structp png, png_const_charp message) {
    PngDecoding *decoding = png_get_error_ptr(png);
    const char *name = decoding->source->name;
    decoding->status = decoding->out_of_memory
                           ? cnn_fail(decoding->failure, STATUS_MEMORY, "%s: out of memory for its PNG", name)
                           : cnn_fail(decoding->failure, STATUS_MALFORMED, "%s: damaged PNG, byte %llu: %s",
                                      name, (unsigned long long)decoding->position, message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void read_bytes(png_structp png, png_bytep bytes, size_t size) {
    PngDecoding *decoding = png_get_io_ptr(png);
    size_t left = decoding->source->size - decoding->position;
    if (size > left) {
        decoding->position = decoding->source->size;
        png_error(png, "the file ends early");
    }
    memcpy(bytes, decoding->source->bytes + decoding->position, size);
    decoding->position += size;
}

/* Texts, profiles and the like say nothing of the pixels, and any number of them may be there. */
static void skip_ancillary(png_structp png) {
    static const png_byte skipped[] =
        "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0"
        "sPLT\0sRGB\0sTER\0tEXt\0tIME\0zTXt";
    enum { BYTES_EACH = 5 };
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, skipped, sizeof skipped / BYTES_EACH);
}

/* 8 bits a channel, grey or RGB, alpha dropped. */
static void choose_output(PngDecoding *decoding) {
    png_structp png = decoding->png;
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_strip_alpha(png);
    decoding->image->channels = png_get_color_type(png, decoding->info) & PNG_COLOR_MASK_COLOR ? 3 : 1;
}

/* Where libpng's errors land. */
static void decode_guarded(PngDecoding *decoding) {
    png_structp png = decoding->png;
    Image *image = decoding->image;
    if (setjmp(png_jmpbuf(png))) return;
    png_set_read_fn(png, decoding, read_bytes);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* image_allocate says it with the size */
    png_set_chunk_malloc_max(png, MAX_CHUNK);
    skip_ancillary(png);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_read_info(png, decoding->info);
    choose_output(decoding);
    int passes = png_set_interlace_handling(png);
    decoding->status =
        image_allocate(decoding->source->name, png_get_image_width(png, decoding->info),
                       png_get_image_height(png, decoding->info), image->channels, image, decoding->failure);
    if (decoding->status) return;
    png_read_update_info(png, decoding->info);
    size_t row_bytes = (size_t)image->width * (size_t)image->channels;
    if (png_get_rowbytes(png, decoding->info) != row_bytes) png_error(png, "rows of an unexpected size");
    for (int pass = 0; pass < passes; pass++)
        for (int32_t y = 0; y < image->height; y++)
            png_read_row(png, image->pixels + (size_t)y * row_bytes, NULL);
    png_read_end(png, NULL);
}

int image_decode_png(const ImageBytes *source, Image *image, Failure *failure) {
    PngDecoding decoding = {.source = source, .image = image, .failure = failure};
    decoding.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &decoding, on_error, on_warning,
                                            &decoding.out_of_memory, allocate, release);
    if (decoding.png) decoding.info = png_create_info_struct(decoding.png);
    if (decoding.info)
        decode_guarded(&decoding);
    else
        decoding.status = cnn_fail_memory(failure, source->name, 1 << 10);
    png_destroy_read_struct(&decoding.png, &decoding.info, NULL);
    if (decoding.status) cnn_image_free(image);
    return decoding.status;
}

typedef struct PngEncoding {
    bool out_of_memory;
    png_structp png;
    png_infop info;
    const Image *image;
    const char *path;
    Writer *writer;
    Failure *failure;
    int status;
} PngEncoding;

static void on_write_error(png_structp png, png_const_charp message) {
    PngEncoding *encoding = png_get_error_ptr(png);
    if (!encoding->status)
        encoding->status = cnn_fail(encoding->failure, encoding->out_of_memory ? STATUS_MEMORY : STATUS_FILE,
                                    "%s: cannot write: %s", encoding->path, message);
    png_longjmp(png, 1);
}

static void write_bytes(png_structp png, png_bytep bytes, size_t size) {
    PngEncoding *encoding = png_get_io_ptr(png);
    encoding->status = cnn_writer_write(encoding->writer, bytes, size, encoding->failure);
    if (encoding->status) png_error(png, "writing failed");
}

static void flush_nothing(png_structp png) {
    (void)png;
}

static void encode_guarded(PngEncoding *encoding) {
    png_structp png = encoding->png;
    const Image *image = encoding->image;
    if (setjmp(png_jmpbuf(png))) return;
    png_set_write_fn(png, encoding, write_bytes, flush_nothing);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(png, encoding->info, (png_uint_32)image->width, (png_uint_32)image->height, 8,
                 image->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, encoding->info);
    for (int32_t y = 0; y < image->height; y++)
        png_write_row(png, image->pixels + (size_t)y * (size_t)image->width * (size_t)image->channels);
    png_write_end(png, NULL);
}

int cnn_image_write_png(const char *path, const Image *image, Failure *failure) {
    PngEncoding encoding = {.image = image, .path = path, .failure = failure};
    int status = cnn_writer_open(&encoding.writer, path, failure);
    if (status) return status;
    encoding.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &encoding, on_write_error, on_warning,
                                             &encoding.out_of_memory, allocate, release);
    if (encoding.png) encoding.info = png_create_info_struct(encoding.png);
    if (encoding.info)
        encode_guarded(&encoding);
    else
        encoding.status = cnn_fail_memory(failure, path, 1 << 10);
    png_destroy_write_struct(&encoding.png, &encoding.info);
    if (!encoding.status) return cnn_writer_commit(encoding.writer, failure);
    cnn_writer_abandon(encoding.writer);
    return encoding.status;
}
