/* Writes a file whole or not at all: to a temporary one beside it, synced, renamed. What exists and is no
 * regular file (a device, a pipe) is written in place. */
#ifndef CNNC_BASE_OUTFILE_H
#define CNNC_BASE_OUTFILE_H

#include <stddef.h>

/* 0, or 4 after a message on standard error; the older file is then as it was. An interrupt waits for the
 * end. */
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

#endif
