/* The verb gradcheck: the compiled gradients against central finite differences of the double-precision
 * program, in training mode with dropout off, on made-up data.
 *
 * A difference means nothing where a relu or a pooling window changes its mind between w-h and w+h: the check
 * program folds those choices into a signature; where they differ and the difference disagrees the step is
 * made smaller, and at the smallest one the coordinate is skipped. In the same way rounding can flip a choice
 * in the compiled code alone; so a coordinate that disagrees is looked at again with other data: a wrong
 * gradient is wrong every time. A gradient whose terms cancel, as that of a shift before a normalisation, is
 * nothing but rounding: how much a tensor's gradients move when every parameter is moved by its last bit
 * is taken off the disagreement, a little at most. */
#include "verbs/verb_gradients.h"

#include "base/aligned.h"
#include "data/madeup.h"
#include "weights/first_values.h"
#include "weights/weights.h"

#include <math.h>
#include <string.h>

enum {
    BATCH = 4,
    SAMPLES_DEFAULT = 8,
    DATA_SETS = 3,   /* tries before a disagreement counts */
    REDRAWS = 4,     /* draws for each coordinate that is wanted */
    SKIPPED_FAIR = 3 /* so many skips say nothing, however few coordinates there are */
};
static const double first_step = 1e-5, smallest_step = 1e-7, tolerance = 1e-3, skipped_share = 0.02;
static const double tensor_scale = 1e-2,
                    model_scale = 1e-3; /* shares of the largest gradient that count as zero */
static const double rounding_factor = 4, rounding_most = 1e-5; /* as a share of the largest gradient of all */
static const float jitter = 0.1f;

/* A parameter's element, or an element of the input. */
typedef struct Coordinate {
    int32_t tensor; /* parameter_count: the input */
    int64_t at;     /* in the parameter block, or in the samples */
    double error;   /* the smallest over the data sets; -1: not looked at yet */
} Coordinate;

typedef struct Check {
    Session *session;
    const cnn_model *model;
    uint64_t seed;
    Dataset dataset;
    Program program;
    Gradients gradients;
    double *loss;
    float *metric;
    double *largest;  /* |gradient|, a tensor */
    double *rounding; /* what rounding does to it */
    double largest_of_all;
    Coordinate *coordinates;
    int64_t count, capacity, drawn, skipped;
} Check;

/* The storage place of logical element `index`. */
static int64_t storage_place(const cnn_parameter *parameter, int64_t index) {
    int64_t at = parameter->offset + parameter->origin;
    for (int32_t axis = parameter->rank - 1; axis > 0; axis--) {
        at += index % parameter->shape[axis] * parameter->stride[axis];
        index /= parameter->shape[axis];
    }
    return at + index / parameter->group * parameter->group_stride +
           index % parameter->group / parameter->block * parameter->block_stride +
           index % parameter->group % parameter->block;
}

/* Biases that start at zero and factors that start at one would hide mistakes: every trained parameter is
 * moved a little. */
static void jitter_parameters(Check *check) {
    for (int32_t i = 0; i < check->model->parameter_count; i++) {
        const cnn_parameter *parameter = &check->model->parameters[i];
        if (!parameter->trainable || !cnn_parameter_begins_even(parameter)) continue;
        for (int64_t j = 0; j < cnn_parameter_count(parameter); j++) {
            float *w = &check->session->parameters[storage_place(parameter, j)];
            *w += jitter *
                  cnn_random_normal(check->seed, RANDOM_GRADCHECK, (uint32_t)i | 0x40000000u, (uint64_t)j);
        }
    }
}

static double mean_loss(Check *check) {
    double sum = 0;
    cnn_program_prepare(&check->program);
    cnn_program_run(&check->program, BATCH);
    for (int i = 0; i < BATCH; i++) sum += check->loss[i];
    return sum / BATCH;
}

/* Moves the coordinate to w+h and w-h, h being `step` of its size; the samples are floats, so the true
 * distance is what counts: 0 where it vanishes. `smooth`: no choice changed between the two. */
static double difference(Check *check, const Coordinate *coordinate, double step, double *slope,
                         bool *smooth) {
    bool is_input = coordinate->tensor == check->model->parameter_count;
    double *w = (double *)check->program.frame.parameters + coordinate->at;
    float *x = (float *)check->dataset.samples + coordinate->at;
    double value = is_input ? *x : *w, h = step * fmax(1, fabs(value)), place[2], loss[2];
    uint64_t signature[2];
    for (int side = 0; side < 2; side++) {
        double moved = side ? value - h : value + h;
        if (is_input)
            place[side] = *x = (float)moved;
        else
            place[side] = *w = moved;
        loss[side] = mean_loss(check);
        signature[side] = check->program.signature;
    }
    if (is_input)
        *x = (float)value;
    else
        *w = value;
    double distance = place[0] - place[1];
    *smooth = signature[0] == signature[1];
    *slope = distance != 0 ? (loss[0] - loss[1]) / distance : 0;
    return distance;
}

static double compiled_gradient(const Check *check, const Coordinate *coordinate) {
    return coordinate->tensor == check->model->parameter_count ? check->gradients.input[coordinate->at]
                                                               : check->gradients.parameters[coordinate->at];
}

static double relative_error(const Check *check, const Coordinate *coordinate, double slope) {
    double g = compiled_gradient(check, coordinate);
    double scale =
        fmax(tensor_scale * check->largest[coordinate->tensor], model_scale * check->largest_of_all);
    double reference = fmax(fmax(fabs(slope), fabs(g)), scale);
    double rounding =
        fmin(rounding_factor * check->rounding[coordinate->tensor], rounding_most * check->largest_of_all);
    double error = reference > 0 ? fmax(fabs(slope - g) - rounding, 0) / reference : 0;
    return isfinite(slope) && isfinite(g) ? error : INFINITY;
}

/* Keeps the smaller error; false where the coordinate cannot be judged with this data. Where a choice
 * changed, a difference that agrees still counts: the choice was between equals (as of x + 2 - x in a pooling
 * window), or weighs nothing. One that disagrees says nothing. */
static bool judge(Check *check, Coordinate *coordinate) {
    for (double step = first_step; step >= 0.99 * smallest_step; step /= 10) {
        double slope;
        bool smooth;
        if (difference(check, coordinate, step, &slope, &smooth) == 0) continue;
        double error = relative_error(check, coordinate, slope);
        if (!smooth && error > tolerance) continue;
        if (coordinate->error < 0 || error < coordinate->error) coordinate->error = error;
        return true;
    }
    return false;
}

/* The largest |gradient| of every tensor. */
static void find_scales(Check *check) {
    const cnn_model *model = check->model;
    check->largest_of_all = 0;
    for (int32_t i = 0; i <= model->parameter_count; i++) {
        const float *g = check->gradients.input;
        int64_t count = BATCH * check->dataset.sample_elements;
        double largest = 0;
        if (i < model->parameter_count) {
            if (!model->parameters[i].trainable) continue;
            g = check->gradients.parameters + model->parameters[i].offset;
            count = model->parameters[i].size;
        }
        for (int64_t j = 0; j < count; j++) largest = fmax(largest, fabs((double)g[j]));
        check->largest[i] = largest;
        if (i < model->parameter_count) check->largest_of_all = fmax(check->largest_of_all, largest);
    }
}

/* Every trained parameter to a neighbour among the floats, by its place the one above or the one below;
 * `back`: to where it was. */
static void nudge_parameters(Check *check, bool back) {
    for (int64_t i = 0; i < check->model->trained_elements; i++) {
        float *w = &check->session->parameters[i];
        bool up = ((uint64_t)i * 0x9E3779B97F4A7C15u >> 63) != back;
        if (*w != 0) *w = nextafterf(*w, up ? INFINITY : -INFINITY);
    }
}

static double largest_distance(const float *a, const float *b, int64_t count) {
    double largest = 0;
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)a[i] - b[i]));
    return largest;
}

static int find_rounding(Check *check) {
    const cnn_model *model = check->model;
    Gradients moved;
    nudge_parameters(check, false);
    int status = cnn_gradients_compute(check->session, &check->dataset, &moved);
    nudge_parameters(check, true);
    for (int32_t i = 0; !status && i < model->parameter_count; i++) {
        const cnn_parameter *parameter = &model->parameters[i];
        if (!parameter->trainable) continue;
        check->rounding[i] = largest_distance(check->gradients.parameters + parameter->offset,
                                              moved.parameters + parameter->offset, parameter->size);
    }
    if (!status)
        check->rounding[model->parameter_count] =
            largest_distance(check->gradients.input, moved.input, BATCH * check->dataset.sample_elements);
    cnn_gradients_free(&moved);
    return status;
}

static void close_data(Check *check) {
    cnn_gradients_free(&check->gradients);
    cnn_madeup_free(&check->dataset);
}

/* Data set number `set`, its compiled gradients, and the check program's frame upon it. */
static int open_data(Check *check, uint32_t set) {
    Session *session = check->session;
    int status = cnn_madeup_create(check->model, BATCH, check->seed, RANDOM_GRADCHECK, set, &check->dataset,
                                   session->failure);
    if (!status) status = cnn_gradients_compute(session, &check->dataset, &check->gradients);
    if (status) return status;
    cnn_frame *frame = &check->program.frame;
    frame->samples = check->dataset.samples;
    frame->targets = check->dataset.targets;
    frame->sample_kind = check->dataset.sample_kind;
    frame->loss = (float *)(void *)check->loss; /* doubles, as the program is */
    frame->metric = check->metric;
    find_scales(check);
    return find_rounding(check);
}

static bool already_chosen(const Check *check, int64_t from, int64_t at) {
    for (int64_t i = from; i < check->count; i++)
        if (check->coordinates[i].at == at) return true;
    return false;
}

/* Draws and judges `wanted` different elements of a tensor of `size`; others where one cannot be judged. */
static void check_tensor(Check *check, int32_t tensor, int64_t size, int64_t wanted) {
    int64_t begin = check->count, tries = REDRAWS * wanted;
    bool all = size <= wanted;
    if (all) wanted = tries = size;
    for (int64_t draw = 0; draw < tries && check->count - begin < wanted; draw++) {
        double uniform =
            cnn_random_uniform(check->seed, RANDOM_GRADCHECK, (uint32_t)tensor | 0x20000000u, (uint64_t)draw);
        int64_t index = all ? draw : (int64_t)(uniform * (double)size);
        Coordinate coordinate = {.tensor = tensor, .at = index, .error = -1};
        if (tensor < check->model->parameter_count)
            coordinate.at = storage_place(&check->model->parameters[tensor], index);
        if (already_chosen(check, begin, coordinate.at)) continue;
        check->drawn++;
        if (judge(check, &coordinate))
            check->coordinates[check->count++] = coordinate;
        else
            check->skipped++;
    }
}

static void check_first_data(Check *check, int64_t wanted) {
    const cnn_model *model = check->model;
    for (int32_t i = 0; i < model->parameter_count; i++)
        if (model->parameters[i].trainable)
            check_tensor(check, i, cnn_parameter_count(&model->parameters[i]), wanted);
    if (!cnn_madeup_vocabulary(model))
        check_tensor(check, model->parameter_count, BATCH * check->dataset.sample_elements, wanted);
}

static int64_t count_wrong(const Check *check) {
    int64_t wrong = 0;
    for (int64_t i = 0; i < check->count; i++) wrong += check->coordinates[i].error > tolerance;
    return wrong;
}

static int check_data(Check *check, int64_t wanted) {
    for (uint32_t set = 0; set < DATA_SETS; set++) {
        int status = open_data(check, set);
        if (!status && set == 0) check_first_data(check, wanted);
        for (int64_t i = 0; !status && set > 0 && i < check->count; i++)
            if (check->coordinates[i].error > tolerance) judge(check, &check->coordinates[i]);
        close_data(check);
        if (status || count_wrong(check) == 0) return status;
    }
    return STATUS_OK;
}

/* The worst error of a layer's parameters; layer_count: of the input. Prints nothing where the layer has
 * none. */
static void print_layer(const Check *check, int32_t layer, int width) {
    const cnn_model *model = check->model;
    const Coordinate *worst = NULL;
    int64_t count = 0;
    for (int64_t i = 0; i < check->count; i++) {
        const Coordinate *coordinate = &check->coordinates[i];
        bool is_input = coordinate->tensor == model->parameter_count;
        if ((is_input ? model->layer_count : model->parameters[coordinate->tensor].layer) != layer) continue;
        count++;
        if (!worst || coordinate->error > worst->error) worst = coordinate;
    }
    if (!worst) return;
    bool is_input = worst->tensor == model->parameter_count;
    fprintf(check->session->out, "%-*s  worst relative error %.2e of %lld  %s%s%s\n", width,
            is_input ? "input" : model->layers[layer].name, worst->error, (long long)count,
            worst->error <= tolerance ? "ok" : "WRONG", worst->error <= tolerance || is_input ? "" : ": ",
            worst->error <= tolerance || is_input ? "" : model->parameters[worst->tensor].name);
}

static int report(const Check *check) {
    Session *session = check->session;
    int width = 5;
    for (int32_t i = 0; i < check->model->layer_count; i++) {
        int length = (int)strlen(check->model->layers[i].name);
        width = length > width ? length : width;
    }
    for (int32_t i = 0; i <= check->model->layer_count; i++) print_layer(check, i, width);
    int64_t wrong = count_wrong(check);
    double fair = fmax(SKIPPED_FAIR, skipped_share * (double)check->drawn);
    fprintf(session->out, "%lld coordinates, %lld skipped: ", (long long)check->count,
            (long long)check->skipped);
    if (wrong > 0) {
        fprintf(session->out, "%lld gradients are wrong\n", (long long)wrong);
        return cnn_fail(session->failure, 1,
                        "%lld of %lld gradients differ from finite differences by more than %g",
                        (long long)wrong, (long long)check->count, tolerance);
    }
    if ((double)check->skipped > fair) {
        fputs("too many were skipped\n", session->out);
        return cnn_fail(session->failure, 1, "%lld of %lld coordinates could not be judged",
                        (long long)check->skipped, (long long)check->drawn);
    }
    fprintf(session->out, "gradients agree\n");
    return STATUS_OK;
}

/* No more than the largest tensor has. */
static int64_t limit_wanted(const cnn_model *model, int64_t wanted) {
    int64_t largest = BATCH * cnn_input_elements(model);
    for (int32_t i = 0; i < model->parameter_count; i++) {
        int64_t count = cnn_parameter_count(&model->parameters[i]);
        largest = count > largest ? count : largest;
    }
    return wanted < largest ? wanted : largest;
}

static int open_check(Check *check, int64_t wanted) {
    const cnn_model *model = check->model;
    Failure *failure = check->session->failure;
    void *loss = NULL, *metric = NULL, *largest = NULL, *rounding = NULL, *coordinates = NULL;
    uint64_t tensors = (uint64_t)model->parameter_count + 1, count;
    if (!cnn_multiply(tensors, (uint64_t)wanted, &count))
        return cnn_fail_memory(failure, "the coordinates", UINT64_MAX);
    int status = cnn_session_program(check->session, model->check, BATCH, &check->program);
    if (!status) status = cnn_aligned_allocate(&loss, BATCH, sizeof(double), "the losses", failure);
    check->loss = loss;
    if (!status)
        status = cnn_aligned_allocate(&metric, BATCH * (uint64_t)model->metric_count, sizeof(double),
                                      "the metrics", failure);
    check->metric = metric;
    if (!status) status = cnn_aligned_allocate(&largest, tensors, sizeof(double), "the gradients", failure);
    check->largest = largest;
    if (!status) status = cnn_aligned_allocate(&rounding, tensors, sizeof(double), "the gradients", failure);
    check->rounding = rounding;
    if (!status)
        status = cnn_aligned_allocate(&coordinates, count, sizeof(Coordinate), "the coordinates", failure);
    check->coordinates = coordinates;
    return status;
}

static void close_check(Check *check) {
    cnn_program_close(&check->program);
    cnn_aligned_free(check->loss);
    cnn_aligned_free(check->metric);
    cnn_aligned_free(check->largest);
    cnn_aligned_free(check->rounding);
    cnn_aligned_free(check->coordinates);
}

static int verb_gradcheck(Session *session) {
    const Options *options = session->options;
    int64_t wanted = limit_wanted(session->model, options->has_samples ? options->samples : SAMPLES_DEFAULT);
    if (!session->model->check)
        return cnn_fail(session->failure, STATUS_USAGE,
                        "gradcheck needs a model that was compiled with --gradcheck");
    Check check = {.session = session,
                   .model = session->model,
                   .seed = options->has_seed ? options->seed : session->model->train->seed};
    int status = cnn_session_initial(session, check.seed);
    if (!status) status = cnn_session_threads(session);
    if (!status) {
        jitter_parameters(&check);
        status = open_check(&check, wanted);
    }
    if (!status) status = check_data(&check, wanted);
    if (!status) status = report(&check);
    close_check(&check);
    return status;
}

const VerbRow cnn_verb_gradcheck = {
    .name = "gradcheck",
    .summary = "compare the gradients with finite differences",
    .takes = OPTION_LIST(OPTION_THREADS, OPTION_SEED, OPTION_SAMPLES),
    .needs_train = true,
    .run = verb_gradcheck,
};
