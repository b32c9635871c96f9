/* The data format npy: NumPy's arrays. */
#include "sema/data_format.h"

const DataFormat data_format_npy = {.name = "npy", .pair = true};
