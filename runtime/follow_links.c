/* See follow_links.h. */
#define _GNU_SOURCE /* PATH_MAX, readlink */
#include "follow_links.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINKS_AT_MOST = 40 };

char *cnn_follow_links(const char *path) {
    char link[PATH_MAX], *at = strdup(path);
    for (int i = 0; at && i < LINKS_AT_MOST; i++) {
        ssize_t length = readlink(at, link, sizeof link - 1);
        if (length < 0) return at;
        link[length] = '\0';
        const char *slash = strrchr(at, '/');
        size_t folder = *link == '/' || !slash ? 0 : (size_t)(slash - at) + 1;
        char *next = malloc(folder + (size_t)length + 1);
        if (next) {
            memcpy(next, at, folder);
            memcpy(next + folder, link, (size_t)length + 1);
        }
        free(at);
        at = next;
    }
    errno = at ? ELOOP : ENOMEM;
    free(at);
    return NULL;
}
