/* First values. Normal draws are not truncated: he_normal is N(0, 2/fan_in) and glorot_normal N(0, 2/(fan_in
 * + fan_out)), he_uniform and glorot_uniform are within sqrt(6/fan_in) and sqrt(6/(fan_in + fan_out)), as
 * PyTorch's kaiming and xavier functions. */
#include "weights/first_values.h"

#include "base/rng.h"
#include "weights/parameter_walk.h"

#include <math.h>
#include <string.h>

/* A rule is a value, or a draw times a scale. */
typedef enum Draw { DRAW_NOTHING, DRAW_NORMAL, DRAW_UNIFORM } Draw;

typedef struct Rule {
    Draw draw;
    float scale; /* the standard deviation, the limit, or the value itself */
} Rule;

static Rule choose_rule(const cnn_parameter *parameter) {
    double in = parameter->fan_in > 0 ? (double)parameter->fan_in : 1.0;
    double both = in + (parameter->fan_out > 0 ? (double)parameter->fan_out : 1.0);
    switch ((cnn_init)parameter->init) {
    case CNN_INIT_ONES: return (Rule){DRAW_NOTHING, 1.0f};
    case CNN_INIT_CONSTANT: return (Rule){DRAW_NOTHING, parameter->init_value};
    case CNN_INIT_NORMAL: return (Rule){DRAW_NORMAL, parameter->init_value};
    case CNN_INIT_UNIFORM: return (Rule){DRAW_UNIFORM, parameter->init_value};
    case CNN_INIT_HE_NORMAL: return (Rule){DRAW_NORMAL, (float)sqrt(2.0 / in)};
    case CNN_INIT_HE_UNIFORM: return (Rule){DRAW_UNIFORM, (float)sqrt(6.0 / in)};
    case CNN_INIT_GLOROT_NORMAL: return (Rule){DRAW_NORMAL, (float)sqrt(2.0 / both)};
    case CNN_INIT_GLOROT_UNIFORM: return (Rule){DRAW_UNIFORM, (float)sqrt(6.0 / both)};
    case CNN_INIT_ZEROS:
    case CNN_INIT_VALUES: break;
    }
    return (Rule){DRAW_NOTHING, 0.0f};
}

static float first_value(Rule rule, uint64_t seed, uint32_t parameter, uint64_t element) {
    switch (rule.draw) {
    case DRAW_NORMAL: return rule.scale * cnn_random_normal(seed, RANDOM_INIT, parameter, element);
    case DRAW_UNIFORM:
        return rule.scale * (2.0f * cnn_random_uniform(seed, RANDOM_INIT, parameter, element) - 1.0f);
    case DRAW_NOTHING: break;
    }
    return rule.scale;
}

bool cnn_parameters_are_fixed(const cnn_model *model) {
    for (int32_t i = 0; i < model->parameter_count; i++)
        if (choose_rule(&model->parameters[i]).draw != DRAW_NOTHING) return false;
    return true;
}

void cnn_parameters_initialise(const cnn_model *model, uint64_t seed, float *block) {
    memset(block, 0, (size_t)model->parameter_elements * sizeof *block);
    for (int32_t p = 0; p < model->parameter_count; p++) {
        const cnn_parameter *parameter = &model->parameters[p];
        Rule rule = choose_rule(parameter);
        const float *values = parameter->init == CNN_INIT_VALUES ? parameter->values : NULL;
        ParameterWalk walk;
        uint64_t element = 0;
        parameter_walk_begin(&walk, parameter);
        for (int64_t row; parameter_walk_next(&walk, &row);)
            for (int64_t i = 0; i < walk.length; i++, element++)
                block[row + i * walk.stride] =
                    values ? values[element] : first_value(rule, seed, (uint32_t)p, element);
    }
}
