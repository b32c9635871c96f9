/* A hash map from strings to pointers, in an arena. Keys are not copied: they must outlive the map. */
#ifndef CNNC_BASE_MAP_H
#define CNNC_BASE_MAP_H

#include "base/arena.h"

#include <stdbool.h>

typedef struct Map Map;

Map *map_create(Arena *arena);
void *map_get(const Map *map, const char *key); /* NULL where there is none */
void map_set(Map *map, const char *key, void *value);
bool map_remove(Map *map, const char *key);

/* Calls visit for every entry, in the order in which the keys were first set. */
void map_each(const Map *map, void (*visit)(const char *key, void *value, void *user), void *user);

#endif
