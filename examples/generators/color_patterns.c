/* Made-up pictures in the binary format of CIFAR-10, for cifar10_tutorial.cnn and resnet20.cnn where the real
 * data set is not at hand: ten classes, each a stripe direction and a pair of colours, with random phase,
 * brightness and noise. Usage: color_patterns FOLDER [SAMPLES-A-FILE]; writes data_batch_1.bin ...
 * data_batch_5.bin and test_batch.bin. */
#include "picture.h"

enum { SIDE = 32, PLANE = SIDE * SIDE, NOISE = 24, PERIOD = 8 };

static const int directions[5][2] = {
    {1, 0 },
    {0, 1 },
    {1, 1 },
    {1, -1},
    {2, 1 }
};
static const uint8_t colors[2][2][3] = {
    {{210, 90, 60}, {60, 70, 110} },
    {{60, 150, 90}, {200, 190, 90}}
};

static void pattern_draw(uint64_t *state, int label, uint8_t *record) {
    const int *direction = directions[label % 5];
    int phase = random_between(state, 0, PERIOD - 1), light = random_between(state, -30, 30);
    record[0] = (uint8_t)label;
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            int along = (direction[0] * i + direction[1] * j + phase + 4 * SIDE) % PERIOD;
            const uint8_t *color = colors[label / 5][along < PERIOD / 2];
            for (int c = 0; c < 3; c++) {
                record[1 + c * PLANE + i * SIDE + j] =
                    clamp_byte(color[c] + light + random_noise(state, NOISE));
            }
        }
    }
}

static void batch_write(const char *folder, const char *name, int count, uint64_t seed) {
    uint8_t record[1 + 3 * PLANE];
    FILE *file = file_create(folder, name);
    for (int i = 0; i < count; i++) {
        pattern_draw(&seed, i % 10, record);
        fwrite(record, 1, sizeof record, file);
    }
    file_close(file);
}

int main(int argc, char **argv) {
    int count = argc > 2 ? atoi(argv[2]) : 1000;
    if (argc < 2 || argc > 3 || count < 1 || count > 1000000) {
        fprintf(stderr, "usage: color_patterns FOLDER [SAMPLES-A-FILE]\n");
        return 2;
    }
    for (int i = 1; i <= 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "data_batch_%d.bin", i);
        batch_write(argv[1], name, count, (uint64_t)i);
    }
    batch_write(argv[1], "test_batch.bin", count, 6);
    return 0;
}
