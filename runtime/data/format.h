/* A row a data format: what reads its files into arrays of samples and targets. The format's file ends with
 * the row, formats.def lists it. */
#ifndef CNN_DATA_FORMAT_H
#define CNN_DATA_FORMAT_H

#include "abi.h"
#include "base/status.h"
#include "data/npy.h"

/* An array and the file that messages about it name. */
typedef struct Named {
    char *path;
    NpyArray array;
} Named;

void cnn_named_free(Named *named);

/* The files of a data block's `train` or `test`, and where what they hold goes; the arrays belong to the
 * caller, also where it fails. */
typedef struct LoadCall {
    const cnn_model *model;
    const char *folder;
    const char *const *files; /* ends with NULL; at least one */
    Named *samples, *targets; /* targets: not looked at for a model without a train block */
    Failure *failure;
} LoadCall;

typedef struct FormatRow {
    /* Samples of the input's shape, or of another where the file says one: the caller checks. A Status. */
    int (*load)(const LoadCall *call);
} FormatRow;

/* The row of a cnn_format; NULL where the number stands for none. */
const FormatRow *cnn_format_find(int32_t number);

/* For formats that have a file for samples and one for targets, an array each. */
typedef int (*ArrayParse)(Reader *reader, NpyArray *array, Failure *failure);
int cnn_load_pair(const LoadCall *call, ArrayParse parse);

/* STATUS_MALFORMED where the samples, behind `skipped` axes, do not have the shape of the model's input. */
int cnn_fail_sample_shape(const cnn_model *model, const Named *samples, int32_t skipped, Failure *failure);

#endif
