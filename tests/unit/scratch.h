/* A folder for a test's files, and files with given bytes in it. cmocka's fixtures make and remove it:
 * setup_scratch and teardown_scratch for the group; the folder's name is the state. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/aligned.h"
#include "base/file.h"
#include "base/status.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { SCRATCH_PATH = 512 };

static inline int setup_scratch(void **state) {
    char *folder = malloc(SCRATCH_PATH);
    snprintf(folder, SCRATCH_PATH, "%s/cnn-unit.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    *state = folder;
    return mkdtemp(folder) ? 0 : -1;
}

static inline int teardown_scratch(void **state) {
    DIR *folder = opendir(*state);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (entry->d_name[0] != '.' || entry->d_name[1] == 'c') unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder) closedir(folder);
    int result = rmdir(*state);
    free(*state);
    return result;
}

/* The path of a name in the folder; valid until the slot comes round again (16 calls). */
static inline const char *scratch(void **state, const char *name) {
    static char paths[16][2 * SCRATCH_PATH];
    static int next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", (const char *)*state, name);
    return path;
}

static inline const char *scratch_write(void **state, const char *name, const void *bytes, size_t size) {
    const char *path = scratch(state, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    return path;
}

/* One gzip member in a block of the heap. */
static inline unsigned char *pack_gzip(const void *bytes, size_t size, size_t *packed_size) {
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, size) + 64;
    unsigned char *packed = malloc(room);
    stream.next_in = (z_const Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)size;
    stream.next_out = packed;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    *packed_size = stream.total_out;
    deflateEnd(&stream);
    return packed;
}

static inline void assert_contains(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("'%s' lacks '%s'", text, part);
}

/* The status is as expected and the message has the part. */
static inline void assert_failure(int status, const Failure *failure, int expected, const char *part) {
    if (status != expected)
        fail_msg("status %d where %d was expected: '%s'", status, expected, failure->message);
    assert_int_equal(failure->exit_code, expected);
    assert_contains(failure->message, part);
}

/* For messages of a success that was none. */
static inline void assert_success(int status, const Failure *failure) {
    if (status) fail_msg("status %d: %s", status, failure->message);
}

#endif
