/* NPY as a data format: a file for samples and one for targets. */
#include "data/format.h"

static int load_npy(const LoadCall *call) {
    return cnn_load_pair(call, cnn_npy_parse);
}

const FormatRow cnn_format_npy = {.load = load_npy};
