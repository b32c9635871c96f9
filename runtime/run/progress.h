/* What a training shows while it runs: a live line on a terminal, a plain line an epoch elsewhere, and the
 * log. */
#ifndef CNN_PROGRESS_H
#define CNN_PROGRESS_H

#include "base/status.h"
#include "run/metrics.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct Progress {
    FILE *out;            /* NULL: quiet */
    const char *log_path; /* NULL: none */
    int log;              /* its descriptor */
    const cnn_model *model;
    bool live;
    int64_t epoch, epochs, total; /* total: samples of an epoch */
    double begun, drawn;          /* seconds */
} Progress;

typedef struct EpochReport {
    const Metrics *training, *validation; /* validation NULL: none */
    double seconds, learning_rate;
} EpochReport;

int cnn_progress_open(Progress *progress, const cnn_model *model, FILE *out, const char *log_path,
                      Failure *failure);
/* Closes the log; STATUS_FILE where it did not arrive. Once more is no harm. */
int cnn_progress_close(Progress *progress, Failure *failure);
void cnn_progress_epoch(Progress *progress, int64_t epoch);
/* After a batch: redraws the live line, at most 20 times a second. */
void cnn_progress_batch(Progress *progress, const Metrics *metrics);
/* The epoch's line, and its object in the log. */
int cnn_progress_report(Progress *progress, const EpochReport *report, Failure *failure);
/* Ends the live line, where something else is to be printed. */
void cnn_progress_clear(Progress *progress);

double cnn_seconds(void); /* of a clock that only goes forward */

#endif
