/* See rawfile.h. */
#define _GNU_SOURCE
#include "base/rawfile.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int rawfile_open(const char *path, int flags) {
    int file;
    do file = open(path, flags | O_CLOEXEC, 0600);
    while (file < 0 && errno == EINTR);
    return file;
}

ssize_t rawfile_read(int file, void *bytes, size_t size) {
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(file, (char *)bytes + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return got;
        if (got == 0) break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

int rawfile_write(int file, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size) {
        ssize_t written = write(file, at, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return written ? errno : ENOSPC;
        at += written;
        size -= (size_t)written;
    }
    return 0;
}

/* Interrupted or not, the descriptor is closed afterwards. */
int rawfile_close(int file) {
    return close(file) && errno != EINTR ? errno : 0;
}
