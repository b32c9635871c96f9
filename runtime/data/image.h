/* Images: PNG, JPEG, PGM and PPM to 8-bit grey or RGB, bilinear resizing, and PNG out. Alpha is dropped, 16
 * bits are scaled to 8, grey from RGB is ITU-R 601 luma; CMYK JPEGs are refused. Anything truncated or
 * damaged is STATUS_MALFORMED. */
#ifndef CNN_DATA_IMAGE_H
#define CNN_DATA_IMAGE_H

#include "abi.h"
#include "base/status.h"

#include <stddef.h>

enum { IMAGE_MAX_SIDE = 65535, IMAGE_MAX_PIXELS = 1 << 27 };

typedef struct Image {
    int32_t height, width, channels; /* 1 or 3 */
    uint8_t *pixels;                 /* rows from the top, channels last, no gaps */
} Image;

/* channels: what the caller wants, 1 or 3. */
int cnn_image_read(const char *path, int32_t channels, Image *image, Failure *failure);
int cnn_image_decode(const char *name, const void *bytes, size_t size, int32_t channels, Image *image,
                     Failure *failure);
/* Half-pixel centres, no smoothing when it shrinks, rounded to nearest: what PyTorch's
 * interpolate(mode="bilinear") does. */
int cnn_image_resize(const Image *image, int32_t height, int32_t width, Image *resized, Failure *failure);
void cnn_image_free(Image *image);

/* STATUS_MALFORMED where the model's input is no image of 1 or 3 channels. */
int cnn_image_fits_model(const cnn_model *model, Failure *failure);
/* Reads an image as the model's input wants it, after the data block's resize, into sample: input elements of
 * bytes (CNN_SAMPLE_BYTE). Another size is STATUS_MALFORMED. */
int cnn_image_read_sample(const char *path, const cnn_model *model, uint8_t *sample, Failure *failure);

int cnn_image_write_png(const char *path, const Image *image, Failure *failure);

#endif
