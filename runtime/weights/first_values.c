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

static double fan_in(const cnn_parameter *parameter) {
    return parameter->fan_in > 0 ? (double)parameter->fan_in : 1.0;
}

static double both_fans(const cnn_parameter *parameter) {
    return fan_in(parameter) + (parameter->fan_out > 0 ? (double)parameter->fan_out : 1.0);
}

static Rule rule_zeros(const cnn_parameter *parameter) {
    return (void)parameter, (Rule){DRAW_NOTHING, 0.0f};
}

static Rule rule_ones(const cnn_parameter *parameter) {
    return (void)parameter, (Rule){DRAW_NOTHING, 1.0f};
}

static Rule rule_constant(const cnn_parameter *parameter) {
    return (Rule){DRAW_NOTHING, parameter->init_value};
}

static Rule rule_normal(const cnn_parameter *parameter) {
    return (Rule){DRAW_NORMAL, parameter->init_value};
}

static Rule rule_uniform(const cnn_parameter *parameter) {
    return (Rule){DRAW_UNIFORM, parameter->init_value};
}

static Rule rule_he_normal(const cnn_parameter *parameter) {
    return (Rule){DRAW_NORMAL, (float)sqrt(2.0 / fan_in(parameter))};
}

static Rule rule_he_uniform(const cnn_parameter *parameter) {
    return (Rule){DRAW_UNIFORM, (float)sqrt(6.0 / fan_in(parameter))};
}

static Rule rule_glorot_normal(const cnn_parameter *parameter) {
    return (Rule){DRAW_NORMAL, (float)sqrt(2.0 / both_fans(parameter))};
}

static Rule rule_glorot_uniform(const cnn_parameter *parameter) {
    return (Rule){DRAW_UNIFORM, (float)sqrt(6.0 / both_fans(parameter))};
}

/* Of an initialiser whose values the model holds, there is none. */
static Rule (*const rules[])(const cnn_parameter *parameter) = {
#define FIXED(name, word, argument) [CNN_INIT_##name] = rule_##word,
#define DRAWN(name, word, argument) [CNN_INIT_##name] = rule_##word,
#define GIVEN(name, word)           [CNN_INIT_##name] = NULL,
#include "runtime/initialisers.def"
};

static Rule choose_rule(const cnn_parameter *parameter) {
    return rules[parameter->init] ? rules[parameter->init](parameter) : (Rule){DRAW_NOTHING, 0.0f};
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

bool cnn_parameter_begins_even(const cnn_parameter *parameter) {
    return rules[parameter->init] && choose_rule(parameter).draw == DRAW_NOTHING;
}

void cnn_parameters_initialise(const cnn_model *model, uint64_t seed, float *block) {
    memset(block, 0, (size_t)model->parameter_elements * sizeof *block);
    for (int32_t p = 0; p < model->parameter_count; p++) {
        const cnn_parameter *parameter = &model->parameters[p];
        Rule rule = choose_rule(parameter);
        const float *values = rules[parameter->init] ? NULL : parameter->values;
        ParameterWalk walk;
        uint64_t element = 0;
        parameter_walk_begin(&walk, parameter);
        for (int64_t row; parameter_walk_next(&walk, &row);)
            for (int64_t i = 0; i < walk.length; i++, element++)
                block[row + i * walk.stride] =
                    values ? values[element] : first_value(rule, seed, (uint32_t)p, element);
    }
}
