/* The nearest known word to a misspelt one: Damerau-Levenshtein distance (optimal string alignment), letters'
 * case left aside, so that Conv and CONV find conv. */
#include "diag/diag.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 64 };

static int smaller(int a, int b) {
    return a < b ? a : b;
}

static bool same_letter(char a, char b) {
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Both at most LONGEST long. rows[i % 3][j]: distance of the first i letters of a to the first j of b. */
static int distance(const char *a, const char *b) {
    int rows[3][LONGEST + 1], length_a = (int)strlen(a), length_b = (int)strlen(b);
    for (int j = 0; j <= length_b; j++) rows[0][j] = j;
    for (int i = 1; i <= length_a; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= length_b; j++) {
            bool same = same_letter(a[i - 1], b[j - 1]);
            row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + !same);
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]))
                row[j] = smaller(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[length_a % 3][length_b];
}

const char *diag_nearest(const char *word, const char *const *candidates, int count) {
    size_t length = strlen(word);
    if (length > LONGEST) return NULL;
    const char *nearest = NULL;
    int best = (int)length / 3 + 1;
    for (int i = 0; i < count; i++) {
        if (!candidates[i] || strlen(candidates[i]) > LONGEST) continue;
        int d = distance(word, candidates[i]);
        if (d < best) best = d, nearest = candidates[i];
    }
    return nearest;
}
