/* What every fallible function of the runtime returns and fills: 0, or the exit status that its failure
 * means, and a record that names the file, the place in it and what was expected. Nothing below main prints
 * or exits. */
#ifndef CNN_STATUS_H
#define CNN_STATUS_H

#include <stdarg.h>

typedef enum Status {
    STATUS_OK = 0,
    STATUS_USAGE = 2,     /* asked for what this model does not have */
    STATUS_MALFORMED = 3, /* an input is malformed or does not fit */
    STATUS_FILE = 4,      /* a file cannot be opened, read or written */
    STATUS_MEMORY = 5,    /* out of memory */
    STATUS_DIVERGED = 6,  /* a value that is not finite */
    STATUS_INTERRUPTED = 130
} Status;

typedef struct Failure {
    int exit_code;     /* a Status; 0 while nothing has failed */
    char message[512]; /* one line without a newline, as it goes after "error: " */
} Failure;

/* Fills the record and returns status, so that a caller writes `return cnn_fail(...)`. The first failure
 * stands: a record that is filled already stays as it is. */
int cnn_fail(Failure *failure, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with the arguments as a list. */
int cnn_fail_list(Failure *failure, int status, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* "PATH: cannot ACTION: the system's reason for error_number". ENOMEM is STATUS_MEMORY, everything else
 * STATUS_FILE. */
int cnn_fail_system(Failure *failure, const char *path, const char *action, int error_number);

/* Out of memory, with what the memory was for and how many bytes it was. */
int cnn_fail_memory(Failure *failure, const char *purpose, unsigned long long bytes);

#endif
