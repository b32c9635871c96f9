/* An arena: memory that is handed out piece by piece and given back all at once.
 * Everything the compiler builds lives in one; nothing in it is freed alone. */
#ifndef CNNC_BASE_ARENA_H
#define CNNC_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

typedef struct Arena Arena;

/* All leave the compiler with status 5 when memory is gone (leaving.h): it has nothing better to do then. */
Arena *arena_create(void);
void *arena_alloc(Arena *arena, size_t bytes); /* zeroed, aligned to 16 */

void arena_destroy(Arena *arena);
void *arena_alloc_array(Arena *arena, size_t count, size_t size); /* overflow-checked */
void *arena_copy(Arena *arena, const void *from, size_t bytes);
char *arena_strdup(Arena *arena, const char *text);
char *arena_strndup(Arena *arena, const char *text, size_t length);
char *arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(Arena *arena, const char *format, va_list arguments);

#define ARENA_NEW(arena, Type)          ((Type *)arena_alloc((arena), sizeof(Type)))
#define ARENA_ARRAY(arena, Type, count) ((Type *)arena_alloc_array((arena), (count), sizeof(Type)))

#endif
