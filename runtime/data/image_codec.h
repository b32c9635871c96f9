/* Decoders of single image formats; each gives the channels that the file has, 1 or 3, and leaves converting
 * to others. */
#ifndef CNN_DATA_IMAGE_CODEC_H
#define CNN_DATA_IMAGE_CODEC_H

#include "data/image.h"

#include <stdbool.h>

typedef struct ImageBytes {
    const char *name; /* for messages */
    const unsigned char *bytes;
    size_t size;
} ImageBytes;

/* image's pixels are allocated; on failure there are none. */
int image_decode_png(const ImageBytes *source, Image *image, Failure *failure);
int image_decode_jpeg(const ImageBytes *source, Image *image, Failure *failure);
int image_decode_pnm(const ImageBytes *source, Image *image, Failure *failure);

/* Checks the size against the caps before it allocates pixels. */
int image_allocate(const char *name, uint64_t width, uint64_t height, int32_t channels, Image *image,
                   Failure *failure);

#endif
