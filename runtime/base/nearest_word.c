/* The nearest known word to a misspelt one, by optimal string alignment (a swap of neighbours counts one). */
#include "base/nearest_word.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_MAXIMUM = 48 };

static int minimum(int a, int b) {
    return a < b ? a : b;
}

static int distance(const char *a, const char *b) {
    int rows[3][WORD_MAXIMUM + 1], n = (int)strlen(a), m = (int)strlen(b);
    for (int j = 0; j <= m; j++) rows[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *now = rows[i % 3], *up = rows[(i + 2) % 3], *upper = rows[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            now[j] = minimum(minimum(up[j] + 1, now[j - 1] + 1), up[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = minimum(now[j], upper[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

const char *cnn_nearest(const char *word, const char *const *candidates, int count) {
    const char *best = NULL;
    size_t length = strlen(word);
    int best_distance = length < 4 ? 1 : length < 8 ? 2 : 3;
    if (length > WORD_MAXIMUM) return NULL;
    for (int i = 0; i < count; i++) {
        if (strlen(candidates[i]) > WORD_MAXIMUM) continue;
        int d = distance(word, candidates[i]);
        if (d > best_distance || (best && d == best_distance)) continue;
        best = candidates[i];
        best_distance = d;
    }
    return best;
}
