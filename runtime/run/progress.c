/* Lines and bars. */
#define _GNU_SOURCE
#include "run/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { USUAL_WIDTH = 80, LONGEST_LINE = 512, LONGEST_OBJECT = 4096 };
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
    do progress->log = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    while (progress->log < 0 && errno == EINTR);
    if (progress->log >= 0) return STATUS_OK;
    progress->log_path = NULL;
    return cnn_fail_system(failure, log_path, "open", errno);
}

int cnn_progress_close(Progress *progress, Failure *failure) {
    const char *path = progress->log_path;
    progress->log_path = NULL;
    if (!path || !close(progress->log) || errno == EINTR) return STATUS_OK;
    return cnn_fail_system(failure, path, "write", errno);
}

void cnn_progress_epoch(Progress *progress, int64_t epoch) {
    progress->epoch = epoch;
    progress->begun = cnn_seconds();
    progress->drawn = 0;
}

void cnn_progress_clear(Progress *progress) {
    if (progress->live) fputs("\r\033[K", progress->out);
}

/* The number of characters, as that of the next function. */
static int print_value(FILE *out, const char *prefix, const char *name, double value) {
    return fprintf(out, fabs(value) < 1e6 ? "  %s%s %.4f" : "  %s%s %.4g", prefix, name, value);
}

static int print_metrics(FILE *out, const cnn_model *model, const Metrics *metrics, const char *prefix) {
    MetricValue values[METRIC_MAXIMUM];
    int count = cnn_metrics_values(metrics, model, values);
    int length = print_value(out, prefix, "loss", cnn_metrics_loss(metrics));
    for (int i = 0; i < count; i++) length += print_value(out, prefix, values[i].name, values[i].value);
    return length;
}

/* What a live line has room for. */
typedef struct Fit {
    int bar, metrics; /* characters; at most so many of the metrics, the loss the first */
    bool speed, left;
} Fit;

/* The width of the terminal now: what it says itself, else the environment, else the usual one. */
static int terminal_width(FILE *out) {
    struct winsize size;
    if (!ioctl(fileno(out), TIOCGWINSZ, &size) && size.ws_col) return size.ws_col;
    const char *columns = getenv("COLUMNS");
    int width = columns ? atoi(columns) : 0;
    return width > 0 ? width : USUAL_WIDTH;
}

static void print_bar(FILE *line, int width, double share) {
    int filled = (int)(width * share);
    fputs(" [", line);
    for (int i = 0; i < width; i++) fputc(i < filled ? '=' : '.', line);
    fputc(']', line);
}

static void print_live(FILE *line, const Progress *progress, const Metrics *metrics, Fit fit) {
    double spent = cnn_seconds() - progress->begun;
    double speed = spent > 0 ? (double)metrics->samples / spent : 0;
    int left = speed > 0 ? (int)ceil((double)(progress->total - metrics->samples) / speed) : 0;
    MetricValue values[METRIC_MAXIMUM];
    int count = cnn_metrics_values(metrics, progress->model, values);
    fprintf(line, "epoch %lld/%lld", (long long)progress->epoch, (long long)progress->epochs);
    if (fit.bar) print_bar(line, fit.bar, (double)metrics->samples / (double)progress->total);
    if (fit.speed) fprintf(line, "  %.0f samples/s", speed);
    if (fit.left) fprintf(line, "  %d:%02d left", left / 60, left % 60);
    if (fit.metrics) print_value(line, "", "loss", cnn_metrics_loss(metrics));
    for (int i = 0; i < count && i + 1 < fit.metrics; i++)
        print_value(line, "", values[i].name, values[i].value);
}

/* The fullest line that leaves the last column free, where a cursor would wrap. */
static void compose_live(char *text, size_t size, const Progress *progress, const Metrics *metrics,
                         int width) {
    static const Fit fits[] = {
        {24, METRIC_MAXIMUM + 1, true,  true },
        {12, METRIC_MAXIMUM + 1, true,  true },
        {12, METRIC_MAXIMUM + 1, false, true },
        {12, 2,                  false, true },
        {0,  2,                  false, true },
        {12, 1,                  false, true },
        {0,  1,                  false, true },
        {0,  1,                  false, false},
        {0,  0,                  false, false},
    };
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
        FILE *line = fmemopen(text, size, "w");
        if (!line) return;
        print_live(line, progress, metrics, fits[i]);
        fclose(line);
        if (strlen(text) < (size_t)width) return;
    }
    text[width > 1 ? width - 1 : 0] = '\0';
}

void cnn_progress_batch(Progress *progress, const Metrics *metrics) {
    double now = cnn_seconds();
    if (!progress->live || now - progress->drawn < redraw_seconds) return;
    progress->drawn = now;
    char text[LONGEST_LINE] = "";
    int width = terminal_width(progress->out);
    compose_live(text, sizeof text, progress, metrics, width < LONGEST_LINE ? width : LONGEST_LINE);
    fprintf(progress->out, "\r%s\033[K", text);
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

static int append_to_log(const Progress *progress, const char *text, Failure *failure) {
    for (size_t left = strlen(text); left;) {
        ssize_t written = write(progress->log, text, left);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            return cnn_fail_system(failure, progress->log_path, "write", written ? errno : ENOSPC);
        text += written;
        left -= (size_t)written;
    }
    return STATUS_OK;
}

static int log_epoch(const Progress *progress, const EpochReport *report, double speed, Failure *failure) {
    char text[LONGEST_OBJECT] = "";
    FILE *log = fmemopen(text, sizeof text, "w");
    if (!log) return cnn_fail_memory(failure, progress->log_path, sizeof text);
    fprintf(log, "{\"epoch\": %lld", (long long)progress->epoch);
    log_metrics(log, progress->model, report->training, "");
    if (report->validation) log_metrics(log, progress->model, report->validation, "val_");
    fprintf(log, ", \"lr\": %.7g, \"seconds\": %.6g, \"samples_per_second\": %.6g}\n", report->learning_rate,
            report->seconds, speed);
    fclose(log);
    return append_to_log(progress, text, failure);
}

/* An epoch's numbers; its time and speed where a terminal has room for them. */
static void print_epoch(const Progress *progress, const EpochReport *report, double speed) {
    FILE *out = progress->out;
    char times[2][48];
    int room = progress->live ? terminal_width(out) : INT_MAX;
    int length = fprintf(out, "epoch %lld/%lld", (long long)progress->epoch, (long long)progress->epochs);
    length += print_metrics(out, progress->model, report->training, "");
    if (report->validation) length += print_metrics(out, progress->model, report->validation, "val_");
    snprintf(times[0], sizeof times[0], "  %.1f s", report->seconds);
    snprintf(times[1], sizeof times[1], "  %.0f samples/s", speed);
    for (int i = 0; i < 2 && (length += (int)strlen(times[i])) < room; i++) fputs(times[i], out);
    fputc('\n', out);
}

int cnn_progress_report(Progress *progress, const EpochReport *report, Failure *failure) {
    double speed = report->seconds > 0 ? (double)report->training->samples / report->seconds : 0;
    if (progress->out) {
        cnn_progress_clear(progress);
        print_epoch(progress, report, speed);
    }
    return progress->log_path ? log_epoch(progress, report, speed, failure) : STATUS_OK;
}
