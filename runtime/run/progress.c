/* Lines and bars. */
#define _GNU_SOURCE
#include "run/progress.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR_WIDTH = 24 };
static const double redraw_seconds = 0.05;

double cnn_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int cnn_progress_open(Progress *progress, const cnn_model *model, FILE *out, const char *log_path,
                      Failure *failure) {
    *progress = (Progress){.model = model, .out = out, .log_path = log_path};
    const char *terminal = getenv("TERM");
    progress->live = out && isatty(fileno(out)) && terminal && strcmp(terminal, "dumb") != 0;
    if (!log_path) return STATUS_OK;
    progress->log = fopen(log_path, "we");
    return progress->log ? STATUS_OK : cnn_fail_system(failure, log_path, "open", errno);
}

int cnn_progress_close(Progress *progress, Failure *failure) {
    if (!progress->log) return STATUS_OK;
    bool failed = ferror(progress->log);
    errno = 0;
    failed |= fclose(progress->log) != 0;
    progress->log = NULL;
    return failed ? cnn_fail_system(failure, progress->log_path, "write", errno ? errno : EIO) : STATUS_OK;
}

void cnn_progress_epoch(Progress *progress, int64_t epoch) {
    progress->epoch = epoch;
    progress->begun = cnn_seconds();
    progress->drawn = 0;
}

void cnn_progress_clear(Progress *progress) {
    if (progress->live) fputs("\r\033[K", progress->out);
}

static void print_value(FILE *out, const char *prefix, const char *name, double value) {
    fprintf(out, fabs(value) < 1e6 ? "  %s%s %.4f" : "  %s%s %.4g", prefix, name, value);
}

static void print_metrics(FILE *out, const cnn_model *model, const Metrics *metrics, const char *prefix) {
    MetricValue values[METRIC_MAXIMUM];
    int count = cnn_metrics_values(metrics, model, values);
    print_value(out, prefix, "loss", cnn_metrics_loss(metrics));
    for (int i = 0; i < count; i++) print_value(out, prefix, values[i].name, values[i].value);
}

void cnn_progress_batch(Progress *progress, const Metrics *metrics) {
    double now = cnn_seconds(), spent = now - progress->begun;
    if (!progress->live || now - progress->drawn < redraw_seconds) return;
    progress->drawn = now;
    char bar[BAR_WIDTH + 1];
    int filled = (int)(BAR_WIDTH * metrics->samples / progress->total);
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '=', (size_t)filled);
    bar[BAR_WIDTH] = 0;
    double speed = spent > 0 ? (double)metrics->samples / spent : 0;
    int left = speed > 0 ? (int)ceil((double)(progress->total - metrics->samples) / speed) : 0;
    fprintf(progress->out, "\repoch %lld/%lld [%s] %.0f samples/s  %d:%02d left", (long long)progress->epoch,
            (long long)progress->epochs, bar, speed, left / 60, left % 60);
    print_metrics(progress->out, progress->model, metrics, "");
    fputs("\033[K", progress->out);
    fflush(progress->out);
}

static void log_number(FILE *log, const char *prefix, const char *name, double value) {
    fprintf(log, ", \"%s%s\": ", prefix, name);
    if (isfinite(value))
        fprintf(log, "%.9g", value);
    else
        fputs("null", log);
}

static void log_metrics(FILE *log, const cnn_model *model, const Metrics *metrics, const char *prefix) {
    MetricValue values[METRIC_MAXIMUM];
    int count = cnn_metrics_values(metrics, model, values);
    log_number(log, prefix, "loss", cnn_metrics_loss(metrics));
    for (int i = 0; i < count; i++) log_number(log, prefix, values[i].name, values[i].value);
}

static int log_epoch(Progress *progress, const EpochReport *report, double speed, Failure *failure) {
    FILE *log = progress->log;
    fprintf(log, "{\"epoch\": %lld", (long long)progress->epoch);
    log_metrics(log, progress->model, report->training, "");
    if (report->validation) log_metrics(log, progress->model, report->validation, "val_");
    fprintf(log, ", \"lr\": %.7g, \"seconds\": %.6g, \"samples_per_second\": %.6g}\n", report->learning_rate,
            report->seconds, speed);
    errno = 0;
    if (fflush(log) == 0 && !ferror(log)) return STATUS_OK;
    return cnn_fail_system(failure, progress->log_path, "write", errno ? errno : EIO);
}

int cnn_progress_report(Progress *progress, const EpochReport *report, Failure *failure) {
    double speed = report->seconds > 0 ? (double)report->training->samples / report->seconds : 0;
    if (progress->out) {
        cnn_progress_clear(progress);
        fprintf(progress->out, "epoch %lld/%lld", (long long)progress->epoch, (long long)progress->epochs);
        print_metrics(progress->out, progress->model, report->training, "");
        if (report->validation) print_metrics(progress->out, progress->model, report->validation, "val_");
        fprintf(progress->out, "  %.1f s  %.0f samples/s\n", report->seconds, speed);
    }
    return progress->log ? log_epoch(progress, report, speed, failure) : STATUS_OK;
}
