/* The machine's peak: GFLOP/s of one thread that does nothing but fused multiply-adds on independent
 * registers of the widest kind, the best of several runs. What share of it a model reaches is bench's time
 * against --check's multiply-adds. Built on request: cc -O2 -march=native peak.c */
#include <stdio.h>
#include <time.h>

#ifdef __AVX512F__
enum { FLOATS = 16, CHAINS = 24 };
#elif defined __AVX__
enum { FLOATS = 8, CHAINS = 12 };
#else
enum { FLOATS = 4, CHAINS = 12 };
#endif
enum { STEPS = 1 << 22, RUNS = 9 };

typedef float Vector __attribute__((vector_size(FLOATS * sizeof(float))));

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The sums of CHAINS series that stay finite; returned so that they are computed. */
static float multiply_add(void) {
    Vector sums[CHAINS], factor, addend;
    for (int i = 0; i < FLOATS; i++) {
        factor[i] = 0.5F;
        addend[i] = (float)i;
        for (int k = 0; k < CHAINS; k++) sums[k][i] = (float)(k * FLOATS + i);
    }
    for (int step = 0; step < STEPS; step++) {
#pragma GCC unroll 24
        for (int k = 0; k < CHAINS; k++) sums[k] = sums[k] * factor + addend;
    }
    float total = 0;
    for (int k = 0; k < CHAINS; k++)
        for (int i = 0; i < FLOATS; i++) total += sums[k][i];
    return total;
}

int main(void) {
    double best = 0;
    float total = 0;
    for (int run = 0; run < RUNS; run++) {
        double start = seconds();
        total += multiply_add();
        double speed = 2.0 * FLOATS * CHAINS * STEPS / (seconds() - start) * 1e-9;
        if (speed > best) best = speed;
    }
    printf("%.1f GFLOP/s a thread, registers of %d floats\n", best, FLOATS);
    return total != total;
}
