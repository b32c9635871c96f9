/* See arena.h. Blocks double in size up to a megabyte; a larger request gets a block of its own. */
#include "base/arena.h"

#include "base/leaving.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 16 * 1024, LARGEST_BLOCK = 1024 * 1024, ALIGNMENT = 16 };

typedef struct Block Block;
struct Block {
    Block *next;
    size_t used, size;
    _Alignas(16) unsigned char bytes[];
};

struct Arena {
    Block *blocks;
    size_t next_size;
};

static Block *block_add(Arena *arena, size_t at_least) {
    size_t size = at_least > arena->next_size ? at_least : arena->next_size;
    Block *block = memory_or_leave(malloc(sizeof(Block) + size));
    *block = (Block){.next = arena->blocks, .size = size};
    arena->blocks = block;
    if (arena->next_size < LARGEST_BLOCK) arena->next_size *= 2;
    return block;
}

Arena *arena_create(void) {
    Arena *arena = memory_or_leave(malloc(sizeof *arena));
    *arena = (Arena){.next_size = FIRST_BLOCK};
    return arena;
}

void arena_destroy(Arena *arena) {
    if (!arena) return;
    for (Block *block = arena->blocks; block;) {
        Block *next = block->next;
        free(block);
        block = next;
    }
    free(arena);
}

void *arena_alloc(Arena *arena, size_t bytes) {
    if (bytes > SIZE_MAX / 2) leave_out_of_memory();
    size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    Block *block = arena->blocks;
    if (!block || block->size - block->used < rounded) block = block_add(arena, rounded);
    void *memory = block->bytes + block->used;
    block->used += rounded;
    return memset(memory, 0, bytes);
}

void *arena_alloc_array(Arena *arena, size_t count, size_t size) {
    if (size && count > SIZE_MAX / 2 / size) leave_out_of_memory();
    return arena_alloc(arena, count * size);
}

void *arena_copy(Arena *arena, const void *from, size_t bytes) {
    void *memory = arena_alloc(arena, bytes);
    return bytes ? memcpy(memory, from, bytes) : memory;
}

char *arena_strndup(Arena *arena, const char *text, size_t length) {
    char *copy = arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *arena_strdup(Arena *arena, const char *text) {
    return arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(Arena *arena, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = arena_alloc(arena, (size_t)(length < 0 ? 0 : length) + 1);
    if (length > 0) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *arena_printf(Arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}
