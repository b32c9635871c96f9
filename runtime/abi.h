/* What generated code and the runtime know of each other, and all that they know: the model's description,
 * which the compiler emits as constant data, and the frame that every generated function is called with. The
 * compiler includes this header to lay out the same structures in LLVM; a change here changes
 * CNN_ABI_VERSION.
 *
 * "Elements" are floats (doubles in a program whose `double_precision` is set). Every block starts on a
 * 64-byte boundary. */
#ifndef CNN_ABI_H
#define CNN_ABI_H

#include <stdint.h>

enum { CNN_ABI_VERSION = 8, CNN_MAX_RANK = 8, CNN_ALIGNMENT = 64 };

/* The argument of every generated function. Fields are read by index from generated code: see
 * emit/kernel_code.h. */
typedef struct cnn_frame {
    void *parameters; /* the parameter block */
    void *packed;     /* what `prepare` derives from it; of the program that runs */
    void *lane;       /* accumulators of the lane at work: gradients, then the program's own */
    void *lanes;      /* lane 0; the others follow, lane_stride elements apart */
    void *shared;     /* values that there are once a batch */
    /* Values of every sample of the batch that outlive a stage: batch_stride elements a sample. */
    void *batch;
    /* The worker's values: scratch_stride elements a sample of its micro-batch. */
    void *scratch;
    /* What single kernels work in: behind the samples of the worker's own scratch. */
    void *workspace;

    const void *samples; /* elements of sample_kind, channels last, no gaps: the data set, or a batch of it */
    const void *targets; /* class indices (int32) or floats of the output's shape, as the loss takes them */
    const uint32_t *order;   /* where the batch's samples are among those; NULL: 0, 1, 2, ... */
    const uint32_t *numbers; /* their numbers in the data set, keys of the random draws; NULL: as order */
    void *output;            /* N x output elements, or NULL where nobody wants them */
    float *loss;   /* a value a sample of the batch; in a double_precision program doubles, as output too */
    float *metric; /* cnn_model.metric_count values a sample of the batch */
    uint64_t *signature; /* double_precision programs: folds relu signs and pooling winners; or NULL */
    void *velocity;      /* the optimizer's slots: slot_count blocks of trained parameters */

    int64_t first;      /* the batch's index of the micro-batch's first sample */
    int64_t count;      /* samples in the micro-batch */
    int64_t batch_size; /* samples in the batch */
    int64_t lane_count;
    int64_t lane_stride; /* elements from one lane's block to the next */
    uint64_t seed;
    uint64_t step; /* counts batches since training began; keys the random draws */
    /* A step that splits: which part of last_part + 1 of each sample's result to make. */
    int64_t part, last_part;
    int32_t sample_kind; /* cnn_sample_kind */
    int32_t random;      /* 0: dropout passes everything through */
    float learning_rate;
    float gradient_scale; /* what clip_norm leaves of the gradient; not read without it */
} cnn_frame;

typedef enum cnn_sample_kind {
    CNN_SAMPLE_FLOAT, /* floats, in double_precision programs too, taken as they are */
    CNN_SAMPLE_BYTE   /* (x*scale - mean) / std, a channel at a time */
} cnn_sample_kind;

typedef void (*cnn_function)(const cnn_frame *frame);
/* Works on elements [begin, end) of the trained parameters, summing the lanes' gradients in lane order,
 * zeroing them, and updating parameters and slots. Returns 0, or 1 where it met a value that is not finite.
 */
typedef int32_t (*cnn_update)(const cnn_frame *frame, int64_t begin, int64_t end);
/* Before an update, over the same elements: leaves the lanes' sum in lane 0 and zeros in the others; returns
 * the sum of its squares. */
typedef double (*cnn_gather)(const cnn_frame *frame, int64_t begin, int64_t end);

/* Nothing but multiply-adds in registers, for somebody to take the time: so many rounds, a count of
 * multiply-adds in each that is left behind the pointer. The result has no meaning. */
typedef float (*cnn_peak)(int64_t rounds, int64_t *multiply_adds);

typedef enum cnn_init {
    CNN_INIT_ZEROS,
    CNN_INIT_ONES,
    CNN_INIT_CONSTANT,
    CNN_INIT_NORMAL,
    CNN_INIT_UNIFORM,
    CNN_INIT_HE_NORMAL,
    CNN_INIT_HE_UNIFORM,
    CNN_INIT_GLOROT_NORMAL,
    CNN_INIT_GLOROT_UNIFORM,
    CNN_INIT_VALUES
} cnn_init;

/* A tensor of the weight file and where its elements lie in the parameter block: element (i0, i1, ...) at
 *   offset + origin + (i0 / group) * group_stride + (i0 % group / block) * block_stride + i0 % group % block
 * + sum over a>0 of ia * stride[a] */
typedef struct cnn_parameter {
    const char *name;    /* "conv_1.weight" */
    int32_t rank, layer; /* layer: index into layers */
    int64_t shape[CNN_MAX_RANK];
    int64_t offset, size; /* storage elements, padding included */
    int64_t group, group_stride, block, block_stride;
    int64_t stride[CNN_MAX_RANK];
    int32_t init, trainable, statistic;
    float init_value;
    int64_t fan_in, fan_out;
    const float *values; /* CNN_INIT_VALUES: the logical tensor, row-major */
    int64_t origin;      /* not 0 where strides are negative (a mirrored kernel) */
} cnn_parameter;

/* A row of the summary, and where `run --layer` finds the layer's value in the probe program's scratch. */
typedef struct cnn_layer {
    const char *name, *kind;
    int32_t rank;
    int32_t indexes_rows; /* 1: what it takes are indices of rows of its first parameter (an embedding) */
    int64_t shape[CNN_MAX_RANK];
    int64_t parameters, trainable, statistics, macs;
    int64_t offset;               /* elements from the sample's scratch */
    int64_t stride[CNN_MAX_RANK]; /* elements, an axis of shape each */
} cnn_layer;

/* One node of a graph, compiled, and what people are told of it. */
typedef struct cnn_step {
    cnn_function run;
    const char *layer;  /* "conv_1"; NULL where it belongs to none */
    const char *kernel; /* the operator and its kernel: "conv_input_grad.winograd3" */
    int64_t macs;       /* multiply-adds a sample, counted as the layer's; 0 where it has none */
    double estimate;    /* cycles a sample, the compiler's reckoning; 0 where it made none */
    int64_t splits;     /* alone: 1 where several threads, making a part each, are faster */
} cnn_step;

/* Steps for single samples (first .. first+count-1, into one lane), then steps for the whole batch once all
 * samples have passed. */
typedef struct cnn_stage {
    const cnn_step *samples, *batch;
    const cnn_step *alone; /* inference: `samples` as they are best for a batch of one; else NULL */
    int32_t sample_steps, batch_steps;
    int32_t micro_batch; /* samples that it works best with; any count up to the program's will do */
    int32_t reserved;
} cnn_stage;

/* A graph, compiled. */
typedef struct cnn_program {
    int32_t stage_count, micro_batch; /* micro_batch: the largest of its stages */
    const cnn_stage *stages;
    /* Derive `packed` from `parameters`, level by level; those of a level in any order. */
    const cnn_step *prepare;
    const int32_t *prepare_ends; /* of each level: where in `prepare` the next one begins */
    int32_t prepare_steps, prepare_levels;
    int64_t packed, lane, shared;         /* elements; lane: a lane's block, gradients included */
    int64_t scratch_stride, batch_stride; /* elements a sample */
    int32_t double_precision, reserved;
    int64_t workspace; /* elements of a worker's scratch behind its samples, for single kernels */
} cnn_program;

typedef enum cnn_loss {
    CNN_LOSS_NONE,
    CNN_CROSS_ENTROPY,
    CNN_BINARY_CROSS_ENTROPY,
    CNN_MSE,
    CNN_MAE,
    CNN_HUBER
} cnn_loss;

typedef enum cnn_format {
    CNN_FORMAT_NONE,
#define FORMAT(number, word) CNN_FORMAT_##number,
#define PLANNED(word)
#include "runtime/formats.def"
#undef FORMAT
#undef PLANNED
} cnn_format;

/* The data block. Lists end with NULL. */
typedef struct cnn_data {
    int32_t format;
    int32_t cifar_labels; /* 0: the 10-class layout; 1: fine, 2: coarse labels of the 100-class one */
    const char *path;     /* as written; relative to the current folder; "" where there is none */
    const char *const *train, *const *test;
    double validation;
    float scale;
    const float *mean, *std; /* a value a channel */
    const char *const *classes;
    int32_t class_count, resize_height, resize_width, reserved;
} cnn_data;

typedef enum cnn_schedule_kind {
    CNN_SCHEDULE_CONSTANT,
    CNN_SCHEDULE_STEP,
    CNN_SCHEDULE_MILESTONES,
    CNN_SCHEDULE_EXPONENTIAL,
    CNN_SCHEDULE_COSINE,
    CNN_SCHEDULE_ONE_CYCLE,
    CNN_SCHEDULE_PLATEAU
} cnn_schedule_kind;

typedef struct cnn_schedule {
    int32_t kind, milestone_count;
    int64_t every; /* step: epochs; plateau: its patience */
    double warmup; /* epochs */
    double factor; /* step, milestones, plateau; exponential's rate */
    double target; /* cosine: the rate at the end; one_cycle: the largest */
    const int64_t *milestones;
} cnn_schedule;

/* The train block. */
typedef struct cnn_train {
    int32_t loss, epochs, batch, top_k; /* top_k: 0 where not asked for */
    int32_t show_accuracy, show_mae;
    double learning_rate;
    /* smallest_batch: samples that a step needs: 2 where batch statistics would be of one value a channel.
     * slot_count: blocks of trained-parameter size that the optimizer keeps. */
    int32_t smallest_batch, slot_count;
    uint64_t seed;
    const char *optimizer; /* "sgd" */
    const cnn_schedule *schedule;
    float clip_norm;    /* 0: off */
    int32_t early_stop; /* epochs; 0: off */
} cnn_train;

/* metric, a sample: cross_entropy: for each position how many classes score above the target, equal ones
 * before it included (0: right), so metric_count is the positions; binary_cross_entropy: the fraction of
 * elements on the right side, and behind it, where metrics asks for mae, the mean absolute error of the
 * probabilities; other losses: the mean absolute error. */
typedef struct cnn_model {
    uint32_t abi_version;
    int32_t has_train, has_data;
    const char *name, *compiler_version;
    int32_t input_rank, output_rank;
    int64_t input_shape[CNN_MAX_RANK], output_shape[CNN_MAX_RANK];
    int32_t parameter_count, layer_count;
    const cnn_parameter *parameters;
    const cnn_layer *layers;
    int64_t parameter_elements; /* the whole block */
    int64_t decayed_elements;   /* it starts with the trained parameters that weight decay applies to, ... */
    int64_t
        trained_elements; /* ... then the other trained ones, then the rest; each tensor 64-byte aligned */
    int64_t total_parameters, total_trainable, total_statistics, total_macs;
    int64_t memory_inference, memory_training; /* bytes, as --check says */
    int32_t lanes;                             /* gradient lanes of a step */
    int32_t metric_count;
    int32_t output_kind; /* what predict applies to the output: 0 as it is, 1 softmax, 2 exp, 3 sigmoid */
    int32_t reserved;
    const cnn_data *data;   /* NULL without a data block */
    const cnn_train *train; /* NULL without a train block */

    const cnn_program *inference;  /* samples -> output */
    const cnn_program *probe;      /* the same, every layer's value kept in scratch: one sample at a time */
    const cnn_program *evaluation; /* samples, targets -> output, loss, metric; NULL without train */
    const cnn_program *training;  /* samples, targets -> loss, metric, lanes' gradients; NULL without train */
    const cnn_program *gradients; /* training and the input's gradient, to output; NULL without train */
    const cnn_program
        *check; /* double precision: samples, targets -> loss, in training mode; NULL without --gradcheck */
    cnn_update update; /* NULL without train */
    cnn_gather gather; /* NULL without clip_norm */
    cnn_peak peak;
    double peak_per_cycle; /* multiply-adds a cycle that the compiler reckons the machine can do */
} cnn_model;

/* The one symbol that the compiler defines and the runtime's main reads. */
extern const cnn_model cnn_compiled_model;

#endif
