/* The verb predict: the classes that the model sees in images, a line an image. */
#include "verbs/session.h"

#include "base/aligned.h"
#include "data/image.h"
#include "data/npy.h"

#include <math.h>
#include <stdlib.h>

enum { TOP_DEFAULT = 5 };

/* The output's numbers as probabilities, by output_kind. */
static void to_probabilities(const cnn_model *model, const float *output, int64_t classes,
                             double *probability) {
    double top = output[0], sum = 0;
    for (int64_t i = 1; i < classes; i++) top = output[i] > top ? output[i] : top;
    for (int64_t i = 0; i < classes; i++) {
        double x = output[i];
        probability[i] = model->output_kind == 1   ? exp(x - top)
                         : model->output_kind == 2 ? exp(x)
                         : model->output_kind == 3 ? 1 / (1 + exp(-x))
                                                   : x;
        sum += probability[i];
    }
    if (model->output_kind == 1)
        for (int64_t i = 0; i < classes; i++) probability[i] /= sum;
}

/* The numbers of the `top` largest, largest first; of equals the lower number. */
static void choose_top(const double *probability, int64_t classes, int64_t top, int64_t *chosen) {
    for (int64_t k = 0; k < top; k++) {
        int64_t best = -1;
        for (int64_t i = 0; i < classes; i++) {
            bool taken = false;
            for (int64_t j = 0; j < k; j++) taken |= chosen[j] == i;
            if (!taken && (best < 0 || probability[i] > probability[best])) best = i;
        }
        chosen[k] = best;
    }
}

static const char *label_of(const Session *session, int64_t class, char number[24]) {
    const cnn_data *data = session->model->data;
    if (data && class < data->class_count) return data->classes[class];
    snprintf(number, 24, "%lld", (long long)class);
    return number;
}

static void print_line(const Session *session, const char *file, const double *probability,
                       const int64_t *chosen, int64_t top) {
    FILE *out = session->out;
    char number[24];
    if (!session->options->json) {
        cnn_print_text(out, file);
        for (int64_t k = 0; k < top; k++) {
            fputs(k ? ", " : ": ", out);
            cnn_print_text(out, label_of(session, chosen[k], number));
            fprintf(out, " %.4f", probability[chosen[k]]);
        }
        fputc('\n', out);
        return;
    }
    fputs("{\"file\": ", out);
    cnn_print_json_string(out, file);
    fprintf(out, ", \"class\": %lld, \"label\": ", (long long)chosen[0]);
    cnn_print_json_string(out, label_of(session, chosen[0], number));
    fputs(", \"probability\": ", out);
    cnn_print_json_number(out, "%.7g", probability[chosen[0]]);
    fputs(", \"top\": [", out);
    for (int64_t k = 0; k < top; k++) {
        fprintf(out, "%s[%lld, ", k ? ", " : "", (long long)chosen[k]);
        cnn_print_json_number(out, "%.7g", probability[chosen[k]]);
        fputc(']', out);
    }
    fputs("]}\n", out);
}

typedef struct Prediction {
    Program program;
    uint8_t *sample;
    void *output; /* of the code's type */
    float *floats;
    double *probability;
    int64_t *chosen;
    int64_t classes, top;
} Prediction;

static int open_prediction(Session *session, Prediction *p) {
    void *sample = NULL, *floats = NULL, *probability = NULL, *chosen = NULL;
    Failure *failure = session->failure;
    int64_t wanted = session->options->has_top ? session->options->top : TOP_DEFAULT;
    p->classes = cnn_output_elements(session->model);
    p->top = wanted < p->classes ? wanted : p->classes;
    int status = cnn_session_program(session, session->model->inference, 1, &p->program);
    if (!status)
        status = cnn_aligned_allocate(&sample, (uint64_t)cnn_input_elements(session->model), 1, "an image",
                                      failure);
    p->sample = sample;
    if (!status)
        status = cnn_aligned_allocate(&p->output, (uint64_t)p->classes,
                                      (uint64_t)cnn_program_element(session->model->inference), "the output",
                                      failure);
    if (!status)
        status = cnn_aligned_allocate(&floats, (uint64_t)p->classes, sizeof(float), "the output", failure);
    p->floats = floats;
    if (!status)
        status =
            cnn_aligned_allocate(&probability, (uint64_t)p->classes, sizeof(double), "the output", failure);
    p->probability = probability;
    if (!status)
        status = cnn_aligned_allocate(&chosen, (uint64_t)p->classes, sizeof(int64_t), "the output", failure);
    p->chosen = chosen;
    return status;
}

static void close_prediction(Prediction *p) {
    cnn_program_close(&p->program);
    cnn_aligned_free(p->sample);
    cnn_aligned_free(p->output);
    cnn_aligned_free(p->floats);
    cnn_aligned_free(p->probability);
    cnn_aligned_free(p->chosen);
}

/* The image that is in p->sample. */
static int predict_sample(Session *session, Prediction *p, const char *file) {
    p->program.frame.samples = p->sample;
    p->program.frame.sample_kind = CNN_SAMPLE_BYTE;
    p->program.frame.output = p->output;
    cnn_program_run(&p->program, 1);
    cnn_program_floats(&p->program, p->output, p->classes, p->floats);
    to_probabilities(session->model, p->floats, p->classes, p->probability);
    choose_top(p->probability, p->classes, p->top, p->chosen);
    print_line(session, file, p->probability, p->chosen, p->top);
    return cnn_session_flush(session);
}

/* A file that is no image, or cannot be read, is said, and the others go on: the status is then that of the
 * first such file. */
static int predict_files(Session *session, Prediction *p) {
    const Options *options = session->options;
    int unread = STATUS_OK;
    for (int i = 0; i < options->file_count; i++) {
        const char *file = options->files[i];
        int status = cnn_image_read_sample(file, session->model, p->sample, session->failure);
        if (status == STATUS_MALFORMED || status == STATUS_FILE) {
            cnn_session_print_failure(session);
            if (!unread) unread = status;
            continue;
        }
        if (!status) status = predict_sample(session, p, file);
        if (status) return status;
    }
    return unread;
}

static int verb_predict(Session *session) {
    const cnn_model *model = session->model;
    Prediction prediction = {0};
    char shape[SHAPE_TEXT];
    if (model->output_rank != 1)
        return cnn_fail(session->failure, STATUS_USAGE,
                        "predict needs an output of one axis, a value a class, and that of model %s is %s; "
                        "the verb run writes it",
                        model->name,
                        cnn_shape_text(shape, sizeof shape, model->output_rank, model->output_shape));
    int status = cnn_image_fits_model(model, session->failure);
    if (!status) status = cnn_session_weights(session);
    if (!status) status = cnn_session_threads(session);
    if (!status) status = open_prediction(session, &prediction);
    if (!status) status = predict_files(session, &prediction);
    close_prediction(&prediction);
    return status;
}

const VerbRow cnn_verb_predict = {
    .name = "predict",
    .summary = "classify images",
    .files = "IMAGE...",
    .needs_files = "an IMAGE",
    .takes = OPTION_LIST(OPTION_WEIGHTS, OPTION_THREADS, OPTION_TOP, OPTION_JSON),
    .run = verb_predict,
};
