// Both models from C++. Arguments: the weights of tiny.
#include "fixed.h"
#include "tiny.h"

#include <stdio.h>
#include <stdlib.h>

namespace {
const long shape[] = fixed_INPUT_SHAPE;
}

int main(int argc, char **argv) {
    if (argc != 2 || shape[0] != 3) return 2;
    void *memory = malloc(tiny_size());
    tiny *first = tiny_init(memory);
    fixed *second = fixed_create();
    float image[tiny_INPUT_SIZE] = {0.5f}, classes[tiny_OUTPUT_SIZE];
    float pixels[fixed_INPUT_SIZE] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, sum[fixed_OUTPUT_SIZE];
    int error = tiny_load(first, argv[1]);
    if (!error) error = tiny_forward(first, image, classes, 1);
    if (!error) error = fixed_forward(second, pixels, sum, 1);
    if (error) fprintf(stderr, "%s: %s\n", tiny_error(error), tiny_detail(first));
    bool right = !error && sum[0] == 45 && classes[0] + classes[1] > 0.999f && classes[0] + classes[1] < 1.001f;
    tiny_destroy(first);
    fixed_destroy(second);
    free(memory);
    return right ? 0 : 1;
}
