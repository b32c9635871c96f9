/* Cuts pictures out of an IDX file of grey images, plain or gzip, and writes them as PGM files.
 * Usage: idx_to_pgm IMAGES FOLDER INDEX...; writes FOLDER/INDEX.pgm for each. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

static int fail(const char *path, const char *what) {
    fprintf(stderr, "idx_to_pgm: %s: %s\n", path, what);
    return 3;
}

static uint32_t extent(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int picture_write(const char *folder, const char *index, const uint8_t *picture, uint32_t height,
                         uint32_t width) {
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s.pgm", folder, index) >= sizeof path)
        return fail(folder, "the path is too long");
    FILE *file = fopen(path, "wb");
    if (!file) return perror(path), 4;
    fprintf(file, "P5\n%u %u\n255\n", width, height);
    fwrite(picture, 1, (size_t)height * width, file);
    int broken = ferror(file);
    if (fclose(file) || broken) return perror(path), 4;
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: idx_to_pgm IMAGES FOLDER INDEX...\n");
        return 2;
    }
    gzFile file = gzopen(argv[1], "rb");
    if (!file) return perror(argv[1]), 4;
    uint8_t header[16], *picture = NULL;
    int status = 0;
    if (gzread(file, header, 16) != 16 || extent(header) != 0x00000803)
        status = fail(argv[1], "not an IDX file of grey images");
    uint32_t count = extent(header + 4), height = extent(header + 8), width = extent(header + 12);
    if (!status && (height == 0 || width == 0 || height > 4096 || width > 4096))
        status = fail(argv[1], "odd extents");
    if (!status && !(picture = malloc((size_t)height * width))) status = 5;
    for (int i = 3; i < argc && !status; i++) {
        long index = strtol(argv[i], NULL, 10);
        int bytes = (int)(height * width);
        if (index < 0 || (unsigned long)index >= count) {
            status = fail(argv[i], "there is no picture of this index");
        } else if (gzseek(file, 16 + (z_off_t)index * bytes, SEEK_SET) < 0 ||
                   gzread(file, picture, (unsigned)bytes) != bytes) {
            status = fail(argv[1], "the file ends early");
        } else {
            status = picture_write(argv[2], argv[i], picture, height, width);
        }
    }
    free(picture);
    gzclose(file);
    return status;
}
