/* See parameter_walk.h; the formula is cnn_parameter's. */
#include "weights/parameter_walk.h"

#include <string.h>

int64_t cnn_parameter_count(const cnn_parameter *parameter) {
    int64_t count = 1;
    for (int axis = 0; axis < parameter->rank; axis++) count *= parameter->shape[axis];
    return count;
}

void parameter_walk_begin(ParameterWalk *walk, const cnn_parameter *parameter) {
    memset(walk, 0, sizeof *walk);
    walk->parameter = parameter;
    int last = parameter->rank - 1;
    walk->length = last > 0 ? parameter->shape[last] : 1;
    walk->stride = last > 0 ? parameter->stride[last] : 1;
    walk->rows_left = walk->length ? cnn_parameter_count(parameter) / walk->length : 0;
}

bool parameter_walk_next(ParameterWalk *walk, int64_t *offset) {
    const cnn_parameter *p = walk->parameter;
    if (walk->rows_left == 0) return false;
    walk->rows_left--;
    int64_t first = p->rank ? walk->index[0] : 0, in_group = p->rank ? first % p->group : 0;
    *offset = p->offset + p->origin;
    if (p->rank)
        *offset +=
            first / p->group * p->group_stride + in_group / p->block * p->block_stride + in_group % p->block;
    int outer = p->rank > 1 ? p->rank - 1 : p->rank; /* axes whose index a row fixes */
    for (int axis = 1; axis < outer; axis++) *offset += walk->index[axis] * p->stride[axis];
    for (int axis = outer - 1; axis >= 0; axis--) {
        if (++walk->index[axis] < p->shape[axis]) break;
        walk->index[axis] = 0;
    }
    return true;
}
