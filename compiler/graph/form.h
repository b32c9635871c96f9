/* The graphs that a compiled model needs (cnn_program), made from the model's own, and what each of them is:
 * the only place that knows their names and how they differ. */
#ifndef CNNC_GRAPH_FORM_H
#define CNNC_GRAPH_FORM_H

#include <stdbool.h>

typedef enum Form {
    FORM_INFERENCE,  /* samples -> output: dropout gone, batchnorm folded */
    FORM_PROBE,      /* the same, nothing fused or reused: every layer's value can be read */
    FORM_EVALUATION, /* inference and the loss */
    FORM_TRAINING,   /* forward, loss, backward */
    FORM_GRADIENTS,  /* training, and the gradient of the input goes to the output */
    FORM_CHECK,      /* forward in training mode and the loss, in double precision by reference kernels */
    FORM_COUNT,
    FORM_MODEL = FORM_COUNT /* none of a compiled model: the layers as they are written */
} Form;

typedef struct FormTraits {
    const char *name;
    bool training; /* layers are lowered for training: dropout is live, batchnorm reads the batch */
    bool stores;   /* the output goes to the frame */
    bool loss;     /* there is a loss node, so a train block is needed ... */
    bool backward; /* ... and its output is the gradient of what it reads, from which autodiff goes on */
    bool input_gradient; /* the gradient of the input goes to the frame's output */
    bool keeps_layers; /* every layer's value can be read afterwards: none is dropped, fused away or reused */
    bool like_inference; /* one sample at a time, in the strides and with the kernels of inference */
    bool chooses_alone;  /* has other kernels where a sample runs by itself */
    bool doubles;        /* in double precision whatever the options say */
    bool seldom;         /* for people who look into a model, not for its work */
} FormTraits;

const FormTraits *form_traits(Form form);
/* The form of that name ("inference", ...); false where there is none. FORM_MODEL is not found. */
bool form_find(const char *name, Form *form);

#endif
