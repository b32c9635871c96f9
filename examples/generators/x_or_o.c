/* Letters for x_or_o.cnn: 9x9 pictures of an X or an O, of three sizes, shifted, with noise.
 * Usage: x_or_o FOLDER; writes train-images.idx, train-labels.idx (2,000 samples) and test-... (500). Class 0
 * is X, 1 is O. */
#include "picture.h"

enum { SIDE = 9, INK = 220, PAPER = 30, NOISE = 16 };

static void letter_draw(uint64_t *state, int label, uint8_t *picture) {
    int radius = random_between(state, 2, 4);
    int room = SIDE / 2 - radius;
    int row = SIDE / 2 + random_between(state, -room, room),
        column = SIDE / 2 + random_between(state, -room, room);
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            int down = abs(i - row), across = abs(j - column);
            int far = down > across ? down : across;
            int square = down * down + across * across;
            int cross = down == across && far <= radius;
            int ring = abs(square - radius * radius) <= radius;
            int ink = label == 0 ? cross : ring;
            picture[i * SIDE + j] = clamp_byte((ink ? INK : PAPER) + random_noise(state, NOISE));
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: x_or_o FOLDER\n");
        return 2;
    }
    idx_write(argv[1], "train", 2000, SIDE, 2, 1, letter_draw);
    idx_write(argv[1], "test", 500, SIDE, 2, 2, letter_draw);
    return 0;
}
