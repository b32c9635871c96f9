/* The verb summary: the table that `cnnc --check` prints, from the compiled model's description. */
#include "verbs/session.h"

#include <string.h>

enum { NUMBER_TEXT = 32, SHAPE_TEXT = 192, LABEL_WIDTH = 28 };

static const char *shape_text(char text[SHAPE_TEXT], int32_t rank, const int64_t *shape) {
    int length = 0;
    text[0] = 0;
    for (int32_t i = 0; i < rank && length < SHAPE_TEXT - 1; i++)
        length += snprintf(text + length, (size_t)(SHAPE_TEXT - length), "%s%lld", i ? "x" : "",
                           (long long)shape[i]);
    return text;
}

/* 93322 as "93,322". */
static const char *grouped(char text[NUMBER_TEXT], int64_t number) {
    char digits[NUMBER_TEXT];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)number), at = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-') text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

static const char *size_text(char text[NUMBER_TEXT], int64_t bytes) {
    static const char *const units[] = {"KB", "MB", "GB", "TB", "PB"};
    double size = (double)bytes / 1024;
    int unit = 0;
    for (; size >= 1024 && unit < 4; unit++) size /= 1024;
    if (bytes < 1024)
        snprintf(text, NUMBER_TEXT, "%lld bytes", (long long)bytes);
    else
        snprintf(text, NUMBER_TEXT, "%.2f %s", size, units[unit]);
    return text;
}

static void widen(int *width, const char *text, int gap) {
    int length = (int)strlen(text) + gap;
    if (*width < length) *width = length;
}

static void print_rows(FILE *out, const cnn_model *model) {
    char shape[SHAPE_TEXT], number[NUMBER_TEXT], macs[NUMBER_TEXT];
    int name = 13, kind = 10, output = 13, parameters = 10, work = 13;
    for (int32_t i = 0; i < model->layer_count; i++) {
        const cnn_layer *layer = &model->layers[i];
        widen(&name, layer->name, 2);
        widen(&kind, layer->kind, 2);
        widen(&output, shape_text(shape, layer->rank, layer->shape), 2);
        widen(&parameters, grouped(number, layer->parameters), 0);
        widen(&work, grouped(macs, layer->macs), 2);
    }
    fprintf(out, "%-*s%-*s%-*s%*s%*s\n", name, "layer", kind, "kind", output, "output", parameters,
            "parameters", work, "MACs");
    for (int32_t i = 0; i < model->layer_count; i++) {
        const cnn_layer *layer = &model->layers[i];
        fprintf(out, "%-*s%-*s%-*s%*s%*s\n", name, layer->name, kind, layer->kind, output,
                shape_text(shape, layer->rank, layer->shape), parameters, grouped(number, layer->parameters),
                work, grouped(macs, layer->macs));
    }
}

static void print_total(FILE *out, const char *label, int64_t number, const char *after) {
    char text[NUMBER_TEXT];
    fprintf(out, "%s %*s%s\n", label, LABEL_WIDTH - 1 - (int)strlen(label), grouped(text, number), after);
}

static void print_text(FILE *out, const cnn_model *model) {
    char shape[SHAPE_TEXT], size[NUMBER_TEXT], after[NUMBER_TEXT + 8];
    fprintf(out, "%s: %s", model->name, shape_text(shape, model->input_rank, model->input_shape));
    fprintf(out, " to %s\n", shape_text(shape, model->output_rank, model->output_shape));
    print_rows(out, model);
    snprintf(after, sizeof after, "  (%s)", size_text(size, 4 * model->total_parameters));
    print_total(out, "total parameters", model->total_parameters, after);
    print_total(out, "trainable", model->total_trainable, "");
    print_total(out, "not trainable", model->total_parameters - model->total_trainable, "");
    if (model->total_statistics) print_total(out, "statistics", model->total_statistics, "");
    print_total(out, "multiply-adds", model->total_macs, "  a sample");
    fprintf(out, "%-20s%s to run one sample", "memory", size_text(size, model->memory_inference));
    if (model->train)
        fprintf(out, ", %s to train a batch of %d", size_text(size, model->memory_training),
                model->train->batch);
    fputc('\n', out);
}

static void print_json_shape(FILE *out, int32_t rank, const int64_t *shape) {
    fputc('[', out);
    for (int32_t i = 0; i < rank; i++) fprintf(out, "%s%lld", i ? ", " : "", (long long)shape[i]);
    fputc(']', out);
}

static void print_json(FILE *out, const cnn_model *model) {
    fputs("{\"model\": ", out);
    cnn_print_json_string(out, model->name);
    fputs(", \"input\": ", out);
    print_json_shape(out, model->input_rank, model->input_shape);
    fputs(", \"output\": ", out);
    print_json_shape(out, model->output_rank, model->output_shape);
    fputs(", \"layers\": [", out);
    for (int32_t i = 0; i < model->layer_count; i++) {
        const cnn_layer *layer = &model->layers[i];
        fputs(i ? ", {\"name\": " : "{\"name\": ", out);
        cnn_print_json_string(out, layer->name);
        fputs(", \"kind\": ", out);
        cnn_print_json_string(out, layer->kind);
        fputs(", \"output\": ", out);
        print_json_shape(out, layer->rank, layer->shape);
        fprintf(out, ", \"parameters\": %lld, \"trainable\": %lld, \"macs\": %lld",
                (long long)layer->parameters, (long long)layer->trainable, (long long)layer->macs);
        if (layer->statistics) fprintf(out, ", \"statistics\": %lld", (long long)layer->statistics);
        fputc('}', out);
    }
    fprintf(out, "], \"parameters\": %lld, \"trainable\": %lld, \"bytes\": %lld, \"macs\": %lld",
            (long long)model->total_parameters, (long long)model->total_trainable,
            (long long)(4 * model->total_parameters), (long long)model->total_macs);
    if (model->total_statistics) fprintf(out, ", \"statistics\": %lld", (long long)model->total_statistics);
    fprintf(out, ", \"memory\": {\"inference\": %lld, \"training\": %lld}}\n",
            (long long)model->memory_inference, (long long)model->memory_training);
}

static int verb_summary(Session *session) {
    if (session->options->json)
        print_json(session->out, session->model);
    else
        print_text(session->out, session->model);
    return STATUS_OK;
}

const VerbRow cnn_verb_summary = {
    .name = "summary",
    .summary = "the layers, their shapes and sizes",
    .takes = OPTION_LIST(OPTION_JSON),
    .run = verb_summary,
};
