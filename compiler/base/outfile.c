/* See outfile.h. */
#define _GNU_SOURCE
#include "base/outfile.h"

#include "base/leaving.h"
#include "base/rawfile.h"
#include "base/say.h"
#include "runtime/exit_status.h"
#include "runtime/follow_links.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_ATTEMPTS = 1000 };

static int complain(const char *path, int error) {
    say_error("cannot write %s: %s", path, strerror(error));
    return STATUS_FILE;
}

/* 0 or errno. */
static int sync_and_close(int file, int error) {
    int synced;
    do synced = error ? 0 : fsync(file);
    while (synced && errno == EINTR);
    if (synced && errno != EINVAL && errno != EROFS) error = errno;
    int closed = rawfile_close(file);
    return error ? error : closed;
}

static int write_in_place(const char *path, const void *bytes, size_t size) {
    int file = rawfile_open(path, O_WRONLY);
    if (file < 0) return errno;
    int error = rawfile_write(file, bytes, size), closed = rawfile_close(file);
    return error ? error : closed;
}

/* The length of a path's folder, with its slash; 0 for the current one. */
static int folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (int)(slash - path) + 1 : 0;
}

static char *joined(int length, const char *folder, const char *name) {
    char *path;
    if (asprintf(&path, "%.*s%s", length, folder, name) < 0) leave_out_of_memory();
    return path;
}

/* A short name of its own, as the target's may be as long as names can be. 0 or errno. */
static int create_temporary(Staged *staged) {
    static int number; /* no name twice, so that a name is remembered for one file alone */
    int error = EEXIST;
    for (int attempt = 0; attempt < NAME_ATTEMPTS && error == EEXIST; attempt++) {
        char name[64];
        snprintf(name, sizeof name, ".cnnc-%ld-%d.tmp", (long)getpid(), number++);
        free(staged->temporary);
        staged->temporary = joined(folder_length(staged->target), staged->target, name);
        leaving_remember(staged->temporary);
        int file = rawfile_open(staged->temporary, O_WRONLY | O_CREAT | O_EXCL);
        error = file < 0 ? errno : 0;
        if (error)
            leaving_forget(staged->temporary);
        else
            close(file);
    }
    return error;
}

int staged_open(Staged *staged, const char *path, mode_t fresh) {
    struct stat old;
    mode_t mask = umask(0);
    umask(mask);
    *staged = (Staged){.target = cnn_follow_links(path)};
    int error = staged->target ? 0 : errno;
    if (error == ENOMEM) leave_out_of_memory();
    bool exists = !error && !stat(staged->target, &old);
    if (!error && !exists && errno != ENOENT) error = errno;
    if (exists && S_ISDIR(old.st_mode)) error = EISDIR;
    if (exists && !error && access(staged->target, W_OK)) error = errno;
    staged->mode = exists ? old.st_mode & 07777 : fresh & ~mask;
    if (fresh & 0111) staged->mode |= (staged->mode & 0444) >> 2;
    staged->owner = exists ? old.st_uid : geteuid();
    staged->group = exists ? old.st_gid : getegid();
    if (!error) error = create_temporary(staged);
    if (error) staged_abandon(staged);
    return error;
}

int staged_fill(const Staged *staged, const void *bytes, size_t size) {
    int file = rawfile_open(staged->temporary, O_WRONLY);
    return file < 0 ? errno : sync_and_close(file, rawfile_write(file, bytes, size));
}

/* Where that is permitted. The owner comes first, for giving a file away takes bits of its mode. */
static int keep_owner_and_mode(const Staged *staged) {
    bool own = staged->owner == geteuid() && staged->group == getegid();
    if (!own && chown(staged->temporary, staged->owner, staged->group) && errno != EPERM) return errno;
    return chmod(staged->temporary, staged->mode) && errno != EPERM ? errno : 0;
}

int staged_commit(Staged *staged) {
    int error = keep_owner_and_mode(staged);
    if (!error && rename(staged->temporary, staged->target)) error = errno;
    if (error) {
        staged_abandon(staged);
        return error;
    }
    leaving_forget(staged->temporary);
    free(staged->temporary);
    free(staged->target);
    *staged = (Staged){0};
    return 0;
}

void staged_abandon(Staged *staged) {
    if (staged->temporary) {
        unlink(staged->temporary);
        leaving_forget(staged->temporary);
    }
    free(staged->temporary);
    free(staged->target);
    *staged = (Staged){0};
}

static bool is_special(const char *path) {
    struct stat info;
    return !stat(path, &info) && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

/* 0 or errno; then there is nothing to take back. Without a temporary file it was written in place. */
static int stage(Staged *staged, const OutFile *from) {
    if (is_special(from->path)) return write_in_place(from->path, from->bytes, from->size);
    int error = staged_open(staged, from->path, 0666);
    if (error) return error;
    error = staged_fill(staged, from->bytes, from->size);
    if (error) staged_abandon(staged);
    return error;
}

int outfile_write_group(const OutFile *files, int count) {
    Staged staged[OUTFILE_GROUP] = {0};
    int error = 0, at = 0, status = 0;
    while (at < count && !error) {
        error = stage(&staged[at], &files[at]);
        at += !error;
    }
    if (error) status = complain(files[at].path, error);
    leaving_hold();
    for (int i = 0; i < count; i++) {
        error = staged[i].temporary && !status ? staged_commit(&staged[i]) : 0;
        if (error) status = complain(files[i].path, error);
        staged_abandon(&staged[i]);
    }
    leaving_release();
    return status;
}

int outfile_write(const char *path, const void *bytes, size_t size) {
    return outfile_write_group(&(OutFile){path, bytes, size}, 1);
}
