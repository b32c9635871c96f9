/* See map.h. Open addressing over an insertion-ordered array of entries; FNV-1a hashes. */
#include "base/map.h"

#include "base/vec.h"

#include <stdint.h>
#include <string.h>

typedef struct Entry {
    const char *key; /* NULL once removed */
    void *value;
    uint64_t hash;
} Entry;

struct Map {
    Arena *arena;
    VEC(Entry) entries;
    int *slots; /* index of an entry plus one, 0 where empty */
    int slot_count;
};

enum { FIRST_SLOTS = 16 };

static uint64_t hash_of(const char *key) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (const unsigned char *at = (const unsigned char *)key; *at; at++)
        hash = (hash ^ *at) * 0x100000001b3u;
    return hash;
}

/* The slot that holds the key, or the empty one where it would go. */
static int slot_of(const Map *map, const char *key, uint64_t hash) {
    int mask = map->slot_count - 1;
    for (int slot = (int)(hash & (uint64_t)mask);; slot = (slot + 1) & mask) {
        if (!map->slots[slot]) return slot;
        const Entry *entry = &map->entries.items[map->slots[slot] - 1];
        if (entry->hash == hash && entry->key && !strcmp(entry->key, key)) return slot;
    }
}

static void rehash(Map *map, int slot_count) {
    map->slot_count = slot_count;
    map->slots = ARENA_ARRAY(map->arena, int, (size_t)slot_count);
    for (int i = 0; i < map->entries.count; i++) {
        const Entry *entry = &map->entries.items[i];
        if (entry->key) map->slots[slot_of(map, entry->key, entry->hash)] = i + 1;
    }
}

Map *map_create(Arena *arena) {
    Map *map = ARENA_NEW(arena, Map);
    map->arena = arena;
    rehash(map, FIRST_SLOTS);
    return map;
}

void *map_get(const Map *map, const char *key) {
    int found = map->slots[slot_of(map, key, hash_of(key))];
    return found ? map->entries.items[found - 1].value : NULL;
}

void map_set(Map *map, const char *key, void *value) {
    uint64_t hash = hash_of(key);
    int slot = slot_of(map, key, hash);
    if (map->slots[slot]) {
        map->entries.items[map->slots[slot] - 1].value = value;
        return;
    }
    vec_push(map->arena, &map->entries, (Entry){key, value, hash});
    map->slots[slot] = map->entries.count;
    if (map->entries.count * 2 > map->slot_count) rehash(map, map->slot_count * 2);
}

bool map_remove(Map *map, const char *key) {
    int found = map->slots[slot_of(map, key, hash_of(key))];
    if (!found) return false;
    map->entries.items[found - 1].key = NULL; /* the slot stays taken, so that probing goes on past it */
    return true;
}

void map_each(const Map *map, void (*visit)(const char *key, void *value, void *user), void *user) {
    for (int i = 0; i < map->entries.count; i++) {
        const Entry *entry = &map->entries.items[i];
        if (entry->key) visit(entry->key, entry->value, user);
    }
}
