/* The data and train blocks, checked: what they say and their defaults. */
#ifndef CNNC_GRAPH_SETTINGS_H
#define CNNC_GRAPH_SETTINGS_H

#include "graph/op.h"

typedef struct DataSettings {
    const char *format; /* "idx", "cifar", "npy" */
    const char *path;   /* "" where not given */
    VEC(const char *) train, test, classes;
    VEC(double) mean, std; /* empty, one, or one a channel */
    double validation, scale;
    bool cifar100, coarse;
    int64_t resize_height, resize_width; /* 0: none */
    Span span;
} DataSettings;

typedef struct TrainSettings {
    const Op *loss, *optimizer, *schedule; /* rows of ops.def: OPK_LOSS, OPK_OPTIMIZER, OPK_SCHEDULE */
    const Attr *loss_attrs, *optimizer_attrs, *schedule_attrs;
    int64_t epochs, batch, seed;
    double clip_norm;   /* 0: off */
    int64_t early_stop; /* 0: off */
    bool accuracy, mae;
    int64_t top_k; /* 0: not asked for */
    Span span, loss_span;
} TrainSettings;

/* The graphs that a compiled model needs (cnn_program), made from the model's own. */
typedef enum Form {
    FORM_INFERENCE,  /* samples -> output: dropout gone, batchnorm folded */
    FORM_PROBE,      /* the same, nothing fused or reused: every layer's value can be read */
    FORM_EVALUATION, /* inference and the loss */
    FORM_TRAINING,   /* forward, loss, backward */
    FORM_GRADIENTS,  /* training, and the gradient of the input goes to the output */
    FORM_CHECK,      /* forward in training mode and the loss, in double precision by reference kernels */
    FORM_COUNT
} Form;

/* What elaboration makes of a file. */
typedef struct Model {
    const char *name;
    const char *interface; /* what the names of its C interface begin with: its own, or what --prefix says */
    Graph *graph;          /* form "model": layers forward, dropout and batchnorm as written */
    DataSettings *data;    /* NULL where there is none */
    TrainSettings *train;
} Model;

#endif
