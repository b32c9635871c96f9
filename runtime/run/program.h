/* Runs one compiled program of a model: the blocks that its functions work in, and its stages over a pool of
 * threads. Single samples go in parallel, a lane at a time where the program adds up in lanes, so that the
 * results are the same bits for any number of threads. Nothing is allocated after opening. */
#ifndef CNN_PROGRAM_H
#define CNN_PROGRAM_H

#include "abi.h"
#include "base/status.h"
#include "base/threads.h"

/* Called on the worker when a micro-batch has passed the last stage: frame->scratch holds its values. */
typedef void (*ProgramVisit)(void *user, const cnn_frame *frame);

/* Called on the worker before a run of steps (NULL) and after each of them: whoever takes their times. */
typedef void (*ProgramObserve)(void *user, const cnn_step *step, int worker);

typedef struct Program {
    const cnn_model *model;
    const cnn_program *code;
    Threads *pool;
    /* Set by the caller before a run: samples, targets, order, output, loss, metric, slots, seed, step,
     * sample_kind, random, learning_rate. The blocks and counts are the program's. */
    cnn_frame frame;
    int64_t capacity; /* samples of the largest batch; 1: it runs the steps that are made for one */
    ProgramVisit visit;
    void *visit_user;
    ProgramObserve observe;
    void *observe_user;
    uint64_t signature; /* double precision: what the last run's samples folded */

    const float *
        source; /* the model's parameters; frame.parameters is a copy of doubles where the code wants those */
    void **scratch; /* a worker's block */
    uint64_t *signatures;
    const cnn_stage *stage;
    int32_t first_step;   /* of the level that is being prepared */
    int64_t items, chunk; /* of the stage at work; chunk 0: lanes */
} Program;

/* The stage's steps for single samples, for a batch of at most `samples`. */
static inline const cnn_step *cnn_stage_steps(const cnn_stage *stage, int64_t samples) {
    return samples == 1 && stage->alone ? stage->alone : stage->samples;
}

/* Calls the steps one after the other. */
static inline void cnn_run_steps(const cnn_step *steps, int32_t count, const cnn_frame *frame) {
    for (int32_t i = 0; i < count; i++) steps[i].run(frame);
}

/* parameters: parameter_elements floats, the caller's, read (and by training written) where they lie. */
int cnn_program_open(Program *program, const cnn_model *model, const cnn_program *code, Threads *pool,
                     float *parameters, int64_t capacity, Failure *failure);
void cnn_program_close(Program *program); /* a zeroed one is fine */

/* Elements of one worker's scratch: the samples of a micro-batch, then the workspace. */
static inline int64_t cnn_program_samples(const cnn_program *code) {
    return code->scratch_stride * code->micro_batch;
}
static inline int64_t cnn_program_scratch(const cnn_program *code) {
    return cnn_program_samples(code) + code->workspace;
}

/* Derives what the code packs; after opening and after every change of the parameters. */
void cnn_program_prepare(Program *program);
/* Takes samples 0 .. count-1 (positions in frame.order) through all stages; count <= capacity. */
void cnn_program_run(Program *program, int64_t count);

/* Elements of the code's type as floats. */
void cnn_program_floats(const Program *program, const void *block, int64_t count, float *floats);
/* Bytes of an element: 4, or 8 in double precision. */
int64_t cnn_program_element(const cnn_program *code);
/* How many samples to take at a time where the batch is no part of the meaning (inference). */
int64_t cnn_program_window(const cnn_model *model, const cnn_program *code, int64_t samples);

#endif
