/* The checked reader and the atomic writer. */
#include "unit/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>

static unsigned char *read_file(const char *path, size_t *size) {
    Failure failure = {0};
    Reader *reader;
    void *bytes;
    uint64_t length;
    assert_success(cnn_reader_open(&reader, path, &failure), &failure);
    assert_success(cnn_reader_read_all(reader, &bytes, &length, 1 << 26, &failure), &failure);
    cnn_reader_close(reader);
    *size = length;
    return bytes;
}

static void reads_plain_bytes(void **state) {
    const char *path = scratch_write(state, "plain", "hello world", 11);
    Failure failure = {0};
    Reader *reader;
    char text[16] = "";
    bool end;
    assert_success(cnn_reader_open(&reader, path, &failure), &failure);
    assert_success(cnn_reader_read(reader, text, 5, "a word", &failure), &failure);
    assert_string_equal(text, "hello");
    assert_success(cnn_reader_at_end(reader, &end, &failure), &failure);
    assert_false(end);
    assert_int_equal(cnn_reader_position(reader), 5);
    assert_success(cnn_reader_read(reader, text, 6, "a word", &failure), &failure);
    assert_string_equal(text, " world");
    assert_success(cnn_reader_expect_end(reader, &failure), &failure);
    assert_failure(cnn_reader_read(reader, text, 1, "a word", &failure), &failure, STATUS_MALFORMED,
                   "plain: ends at byte 11, in a word");
    cnn_reader_close(reader);
}

static void refuses_what_is_left_over(void **state) {
    const char *path = scratch_write(state, "plain", "hello", 5);
    Failure failure = {0};
    Reader *reader;
    char text[4];
    assert_success(cnn_reader_open(&reader, path, &failure), &failure);
    assert_success(cnn_reader_read(reader, text, 4, "a word", &failure), &failure);
    assert_failure(cnn_reader_expect_end(reader, &failure), &failure, STATUS_MALFORMED,
                   "plain: bytes after the end, which is at byte 4");
    cnn_reader_close(reader);
}

static void a_lying_promise_costs_nothing(void **state) {
    const char *path = scratch_write(state, "plain", "hello", 5);
    Failure failure = {0};
    Reader *reader;
    void *block;
    assert_success(cnn_reader_open(&reader, path, &failure), &failure);
    assert_failure(cnn_reader_read_block(reader, &block, 1ull << 60, "the elements", &failure), &failure,
                   STATUS_MALFORMED, "the file is too short");
    assert_null(block);
    cnn_reader_close(reader);

    size_t size;
    unsigned char *packed = pack_gzip("hello", 5, &size);
    path = scratch_write(state, "packed", packed, size);
    memset(&failure, 0, sizeof failure);
    assert_success(cnn_reader_open(&reader, path, &failure), &failure);
    assert_failure(cnn_reader_read_block(reader, &block, 1ull << 60, "the elements", &failure), &failure,
                   STATUS_MALFORMED, "too short");
    memset(&failure, 0, sizeof failure);
    assert_failure(cnn_reader_read_block(reader, &block, 20000, "the elements", &failure), &failure,
                   STATUS_MALFORMED, "ends at byte 5, in the elements");
    cnn_reader_close(reader);
    free(packed);
}

/* Members of odd sizes, an empty one among them, read in odd pieces. */
static void reads_several_gzip_members(void **state) {
    enum { TOTAL = 700001 };
    unsigned char *bytes = malloc(TOTAL), *back = malloc(TOTAL);
    for (int i = 0; i < TOTAL; i++) bytes[i] = (unsigned char)(i * 7 + i / 251);
    const size_t sizes[] = {1, 0, 300000, 400000};
    FILE *file = fopen(scratch(state, "members.gz"), "wb");
    for (size_t i = 0, at = 0; i < 4; at += sizes[i++]) {
        size_t size;
        unsigned char *packed = pack_gzip(bytes + at, sizes[i], &size);
        fwrite(packed, 1, size, file);
        free(packed);
    }
    fclose(file);
    Failure failure = {0};
    Reader *reader;
    assert_success(cnn_reader_open(&reader, scratch(state, "members.gz"), &failure), &failure);
    for (size_t at = 0, piece = 1; at < TOTAL; at += piece, piece = piece * 3 + 1) {
        if (piece > TOTAL - at) piece = TOTAL - at;
        assert_success(cnn_reader_read(reader, back + at, piece, "a piece", &failure), &failure);
    }
    assert_memory_equal(bytes, back, TOTAL);
    assert_success(cnn_reader_expect_end(reader, &failure), &failure);
    cnn_reader_close(reader);
    free(bytes);
    free(back);
}

static int read_packed(const void *bytes, size_t size, uint64_t limit, Failure *failure) {
    Reader *reader;
    void *block = NULL;
    uint64_t length;
    int status = cnn_reader_open_memory(&reader, "memory", bytes, size, failure);
    if (status) return status;
    status = cnn_reader_read_all(reader, &block, &length, limit, failure);
    cnn_reader_close(reader);
    cnn_aligned_free(block);
    return status;
}

static void notices_damaged_gzip(void **state) {
    (void)state;
    char text[3000];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)("abcdefgh"[i % 7] + i % 3);
    size_t size;
    unsigned char *packed = pack_gzip(text, sizeof text, &size);
    Failure failure = {0};
    assert_success(read_packed(packed, size, 1 << 20, &failure), &failure);
    for (size_t cut = 3; cut < size; cut++) {
        Failure truncated = {0};
        assert_int_equal(read_packed(packed, cut, 1 << 20, &truncated), STATUS_MALFORMED);
        assert_contains(truncated.message, "ends in mid-stream");
    }
    packed[size - 6] ^= 1; /* the checksum */
    assert_failure(read_packed(packed, size, 1 << 20, &failure), &failure, STATUS_MALFORMED,
                   "damaged gzip data");
    packed[size - 6] ^= 1;
    unsigned char *longer = malloc(size + 4);
    memcpy(longer, packed, size);
    memcpy(longer + size, "tail", 4);
    memset(&failure, 0, sizeof failure);
    assert_failure(read_packed(longer, size + 4, 1 << 20, &failure), &failure, STATUS_MALFORMED,
                   "damaged gzip data");
    free(longer);
    free(packed);
}

/* As tapes and disks fill up their blocks; another member may follow, anything else may not. */
static void passes_over_zeros_behind_gzip_data(void **state) {
    (void)state;
    enum { ZEROS = 600000 }; /* more than the reader's buffer */
    size_t size, total;
    unsigned char *packed = pack_gzip("hello", 5, &size), *padded = calloc(ZEROS + 2 * size, 1);
    memcpy(padded, packed, size);
    for (int form = 0; form < 4; form++) {
        Failure failure = {0};
        total = size + ZEROS;
        if (form == 1) total = size + 1;
        if (form == 2) memcpy(padded + total, packed, size);
        if (form == 3) padded[total] = 'x';
        if (form >= 2) total += size;
        int status = read_packed(padded, total, 1 << 20, &failure);
        if (form < 3)
            assert_success(status, &failure);
        else
            assert_failure(status, &failure, STATUS_MALFORMED, "damaged gzip data after 5 unpacked bytes");
    }
    free(packed);
    free(padded);
}

static void caps_a_bomb(void **state) {
    (void)state;
    enum { UNPACKED = 8 << 20 };
    unsigned char *zeros = calloc(UNPACKED, 1);
    size_t size;
    unsigned char *packed = pack_gzip(zeros, UNPACKED, &size);
    Failure failure = {0};
    assert_failure(read_packed(packed, size, 1000, &failure), &failure, STATUS_MALFORMED,
                   "larger than 1000 bytes");
    free(packed);
    free(zeros);
}

static void finds_either_name(void **state) {
    size_t size;
    unsigned char *packed = pack_gzip("abc", 3, &size);
    scratch_write(state, "one.gz", packed, size);
    scratch_write(state, "two", "abc", 3);
    scratch_write(state, "three.gz", "abc", 3); /* named so, but plain */
    free(packed);
    const char *names[] = {"one", "one.gz", "two", "two.gz", "three.gz"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        Failure failure = {0};
        Reader *reader;
        char text[4] = "";
        assert_success(cnn_reader_open_in(&reader, *state, names[i], &failure), &failure);
        assert_success(cnn_reader_read(reader, text, 3, "text", &failure), &failure);
        assert_string_equal(text, "abc");
        assert_success(cnn_reader_expect_end(reader, &failure), &failure);
        cnn_reader_close(reader);
    }
    Failure failure = {0};
    Reader *reader;
    assert_failure(cnn_reader_open_in(&reader, *state, "absent.gz", &failure), &failure, STATUS_FILE,
                   "absent.gz: cannot open: No such file or directory");
    assert_null(strstr(failure.message, "is it"));
    memset(&failure, 0, sizeof failure);
    assert_failure(cnn_reader_open_in(&reader, *state, "tree", &failure), &failure, STATUS_FILE,
                   "tree: cannot open: No such file or directory; is it 'three.gz'?");
    memset(&failure, 0, sizeof failure);
    assert_failure(cnn_reader_open_in(&reader, *state, "tow.gz", &failure), &failure, STATUS_FILE,
                   "is it 'two'?");
    memset(&failure, 0, sizeof failure);
    assert_failure(cnn_reader_open(&reader, *state, &failure), &failure, STATUS_FILE, "Is a directory");
}

static size_t count_entries(void **state) {
    size_t count = 0;
    DIR *folder = opendir(*state);
    while (readdir(folder)) count++;
    closedir(folder);
    return count;
}

static void writes_whole_or_not_at_all(void **state) {
    const char *path = scratch_write(state, "target", "old", 3);
    chmod(path, 0640);
    size_t entries = count_entries(state), size;
    Failure failure = {0};
    Writer *writer;
    char *large = calloc(1, 1 << 20);
    assert_success(cnn_writer_open(&writer, path, &failure), &failure);
    assert_success(cnn_writer_write(writer, "new", 3, &failure), &failure);
    assert_success(cnn_writer_write(writer, large, 1 << 20, &failure), &failure);
    assert_int_equal(count_entries(state), entries + 1);
    unsigned char *bytes = read_file(path, &size);
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "old", 3);
    cnn_aligned_free(bytes);
    assert_success(cnn_writer_write(writer, "end", 3, &failure), &failure);
    assert_success(cnn_writer_commit(writer, &failure), &failure);
    bytes = read_file(path, &size);
    assert_int_equal(size, (1 << 20) + 6);
    assert_memory_equal(bytes, "new", 3);
    assert_memory_equal(bytes + size - 3, "end", 3);
    cnn_aligned_free(bytes);
    struct stat about;
    stat(path, &about);
    assert_int_equal(about.st_mode & 0777, 0640);

    assert_success(cnn_writer_open(&writer, path, &failure), &failure);
    assert_success(cnn_writer_write(writer, "never", 5, &failure), &failure);
    cnn_writer_abandon(writer);
    assert_int_equal(count_entries(state), entries);
    free(large);
}

static void follows_a_link(void **state) {
    const char *target = scratch_write(state, "real", "old", 3), *link = scratch(state, "link");
    assert_int_equal(symlink("real", link), 0);
    Failure failure = {0};
    assert_success(cnn_file_write(link, "renewed", 7, &failure), &failure);
    struct stat about;
    lstat(link, &about);
    assert_true(S_ISLNK(about.st_mode));
    size_t size;
    unsigned char *bytes = read_file(target, &size);
    assert_int_equal(size, 7);
    cnn_aligned_free(bytes);
}

static void writes_devices_in_place(void **state) {
    (void)state;
    Failure failure = {0};
    assert_success(cnn_file_write("/dev/null", "x", 1, &failure), &failure);
    assert_failure(cnn_file_write("/dev/full", "x", 1, &failure), &failure, STATUS_FILE,
                   "/dev/full: cannot write: No space left on device");
    struct stat about;
    stat("/dev/full", &about);
    assert_true(S_ISCHR(about.st_mode));
}

static void says_why_it_cannot_write(void **state) {
    Failure failure = {0};
    assert_failure(cnn_file_write(scratch(state, "no/such"), "x", 1, &failure), &failure, STATUS_FILE,
                   "cannot write");
    memset(&failure, 0, sizeof failure);
    assert_failure(cnn_file_write(*state, "x", 1, &failure), &failure, STATUS_FILE, "Is a directory");
}

static void messages_fit_one_line(void **state) {
    (void)state;
    Failure failure = {0};
    char name[5000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    name[10] = '\n';
    cnn_fail(&failure, STATUS_FILE, "%s: the reason", name);
    assert_int_equal(strlen(failure.message), sizeof failure.message - 1);
    assert_null(strchr(failure.message, '\n'));
    assert_contains(failure.message, "...");
    assert_contains(failure.message, "n: the reason");
    cnn_fail(&failure, STATUS_MEMORY, "later");
    assert_int_equal(failure.exit_code, STATUS_FILE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_plain_bytes),
        cmocka_unit_test(refuses_what_is_left_over),
        cmocka_unit_test(a_lying_promise_costs_nothing),
        cmocka_unit_test(reads_several_gzip_members),
        cmocka_unit_test(notices_damaged_gzip),
        cmocka_unit_test(passes_over_zeros_behind_gzip_data),
        cmocka_unit_test(caps_a_bomb),
        cmocka_unit_test(finds_either_name),
        cmocka_unit_test(writes_whole_or_not_at_all),
        cmocka_unit_test(follows_a_link),
        cmocka_unit_test(writes_devices_in_place),
        cmocka_unit_test(says_why_it_cannot_write),
        cmocka_unit_test(messages_fit_one_line),
    };
    return cmocka_run_group_tests(tests, setup_scratch, teardown_scratch);
}
