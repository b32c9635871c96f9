/* The functions come from one template, instantiated for float and double. */
#include "tiny_model.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static int64_t data_index(const cnn_frame *frame, int64_t sample) {
    return frame->order ? frame->order[sample] : (uint32_t)sample;
}

/* The sample's value of an input feature, bytes scaled as the data block of this model says: x / 255. */
static double read_input(const cnn_frame *frame, int64_t sample, int feature) {
    int64_t at = data_index(frame, sample) * TINY_INPUTS + feature;
    if (frame->sample_kind == CNN_SAMPLE_BYTE) return ((const uint8_t *)frame->samples)[at] * (1.0 / 255);
    return ((const float *)frame->samples)[at];
}

/* Scratch of a sample: centered input (4), logits (3). Lane: gradients (64), sum of inputs (16). Shared: mean
 * (16). */
enum {
    SCRATCH_CENTERED = 0,
    SCRATCH_LOGITS = 16,
    SCRATCH_STRIDE = 32,
    LANE_SUM = TINY_TRAINED,
    LANE_SIZE = TINY_TRAINED + 16
};

#define TEMPLATE(REAL, SUFFIX)                                                                               \
    static void prepare_##SUFFIX(const cnn_frame *frame) { /* transposes the weights */                      \
        const REAL *w = (const REAL *)frame->parameters + TINY_WEIGHT;                                       \
        REAL *packed = frame->packed;                                                                        \
        for (int k = 0; k < TINY_CLASSES; k++)                                                               \
            for (int c = 0; c < TINY_INPUTS; c++) packed[c * TINY_CLASSES + k] = w[k * TINY_ROW + c];        \
    }                                                                                                        \
    static void sum_inputs_##SUFFIX(const cnn_frame *frame) {                                                \
        REAL *sum = (REAL *)frame->lane + LANE_SUM;                                                          \
        for (int64_t n = frame->first; n < frame->first + frame->count; n++)                                 \
            for (int c = 0; c < TINY_INPUTS; c++) sum[c] += (REAL)read_input(frame, n, c);                   \
    }                                                                                                        \
    static void mean_inputs_##SUFFIX(const cnn_frame *frame) {                                               \
        REAL *mean = frame->shared, *running = (REAL *)frame->parameters + TINY_MEAN;                        \
        for (int c = 0; c < TINY_INPUTS; c++) {                                                              \
            REAL sum = 0;                                                                                    \
            for (int64_t l = 0; l < frame->lane_count; l++) {                                                \
                REAL *lane = (REAL *)frame->lanes + l * frame->lane_stride + LANE_SUM;                       \
                sum += lane[c];                                                                              \
                lane[c] = 0;                                                                                 \
            }                                                                                                \
            mean[c] = sum / (REAL)frame->batch_size;                                                         \
            if (frame->random) running[c] = (REAL)0.9 * running[c] + (REAL)0.1 * mean[c];                    \
        }                                                                                                    \
    }                                                                                                        \
    static const REAL *forward_##SUFFIX(const cnn_frame *frame, int64_t i, const REAL *mean) {               \
        REAL *x = (REAL *)frame->scratch + i * SCRATCH_STRIDE + SCRATCH_CENTERED, *y = x + SCRATCH_LOGITS;   \
        const REAL *w = frame->packed, *b = (const REAL *)frame->parameters + TINY_BIAS;                     \
        for (int c = 0; c < TINY_INPUTS; c++) x[c] = (REAL)read_input(frame, frame->first + i, c) - mean[c]; \
        for (int k = 0; k < TINY_CLASSES; k++) {                                                             \
            y[k] = b[k];                                                                                     \
            for (int c = 0; c < TINY_INPUTS; c++) y[k] += x[c] * w[c * TINY_CLASSES + k];                    \
        }                                                                                                    \
        return y;                                                                                            \
    }                                                                                                        \
    static REAL softmax_##SUFFIX(const REAL *y, int target, REAL p[TINY_CLASSES]) {                          \
        REAL top = y[0], sum = 0;                                                                            \
        for (int k = 1; k < TINY_CLASSES; k++) top = y[k] > top ? y[k] : top;                                \
        for (int k = 0; k < TINY_CLASSES; k++) sum += p[k] = (REAL)exp((double)(y[k] - top));                \
        for (int k = 0; k < TINY_CLASSES; k++) p[k] /= sum;                                                  \
        return (REAL)log((double)sum) + top - y[target];                                                     \
    }                                                                                                        \
    static void learn_##SUFFIX(const cnn_frame *frame, REAL *loss, REAL *input_gradient) {                   \
        REAL *dw = (REAL *)frame->lane + TINY_WEIGHT, *db = (REAL *)frame->lane + TINY_BIAS;                 \
        for (int64_t i = 0; i < frame->count; i++) {                                                         \
            int64_t n = frame->first + i;                                                                    \
            int target = ((const int32_t *)frame->targets)[data_index(frame, n)];                            \
            const REAL *y = forward_##SUFFIX(frame, i, frame->shared), *x = y - SCRATCH_LOGITS;              \
            REAL p[TINY_CLASSES];                                                                            \
            loss[n] = softmax_##SUFFIX(y, target, p);                                                        \
            int rank = 0;                                                                                    \
            for (int k = 0; k < TINY_CLASSES; k++) rank += y[k] > y[target];                                 \
            if (frame->metric) frame->metric[n] = (float)rank;                                               \
            for (int k = 0; k < TINY_CLASSES; k++) {                                                         \
                REAL dy = (p[k] - (k == target)) / (REAL)frame->batch_size;                                  \
                db[k] += dy;                                                                                 \
                for (int c = 0; c < TINY_INPUTS; c++) dw[k * TINY_ROW + c] += dy * x[c];                     \
                if (input_gradient)                                                                          \
                    for (int c = 0; c < TINY_INPUTS; c++)                                                    \
                        input_gradient[n * TINY_INPUTS + c] +=                                               \
                            dy * ((const REAL *)frame->packed)[c * TINY_CLASSES + k];                        \
            }                                                                                                \
        }                                                                                                    \
    }

TEMPLATE(float, f32)
TEMPLATE(double, f64)

static void infer(const cnn_frame *frame) {
    for (int64_t i = 0; i < frame->count; i++) {
        const float *y = forward_f32(frame, i, (const float *)frame->parameters + TINY_MEAN);
        if (frame->output)
            memcpy((float *)frame->output + (frame->first + i) * TINY_CLASSES, y,
                   TINY_CLASSES * sizeof(float));
    }
}

static void evaluate(const cnn_frame *frame) {
    infer(frame);
    for (int64_t i = 0; i < frame->count; i++) {
        int64_t n = frame->first + i;
        const float *y = (const float *)frame->scratch + i * SCRATCH_STRIDE + SCRATCH_LOGITS;
        float p[TINY_CLASSES];
        int target = ((const int32_t *)frame->targets)[data_index(frame, n)], rank = 0;
        frame->loss[n] = softmax_f32(y, target, p);
        for (int k = 0; k < TINY_CLASSES; k++) rank += y[k] > y[target];
        frame->metric[n] = (float)rank;
    }
}

static void train_stage(const cnn_frame *frame) {
    learn_f32(frame, frame->loss, NULL);
}

/* The gradient through the batch's mean is left to `finish_gradients`. */
static void gradient_stage(const cnn_frame *frame) {
    float *dx = (float *)frame->output + frame->first * TINY_INPUTS;
    memset(dx, 0, (size_t)(frame->count * TINY_INPUTS) * sizeof *dx);
    learn_f32(frame, frame->loss, frame->output);
}

static void finish_gradients(const cnn_frame *frame) {
    float *dx = frame->output;
    for (int c = 0; c < TINY_INPUTS; c++) {
        float mean = 0;
        for (int64_t n = 0; n < frame->batch_size; n++) mean += dx[n * TINY_INPUTS + c];
        mean /= (float)frame->batch_size;
        for (int64_t n = 0; n < frame->batch_size; n++) dx[n * TINY_INPUTS + c] -= mean;
    }
}

static void check_stage(const cnn_frame *frame) {
    learn_f64(frame, (double *)(void *)frame->loss, NULL);
}

static int32_t update(const cnn_frame *frame, int64_t begin, int64_t end) {
    int32_t bad = 0;
    for (int64_t i = begin; i < end; i++) {
        float g = 0;
        for (int64_t l = 0; l < frame->lane_count; l++) {
            float *lane = (float *)frame->lanes + l * frame->lane_stride;
            g += lane[i];
            lane[i] = 0;
        }
        float *w = (float *)frame->parameters + i, *v = (float *)frame->slots + i;
        *v = 0.9f * *v + g;
        *w -= frame->learning_rate * *v;
        bad |= !isfinite(*w);
    }
    return bad;
}

static const cnn_parameter parameters[] = {
    {.name = "dense_1.weight",
     .rank = 2,
     .layer = 1,
     .shape = {3, 4},
     .offset = TINY_WEIGHT,
     .size = 48,
     .group = 3,
     .block = 1,
     .block_stride = TINY_ROW,
     .stride = {0, 1},
     .init = CNN_INIT_GLOROT_UNIFORM,
     .trainable = 1,
     .fan_in = 4,
     .fan_out = 3},
    {.name = "dense_1.bias",
     .rank = 1,
     .layer = 1,
     .shape = {3},
     .offset = TINY_BIAS,
     .size = 16,
     .group = 3,
     .block = 3,
     .init = CNN_INIT_ZEROS,
     .trainable = 1},
    {.name = "center_1.running_mean",
     .rank = 1,
     .layer = 0,
     .shape = {4},
     .offset = TINY_MEAN,
     .size = 16,
     .group = 4,
     .block = 4,
     .init = CNN_INIT_ZEROS,
     .statistic = 1},
};

static const cnn_layer layers[] = {
    {.name = "center_1",
     .kind = "center",
     .rank = 1,
     .shape = {4},
     .statistics = 4,
     .offset = SCRATCH_CENTERED,
     .stride = {1}},
    {.name = "dense_1",
     .kind = "dense",
     .rank = 1,
     .shape = {3},
     .parameters = 15,
     .trainable = 15,
     .macs = 12,
     .offset = SCRATCH_LOGITS,
     .stride = {1}},
};

#define STEP(FUNCTION) {.run = FUNCTION, .layer = "dense_1", .kernel = #FUNCTION, .macs = 12}
static const cnn_step infer_step = STEP(infer), evaluate_step = STEP(evaluate);
static const cnn_step sum_step = STEP(sum_inputs_f32), sum_double_step = STEP(sum_inputs_f64);
static const cnn_step mean_step = STEP(mean_inputs_f32), mean_double_step = STEP(mean_inputs_f64);
static const cnn_step train_step = STEP(train_stage), gradient_step = STEP(gradient_stage);
static const cnn_step finish_step = STEP(finish_gradients), check_step = STEP(check_stage);
static const cnn_step prepare_step_f32 = STEP(prepare_f32), prepare_step_f64 = STEP(prepare_f64);

static const int32_t prepare_ends[] = {1};

#define SAMPLES_STEP(STEP) .samples = &(STEP), .sample_steps = 1, .micro_batch = 2
#define BATCH_STEP(STEP)   .batch = &(STEP), .batch_steps = 1
static const cnn_stage infer_stages[] = {{SAMPLES_STEP(infer_step)}};
static const cnn_stage evaluate_stages[] = {{SAMPLES_STEP(evaluate_step)}};
static const cnn_stage train_stages[] = {
    {SAMPLES_STEP(sum_step), BATCH_STEP(mean_step)},
    {SAMPLES_STEP(train_step)}
};
static const cnn_stage gradient_stages[] = {
    {SAMPLES_STEP(sum_step),      BATCH_STEP(mean_step)  },
    {SAMPLES_STEP(gradient_step), BATCH_STEP(finish_step)}
};
static const cnn_stage check_stages[] = {
    {SAMPLES_STEP(sum_double_step), BATCH_STEP(mean_double_step)},
    {SAMPLES_STEP(check_step)}
};

#define PROGRAM(STAGES, COUNT, SUFFIX, DOUBLE)                                                               \
    {.stage_count = COUNT,                                                                                   \
     .micro_batch = 2,                                                                                       \
     .stages = STAGES,                                                                                       \
     .prepare = &prepare_step_##SUFFIX,                                                                      \
     .prepare_ends = prepare_ends,                                                                           \
     .prepare_steps = 1,                                                                                     \
     .prepare_levels = 1,                                                                                    \
     .packed = 12,                                                                                           \
     .lane = (COUNT) > 1 ? LANE_SIZE : 0,                                                                    \
     .shared = 16,                                                                                           \
     .scratch_stride = SCRATCH_STRIDE,                                                                       \
     .double_precision = DOUBLE}

static const cnn_program inference = PROGRAM(infer_stages, 1, f32, 0);
static const cnn_program evaluation = PROGRAM(evaluate_stages, 1, f32, 0);
static const cnn_program training = PROGRAM(train_stages, 2, f32, 0);
static const cnn_program gradients = PROGRAM(gradient_stages, 2, f32, 0);
static const cnn_program check = PROGRAM(check_stages, 2, f64, 1);

static const char *const train_files[] = {"train-x.npy", "train-y.npy", NULL};
static const char *const test_files[] = {"test-x.npy", "test-y.npy", NULL};
static const char *const class_names[] = {"red", "green", "blue", NULL};
static const float mean[] = {0, 0, 0, 0}, std[] = {1, 1, 1, 1};
static const cnn_data data = {.format = CNN_FORMAT_NPY,
                              .path = ".",
                              .train = train_files,
                              .test = test_files,
                              .validation = 0.25,
                              .scale = 1,
                              .mean = mean,
                              .std = std,
                              .classes = class_names,
                              .class_count = 3};
static const cnn_schedule schedule = {.kind = CNN_SCHEDULE_CONSTANT};
static const cnn_train train = {.loss = CNN_CROSS_ENTROPY,
                                .epochs = 3,
                                .batch = 10,
                                .top_k = 2,
                                .show_accuracy = 1,
                                .learning_rate = 0.1,
                                .slot_count = 1,
                                .seed = 1,
                                .optimizer = "sgd",
                                .schedule = &schedule};

const cnn_model tiny_model = {
    .abi_version = CNN_ABI_VERSION,
    .has_train = 1,
    .has_data = 1,
    .name = "tiny",
    .compiler_version = "0.1.0",
    .input_rank = 1,
    .output_rank = 1,
    .input_shape = {4},
    .output_shape = {3},
    .parameter_count = 3,
    .layer_count = 2,
    .parameters = parameters,
    .layers = layers,
    .parameter_elements = TINY_PARAMETERS,
    .decayed_elements = 48,
    .trained_elements = TINY_TRAINED,
    .total_parameters = 15,
    .total_trainable = 15,
    .total_statistics = 4,
    .total_macs = 12,
    .memory_inference = 1000,
    .memory_training = 4000,
    .lanes = TINY_LANES,
    .metric_count = 1,
    .output_kind = 1,
    .data = &data,
    .train = &train,
    .inference = &inference,
    .probe = &inference,
    .evaluation = &evaluation,
    .training = &training,
    .gradients = &gradients,
    .check = &check,
    .update = update,
};
