/* The memory of an image. See image.h and image_codec.h. */
#include "data/image_codec.h"

#include <stdlib.h>

int image_allocate(const char *name, uint64_t width, uint64_t height, int32_t channels, Image *image,
                   Failure *failure) {
    image->pixels = NULL;
    if (width == 0 || height == 0)
        return cnn_fail(failure, STATUS_MALFORMED,
                        "%s: an image of %llux%llu pixels; one at least was expected", name,
                        (unsigned long long)width, (unsigned long long)height);
    if (width > IMAGE_MAX_SIDE || height > IMAGE_MAX_SIDE || width * height > IMAGE_MAX_PIXELS)
        return cnn_fail(failure, STATUS_MALFORMED,
                        "%s: an image of %llux%llu pixels; at most %d of them are read", name,
                        (unsigned long long)width, (unsigned long long)height, IMAGE_MAX_PIXELS);
    image->width = (int32_t)width;
    image->height = (int32_t)height;
    image->channels = channels;
    image->pixels = calloc((size_t)(width * height), (size_t)channels);
    return image->pixels ? STATUS_OK : cnn_fail_memory(failure, name, width * height * (uint64_t)channels);
}

void cnn_image_free(Image *image) {
    free(image->pixels);
    image->pixels = NULL;
}
