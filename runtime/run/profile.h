/* Where a program's time goes: seconds of every step, added up over runs. */
#ifndef CNN_PROFILE_H
#define CNN_PROFILE_H

#include "run/program.h"

typedef struct Profile {
    const cnn_program *code;
    int64_t capacity; /* the program's: which of a stage's steps it runs */
    int steps;
    double *seconds; /* workers x steps */
    double *since;   /* a worker each: when its last step ended */
} Profile;

/* Watches the program until cnn_profile_close. */
int cnn_profile_open(Profile *profile, Program *program, Failure *failure);
void cnn_profile_close(Profile *profile, Program *program);

/* The step at that place, in the order in which they run, those that prepare last; and the seconds that all
 * workers spent in it. */
const cnn_step *cnn_profile_step(const Profile *profile, int index);
double cnn_profile_seconds(const Profile *profile, const Program *program, int index);

/* Multiply-adds a second of one thread that does nothing else. */
double cnn_peak_measure(const cnn_model *model);

#endif
