/* Preloaded: the FAULT_N-th call of FAULT_CALL (malloc, open, read, write, fsync, close, rename) fails,
 * counted from faults_begin on. malloc stands for every way to get memory. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size), *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size), *__libc_memalign(size_t alignment, size_t size);

static const char *failing_call; /* NULL: nothing fails */
static long calls_left;

void faults_begin(void);

void faults_begin(void) {
    calls_left = atol(getenv("FAULT_N"));
    failing_call = getenv("FAULT_CALL");
}

static bool fails(const char *call, int error_number) {
    if (!failing_call || strcmp(failing_call, call) || --calls_left) return false;
    errno = error_number;
    return true;
}

/* The C library's own function behind this file's. */
#define LIBRARY(name)                                                                                        \
    static __typeof__(name) *library;                                                                        \
    if (!library) library = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

void *malloc(size_t size) {
    return fails("malloc", ENOMEM) ? NULL : __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    return fails("malloc", ENOMEM) ? NULL : __libc_calloc(count, size);
}
void *realloc(void *block, size_t size) {
    return fails("malloc", ENOMEM) ? NULL : __libc_realloc(block, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    return fails("malloc", ENOMEM) ? NULL : __libc_memalign(alignment, size);
}

int open(const char *path, int flags, ...) {
    LIBRARY(open);
    va_list arguments;
    va_start(arguments, flags);
    int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
    va_end(arguments);
    return fails("open", EMFILE) ? -1 : library(path, flags, mode);
}

ssize_t read(int descriptor, void *bytes, size_t size) {
    LIBRARY(read);
    return fails("read", EIO) ? -1 : library(descriptor, bytes, size);
}

ssize_t write(int descriptor, const void *bytes, size_t size) {
    LIBRARY(write);
    return fails("write", ENOSPC) ? -1 : library(descriptor, bytes, size);
}

int fsync(int descriptor) {
    LIBRARY(fsync);
    return fails("fsync", EIO) ? -1 : library(descriptor);
}

int close(int descriptor) {
    LIBRARY(close);
    int result = library(descriptor);
    return fails("close", EIO) ? -1 : result;
}

int rename(const char *from, const char *to) {
    LIBRARY(rename);
    return fails("rename", EACCES) ? -1 : library(from, to);
}
