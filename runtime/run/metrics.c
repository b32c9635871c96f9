/* Sums of what the generated code says of every sample (abi.h, at cnn_model). */
#include "run/metrics.h"

/* binary_cross_entropy gives the fraction of right answers, and the absolute error where that is asked for.
 */
static bool has_error(const cnn_model *model) {
    return model->train->loss == CNN_BINARY_CROSS_ENTROPY && model->metric_count == 2;
}

double cnn_metrics_add(Metrics *metrics, const cnn_model *model, const float *loss, const float *metric,
                       int64_t count) {
    bool error = has_error(model);
    int64_t stride = model->metric_count, positions = error ? 1 : stride;
    bool ranks = model->train->loss == CNN_CROSS_ENTROPY;
    double sum = 0;
    for (int64_t n = 0; n < count; n++) {
        double primary = 0, top = 0;
        for (int64_t i = 0; i < positions; i++) {
            float m = metric[n * stride + i];
            primary += ranks ? m == 0 : m;
            top += ranks && m < (float)model->train->top_k;
        }
        if (error) metrics->error += metric[n * stride + 1];
        sum += loss[n];
        if (positions > 0) {
            metrics->primary += primary / (double)positions;
            metrics->top += top / (double)positions;
        }
    }
    metrics->loss += sum;
    metrics->samples += count;
    return sum / (double)count;
}

double cnn_metrics_loss(const Metrics *metrics) {
    return metrics->loss / (double)metrics->samples;
}

bool cnn_is_classifier(const cnn_model *model) {
    return model->train->loss == CNN_CROSS_ENTROPY || model->train->loss == CNN_BINARY_CROSS_ENTROPY;
}

int cnn_metrics_values(const Metrics *metrics, const cnn_model *model, MetricValue values[METRIC_MAXIMUM]) {
    double samples = (double)metrics->samples;
    int count = 0;
    bool error = has_error(model);
    if (!error || model->train->show_accuracy) {
        snprintf(values[count].name, sizeof values->name, "%s",
                 cnn_is_classifier(model) ? "accuracy" : "mae");
        values[count++].value = metrics->primary / samples;
    }
    if (error) {
        snprintf(values[count].name, sizeof values->name, "mae");
        values[count++].value = metrics->error / samples;
    }
    if (model->train->loss == CNN_CROSS_ENTROPY && model->train->top_k > 0) {
        snprintf(values[count].name, sizeof values->name, "top_%d", model->train->top_k);
        values[count++].value = metrics->top / samples;
    }
    return count;
}
