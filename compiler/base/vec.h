/* Growable arrays in an arena: a struct { T *items; int count, capacity; } of any element type.
 * Growing leaves the old items behind in the arena; pointers to items are valid until the next push. */
#ifndef CNNC_BASE_VEC_H
#define CNNC_BASE_VEC_H

#include "base/arena.h"

#include <string.h>

#define VEC(Type)                                                                                            \
    struct {                                                                                                 \
        Type *items;                                                                                         \
        int count, capacity;                                                                                 \
    }

#define vec_push(arena, vec, ...)                                                                            \
    ((vec)->items =                                                                                          \
         vec_reserve((arena), (vec)->items, (vec)->count, &(vec)->capacity, sizeof *(vec)->items),           \
     (vec)->items[(vec)->count++] = (__VA_ARGS__))

/* Room for one more item; returns the array, moved if it was full. */
static inline void *vec_reserve(Arena *arena, void *items, int count, int *capacity, size_t size) {
    if (count < *capacity) return items;
    int grown = *capacity ? *capacity * 2 : 8;
    void *moved = arena_alloc_array(arena, (size_t)grown, size);
    if (count) memcpy(moved, items, (size_t)count * size);
    *capacity = grown;
    return moved;
}

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

#endif
