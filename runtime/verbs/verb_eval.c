/* The verb eval: loss, metrics and confusion on the test files. */
#include "verbs/session.h"

#include "base/aligned.h"
#include "run/evaluation.h"

static void print_text_confusion(const Session *session, const int64_t *confusion, int64_t classes) {
    const cnn_data *data = session->model->data;
    int64_t top = 0;
    for (int64_t i = 0; i < classes * classes; i++) top = confusion[i] > top ? confusion[i] : top;
    int width = snprintf(NULL, 0, "%lld", (long long)top), label = 4;
    for (int32_t i = 0; i < data->class_count; i++) {
        int length = cnn_print_text(NULL, data->classes[i]);
        if (length > label) label = length;
    }
    if (width < 4) width = 4;
    fprintf(session->out, "\nconfusion: a row a true class, a column a predicted one\n%*s", label, "");
    for (int64_t i = 0; i < classes; i++) fprintf(session->out, " %*lld", width, (long long)i);
    fputc('\n', session->out);
    for (int64_t i = 0; i < classes; i++) {
        if (i < data->class_count) {
            fprintf(session->out, "%*s", label - cnn_print_text(NULL, data->classes[i]), "");
            cnn_print_text(session->out, data->classes[i]);
        } else {
            fprintf(session->out, "%*lld", label, (long long)i);
        }
        for (int64_t j = 0; j < classes; j++)
            fprintf(session->out, " %*lld", width, (long long)confusion[i * classes + j]);
        fputc('\n', session->out);
    }
}

static void print_json_confusion(FILE *out, const int64_t *confusion, int64_t classes) {
    fputs(", \"confusion\": [", out);
    for (int64_t i = 0; i < classes; i++) {
        fputs(i ? ", [" : "[", out);
        for (int64_t j = 0; j < classes; j++)
            fprintf(out, "%s%lld", j ? ", " : "", (long long)confusion[i * classes + j]);
        fputc(']', out);
    }
    fputc(']', out);
}

static void print_result(const Session *session, const Metrics *metrics, const int64_t *confusion,
                         int64_t classes) {
    MetricValue values[METRIC_MAXIMUM];
    int count = cnn_metrics_values(metrics, session->model, values);
    FILE *out = session->out;
    if (session->options->json) {
        fprintf(out, "{\"samples\": %lld, \"loss\": ", (long long)metrics->samples);
        cnn_print_json_number(out, "%.9g", cnn_metrics_loss(metrics));
        for (int i = 0; i < count; i++) {
            fprintf(out, ", \"%s\": ", values[i].name);
            cnn_print_json_number(out, "%.9g", values[i].value);
        }
        if (confusion) print_json_confusion(out, confusion, classes);
        fputs("}\n", out);
        return;
    }
    fprintf(out, "samples %lld  loss %.4f", (long long)metrics->samples, cnn_metrics_loss(metrics));
    for (int i = 0; i < count; i++) fprintf(out, "  %s %.4f", values[i].name, values[i].value);
    fputc('\n', out);
    if (confusion) print_text_confusion(session, confusion, classes);
}

static int evaluate(Session *session, Dataset *dataset, int64_t classes, int64_t *confusion) {
    Evaluator evaluator;
    Metrics metrics = {0};
    int status = cnn_evaluator_open(&evaluator, session->model, session->pool, session->parameters,
                                    dataset->count, confusion != NULL, session->failure);
    if (status) return status;
    cnn_evaluator_run(&evaluator, dataset, NULL, dataset->count, &metrics, confusion);
    cnn_evaluator_close(&evaluator);
    print_result(session, &metrics, confusion, classes);
    return STATUS_OK;
}

static int verb_eval(Session *session) {
    const cnn_model *model = session->model;
    const Options *options = session->options;
    Dataset dataset = {0};
    void *confusion = NULL;
    int64_t classes = model->output_shape[model->output_rank - 1];
    bool has_classes = model->train->loss == CNN_CROSS_ENTROPY;
    if (options->confusion && !has_classes)
        return cnn_fail(session->failure, STATUS_USAGE,
                        "--confusion needs classes, and the loss is not cross_entropy");
    int status = cnn_session_weights(session);
    if (!status) status = cnn_session_data(session, true, &dataset);
    if (!status) status = cnn_session_threads(session);
    if (!status && has_classes && (options->confusion || options->json))
        status = cnn_aligned_allocate(&confusion, (uint64_t)classes * (uint64_t)classes, sizeof(int64_t),
                                      "the confusion matrix", session->failure);
    if (!status) status = evaluate(session, &dataset, classes, confusion);
    cnn_aligned_free(confusion);
    cnn_dataset_free(&dataset);
    return status;
}

const VerbRow cnn_verb_eval = {
    .name = "eval",
    .summary = "loss and accuracy on the data block's test files",
    .takes = OPTION_LIST(OPTION_DATA, OPTION_WEIGHTS, OPTION_THREADS, OPTION_CONFUSION, OPTION_JSON),
    .needs_train = true,
    .run = verb_eval,
};
