/* Where a parameter's logical elements lie in the parameter block, row after row in row-major order: a row is
 * the last axis. */
#ifndef CNN_PARAMETER_WALK_H
#define CNN_PARAMETER_WALK_H

#include "abi.h"

#include <stdbool.h>

typedef struct ParameterWalk {
    const cnn_parameter *parameter;
    int64_t index[CNN_MAX_RANK]; /* of the row that comes next */
    int64_t rows_left;
    int64_t length; /* elements of a row */
    int64_t stride; /* from one to the next; a row of a parameter of rank 1 is one element, as its axis is
                       blocked */
} ParameterWalk;

int64_t cnn_parameter_count(const cnn_parameter *parameter); /* logical elements */

void parameter_walk_begin(ParameterWalk *walk, const cnn_parameter *parameter);
/* *offset: the row's first element in the block. False after the last row. */
bool parameter_walk_next(ParameterWalk *walk, int64_t *offset);

#endif
