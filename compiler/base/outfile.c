/* See outfile.h. */
#define _GNU_SOURCE
#include "base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_FILE = 4 };

static int complain(const char *path, int error) {
    fprintf(stderr, "cnnc: error: cannot write %s: %s\n", path, strerror(error));
    return EXIT_FILE;
}

/* 0 or errno. */
static int write_all(int file, const char *bytes, size_t size) {
    while (size) {
        ssize_t written = write(file, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

static int write_in_place(const char *path, const void *bytes, size_t size) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return errno;
    int error = write_all(file, bytes, size);
    if (close(file) && !error) error = errno;
    return error;
}

/* `mode`: of the file that is replaced, or what a fresh one gets. */
static int write_beside(const char *path, const void *bytes, size_t size, mode_t mode) {
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX.tmp", path) < 0) return ENOMEM;
    int file = mkostemps(temporary, 4, O_CLOEXEC), error = file < 0 ? errno : 0;
    if (file >= 0) {
        error = write_all(file, bytes, size);
        if (!error && (fchmod(file, mode) || fsync(file))) error = errno;
        if (close(file) && !error) error = errno;
        if (!error && rename(temporary, path)) error = errno;
        if (error) unlink(temporary);
    }
    free(temporary);
    return error;
}

int outfile_write(const char *path, const void *bytes, size_t size) {
    struct stat old;
    int exists = !stat(path, &old);
    if (exists && !S_ISREG(old.st_mode)) {
        int error = S_ISDIR(old.st_mode) ? EISDIR : write_in_place(path, bytes, size);
        return error ? complain(path, error) : 0;
    }
    mode_t mask = umask(0);
    umask(mask);
    char *target = exists ? realpath(path, NULL) : NULL; /* a link stays, what it leads to is replaced */
    sigset_t interrupts, before;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    sigaddset(&interrupts, SIGTERM);
    sigprocmask(SIG_BLOCK, &interrupts, &before);
    int error =
        write_beside(target ? target : path, bytes, size, exists ? old.st_mode & 07777 : 0666 & ~mask);
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(target);
    return error ? complain(path, error) : 0;
}
