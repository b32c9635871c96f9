/* libFuzzer: any bytes as a text to lay out anew. format_source itself ends the program where words or
 * comments are lost; here it must take its own result, and leave it as it is. */
#include "syntax/formatter.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static FILE *nowhere;
    if (!nowhere) nowhere = fopen("/dev/null", "w");
    Arena *arena = arena_create();
    Context cx = {.arena = arena, .diag = diag_create(arena, nowhere, DIAG_TEXT, false)};
    char *text = arena_alloc(arena, size + 1);
    if (size) memcpy(text, bytes, size);
    Source source = {"fuzz.cnn", text, size};
    const char *once = format_source(&cx, &source);
    if (once) {
        Source again = {"fuzz.cnn", once, strlen(once)};
        const char *twice = format_source(&cx, &again);
        if (!twice || strcmp(once, twice) != 0) abort();
    }
    arena_destroy(arena);
    return 0;
}
