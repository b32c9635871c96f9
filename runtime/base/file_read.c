/* The checked reader: bytes from a descriptor or from memory, through zlib where they are gzip. See file.h.
 */
#define _GNU_SOURCE /* O_CLOEXEC, strdup */
#include "base/aligned.h"
#include "base/file.h"
#include "base/nearest_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { BUFFER_SIZE = 256 << 10, FIRST_GROWTH = 16 << 20, USUAL_EXPANSION = 8 };
static const uint64_t MOST_EXPANSION = 1040; /* deflate's limit is 1032 to 1 */

struct Reader {
    char *path;
    int descriptor; /* -1 in memory */
    bool packed;    /* gzip */
    bool in_member; /* between a gzip member's first byte and its last */
    bool raw_end;
    bool has_kept; /* kept is the byte that comes next */
    unsigned char kept;
    uint64_t members;
    uint64_t position; /* unpacked bytes given out */
    uint64_t raw_size; /* UINT64_MAX where the system does not know */
    z_stream stream;   /* next_in and avail_in are the raw bytes at hand, packed or not */
    unsigned char *buffer;
};

static int open_failure(Failure *failure, const char *path, int error_number) {
    return cnn_fail_system(failure, path, "open", error_number);
}

/* Makes at least one raw byte available, or raw_end true. */
static int fill(Reader *reader, Failure *failure) {
    if (reader->stream.avail_in || reader->raw_end) return STATUS_OK;
    if (reader->descriptor < 0) {
        reader->raw_end = true;
        return STATUS_OK;
    }
    ssize_t got;
    do got = read(reader->descriptor, reader->buffer, BUFFER_SIZE);
    while (got < 0 && errno == EINTR);
    if (got < 0) return cnn_fail_system(failure, reader->path, "read", errno);
    reader->raw_end = got == 0;
    reader->stream.next_in = reader->buffer;
    reader->stream.avail_in = (uInt)got;
    return STATUS_OK;
}

/* gzip: 1f 8b, then 8 for deflate. A first read gives three bytes of any regular file that has them. */
static int detect_gzip(Reader *reader, Failure *failure) {
    int status = fill(reader, failure);
    if (status) return status;
    const unsigned char *bytes = reader->stream.next_in;
    if (reader->stream.avail_in < 3 || bytes[0] != 0x1f || bytes[1] != 0x8b || bytes[2] != 8)
        return STATUS_OK;
    if (inflateInit2(&reader->stream, 15 + 16) != Z_OK)
        return cnn_fail_memory(failure, "unpacking", 64 << 10);
    reader->packed = true;
    return STATUS_OK;
}

static Reader *create(const char *path) {
    Reader *reader = calloc(1, sizeof *reader);
    if (!reader) return NULL;
    reader->descriptor = -1;
    reader->raw_size = UINT64_MAX;
    reader->path = strdup(path);
    if (reader->path) return reader;
    free(reader);
    return NULL;
}

/* error_number gets the system's reason where the file cannot be opened; failure is then filled too. */
static int open_file(Reader **opened, const char *path, bool unpack, int *error_number, Failure *failure) {
    *opened = NULL;
    *error_number = 0;
    Reader *reader = create(path);
    if (!reader) return cnn_fail_memory(failure, path, sizeof *reader);
    int status;
    struct stat about;
    reader->buffer = malloc(BUFFER_SIZE);
    if (!reader->buffer) {
        status = cnn_fail_memory(failure, path, BUFFER_SIZE);
        goto failed;
    }
    do reader->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    while (reader->descriptor < 0 && errno == EINTR);
    if (reader->descriptor < 0 || fstat(reader->descriptor, &about)) {
        *error_number = errno;
        status = open_failure(failure, path, errno);
        goto failed;
    }
    if (S_ISDIR(about.st_mode)) {
        status = open_failure(failure, path, EISDIR);
        goto failed;
    }
    if (S_ISREG(about.st_mode)) reader->raw_size = (uint64_t)about.st_size;
    status = unpack ? detect_gzip(reader, failure) : STATUS_OK;
    if (status) goto failed;
    *opened = reader;
    return STATUS_OK;
failed:
    cnn_reader_close(reader);
    return status;
}

int cnn_reader_open(Reader **reader, const char *path, Failure *failure) {
    int error_number;
    return open_file(reader, path, true, &error_number, failure);
}

int cnn_reader_open_raw(Reader **reader, const char *path, Failure *failure) {
    int error_number;
    return open_file(reader, path, false, &error_number, failure);
}

int cnn_path_join(char **path, const char *folder, const char *name, Failure *failure) {
    bool alone = !folder || !*folder || name[0] == '/';
    size_t folder_size = alone ? 0 : strlen(folder), name_size = strlen(name);
    *path = malloc(folder_size + name_size + 2);
    if (!*path) return cnn_fail_memory(failure, name, folder_size + name_size + 2);
    if (!alone) memcpy(*path, folder, folder_size);
    if (!alone && folder[folder_size - 1] != '/') (*path)[folder_size++] = '/';
    memcpy(*path + folder_size, name, name_size + 1);
    return STATUS_OK;
}

/* path with ".gz" added or taken away; NULL: out of memory. */
static char *other_name(const char *path) {
    size_t length = strlen(path);
    char *other = malloc(length + 4);
    if (!other) return NULL;
    memcpy(other, path, length + 1);
    if (length > 3 && !strcmp(path + length - 3, ".gz"))
        other[length - 3] = 0;
    else
        memcpy(other + length, ".gz", 4);
    return other;
}

/* The failure of a file that is there under neither name, with the file beside it that may be meant. */
static int fail_missing(const char *path, const char *other, const Failure *missing, Failure *failure) {
    char *near = cnn_nearest_file(path);
    if (!near && other) near = cnn_nearest_file(other);
    int status = cnn_fail(failure, missing->exit_code, "%s%s%s%s", missing->message, near ? "; is it '" : "",
                          near ? near : "", near ? "'?" : "");
    free(near);
    return status;
}

int cnn_reader_open_in(Reader **reader, const char *folder, const char *name, Failure *failure) {
    *reader = NULL;
    char *path;
    int status = cnn_path_join(&path, folder, name, failure);
    if (status) return status;
    Failure first = {0}, second = {0};
    int error_number;
    status = open_file(reader, path, true, &error_number, &first);
    if (error_number == ENOENT) {
        char *other = other_name(path);
        int other_status = other ? open_file(reader, other, true, &error_number, &second)
                                 : cnn_fail_memory(&second, path, strlen(path) + 4);
        /* Where neither is there, the name that the model says is the one to complain of. */
        if (other && error_number == ENOENT) {
            fail_missing(path, other, &first, failure);
        } else {
            status = other_status;
            first = second;
        }
        free(other);
    }
    if (status) cnn_fail(failure, status, "%s", first.message);
    free(path);
    return status;
}

int cnn_reader_open_memory(Reader **opened, const char *name, const void *bytes, size_t size,
                           Failure *failure) {
    *opened = NULL;
    if (size > UINT_MAX) return cnn_fail(failure, STATUS_MALFORMED, "%s: more than 4 GiB in memory", name);
    Reader *reader = create(name);
    if (!reader) return cnn_fail_memory(failure, name, sizeof *reader);
    reader->raw_size = size;
    reader->stream.next_in = (z_const Bytef *)(uintptr_t)bytes;
    reader->stream.avail_in = (uInt)size;
    int status = detect_gzip(reader, failure);
    if (status)
        cnn_reader_close(reader);
    else
        *opened = reader;
    return status;
}

void cnn_reader_close(Reader *reader) {
    if (!reader) return;
    if (reader->packed) inflateEnd(&reader->stream);
    if (reader->descriptor >= 0) close(reader->descriptor);
    free(reader->buffer);
    free(reader->path);
    free(reader);
}

const char *cnn_reader_path(const Reader *reader) {
    return reader->path;
}
uint64_t cnn_reader_position(const Reader *reader) {
    return reader->position;
}

/* One call of inflate into stream.next_out. At the end of a member the next one follows at once. */
static int unpack_some(Reader *reader, Failure *failure) {
    if (!reader->in_member) {
        if (reader->members && inflateReset(&reader->stream) != Z_OK)
            return cnn_fail_memory(failure, "unpacking", 64 << 10);
        reader->in_member = true;
        reader->members++;
    }
    switch (inflate(&reader->stream, Z_NO_FLUSH)) {
    case Z_OK:
    case Z_BUF_ERROR: /* no progress without more input, which the caller brings */ return STATUS_OK;
    case Z_STREAM_END: reader->in_member = false; return STATUS_OK;
    case Z_MEM_ERROR: return cnn_fail_memory(failure, "unpacking", 64 << 10);
    default:
        return cnn_fail(failure, STATUS_MALFORMED, "%s: damaged gzip data after %llu unpacked bytes: %s",
                        reader->path, (unsigned long long)reader->position,
                        reader->stream.msg ? reader->stream.msg : "not what gzip writes");
    }
}

/* Zeros behind a gzip member fill up a block of a tape or disk, and are no part of the data. */
static void skip_padding(Reader *reader) {
    z_stream *stream = &reader->stream;
    while (stream->avail_in && *stream->next_in == 0) {
        stream->next_in++;
        stream->avail_in--;
    }
}

/* At most size bytes; fewer only where the data ends. */
static int take(Reader *reader, unsigned char *bytes, uint64_t size, uint64_t *got, Failure *failure) {
    *got = 0;
    if (reader->has_kept && size) {
        bytes[(*got)++] = reader->kept;
        reader->has_kept = false;
        reader->position++;
    }
    while (*got < size) {
        int status = fill(reader, failure);
        if (status) return status;
        z_stream *stream = &reader->stream;
        if (reader->raw_end && reader->in_member)
            return cnn_fail(failure, STATUS_MALFORMED,
                            "%s: the gzip data ends in mid-stream, after %llu unpacked bytes", reader->path,
                            (unsigned long long)reader->position);
        if (reader->raw_end) return STATUS_OK;
        if (reader->members && !reader->in_member) skip_padding(reader);
        if (!stream->avail_in) continue;
        uint64_t room = size - *got, moved;
        if (reader->packed) {
            stream->next_out = bytes + *got;
            stream->avail_out = (uInt)(room > INT_MAX ? INT_MAX : room);
            uInt before = stream->avail_out;
            if ((status = unpack_some(reader, failure))) return status;
            moved = before - stream->avail_out;
        } else {
            moved = room < stream->avail_in ? room : stream->avail_in;
            memcpy(bytes + *got, stream->next_in, moved);
            stream->next_in += moved;
            stream->avail_in -= (uInt)moved;
        }
        *got += moved;
        reader->position += moved;
    }
    return STATUS_OK;
}

int cnn_reader_peek(Reader *reader, const unsigned char **bytes, size_t *size, Failure *failure) {
    int status = fill(reader, failure);
    *bytes = reader->stream.next_in;
    *size = reader->stream.avail_in;
    return status;
}

static int fail_early_end(Reader *reader, const char *what, Failure *failure) {
    return cnn_fail(failure, STATUS_MALFORMED, "%s: ends at byte %llu, in %s", reader->path,
                    (unsigned long long)reader->position, what);
}

int cnn_reader_read(Reader *reader, void *bytes, uint64_t size, const char *what, Failure *failure) {
    uint64_t got;
    int status = take(reader, bytes, size, &got, failure);
    if (status) return status;
    return got < size ? fail_early_end(reader, what, failure) : STATUS_OK;
}

uint64_t cnn_reader_left(const Reader *reader) {
    bool known = reader->raw_size != UINT64_MAX && !reader->packed;
    return known && reader->position <= reader->raw_size ? reader->raw_size - reader->position : UINT64_MAX;
}

/* Whether size more bytes can be there at all. */
static bool can_hold(const Reader *reader, uint64_t size) {
    if (reader->raw_size == UINT64_MAX) return true;
    if (reader->packed) return size / MOST_EXPANSION <= reader->raw_size;
    return reader->position <= reader->raw_size && size <= reader->raw_size - reader->position;
}

/* Grows *block, which holds `used` bytes, to capacity bytes. */
static int grow(void **block, uint64_t used, uint64_t capacity, const char *path, Failure *failure) {
    void *larger;
    int status = cnn_aligned_reserve(&larger, capacity, 1, path, failure);
    if (status) return status;
    if (used) memcpy(larger, *block, used);
    cnn_aligned_free(*block);
    *block = larger;
    return STATUS_OK;
}

/* At most limit bytes into a block that grows as they arrive; `expected` is the first capacity. */
static int take_growing(Reader *reader, void **block, uint64_t *size, uint64_t limit, uint64_t expected,
                        Failure *failure) {
    *block = NULL;
    *size = 0;
    uint64_t capacity = expected < limit ? expected : limit;
    int status = grow(block, 0, capacity, reader->path, failure);
    while (!status) {
        uint64_t got;
        status = take(reader, (unsigned char *)*block + *size, capacity - *size, &got, failure);
        if (status) break;
        *size += got;
        if (*size < capacity || capacity == limit) return STATUS_OK;
        capacity = capacity > limit / 2 ? limit : capacity * 2;
        status = grow(block, *size, capacity, reader->path, failure);
    }
    cnn_aligned_free(*block);
    *block = NULL;
    return status;
}

/* What to begin with where the file promises size bytes: all of it where that is certain, and where gzip data
 * usually come to as much; a promise beyond that has to be kept first. */
static uint64_t first_capacity(const Reader *reader, uint64_t size) {
    if (reader->raw_size == UINT64_MAX) return FIRST_GROWTH;
    bool likely = !reader->packed || size / USUAL_EXPANSION <= reader->raw_size;
    return likely || size < FIRST_GROWTH ? size : FIRST_GROWTH;
}

int cnn_reader_read_block(Reader *reader, void **block, uint64_t size, const char *what, Failure *failure) {
    *block = NULL;
    if (!can_hold(reader, size))
        return cnn_fail(failure, STATUS_MALFORMED,
                        "%s: %s of %llu bytes at byte %llu: the file is too short for it", reader->path, what,
                        (unsigned long long)size, (unsigned long long)reader->position);
    uint64_t got;
    int status = take_growing(reader, block, &got, size, first_capacity(reader, size), failure);
    if (status || got == size) return status;
    cnn_aligned_free(*block);
    *block = NULL;
    return fail_early_end(reader, what, failure);
}

int cnn_reader_read_all(Reader *reader, void **block, uint64_t *size, uint64_t limit, Failure *failure) {
    bool sure = reader->raw_size != UINT64_MAX && !reader->packed;
    bool larger = sure && reader->raw_size > limit;
    *block = NULL;
    int status = larger ? STATUS_OK
                        : take_growing(reader, block, size, limit + 1,
                                       sure ? reader->raw_size + 1 : FIRST_GROWTH, failure);
    if (status) return status;
    if (larger || *size > limit) {
        cnn_aligned_free(*block);
        *block = NULL;
        return cnn_fail(failure, STATUS_MALFORMED, "%s: larger than %llu bytes", reader->path,
                        (unsigned long long)limit);
    }
    ((unsigned char *)*block)[*size] = 0;
    return STATUS_OK;
}

/* The end of gzip data is met only by unpacking on, so a byte is taken and kept. */
int cnn_reader_at_end(Reader *reader, bool *end, Failure *failure) {
    *end = false;
    if (reader->has_kept) return STATUS_OK;
    uint64_t got;
    int status = take(reader, &reader->kept, 1, &got, failure);
    if (status) return status;
    *end = got == 0;
    reader->has_kept = got == 1;
    reader->position -= got;
    return STATUS_OK;
}

int cnn_reader_expect_end(Reader *reader, Failure *failure) {
    bool end;
    int status = cnn_reader_at_end(reader, &end, failure);
    if (status || end) return status;
    return cnn_fail(failure, STATUS_MALFORMED, "%s: bytes after the end, which is at byte %llu", reader->path,
                    (unsigned long long)reader->position);
}
