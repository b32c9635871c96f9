/* The lowest floor: arena, vectors, maps, and the writer of whole files. */
#define _GNU_SOURCE
#include "base/map.h"
#include "base/outfile.h"
#include "base/vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int make_arena(void **state) {
    *state = arena_create();
    return 0;
}

static int drop_arena(void **state) {
    arena_destroy(*state);
    return 0;
}

static void arena_memory_is_zeroed_and_aligned(void **state) {
    for (size_t size = 0; size < 5000; size += 7) {
        unsigned char *memory = arena_alloc(*state, size);
        assert_int_equal((uintptr_t)memory % 16, 0);
        for (size_t i = 0; i < size; i++) assert_int_equal(memory[i], 0);
        memset(memory, 0xaa, size);
    }
    unsigned char *large = arena_alloc(*state, 3 * 1024 * 1024);
    assert_int_equal(large[3 * 1024 * 1024 - 1], 0);
}

static void arena_texts(void **state) {
    assert_string_equal(arena_strdup(*state, "conv"), "conv");
    assert_string_equal(arena_strndup(*state, "convolution", 4), "conv");
    assert_string_equal(arena_printf(*state, "%dx%d%s", 3, 5, ""), "3x5");
    assert_string_equal(arena_printf(*state, "%s", ""), "");
    assert_memory_equal(arena_copy(*state, "a\0b", 3), "a\0b", 3);
}

static void vec_grows(void **state) {
    VEC(int) numbers = {0};
    for (int i = 0; i < 10000; i++) vec_push(*state, &numbers, i * 3);
    assert_int_equal(numbers.count, 10000);
    for (int i = 0; i < 10000; i++) assert_int_equal(numbers.items[i], i * 3);
}

static void map_holds_many(void **state) {
    Map *map = map_create(*state);
    static int values[5000];
    for (int i = 0; i < 5000; i++) map_set(map, arena_printf(*state, "name_%d", i), &values[i]);
    for (int i = 0; i < 5000; i++)
        assert_ptr_equal(map_get(map, arena_printf(*state, "name_%d", i)), &values[i]);
    assert_null(map_get(map, "name_5000"));
    assert_null(map_get(map, ""));
}

static void map_replaces_and_removes(void **state) {
    Map *map = map_create(*state);
    int one, two;
    map_set(map, "a", &one);
    map_set(map, "b", &one);
    map_set(map, "a", &two);
    assert_ptr_equal(map_get(map, "a"), &two);
    assert_true(map_remove(map, "a"));
    assert_false(map_remove(map, "a"));
    assert_null(map_get(map, "a"));
    assert_ptr_equal(map_get(map, "b"), &one);
    map_set(map, "a", &one);
    assert_ptr_equal(map_get(map, "a"), &one);
}

static void collect_key(const char *key, void *value, void *user) {
    (void)value;
    strcat(user, key);
}

static void map_visits_in_order(void **state) {
    Map *map = map_create(*state);
    char keys[16] = "";
    int value;
    map_set(map, "c", &value);
    map_set(map, "a", &value);
    map_set(map, "b", &value);
    map_set(map, "c", &value);
    map_remove(map, "a");
    map_each(map, collect_key, keys);
    assert_string_equal(keys, "cb");
}

static void assert_file_holds(const char *path, const char *text) {
    char bytes[64] = "";
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes - 1, file);
    fclose(file);
    assert_int_equal(size, strlen(text));
    assert_string_equal(bytes, text);
}

static void outfile_replaces_whole(void **state) {
    (void)state;
    char folder[] = "/tmp/cnnc-unit-XXXXXX";
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(outfile_write("a", "first", 5), 0);
    assert_file_holds("a", "first");
    assert_int_equal(chmod("a", 0640), 0);
    assert_int_equal(symlink("a", "link"), 0);
    assert_int_equal(outfile_write("link", "second", 6), 0);
    assert_file_holds("a", "second");
    struct stat now;
    assert_int_equal(lstat("link", &now), 0);
    assert_true(S_ISLNK(now.st_mode));
    assert_int_equal(stat("a", &now), 0);
    assert_int_equal(now.st_mode & 0777, 0640);
    unlink("link");
    unlink("a");
    assert_int_equal(rmdir(folder), 0); /* nothing else was left there */
    assert_int_equal(outfile_write("/dev/null", "x", 1), 0);
}

static void outfile_says_what_fails(void **state) {
    (void)state;
    int errors = dup(STDERR_FILENO); /* the messages themselves are not looked at */
    assert_non_null(freopen("/dev/null", "w", stderr));
    assert_int_equal(outfile_write("/dev/full", "x", 1), 4);
    assert_int_equal(outfile_write("/tmp", "x", 1), 4);
    assert_int_equal(outfile_write("/nowhere/at/all", "x", 1), 4);
    dup2(errors, STDERR_FILENO);
    close(errors);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_memory_is_zeroed_and_aligned),
        cmocka_unit_test(arena_texts),
        cmocka_unit_test(vec_grows),
        cmocka_unit_test(map_holds_many),
        cmocka_unit_test(map_replaces_and_removes),
        cmocka_unit_test(map_visits_in_order),
        cmocka_unit_test(outfile_replaces_whole),
        cmocka_unit_test(outfile_says_what_fails),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
