/* A compiled model whose gradients are made wrong on purpose, to show that gradcheck finds it. Linked with a
 * model's object and the runtime; CNNC_TAMPER says what is wrong: KIND PARAMETER, where KIND is one of the
 * names below and PARAMETER a tensor's name or "input". Otherwise it behaves as the model's own program does.
 */
#define _GNU_SOURCE
#include "verbs/session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STAGES = 256, MAX_STEPS = 4096 };

static char kind[32], tensor[96];

static bool kind_is(const char *name) {
    return !strcmp(kind, name);
}

/* The place of the largest element in the first gradients that come by: a fault stays where it is. */
static int64_t faulty_place(const float *g, int64_t count) {
    static int64_t place = -1;
    if (place >= 0) return place;
    place = 0;
    for (int64_t i = 1; i < count; i++)
        if (fabsf(g[i]) > fabsf(g[place])) place = i;
    return place;
}

static void spoil(float *g, int64_t count) {
    int64_t at = faulty_place(g, count);
    if (kind_is("percent")) g[at] *= 1.01f;
    if (kind_is("sign")) g[at] = -g[at];
    if (kind_is("missing")) g[at] = 0;
    if (kind_is("zero")) memset(g, 0, (size_t)count * sizeof *g);
    if (kind_is("shifted")) {
        float first = g[0];
        memmove(g, g + 1, (size_t)(count - 1) * sizeof *g);
        g[count - 1] = first;
    }
    if (kind_is("tenth"))
        for (int64_t i = 0; i < count; i++) g[i] *= 1.1f;
}

/* Some of the samples count half as much again: those of the first lane that has any. */
static void spoil_lane(const cnn_frame *frame, const cnn_parameter *parameter) {
    bool any = false;
    for (int64_t lane = 0; lane < frame->lane_count && !any; lane++) {
        float *g = (float *)frame->lanes + lane * frame->lane_stride + parameter->offset;
        for (int64_t i = 0; i < parameter->size; i++) {
            any = any || g[i] != 0;
            g[i] *= 1.5f;
        }
    }
}

/* The last step of the gradients program: the sum of the lanes is spoiled, or what one lane, that is some of
 * the samples, gives to it. */
static void spoil_gradients(const cnn_frame *frame) {
    const cnn_model *model = &cnn_compiled_model;
    float *lanes = frame->lanes;
    if (!strcmp(tensor, "input")) {
        int64_t elements = 1;
        for (int32_t i = 0; i < model->input_rank; i++) elements *= model->input_shape[i];
        spoil(frame->output, elements * (kind_is("sample") ? 1 : frame->batch_size));
        if (kind_is("sample"))
            for (int64_t i = 0; i < elements; i++) ((float *)frame->output)[i] *= 1.5f;
        return;
    }
    for (int32_t i = 0; i < model->parameter_count; i++) {
        const cnn_parameter *parameter = &model->parameters[i];
        if (strcmp(parameter->name, tensor)) continue;
        float *g = lanes + parameter->offset;
        if (kind_is("sample")) {
            spoil_lane(frame, parameter);
            return;
        }
        for (int64_t lane = 1; lane < frame->lane_count; lane++)
            for (int64_t j = 0; j < parameter->size; j++) {
                g[j] += g[lane * frame->lane_stride + j];
                g[lane * frame->lane_stride + j] = 0;
            }
        spoil(g, parameter->size);
    }
}

/* A copy of the gradients program with one more step at its end. */
static void append_step(cnn_program *program) {
    static cnn_stage stages[MAX_STAGES];
    static cnn_step steps[MAX_STEPS];
    int32_t last = program->stage_count - 1;
    if (program->stage_count > MAX_STAGES || program->stages[last].batch_steps >= MAX_STEPS) abort();
    memcpy(stages, program->stages, (size_t)program->stage_count * sizeof *stages);
    int32_t count = stages[last].batch_steps;
    if (count) memcpy(steps, stages[last].batch, (size_t)count * sizeof *steps);
    steps[count].run = spoil_gradients;
    steps[count].kernel = "spoil";
    stages[last].batch = steps;
    stages[last].batch_steps = count + 1;
    program->stages = stages;
}

int main(int argc, char **argv) {
    Failure failure = {0};
    Options options = {0};
    cnn_model model = cnn_compiled_model;
    cnn_program gradients = *model.gradients;
    const char *wanted = getenv("CNNC_TAMPER");
    if (wanted) {
        if (sscanf(wanted, "%31s %95s", kind, tensor) != 2 || gradients.double_precision) return 99;
        append_step(&gradients);
        model.gradients = &gradients;
    }
    Session session = {.model = &model, .options = &options, .out = stdout, .failure = &failure};
    int status = cnn_options_parse(argc, argv, &options, &failure);
    if (!status) status = cnn_session_run(&session);
    if (failure.message[0]) fprintf(stderr, "%s\n", failure.message);
    cnn_session_close(&session);
    cnn_options_free(&options);
    return status;
}
