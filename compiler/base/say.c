/* See say.h. */
#define _GNU_SOURCE
#include "base/say.h"

#include "base/leaving.h"
#include "runtime/printable.h"

#include <stdio.h>
#include <stdlib.h>

void say_error_list(const char *format, va_list arguments) {
    char *text;
    if (vasprintf(&text, format, arguments) < 0) leave_out_of_memory();
    fputs("cnnc: error: ", stderr);
    cnn_print_text(stderr, text);
    fputc('\n', stderr);
    free(text);
}

void say_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say_error_list(format, arguments);
    va_end(arguments);
}
