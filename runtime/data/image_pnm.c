/* PGM and PPM, plain (P2, P3) and raw (P5, P6), up to 16 bits a value. */
#include "data/image_codec.h"

#include <string.h>

enum { MAX_VALUE = 65535 };

typedef struct PnmScan {
    const ImageBytes *source;
    size_t at;
    Failure *failure;
} PnmScan;

static int malformed(const PnmScan *scan, const char *expected) {
    return cnn_fail(scan->failure, STATUS_MALFORMED, "%s: damaged PGM or PPM, byte %llu: %s expected",
                    scan->source->name, (unsigned long long)scan->at, expected);
}

static bool is_blank(unsigned char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Blanks and comments, then a number up to limit. */
static int scan_number(PnmScan *scan, uint32_t limit, uint32_t *number) {
    const unsigned char *bytes = scan->source->bytes;
    size_t size = scan->source->size;
    while (scan->at < size && (is_blank(bytes[scan->at]) || bytes[scan->at] == '#')) {
        if (bytes[scan->at] == '#')
            while (scan->at < size && bytes[scan->at] != '\n') scan->at++;
        else
            scan->at++;
    }
    size_t begin = scan->at;
    uint64_t value = 0;
    while (scan->at < size && bytes[scan->at] >= '0' && bytes[scan->at] <= '9' && value <= limit)
        value = value * 10 + (uint64_t)(bytes[scan->at++] - '0');
    *number = (uint32_t)value;
    if (scan->at == begin) return malformed(scan, "a number");
    return value <= limit ? STATUS_OK : malformed(scan, "a smaller number");
}

/* A raw value of one byte, or two where the largest value needs them. */
static uint32_t raw_value(const unsigned char *bytes, size_t index, bool wide) {
    return wide ? (uint32_t)bytes[2 * index] << 8 | bytes[2 * index + 1] : bytes[index];
}

static int read_values(PnmScan *scan, bool plain, uint32_t largest, Image *image) {
    size_t count = (size_t)image->width * (size_t)image->height * (size_t)image->channels;
    bool wide = largest > 255;
    if (!plain && (scan->source->size - scan->at) / (wide ? 2 : 1) < count) {
        scan->at = scan->source->size;
        return malformed(scan, "more pixels");
    }
    const unsigned char *raw = scan->source->bytes + scan->at;
    for (size_t i = 0; i < count; i++) {
        uint32_t value;
        if (plain) {
            int status = scan_number(scan, largest, &value);
            if (status) return status;
        } else {
            value = raw_value(raw, i, wide);
        }
        if (value > largest) {
            scan->at += i * (wide ? 2 : 1);
            return malformed(scan, "a value up to the largest that the header says");
        }
        image->pixels[i] = (uint8_t)((value * 255 + largest / 2) / largest);
    }
    return STATUS_OK;
}

int image_decode_pnm(const ImageBytes *source, Image *image, Failure *failure) {
    PnmScan scan = {source, 2, failure};
    bool plain = source->bytes[1] < '5';
    image->channels = source->bytes[1] == '3' || source->bytes[1] == '6' ? 3 : 1;
    uint32_t width, height, largest;
    int status = scan_number(&scan, INT32_MAX, &width);
    if (!status) status = scan_number(&scan, INT32_MAX, &height);
    if (!status) status = scan_number(&scan, MAX_VALUE, &largest);
    if (!status && largest == 0) status = malformed(&scan, "a largest value of 1 at least");
    if (!status && (scan.at == source->size || !is_blank(source->bytes[scan.at])))
        status = malformed(&scan, "a blank");
    scan.at++;
    if (!status) status = image_allocate(source->name, width, height, image->channels, image, failure);
    if (!status) status = read_values(&scan, plain, largest, image);
    if (status) cnn_image_free(image);
    return status;
}
