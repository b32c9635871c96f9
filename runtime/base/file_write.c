/* The atomic writer: a temporary file beside the target, synced and renamed; what is no regular file is
 * written in place. */
#define _GNU_SOURCE /* O_CLOEXEC, O_DIRECTORY */
#include "base/file.h"
#include "base/interrupt.h"
#include "follow_links.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITE_BUFFER_SIZE = 256 << 10, NAME_ATTEMPTS = 1000 };

struct Writer {
    char *path;      /* as given */
    char *target;    /* what path leads to */
    char *temporary; /* NULL where the target is written in place */
    int descriptor;
    size_t used;
    unsigned char *buffer;
};

/* The folder of a path, with its slash; "" for the current one. */
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Creates the temporary file: a short name of its own, as the target's may be as long as names can be. */
static int create_temporary(Writer *writer, mode_t mode) {
    size_t folder = folder_length(writer->target), size = folder + 64;
    writer->temporary = malloc(size);
    if (!writer->temporary) return ENOMEM;
    memcpy(writer->temporary, writer->target, folder);
    for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
        snprintf(writer->temporary + folder, size - folder, ".cnn-%ld-%d.tmp", (long)getpid(), attempt);
        writer->descriptor = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (writer->descriptor >= 0) return 0;
        if (errno != EEXIST && errno != EINTR) break;
    }
    int error_number = errno;
    free(writer->temporary);
    writer->temporary = NULL;
    return error_number;
}

/* Returns an errno. */
static int open_target(Writer *writer) {
    struct stat about;
    bool exists = stat(writer->path, &about) == 0;
    if (!exists && errno != ENOENT) return errno;
    if (exists && !S_ISREG(about.st_mode)) {
        cnn_interrupt_release(); /* a pipe may wait for its reader for ever, and there is no temporary file */
        writer->descriptor = open(writer->path, O_WRONLY | O_CLOEXEC);
        return writer->descriptor < 0 ? errno : 0;
    }
    /* A link stays a link: the file that it leads to is written, be it there or not. */
    writer->target = cnn_follow_links(writer->path);
    if (!writer->target) return errno;
    if (exists && access(writer->target, W_OK)) return errno;
    int error_number = create_temporary(writer, 0666);
    if (error_number || !exists) return error_number;
    /* The owner first, where that is permitted: giving a file away takes bits of its mode. */
    bool own = about.st_uid == geteuid() && about.st_gid == getegid();
    if (!own && fchown(writer->descriptor, about.st_uid, about.st_gid) && errno != EPERM) return errno;
    if (fchmod(writer->descriptor, about.st_mode & 07777) && errno != EPERM) return errno;
    return 0;
}

int cnn_writer_open(Writer **opened, const char *path, Failure *failure) {
    *opened = NULL;
    Writer *writer = calloc(1, sizeof *writer);
    if (!writer) return cnn_fail_memory(failure, path, sizeof *writer);
    writer->descriptor = -1;
    writer->path = strdup(path);
    writer->buffer = malloc(WRITE_BUFFER_SIZE);
    int error_number = writer->path && writer->buffer ? open_target(writer) : ENOMEM;
    if (!error_number) {
        *opened = writer;
        return STATUS_OK;
    }
    int status = cnn_fail_system(failure, path, "write", error_number);
    cnn_writer_abandon(writer);
    return status;
}

static int write_bytes(Writer *writer, const unsigned char *bytes, uint64_t size, Failure *failure) {
    while (size) {
        ssize_t written = write(writer->descriptor, bytes, size > (1u << 30) ? 1u << 30 : size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return cnn_fail_system(failure, writer->path, "write", written ? errno : ENOSPC);
        bytes += written;
        size -= (uint64_t)written;
    }
    return STATUS_OK;
}

static int flush(Writer *writer, Failure *failure) {
    size_t used = writer->used;
    writer->used = 0;
    return write_bytes(writer, writer->buffer, used, failure);
}

int cnn_writer_write(Writer *writer, const void *bytes, uint64_t size, Failure *failure) {
    if (size == 0) return STATUS_OK;
    if (size > WRITE_BUFFER_SIZE - writer->used) {
        int status = flush(writer, failure);
        if (status) return status;
        if (size >= WRITE_BUFFER_SIZE) return write_bytes(writer, bytes, size, failure);
    }
    memcpy(writer->buffer + writer->used, bytes, size);
    writer->used += size;
    return STATUS_OK;
}

/* What cannot be synced, such as a pipe, is no failure. Returns an errno. */
static int sync_descriptor(int descriptor) {
    while (fsync(descriptor)) {
        if (errno == EINTR) continue;
        return errno == EINVAL || errno == ENOTSUP || errno == EROFS ? 0 : errno;
    }
    return 0;
}

/* Makes the rename last. A folder that cannot be opened for reading is let be. */
static int sync_folder(const char *target) {
    size_t length = folder_length(target);
    char *folder = length ? strndup(target, length) : strdup(".");
    if (!folder) return ENOMEM;
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (descriptor < 0) return 0;
    int error_number = sync_descriptor(descriptor);
    close(descriptor);
    return error_number;
}

int cnn_writer_commit(Writer *writer, Failure *failure) {
    int status = flush(writer, failure);
    int error_number = status ? 0 : sync_descriptor(writer->descriptor);
    int descriptor = writer->descriptor;
    writer->descriptor = -1;
    /* close tells of a full disk on some file systems. */
    if (close(descriptor) && errno != EINTR && !error_number) error_number = errno;
    if (!status && !error_number && writer->temporary) {
        if (rename(writer->temporary, writer->target)) {
            error_number = errno;
        } else {
            free(writer->temporary);
            writer->temporary = NULL;
            error_number = sync_folder(writer->target);
        }
    }
    if (!status && error_number) status = cnn_fail_system(failure, writer->path, "write", error_number);
    cnn_writer_abandon(writer);
    return status;
}

void cnn_writer_abandon(Writer *writer) {
    if (!writer) return;
    if (writer->descriptor >= 0) close(writer->descriptor);
    if (writer->temporary) unlink(writer->temporary);
    free(writer->path);
    free(writer->target);
    free(writer->temporary);
    free(writer->buffer);
    free(writer);
}

int cnn_file_write(const char *path, const void *bytes, uint64_t size, Failure *failure) {
    Writer *writer;
    int status = cnn_writer_open(&writer, path, failure);
    if (status) return status;
    status = cnn_writer_write(writer, bytes, size, failure);
    if (!status) return cnn_writer_commit(writer, failure);
    cnn_writer_abandon(writer);
    return status;
}
