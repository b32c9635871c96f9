/* See outfile.h. */
#define _GNU_SOURCE
#include "base/outfile.h"

#include "runtime/exit_status.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int complain(const char *path, int error) {
    fprintf(stderr, "cnnc: error: cannot write %s: %s\n", path, strerror(error));
    return STATUS_FILE;
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

/* The file `temporary` waits beside its target until it takes its place; NULL: it was written in place. */
typedef struct Staged {
    char *target, *temporary;
} Staged;

/* `mode`: of the file that is replaced, or what a fresh one gets. */
static int write_temporary(Staged *staged, const OutFile *from, mode_t mode) {
    if (asprintf(&staged->temporary, "%s.XXXXXX.tmp", staged->target) < 0) {
        staged->temporary = NULL;
        return ENOMEM;
    }
    int file = mkostemps(staged->temporary, 4, O_CLOEXEC), error = file < 0 ? errno : 0;
    if (file >= 0) {
        error = write_all(file, from->bytes, from->size);
        if (!error && (fchmod(file, mode) || fsync(file))) error = errno;
        if (close(file) && !error) error = errno;
        if (error) unlink(staged->temporary);
    }
    if (error) {
        free(staged->temporary);
        staged->temporary = NULL;
    }
    return error;
}

/* 0 or errno; then there is nothing to take back. */
static int stage(Staged *staged, const OutFile *from) {
    struct stat old;
    int exists = !stat(from->path, &old);
    if (exists && S_ISDIR(old.st_mode)) return EISDIR;
    if (exists && !S_ISREG(old.st_mode)) return write_in_place(from->path, from->bytes, from->size);
    mode_t mask = umask(0);
    umask(mask);
    /* A link stays, what it leads to is replaced. */
    staged->target = exists ? realpath(from->path, NULL) : strdup(from->path);
    if (!staged->target) return errno;
    return write_temporary(staged, from, exists ? old.st_mode & 07777 : 0666 & ~mask);
}

/* All files take their places, or, where one cannot, no more of them do. A status. */
static int commit(Staged *staged, const OutFile *files, int count, int status) {
    for (int i = 0; i < count; i++) {
        if (staged[i].temporary && !status && rename(staged[i].temporary, staged[i].target))
            status = complain(files[i].path, errno);
        if (staged[i].temporary && status) unlink(staged[i].temporary);
        free(staged[i].temporary);
        free(staged[i].target);
    }
    return status;
}

static int write_group(const OutFile *files, int count) {
    Staged staged[OUTFILE_GROUP] = {0};
    int error = 0, at = 0;
    while (at < count && !error) {
        error = stage(&staged[at], &files[at]);
        at += !error;
    }
    return commit(staged, files, count, error ? complain(files[at].path, error) : 0);
}

/* Writing to a device or a pipe may take for ever. */
static bool may_block(const OutFile *files, int count) {
    struct stat old;
    for (int i = 0; i < count; i++)
        if (!stat(files[i].path, &old) && !S_ISREG(old.st_mode)) return true;
    return false;
}

int outfile_write_group(const OutFile *files, int count) {
    sigset_t interrupts, before;
    sigemptyset(&interrupts);
    if (!may_block(files, count)) {
        sigaddset(&interrupts, SIGINT);
        sigaddset(&interrupts, SIGTERM);
    }
    sigprocmask(SIG_BLOCK, &interrupts, &before);
    int status = write_group(files, count);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

int outfile_write(const char *path, const void *bytes, size_t size) {
    return outfile_write_group(&(OutFile){path, bytes, size}, 1);
}
