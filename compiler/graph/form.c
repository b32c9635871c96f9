/* The table of forms. See form.h. */
#include "graph/form.h"

#include <string.h>

static const FormTraits table[FORM_COUNT + 1] = {
    [FORM_INFERENCE] = {.name = "inference", .stores = true, .chooses_alone = true},
    [FORM_PROBE] =
        {.name = "probe", .stores = true, .keeps_layers = true, .like_inference = true, .seldom = true},
    [FORM_EVALUATION] = {.name = "evaluation", .stores = true, .loss = true},
    [FORM_TRAINING] = {.name = "training", .training = true, .loss = true, .backward = true},
    [FORM_GRADIENTS] = {.name = "gradients",
                        .training = true,
                        .loss = true,
                        .backward = true,
                        .input_gradient = true,
                        .seldom = true},
    [FORM_CHECK] = {.name = "check", .training = true, .loss = true, .doubles = true},
    [FORM_MODEL] = {.name = "model"},
};

const FormTraits *form_traits(Form form) {
    return &table[form];
}

bool form_find(const char *name, Form *form) {
    for (int i = 0; i < FORM_COUNT; i++) {
        if (strcmp(table[i].name, name)) continue;
        *form = (Form)i;
        return true;
    }
    return false;
}
