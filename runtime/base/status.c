/* Failure records: formatted once, cut in the middle where they are too long, and always one line. */
#define _GNU_SOURCE /* strerror_r that returns the text */
#include "base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FORMATTED_SIZE = 16384, KEPT_FRONT = 240 };

/* Names of files and tensors may hold anything; a message is one line of text. */
static void flatten_control_characters(char *text) {
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = '?';
}

int cnn_fail_list(Failure *failure, int status, const char *format, va_list arguments) {
    if (!failure || failure->exit_code) return status;
    failure->exit_code = status;
    char text[FORMATTED_SIZE];
    if (vsnprintf(text, sizeof text, format, arguments) < 0) text[0] = 0;
    flatten_control_characters(text);
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
