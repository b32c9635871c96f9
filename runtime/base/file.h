/* Files, checked: a reader that knows where it stands, sees through gzip (several members too) and never
 * gives out more than was asked for, and a writer whose output appears whole or not at all. Names in messages
 * are the paths as given. */
#ifndef CNN_FILE_H
#define CNN_FILE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Reader Reader;

/* gzip is recognised by content. Folders and what cannot be opened are STATUS_FILE. */
int cnn_reader_open(Reader **reader, const char *path, Failure *failure);

/* The bytes as they stand, gzip or not. */
int cnn_reader_open_raw(Reader **reader, const char *path, Failure *failure);

/* FOLDER/NAME (NAME alone where it is absolute or FOLDER is ""). Where there is no such file, the name with
 * ".gz" added or taken away. */
int cnn_reader_open_in(Reader **reader, const char *folder, const char *name, Failure *failure);

/* bytes stay the caller's and outlive the reader. name stands in messages. */
int cnn_reader_open_memory(Reader **reader, const char *name, const void *bytes, size_t size,
                           Failure *failure);

void cnn_reader_close(Reader *reader); /* NULL is fine */

const char *cnn_reader_path(const Reader *reader);
uint64_t cnn_reader_position(const Reader *reader); /* unpacked bytes given out */

/* Bytes that are left; UINT64_MAX where that is not known before they are read: gzip, pipes. */
uint64_t cnn_reader_left(const Reader *reader);

/* Exactly size bytes. An early end is STATUS_MALFORMED: "PATH: ends at byte N, in WHAT". */
int cnn_reader_read(Reader *reader, void *bytes, uint64_t size, const char *what, Failure *failure);

/* Exactly size bytes in an aligned block (cnn_aligned_free). A size that a damaged file merely claims
 * allocates nothing: it is checked against what is left, or the block grows with what really arrives, unless
 * gzip data of that length usually unpack to as much. */
int cnn_reader_read_block(Reader *reader, void **block, uint64_t size, const char *what, Failure *failure);

/* The bytes at hand of a reader opened raw: at least one, unless the file ends here; what they are stays to
 * be read. Of a regular file the first call gives all of a short file, or more than any magic number has.
 * They are the reader's. */
int cnn_reader_peek(Reader *reader, const unsigned char **bytes, size_t *size, Failure *failure);
/* All that is left, at most limit bytes; with a zero byte after it that does not count. */
int cnn_reader_read_all(Reader *reader, void **block, uint64_t *size, uint64_t limit, Failure *failure);

/* Bytes left over are STATUS_MALFORMED. */
int cnn_reader_expect_end(Reader *reader, Failure *failure);

/* True where nothing is left; for formats that are a sequence of records. */
int cnn_reader_at_end(Reader *reader, bool *end, Failure *failure);

/* Writes to a temporary name beside the target; commit syncs and renames it. An output that exists and is no
 * regular file is written in place. */
typedef struct Writer Writer;

int cnn_writer_open(Writer **writer, const char *path, Failure *failure);
int cnn_writer_write(Writer *writer, const void *bytes, uint64_t size, Failure *failure);
int cnn_writer_commit(Writer *writer, Failure *failure); /* releases the writer whatever it returns */
void cnn_writer_abandon(Writer *writer);                 /* no trace is left; NULL is fine */

/* open, write, commit. */
int cnn_file_write(const char *path, const void *bytes, uint64_t size, Failure *failure);

/* "FOLDER/NAME", NAME where it is absolute or FOLDER is "" or NULL; from the heap. */
int cnn_path_join(char **path, const char *folder, const char *name, Failure *failure);

#endif
