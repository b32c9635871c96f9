/* The loss and the metrics of a set of samples, summed in sample order in double precision. */
#ifndef CNN_METRICS_H
#define CNN_METRICS_H

#include "abi.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct Metrics {
    int64_t samples;
    /* Sums over samples; primary: right answers, or the absolute error; error: that beside right answers. */
    double loss, primary, top, error;
} Metrics;

/* Adds a batch; returns the mean of its losses. */
double cnn_metrics_add(Metrics *metrics, const cnn_model *model, const float *loss, const float *metric,
                       int64_t count);
double cnn_metrics_loss(const Metrics *metrics);

/* What the model's loss and metrics setting show besides the loss: "accuracy", "top_5" or "mae". */
enum { METRIC_MAXIMUM = 3 };
typedef struct MetricValue {
    char name[16];
    double value;
} MetricValue;
int cnn_metrics_values(const Metrics *metrics, const cnn_model *model, MetricValue values[METRIC_MAXIMUM]);

/* Does the loss compare with a class (and not with numbers)? */
bool cnn_is_classifier(const cnn_model *model);

#endif
