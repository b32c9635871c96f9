/* Files by descriptor: calls that a signal has interrupted are made again, and what was moved in part is
 * moved on. */
#ifndef CNNC_BASE_RAWFILE_H
#define CNNC_BASE_RAWFILE_H

#include <sys/types.h>

/* As open, with O_CLOEXEC; a file that it creates is for its owner alone. */
int rawfile_open(const char *path, int flags);

/* As many bytes as there are, up to `size`; negative with errno set. */
ssize_t rawfile_read(int file, void *bytes, size_t size);

/* All of them. 0 or errno. */
int rawfile_write(int file, const void *bytes, size_t size);

/* 0 or errno. */
int rawfile_close(int file);

#endif
