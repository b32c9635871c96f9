/* libFuzzer: any bytes as a model. The first byte's low bit picks JSON. Parses, and elaborates what parsed;
 * must neither crash, hang nor leak, and must say something about what it does not take. */
#include "sema/sema.h"
#include "syntax/parse.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static FILE *nowhere;
    if (!nowhere) nowhere = fopen("/dev/null", "w");
    Arena *arena = arena_create();
    bool json = size && (bytes[0] & 1);
    Context cx = {
        .arena = arena, .options = {.optimization = 3, .cpu = "native", .check = true}
    };
    cx.diag = diag_create(arena, nowhere, json ? DIAG_JSON : DIAG_TEXT, false);
    char *text = arena_alloc(arena, size + 1);
    if (size) memcpy(text, bytes, size);
    Source source = {"fuzz.cnn", text, size};
    const Ast *ast = syntax_parse(&cx, &source);
    if (!diag_errors(cx.diag)) {
        Elaboration *elaboration = sema_elaborate(&cx, ast);
        if (!elaboration->usage_error && !elaboration->model && !diag_errors(cx.diag)) abort();
        if (elaboration->model && !diag_errors(cx.diag)) sema_judge_asserts(&cx, elaboration, 1000, 2000);
    }
    diag_flush(cx.diag);
    arena_destroy(arena);
    return 0;
}
