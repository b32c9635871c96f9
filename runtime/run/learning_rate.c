/* Schedules as PyTorch's classes of torch.optim.lr_scheduler define them: StepLR, MultiStepLR, ExponentialLR,
 * CosineAnnealingLR and ReduceLROnPlateau once an epoch, OneCycleLR once a batch. A warm-up multiplies the
 * rate by a ramp, batch by batch; cosine and one_cycle begin where it ends, the others count epochs from the
 * start. */
#include "run/learning_rate.h"

#include <math.h>

static const double pi = 3.14159265358979323846;
static const double plateau_threshold = 1e-4; /* ReduceLROnPlateau's, relative */
/* OneCycleLR's: the part that rises, and the rates at the start and at the end. */
static const double rising_part = 0.3, start_divisor = 25, end_divisor = 1e4;

LearningRate cnn_learning_rate_open(const cnn_train *train, const double *given, int64_t epochs,
                                    int64_t batches) {
    const cnn_schedule *schedule = train->schedule;
    double own = schedule->kind == CNN_SCHEDULE_ONE_CYCLE ? schedule->target : train->learning_rate;
    return (LearningRate){.schedule = schedule,
                          .base = given ? *given : own,
                          .epochs = epochs,
                          .batches = batches,
                          .scale = 1,
                          .plateau = cnn_patience_open()};
}

/* Half a cosine: `from` at part 0, `to` at part 1. */
static double anneal(double from, double to, double part) {
    return to + (from - to) * (1 + cos(pi * part)) / 2;
}

static double cosine(const LearningRate *rate, int64_t epoch) {
    double warmup = rate->schedule->warmup, all = (double)rate->epochs - warmup,
           spent = (double)epoch - warmup;
    return all <= 0 || spent <= 0 ? rate->base : anneal(rate->base, rate->schedule->target, spent / all);
}

static double one_cycle(const LearningRate *rate, double batch, double batches) {
    double top = rate->base, start = top / start_divisor, end = start / end_divisor;
    double rise = rising_part * batches - 1, fall = batches - 1 - rise;
    if (batch < 0) return start;
    if (batch <= rise) return anneal(start, top, rise > 0 ? batch / rise : 1);
    return batch < batches ? anneal(top, end, (batch - rise) / fall) : end;
}

static double milestones(const cnn_schedule *schedule, int64_t epoch) {
    int64_t passed = 0;
    while (passed < schedule->milestone_count && schedule->milestones[passed] <= epoch) passed++;
    return pow(schedule->factor, (double)passed);
}

double cnn_learning_rate_at(const LearningRate *rate, int64_t epoch, int64_t batch) {
    const cnn_schedule *schedule = rate->schedule;
    double position = (double)epoch * (double)rate->batches + (double)batch;
    double warmup = schedule->warmup * (double)rate->batches, value = rate->base * rate->scale;
    switch ((cnn_schedule_kind)schedule->kind) {
    case CNN_SCHEDULE_CONSTANT:
    case CNN_SCHEDULE_PLATEAU: break;
    case CNN_SCHEDULE_STEP: value *= pow(schedule->factor, (double)(epoch / schedule->every)); break;
    case CNN_SCHEDULE_MILESTONES: value *= milestones(schedule, epoch); break;
    case CNN_SCHEDULE_EXPONENTIAL: value *= pow(schedule->factor, (double)epoch); break;
    case CNN_SCHEDULE_COSINE: value = cosine(rate, epoch); break;
    case CNN_SCHEDULE_ONE_CYCLE: {
        double begin = ceil(warmup), batches = (double)rate->epochs * (double)rate->batches;
        value = one_cycle(rate, position - begin, batches - begin);
        break;
    }
    }
    return position + 1 < warmup ? value * (position + 1) / warmup : value;
}

void cnn_learning_rate_report(LearningRate *rate, double loss) {
    if (rate->schedule->kind != CNN_SCHEDULE_PLATEAU) return;
    if (cnn_patience_report(&rate->plateau, loss, plateau_threshold) <= rate->schedule->every) return;
    rate->scale *= rate->schedule->factor;
    rate->plateau.waited = 0;
}

Patience cnn_patience_open(void) {
    return (Patience){.best = HUGE_VAL};
}

int64_t cnn_patience_report(Patience *patience, double loss, double threshold) {
    bool first = patience->best == HUGE_VAL && loss < HUGE_VAL;
    if (first || loss < patience->best * (1 - threshold)) {
        patience->best = loss;
        patience->waited = 0;
    } else {
        patience->waited++;
    }
    return patience->waited;
}
