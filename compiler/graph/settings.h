/* The data and train blocks, checked: what they say and their defaults. */
#ifndef CNNC_GRAPH_SETTINGS_H
#define CNNC_GRAPH_SETTINGS_H

#include "graph/op.h"

typedef struct DataSettings {
    int format;       /* a cnn_format */
    const char *path; /* "" where not given */
    VEC(const char *) train, test, classes;
    VEC(double) mean, std; /* empty, one, or one a channel */
    double validation, scale;
    int cifar_labels;                    /* as in cnn_data */
    int64_t resize_height, resize_width; /* 0: none */
    Span span;
} DataSettings;

typedef struct TrainSettings {
    const Op *loss, *optimizer, *schedule; /* rows of ops.def: OPK_LOSS, OPK_OPTIMIZER, OPK_SCHEDULE */
    const Attr *loss_attrs, *optimizer_attrs, *schedule_attrs;
    int64_t epochs, batch, seed;
    int64_t smallest_batch; /* samples that a step needs at least */
    double clip_norm;       /* 0: off */
    int64_t early_stop;     /* 0: off */
    bool accuracy, mae;
    int64_t top_k; /* 0: not asked for */
    Span span, loss_span;
} TrainSettings;

/* Does the loss give a second metric? */
static inline bool train_measures_error(const TrainSettings *train) {
    return train->mae && train->loss->with_error;
}

/* What elaboration makes of a file. */
typedef struct Model {
    const char *name;
    Graph *graph;       /* form "model": layers forward, dropout and batchnorm as written */
    DataSettings *data; /* NULL where there is none */
    TrainSettings *train;
} Model;

#endif
