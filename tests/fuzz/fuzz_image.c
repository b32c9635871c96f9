/* libFuzzer: any bytes as an image; the first one's low bit asks for grey or RGB. */
#include "data/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Failure failure = {0};
    Image image, resized;
    if (size == 0) return 0;
    int channels = bytes[0] & 1 ? 3 : 1;
    int status = cnn_image_decode("fuzz", bytes + 1, size - 1, channels, &image, &failure);
    if (status != failure.exit_code || (status && status != STATUS_MALFORMED) ||
        (status && !failure.message[0]))
        abort();
    if (status) return 0;
    if (image.channels != channels) abort();
    if (!cnn_image_resize(&image, 5, 7, &resized, &failure)) cnn_image_free(&resized);
    cnn_image_free(&image);
    return 0;
}
