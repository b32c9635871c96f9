/* See fmt.h. */
#include "fmt.h"

#include "base/outfile.h"
#include "runtime/exit_status.h"
#include "runtime/printable.h"
#include "syntax/formatter.h"

#include <stdio.h>
#include <string.h>

static int say_layout(const char *name) {
    cnn_print_text(stdout, name);
    puts(" is not in the standard layout");
    return STATUS_MODEL;
}

static int fmt_file(Context *cx, const char *path) {
    const Source *source = source_open(cx, path);
    if (!source) return STATUS_FILE;
    const char *text = format_source(cx, source);
    diag_flush(cx->diag);
    if (!text) return STATUS_MODEL;
    size_t length = strlen(text);
    bool changed = length != source->length || memcmp(text, source->text, length) != 0;
    if (cx->options.check) return changed ? say_layout(source->name) : STATUS_OK;
    if (!strcmp(path, "-")) return fputs(text, stdout), STATUS_OK;
    if (!changed) return STATUS_OK;
    if (cx->options.verbose) {
        fputs("cnnc: writing ", stderr);
        cnn_print_text(stderr, path);
        fputc('\n', stderr);
    }
    return outfile_write(path, text, length);
}

int fmt_files(const Options *options, bool color, const char *const *paths, int count) {
    int status = STATUS_OK;
    for (int i = 0; i < count; i++) {
        Arena *arena = arena_create();
        Context cx = {.arena = arena, .options = *options};
        cx.diag = diag_create(arena, stderr, options->json ? DIAG_JSON : DIAG_TEXT, color);
        int result = fmt_file(&cx, paths[i]);
        if (result > status) status = result;
        arena_destroy(arena);
    }
    return status;
}
