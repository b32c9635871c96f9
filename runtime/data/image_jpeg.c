/* JPEG with libjpeg. Its errors come back here by longjmp; a warning means damaged or missing data, which it
 * would make up for with grey, and counts as an error too. */
#include "data/image_codec.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

/* A progressive file has some ten scans; each costs a pass over the whole image, however few bytes it has. */
enum { USUAL_SCANS = 16, MAX_SCANS = 64, MAX_SCANNED_PIXELS = 1 << 28 };

typedef struct JpegDecoding {
    struct jpeg_error_mgr errors; /* first: libjpeg's handlers get its address */
    struct jpeg_progress_mgr progress;
    struct jpeg_decompress_struct jpeg;
    jmp_buf landing;
    const ImageBytes *source;
    Image *image;
    Failure *failure;
    int status;
} JpegDecoding;

static void fail_with_message(JpegDecoding *decoding) {
    char message[JMSG_LENGTH_MAX];
    decoding->errors.format_message((j_common_ptr)&decoding->jpeg, message);
    int status = decoding->errors.msg_code == JERR_OUT_OF_MEMORY ? STATUS_MEMORY : STATUS_MALFORMED;
    decoding->status =
        cnn_fail(decoding->failure, status, "%s: damaged JPEG: %s", decoding->source->name, message);
    longjmp(decoding->landing, 1);
}

static void on_error(j_common_ptr jpeg) {
    fail_with_message((JpegDecoding *)jpeg->err);
}

static void on_message(j_common_ptr jpeg, int level) {
    if (level < 0) fail_with_message((JpegDecoding *)jpeg->err);
}

static void on_progress(j_common_ptr common) {
    JpegDecoding *decoding = (JpegDecoding *)common->err;
    const struct jpeg_decompress_struct *jpeg = &decoding->jpeg;
    int64_t scans = jpeg->input_scan_number, pixels = (int64_t)jpeg->image_width * jpeg->image_height;
    if (scans <= USUAL_SCANS || (scans <= MAX_SCANS && scans * pixels <= MAX_SCANNED_PIXELS)) return;
    decoding->status =
        cnn_fail(decoding->failure, STATUS_MALFORMED,
                 "%s: a JPEG of %ux%u pixels in more than %d scans; some ten were expected",
                 decoding->source->name, jpeg->image_width, jpeg->image_height, (int)scans - 1);
    longjmp(decoding->landing, 1);
}

/* Grey stays grey, YCbCr and RGB become RGB. */
static void choose_output(JpegDecoding *decoding) {
    struct jpeg_decompress_struct *jpeg = &decoding->jpeg;
    bool grey = jpeg->jpeg_color_space == JCS_GRAYSCALE;
    if (!grey && jpeg->jpeg_color_space != JCS_YCbCr && jpeg->jpeg_color_space != JCS_RGB) {
        decoding->status = cnn_fail(
            decoding->failure, STATUS_MALFORMED, "%s: a JPEG of %d channels (%s); grey or RGB was expected",
            decoding->source->name, jpeg->num_components,
            jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK ? "CMYK"
                                                                                     : "no known kind");
        longjmp(decoding->landing, 1);
    }
    jpeg->out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    decoding->image->channels = grey ? 1 : 3;
}

static void decode_guarded(JpegDecoding *decoding) {
    struct jpeg_decompress_struct *jpeg = &decoding->jpeg;
    Image *image = decoding->image;
    if (setjmp(decoding->landing)) return;
    jpeg_create_decompress(jpeg);
    jpeg->progress = &decoding->progress;
    jpeg_mem_src(jpeg, decoding->source->bytes, decoding->source->size);
    jpeg_read_header(jpeg, TRUE);
    choose_output(decoding);
    decoding->status = image_allocate(decoding->source->name, jpeg->image_width, jpeg->image_height,
                                      image->channels, image, decoding->failure);
    if (decoding->status) return;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row =
            image->pixels + (size_t)jpeg->output_scanline * (size_t)image->width * (size_t)image->channels;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_decompress(jpeg);
}

int image_decode_jpeg(const ImageBytes *source, Image *image, Failure *failure) {
    JpegDecoding decoding = {.source = source, .image = image, .failure = failure};
    decoding.jpeg.err = jpeg_std_error(&decoding.errors);
    decoding.errors.error_exit = on_error;
    decoding.errors.emit_message = on_message;
    decoding.progress.progress_monitor = on_progress;
    decode_guarded(&decoding);
    jpeg_destroy_decompress(&decoding.jpeg);
    if (decoding.status) cnn_image_free(image);
    return decoding.status;
}
