/* What every verb works with: the model, the command line, where to print, the threads and the parameters.
 * Verbs return a Status and fill the failure; printing an error and exiting is main's. */
#ifndef CNN_SESSION_H
#define CNN_SESSION_H

#include "abi.h"
#include "base/status.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "printable.h"
#include "run/program.h"
#include "verbs/verb.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct Session {
    const cnn_model *model;
    const Options *options;
    FILE *out;
    Failure *failure;
    char hint[256];    /* goes after the error message as its help; "" for none */
    Threads *pool;     /* opened by cnn_session_threads */
    float *parameters; /* opened by cnn_session_weights or cnn_session_initial */
} Session;

/* The verb that the command line names, once all that it needs is there: STATUS_USAGE with what is missing.
 */
int cnn_session_run(Session *session);

int cnn_session_threads(Session *session);
/* The parameters from --weights; without it the values that the model itself fixes, or STATUS_USAGE where it
 * fixes not all. */
int cnn_session_weights(Session *session);
/* Those of a file into parameters that are there, with a note where it had to be read with leniency. */
int cnn_session_read_weights(Session *session, const char *path);
/* The parameters as the seed draws them. */
int cnn_session_initial(Session *session, uint64_t seed);
/* The data block's training or test files; with a hint where one cannot be opened. */
int cnn_session_data(Session *session, bool test, Dataset *dataset);
void cnn_session_close(Session *session);

/* A program over all of session->parameters, prepared, with the model's seed in its frame. */
int cnn_session_program(Session *session, const cnn_program *code, int64_t capacity, Program *program);
/* A line on standard error: what the user should know though nothing has failed. */
void cnn_session_note(const Session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints the failure as main does and forgets it, where a verb goes on. Returns its status. */
int cnn_session_print_failure(Session *session);
/* Everything printed so far has arrived: STATUS_FILE where it has not (a full disk, a closed pipe). */
int cnn_session_flush(Session *session);

/* A number with that format, or null where it is not finite. */
void cnn_print_json_number(FILE *out, const char *format, double number);

#endif
