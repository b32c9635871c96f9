/* Reads and writes a file of every kind in the current folder: images.gz and labels.gz are there,
 * target.safetensors is replaced. Exits with the first failure's status, or with 99 where status and record
 * disagree. */
#include "data/dataset.h"
#include "data/image.h"
#include "data/npy.h"
#include "unit/data_model.h"
#include "weights/weights.h"

#include <stdio.h>

enum { WEIGHTS = 120000 };

static const cnn_parameter kernel = {
    .name = "w",
    .rank = 2,
    .shape = {300, 400},
    .size = WEIGHTS,
    .group = 300,
    .block = 300,
    .stride = {0,   300},
    .trainable = 1
};

static int use_images(const cnn_model *model, Failure *failure) {
    Dataset dataset;
    Image image;
    int status = cnn_dataset_load(model, NULL, false, &dataset, failure);
    if (status) return status;
    image = (Image){28, 28, 1, (uint8_t *)(uintptr_t)dataset.samples};
    status = cnn_image_write_png("image.png", &image, failure);
    cnn_dataset_free(&dataset);
    if (status) return status;
    status = cnn_image_read("image.png", 3, &image, failure);
    cnn_image_free(&image);
    return status;
}

int main(void) {
    static float block[WEIGHTS];
    char removed[WEIGHTS_PREFIX];
    Failure failure = {0};
    DataModel built;
    data_model_build(&built, CNN_FORMAT_IDX, EXTENTS(28, 28, 1), EXTENTS(10), CNN_CROSS_ENTROPY);
    built.files[0] = "images.gz";
    built.files[1] = "labels.gz";
    built.model.parameters = &kernel;
    built.model.parameter_count = 1;
    built.model.parameter_elements = WEIGHTS;
    int status = use_images(&built.model, &failure);
    if (!status) status = cnn_weights_write("target.safetensors", &built.model, block, &failure);
    if (!status) status = cnn_weights_read("target.safetensors", &built.model, block, removed, &failure);
    if (!status) status = cnn_npy_write("array.npy", block, 1, (const int64_t[]){WEIGHTS}, &failure);
    if (status != failure.exit_code || (status && !failure.message[0])) return 99;
    if (status) fprintf(stderr, "error: %s\n", failure.message);
    return status;
}
