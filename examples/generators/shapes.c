/* Pictures for shapes.cnn: 28x28 outlines or solid figures of a triangle, a square or a circle, of many sizes
 * and places, light on dark, with noise. Usage: shapes FOLDER; writes train-images.idx, train-labels.idx
 * (3,000) and test-... (600). */
#include "picture.h"

enum { SIDE = 28, NOISE = 12 };

/* How deep (row, column) lies inside the figure around the origin, in half pixels; negative outside. */
static int figure_depth(int label, int row, int column, int radius) {
    if (label == 0) { /* apex at the top; the sides run half a column a row */
        int bottom = radius - row, side = (row + radius - 2 * abs(column));
        return bottom < side ? 2 * bottom : 2 * side;
    }
    if (label == 1) {
        int far = abs(row) > abs(column) ? abs(row) : abs(column);
        return 2 * (radius - far);
    }
    int square = row * row + column * column, depth = 0;
    while (depth <= 2 * radius && 4 * square <= (2 * radius - depth) * (2 * radius - depth)) depth++;
    return depth - 1;
}

static void figure_draw(uint64_t *state, int label, uint8_t *picture) {
    int radius = random_between(state, 5, 11), room = SIDE / 2 - 1 - radius;
    int row = SIDE / 2 + random_between(state, -room, room),
        column = SIDE / 2 + random_between(state, -room, room);
    int solid = random_between(state, 0, 1), ink = random_between(state, 150, 230),
        paper = random_between(state, 20, 70);
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            int depth = figure_depth(label, i - row, j - column, radius);
            int inside = depth >= 0 && (solid || depth < 4);
            picture[i * SIDE + j] = clamp_byte((inside ? ink : paper) + random_noise(state, NOISE));
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: shapes FOLDER\n");
        return 2;
    }
    idx_write(argv[1], "train", 3000, SIDE, 3, 1, figure_draw);
    idx_write(argv[1], "test", 600, SIDE, 3, 2, figure_draw);
    return 0;
}
