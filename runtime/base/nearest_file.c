/* A walk through the folder; of names equally near the first by alphabet, whatever the folder's order. */
#define _GNU_SOURCE /* strndup */
#include "base/nearest_file.h"

#include "base/nearest_word.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* The nearer of two names, as a copy; gives best back. NULL is no name. */
static char *nearer(const char *wanted, char *best, const char *name) {
    const char *names[] = {name, best ? best : name};
    if (best && strcmp(best, name) < 0) {
        names[0] = best;
        names[1] = name;
    }
    const char *near = cnn_nearest(wanted, names, 2);
    if (!near || near == best) return best;
    char *copy = strdup(near);
    free(best);
    return copy;
}

char *cnn_nearest_file(const char *path) {
    const char *slash = strrchr(path, '/'), *wanted = slash ? slash + 1 : path;
    char *folder_path = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("."), *best = NULL;
    DIR *folder = folder_path ? opendir(folder_path) : NULL;
    free(folder_path);
    if (!folder) return NULL;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.') best = nearer(wanted, best, entry->d_name);
    closedir(folder);
    return best;
}
