/* Writes a file whole or not at all: to a temporary one beside it, synced, renamed. A link is written
 * through, also one that leads to no file yet. What exists and is no regular file (a device, a pipe) is
 * written in place. What may not be written is refused. A file that is replaced keeps its mode and, where
 * that is permitted, its owner; other names of it (hard links) keep the older file. */
#ifndef CNNC_BASE_OUTFILE_H
#define CNNC_BASE_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* 0, or 4 after a message on standard error; the older file is then as it was. */
int outfile_write(const char *path, const void *bytes, size_t size);

typedef struct OutFile {
    const char *path;
    const void *bytes;
    size_t size;
} OutFile;

enum { OUTFILE_GROUP = 4 };

/* The same for at most OUTFILE_GROUP files that belong together: none is replaced before all are on the disk.
 */
int outfile_write_group(const OutFile *files, int count);

/* A file on its way: `temporary` waits beside `target`, which is what the path leads to, until it takes its
 * place. Both are NULL where there is no such file. It is removed on every way out of the compiler
 * (leaving.h). */
typedef struct Staged {
    char *target, *temporary;
    mode_t mode; /* of the file that is replaced, or what a fresh one gets */
    uid_t owner;
    gid_t group;
} Staged;

/* Creates the temporary file, empty, for others to write to by its name, or by staged_fill; `fresh` is the
 * mode of a file that was not there; what `fresh` lets be executed, whoever may read it may execute. 0 or
 * errno; then there is nothing to take back. */
int staged_open(Staged *staged, const char *path, mode_t fresh);

/* The file's bytes, synced. 0 or errno. */
int staged_fill(const Staged *staged, const void *bytes, size_t size);

/* The temporary file takes its place, or goes away. 0 or errno; frees what staged_open made. */
int staged_commit(Staged *staged);
void staged_abandon(Staged *staged);

#endif
