/* The data format idx: MNIST's files, plain or .gz. */
#include "sema/data_format.h"

const DataFormat data_format_idx = {.name = "idx", .pair = true};
