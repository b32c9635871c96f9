/* See parse.h. Reads sources, sees to it that they are UTF-8, and runs the grammar over them. */
#include "syntax/parser_state.h"

#include "base/rawfile.h"
#include "base/say.h"
#include "runtime/printable.h"
#include "syntax/parser.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A text of this size is no model; it also keeps lines and columns within an int. */
enum { LARGEST_SOURCE = 256 * 1024 * 1024, LONG_SOURCE = 1024 * 1024, FIRST_READ = 64 * 1024 };

static const char byte_order_mark[] = "\xef\xbb\xbf";

static const Source *read_file(Context *cx, int file, const char *name, const char **reason) {
    size_t size = 0, capacity = FIRST_READ;
    char *text = arena_alloc(cx->arena, capacity + 1);
    for (;;) {
        ssize_t got = rawfile_read(file, text + size, capacity - size);
        if (got < 0) {
            *reason = strerror(errno);
            return NULL;
        }
        size += (size_t)got;
        if (size < capacity) break;
        if (size >= LARGEST_SOURCE || (size >= LONG_SOURCE && memchr(text, 0, size))) {
            *reason = size < LARGEST_SOURCE ? "it is no text: it has NUL bytes" : "it is larger than 256 MB";
            return NULL;
        }
        char *grown = arena_alloc(cx->arena, capacity * 2 + 1);
        memcpy(grown, text, size);
        text = grown;
        capacity *= 2;
    }
    text[size] = 0;
    size_t mark = size >= 3 && !memcmp(text, byte_order_mark, 3) ? 3 : 0;
    Source *source = ARENA_NEW(cx->arena, Source);
    *source = (Source){arena_strdup(cx->arena, name), text + mark, size - mark};
    vec_push(cx->arena, &cx->sources, source);
    return source;
}

const Source *source_read(Context *cx, const char *path, const char **reason) {
    int file = rawfile_open(path, O_RDONLY);
    if (file < 0) {
        *reason = strerror(errno);
        return NULL;
    }
    const Source *source = read_file(cx, file, path, reason);
    close(file);
    return source;
}

const Source *source_open(Context *cx, const char *path) {
    const char *reason = NULL;
    bool standard_input = !strcmp(path, "-");
    const Source *source =
        standard_input ? read_file(cx, STDIN_FILENO, "<stdin>", &reason) : source_read(cx, path, &reason);
    if (!source) say_error("cannot read %s: %s", standard_input ? "<stdin>" : path, reason);
    return source;
}

static Parser parser_run(Context *cx, const Source *source, int start, Trace *trace) {
    Parser parser = {.cx = cx, .arena = cx->arena, .source = source, .line = 1, .column = 1, .start = start};
    parser.trace = trace;
    parser.ast = ARENA_NEW(cx->arena, Ast);
    parser.ast->source = source;
    parser.text = arena_alloc(cx->arena, source->length + 2);
    memcpy(parser.text, source->text, source->length);
    if (!blank_bad_bytes(&parser)) return parser;
    scanner_open(&parser);
    int failed = cnn_parse_parse(&parser);
    scanner_close(&parser);
    if (failed && !diag_errors(cx->diag)) internal_error("the parser failed without a word");
    return parser;
}

const Ast *syntax_parse(Context *cx, const Source *source) {
    return parser_run(cx, source, TOKEN_START_FILE, NULL).ast;
}

void syntax_trace(Context *cx, const Source *source, Trace *trace) {
    parser_run(cx, source, TOKEN_START_FILE, trace);
}

const Expr *syntax_parse_expression(Context *cx, const Source *source) {
    int errors = diag_errors(cx->diag);
    const Expr *expression = parser_run(cx, source, TOKEN_START_EXPRESSION, NULL).expression;
    return diag_errors(cx->diag) > errors ? NULL : expression;
}
