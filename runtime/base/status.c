/* Failure records: formatted once, cut in the middle where they are too long, and always one line. */
#define _GNU_SOURCE /* strerror_r that returns the text */
#include "base/status.h"

#include "printable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FORMATTED_SIZE = 16384, KEPT_FRONT = 240 };

/* Names of files and tensors may hold anything; a message is one line of text. */
static void make_printable(char *to, size_t size, const char *text) {
    size_t left = strlen(text), used = 0;
    for (size_t step; left && used + PRINTABLE_SIZE < size; text += step, left -= step) {
        step = cnn_printable(to + used, text, left);
        used += strlen(to + used);
    }
    to[used] = 0;
}

int cnn_fail_list(Failure *failure, int status, const char *format, va_list arguments) {
    if (!failure || failure->exit_code) return status;
    failure->exit_code = status;
    char formatted[FORMATTED_SIZE], text[2 * FORMATTED_SIZE];
    if (vsnprintf(formatted, sizeof formatted, format, arguments) < 0) formatted[0] = 0;
    make_printable(text, sizeof text, formatted);
    size_t length = strlen(text), room = sizeof failure->message - 1;
    if (length <= room) {
        memcpy(failure->message, text, length + 1);
        return status;
    }
    /* A long path comes first and the reason last: both ends matter. */
    size_t kept_back = room - KEPT_FRONT - 3;
    memcpy(failure->message, text, KEPT_FRONT);
    memcpy(failure->message + KEPT_FRONT, "...", 3);
    memcpy(failure->message + KEPT_FRONT + 3, text + length - kept_back, kept_back + 1);
    return status;
}

int cnn_fail(Failure *failure, int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cnn_fail_list(failure, status, format, arguments);
    va_end(arguments);
    return status;
}

int cnn_fail_system(Failure *failure, const char *path, const char *action, int error_number) {
    char buffer[128];
    const char *reason = strerror_r(error_number, buffer, sizeof buffer);
    return cnn_fail(failure, error_number == ENOMEM ? STATUS_MEMORY : STATUS_FILE, "%s: cannot %s: %s", path,
                    action, reason);
}

int cnn_fail_memory(Failure *failure, const char *purpose, unsigned long long bytes) {
    return cnn_fail(failure, STATUS_MEMORY, "out of memory: %llu bytes for %s", bytes, purpose);
}
