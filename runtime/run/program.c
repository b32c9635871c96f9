/* Blocks and stages of one program. */
#include "run/program.h"

#include "base/aligned.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE = 64,
    PAGE = 4096,
    WINDOW_SAMPLES = 512,   /* enough micro-batches to share out evenly */
    WINDOW_BYTES = 64 << 20 /* of values that are kept for all samples at a time */
};

int64_t cnn_program_element(const cnn_program *code) {
    return code->double_precision ? (int64_t)sizeof(double) : (int64_t)sizeof(float);
}

/* The distance of blocks that lie behind each other: whole lines, but no multiple of a page, whose addresses
 * would compete for the same places of the cache. */
static int64_t block_stride(const cnn_program *code, int64_t elements) {
    int64_t size = cnn_program_element(code), line = LINE / size;
    int64_t stride = (elements + line - 1) / line * line;
    if (stride > 0 && stride * size % PAGE == 0) stride += line;
    return stride;
}

/* a x b elements of the code's type. */
static int allocate(void **block, const cnn_program *code, int64_t a, int64_t b, const char *purpose,
                    Failure *failure) {
    uint64_t count;
    if (!cnn_multiply((uint64_t)a, (uint64_t)b, &count)) return cnn_fail_memory(failure, purpose, UINT64_MAX);
    return cnn_aligned_allocate(block, count, (uint64_t)cnn_program_element(code), purpose, failure);
}

static int open_parameters(Program *program, float *parameters, Failure *failure) {
    program->source = parameters;
    program->frame.parameters = parameters;
    if (!program->code->double_precision) return STATUS_OK;
    program->frame.parameters = NULL;
    int status = allocate(&program->frame.parameters, program->code, program->model->parameter_elements, 1,
                          "the parameters", failure);
    if (status) return status;
    double *doubles = program->frame.parameters;
    for (int64_t i = 0; i < program->model->parameter_elements; i++) doubles[i] = parameters[i];
    return STATUS_OK;
}

static int open_scratch(Program *program, Failure *failure) {
    int workers = cnn_threads_count(program->pool);
    program->scratch = calloc((size_t)workers, sizeof *program->scratch);
    if (!program->scratch)
        return cnn_fail_memory(failure, "the workers", (unsigned long long)workers * sizeof(void *));
    for (int i = 0; i < workers; i++) {
        int status = allocate(&program->scratch[i], program->code, cnn_program_scratch(program->code), 1,
                              "a worker's values", failure);
        if (status) return status;
    }
    return STATUS_OK;
}

int cnn_program_open(Program *program, const cnn_model *model, const cnn_program *code, Threads *pool,
                     float *parameters, int64_t capacity, Failure *failure) {
    *program = (Program){.model = model, .code = code, .pool = pool, .capacity = capacity};
    cnn_frame *frame = &program->frame;
    frame->lane_count = model->lanes;
    frame->lane_stride = block_stride(code, code->lane);
    int status = open_parameters(program, parameters, failure);
    if (!status) status = allocate(&frame->packed, code, code->packed, 1, "packed weights", failure);
    if (!status)
        status =
            allocate(&frame->lanes, code, frame->lane_stride, frame->lane_count, "the gradients", failure);
    if (!status) status = allocate(&frame->shared, code, code->shared, 1, "the batch's values", failure);
    if (!status)
        status = allocate(&frame->batch, code, code->batch_stride, capacity, "the batch's values", failure);
    if (!status) status = open_scratch(program, failure);
    if (!status && code->double_precision) {
        program->signatures = calloc((size_t)model->lanes + 1, sizeof *program->signatures);
        if (!program->signatures) status = cnn_fail_memory(failure, "the lanes", sizeof *program->signatures);
    }
    frame->lane = frame->lanes;
    if (status) cnn_program_close(program);
    return status;
}

void cnn_program_close(Program *program) {
    if (!program->code) return;
    if (program->code->double_precision) cnn_aligned_free(program->frame.parameters);
    cnn_aligned_free(program->frame.packed);
    cnn_aligned_free(program->frame.lanes);
    cnn_aligned_free(program->frame.shared);
    cnn_aligned_free(program->frame.batch);
    for (int i = 0; program->scratch && i < cnn_threads_count(program->pool); i++)
        cnn_aligned_free(program->scratch[i]);
    free(program->scratch);
    free(program->signatures);
    *program = (Program){0};
}

/* The samples' values of one worker, the workspace of another, or of the same. */
static void set_scratch(const Program *program, cnn_frame *frame, int samples, int workspace) {
    const cnn_program *code = program->code;
    frame->scratch = program->scratch[samples];
    frame->workspace =
        (char *)program->scratch[workspace] + cnn_program_samples(code) * cnn_program_element(code);
}

static void run_steps(Program *program, const cnn_step *steps, int32_t count, cnn_frame *frame, int worker) {
    if (!program->observe) {
        cnn_run_steps(steps, count, frame);
        return;
    }
    program->observe(program->observe_user, NULL, worker);
    for (int32_t i = 0; i < count; i++) {
        steps[i].run(frame);
        program->observe(program->observe_user, &steps[i], worker);
    }
}

static void prepare_item(void *user, int64_t item, int worker) {
    Program *program = user;
    run_steps(program, &program->code->prepare[program->first_step + item], 1, &program->frame, worker);
}

void cnn_program_prepare(Program *program) {
    const cnn_program *code = program->code;
    program->first_step = 0;
    for (int32_t i = 0; i < code->prepare_levels; i++) {
        cnn_threads_run(program->pool, code->prepare_ends[i] - program->first_step, prepare_item, program);
        program->first_step = code->prepare_ends[i];
    }
}

/* One lane's samples, or one chunk of the batch, a micro-batch at a time. */
static void run_item(void *user, int64_t item, int worker) {
    Program *program = user;
    cnn_frame frame = program->frame;
    int64_t begin, end, lanes = frame.lane_count, size = cnn_program_element(program->code);
    if (program->chunk) {
        begin = item * program->chunk;
        end = begin + program->chunk < frame.batch_size ? begin + program->chunk : frame.batch_size;
    } else {
        begin = frame.batch_size * item / lanes;
        end = frame.batch_size * (item + 1) / lanes;
        frame.lane = (char *)frame.lanes + item * frame.lane_stride * size;
        if (program->signatures) frame.signature = &program->signatures[item];
    }
    set_scratch(program, &frame, worker, worker);
    for (frame.first = begin; frame.first < end; frame.first += frame.count) {
        int64_t left = end - frame.first;
        frame.count = left < program->stage->micro_batch ? left : program->stage->micro_batch;
        run_steps(program, program->stage->samples, program->stage->sample_steps, &frame, worker);
        if (program->visit && program->stage == &program->code->stages[program->code->stage_count - 1])
            program->visit(program->visit_user, &frame);
    }
}

/* A sample by itself, shared by several workers. */
typedef struct Alone {
    Program *program;
    int64_t parts;
    _Atomic int64_t arrived; /* all workers' arrivals at the places where they wait for each other */
} Alone;

/* Waits until every worker has come here `meetings` times. */
static void meet(Alone *alone, int64_t meetings) {
    atomic_fetch_add_explicit(&alone->arrived, 1, memory_order_acq_rel);
    for (int i = 0; atomic_load_explicit(&alone->arrived, memory_order_acquire) < meetings * alone->parts;
         i++)
        cnn_wait(i);
}

/* A worker's part of every step: of those that split its share, of the others all or nothing. Nobody begins a
 * step before what it reads is there. */
static void run_part(void *user, int64_t part, int worker) {
    Alone *alone = user;
    Program *program = alone->program;
    const cnn_stage *stage = program->stage;
    cnn_frame frame = program->frame;
    set_scratch(program, &frame, 0, worker);
    frame.first = 0;
    frame.count = 1;
    int64_t meetings = 0;
    for (int32_t i = 0; i < stage->sample_steps; i++) {
        const cnn_step *step = &stage->alone[i];
        bool shared = step->splits && alone->parts > 1, next = i + 1 < stage->sample_steps && step[1].splits;
        frame.part = shared ? part : 0;
        frame.last_part = shared ? alone->parts - 1 : 0;
        if (shared || part == 0) run_steps(program, step, 1, &frame, worker);
        if (i + 1 < stage->sample_steps && (step->splits || next) && alone->parts > 1)
            meet(alone, ++meetings);
    }
}

static void run_alone(Program *program) {
    Alone alone = {.program = program, .parts = cnn_threads_parallel(program->pool)};
    cnn_threads_run(program->pool, alone.parts, run_part, &alone);
}

static uint64_t fold_signatures(const uint64_t *signatures, int64_t count) {
    uint64_t fold = 0xcbf29ce484222325u; /* FNV-1a, a word at a time */
    for (int64_t i = 0; i < count; i++) fold = (fold ^ signatures[i]) * 0x100000001b3u;
    return fold;
}

void cnn_program_run(Program *program, int64_t count) {
    const cnn_program *code = program->code;
    int64_t lanes = program->frame.lane_count, share = (count + lanes - 1) / lanes;
    bool by_lane = code->lane > 0 || program->signatures;
    program->frame.batch_size = count;
    /* Chunks no larger than a lane's share keep every worker busy with a small batch, too. */
    program->chunk = by_lane ? 0 : share < code->micro_batch ? share : code->micro_batch;
    program->items = by_lane ? lanes : (count + program->chunk - 1) / program->chunk;
    if (program->signatures)
        memset(program->signatures, 0, ((size_t)lanes + 1) * sizeof *program->signatures);
    for (int32_t i = 0; i < code->stage_count; i++) {
        program->stage = &code->stages[i];
        if (program->capacity == 1 && program->stage->alone && !program->visit)
            run_alone(program);
        else if (program->stage->sample_steps)
            cnn_threads_run(program->pool, program->items, run_item, program);
        if (!program->stage->batch_steps) continue;
        cnn_frame frame = program->frame;
        frame.count = count;
        set_scratch(program, &frame, 0, 0);
        if (program->signatures) frame.signature = &program->signatures[lanes];
        run_steps(program, program->stage->batch, program->stage->batch_steps, &frame, 0);
    }
    if (program->signatures) program->signature = fold_signatures(program->signatures, lanes + 1);
}

void cnn_program_floats(const Program *program, const void *block, int64_t count, float *floats) {
    if (!program->code->double_precision) {
        memmove(floats, block, (size_t)count * sizeof *floats);
        return;
    }
    const double *doubles = block;
    for (int64_t i = 0; i < count; i++) floats[i] = (float)doubles[i];
}

int64_t cnn_program_window(const cnn_model *model, const cnn_program *code, int64_t samples) {
    int64_t outputs = 1, window = WINDOW_SAMPLES, fit;
    for (int32_t i = 0; i < model->output_rank; i++) outputs *= model->output_shape[i];
    fit = WINDOW_BYTES / cnn_program_element(code) / (code->batch_stride + outputs + 1);
    if (window > fit) window = fit;
    if (window < model->lanes) window = model->lanes;
    return samples < window ? samples : window;
}
