/* The schedules of the learning rate: their arguments and documentation. A row is no code of its own: the
 * description carries its numbers, and the runtime computes the rate (runtime/run/learning_rate.c). Epochs e
 * count from 0. */
#include "graph/op.h"
#include "runtime/abi.h"

#include <math.h>

#define WARMUP                                                                                               \
    {.name = "warmup",                                                                                       \
     .type = PARAM_REAL,                                                                                     \
     .fallback = "0",                                                                                        \
     .max = HUGE_VAL,                                                                                        \
     .keyword_only = true,                                                                                   \
     .help = "epochs over which the rate rises from 0, batch by batch"}
#define FACTOR(limit)                                                                                        \
    {.name = "factor",                                                                                       \
     .type = PARAM_REAL,                                                                                     \
     .fallback = "0.1",                                                                                      \
     .max = limit,                                                                                           \
     .above = true,                                                                                          \
     .below = (limit) == 1,                                                                                  \
     .help = "what the rate is multiplied by"}

static const Param constant_params[] = {WARMUP};
static const Param step_params[] = {
    {.name = "every",
     .type = PARAM_INT,
     .min = 1,
     .max = HUGE_VAL,
     .help = "epochs from one change to the next"},
    FACTOR(HUGE_VAL),
    WARMUP,
};
static const Param milestones_params[] = {
    {.name = "epochs",
     .type = PARAM_INTEGERS,
     .min = 1,
     .max = HUGE_VAL,
     .rising = true,
     .help = "the epochs after which the rate changes"},
    FACTOR(HUGE_VAL),
    WARMUP,
};
static const Param exponential_params[] = {
    {.name = "rate", .type = PARAM_REAL, .max = 1, .help = "what the rate is multiplied by after each epoch"},
    WARMUP,
};
static const Param cosine_params[] = {
    {.name = "to", .type = PARAM_REAL, .fallback = "0", .max = HUGE_VAL, .help = "the rate at the end"},
    WARMUP,
};
static const Param one_cycle_params[] = {
    {.name = "max_lr",
     .type = PARAM_REAL,
     .max = HUGE_VAL,
     .above = true,
     .help = "the largest rate; the optimizer's lr is not used, and --lr stands for this one"},
    WARMUP,
};
static const Param plateau_params[] = {
    {.name = "patience",
     .type = PARAM_INT,
     .fallback = "3",
     .max = HUGE_VAL,
     .help = "epochs without progress that are waited out"},
    FACTOR(1),
    WARMUP,
};

#define SCHEDULE(word, number, text, how, call)                                                              \
    const Op op_##word = {.name = #word,                                                                     \
                          .kind = OPK_SCHEDULE,                                                              \
                          .code = number,                                                                    \
                          .summary = text,                                                                   \
                          .formula = how,                                                                    \
                          .example = call,                                                                   \
                          .params = word##_params,                                                           \
                          .param_count = COUNT(word##_params)}

SCHEDULE(constant, CNN_SCHEDULE_CONSTANT, "the optimizer's rate all along", "lr", "constant(warmup=2)");
SCHEDULE(step, CNN_SCHEDULE_STEP, "the rate falls by a factor after every so many epochs",
         "lr * factor^floor(e/every)", "step(10, factor=0.5)");
SCHEDULE(milestones, CNN_SCHEDULE_MILESTONES,
         "the rate falls by a factor after each epoch of a list, in ascending order",
         "lr * factor^(how many of the epochs are at most e)", "milestones([30, 60, 80])");
SCHEDULE(exponential, CNN_SCHEDULE_EXPONENTIAL, "the rate falls by a factor after every epoch", "lr * rate^e",
         "exponential(0.95)");
SCHEDULE(cosine, CNN_SCHEDULE_COSINE,
         "half a cosine from lr down over all epochs, an epoch at a time; it begins where the warm-up ends",
         "to + (lr - to) * (1 + cos(pi*(e - warmup)/(epochs - warmup))) / 2", "cosine(to=1e-5, warmup=5)");
SCHEDULE(one_cycle, CNN_SCHEDULE_ONE_CYCLE,
         "up and down once over the whole training, batch by batch, as torch.optim.lr_scheduler.OneCycleLR",
         "max_lr/25 to max_lr over 30 % of the batches, then down to max_lr/250000, both along half a cosine",
         "one_cycle(0.1)");
SCHEDULE(plateau, CNN_SCHEDULE_PLATEAU,
         "the rate falls by a factor when the loss stays; the validation loss, or the training loss without "
         "one, must sink "
         "by 1e-4 of itself to count as progress",
         "lr * factor^n; n grows when more than patience epochs in a row brought no progress",
         "plateau(5, factor=0.5)");
