/* The verb train: epochs of steps over the data set in memory, the weights saved after each. */
#include "verbs/session.h"
#include "verbs/spare_inputs.h"

#include "base/aligned.h"
#include "base/interrupt.h"
#include "base/rng.h"
#include "data/loader.h"
#include "run/evaluation.h"
#include "run/learning_rate.h"
#include "run/progress.h"
#include "run/trainer.h"
#include "weights/weights.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Training {
    Session *session;
    const cnn_model *model;
    Dataset dataset;
    uint32_t *members, *order; /* training samples, ascending, then the ones held out; the epoch's order */
    int64_t training, held_out, batch, epochs;
    int64_t taken; /* training samples that an epoch takes */
    uint64_t seed;
    char save[PATH_MAX];
    Trainer trainer;
    Loader *loader;
    Evaluator evaluator;
    Progress progress;
    LearningRate rate;
    double last_rate;    /* of the last batch */
    Patience patience;   /* early_stop's */
    int64_t saved_epoch; /* 0: none */
} Training;

static int choose_save_path(Training *training) {
    const char *save = training->session->options->save;
    int length =
        save ? snprintf(training->save, sizeof training->save, "%s", save)
             : snprintf(training->save, sizeof training->save, "%s.safetensors", training->model->name);
    if ((size_t)length >= sizeof training->save)
        return cnn_fail(training->session->failure, STATUS_USAGE, "--save: the name is too long");
    return cnn_session_spare_from(training->session, OPTION_SAVE, training->save);
}

/* A save that cannot succeed is said before the training and not after. */
static int try_save_path(Training *training) {
    struct stat info;
    Writer *writer = NULL;
    if (stat(training->save, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        return STATUS_OK;
    cnn_interrupt_hold();
    int status = cnn_writer_open(&writer, training->save, training->session->failure);
    if (!status) cnn_writer_abandon(writer);
    cnn_interrupt_release();
    return status;
}

static int save_weights(Training *training) {
    cnn_interrupt_hold();
    int status = cnn_weights_write(training->save, training->model, training->session->parameters,
                                   training->session->failure);
    cnn_interrupt_release();
    return status;
}

static int open_parameters(Training *training) {
    Session *session = training->session;
    int status = cnn_session_initial(session, training->seed);
    if (!status && session->options->init) status = cnn_session_read_weights(session, session->options->init);
    return status;
}

/* A last batch that is too small for a step is left out. */
static int choose_taken(Training *training) {
    const Session *session = training->session;
    int64_t smallest = training->model->train->smallest_batch, rest = training->training % training->batch;
    training->taken = training->training;
    if (training->batch < smallest)
        return cnn_fail(
            session->failure, session->options->limit ? STATUS_USAGE : STATUS_MALFORMED,
            "%lld sample%s to train on: model %s needs %lld samples a step, as its batch normalisation "
            "has one value a channel of each",
            (long long)training->training, training->training == 1 ? "" : "s", training->model->name,
            (long long)smallest);
    if (rest == 0 || rest >= smallest) return STATUS_OK;
    training->taken -= rest;
    cnn_session_note(
        session,
        "the last batch of an epoch would be %lld sample%s, of which batch normalisation has one "
        "value a channel: it is left out",
        (long long)rest, rest == 1 ? "" : "s");
    return STATUS_OK;
}

static int open_members(Training *training) {
    const Options *options = training->session->options;
    uint32_t count = training->dataset.count;
    void *members = NULL, *order = NULL;
    if (options->limit > 0 && options->limit < count) count = (uint32_t)options->limit;
    int status =
        cnn_aligned_allocate(&members, count, sizeof(uint32_t), "the order", training->session->failure);
    if (!status)
        status =
            cnn_aligned_allocate(&order, count, sizeof(uint32_t), "the order", training->session->failure);
    training->members = members;
    training->order = order;
    if (status) return status;
    training->training =
        cnn_split_validation(training->members, count, training->model->data->validation, training->seed);
    training->held_out = count - training->training;
    if (training->batch > training->training) training->batch = training->training;
    return choose_taken(training);
}

static int open_training(Training *training) {
    Session *session = training->session;
    const Options *options = session->options;
    int status = cnn_session_data(session, false, &training->dataset);
    if (!status) status = open_members(training);
    if (!status) {
        int64_t batches = (training->taken + training->batch - 1) / training->batch;
        training->rate = cnn_learning_rate_open(
            training->model->train, options->has_rate ? &options->rate : NULL, training->epochs, batches);
        training->patience = cnn_patience_open();
        status = cnn_session_threads(session);
    }
    if (!status)
        status = cnn_trainer_open(&training->trainer, training->model, session->pool, session->parameters,
                                  training->batch, training->seed, 0, session->failure);
    if (!status)
        status = cnn_loader_open(&training->loader, &training->dataset, session->pool, training->batch,
                                 session->failure);
    if (!status && training->held_out > 0)
        status = cnn_evaluator_open(&training->evaluator, training->model, session->pool, session->parameters,
                                    training->held_out, false, session->failure);
    if (!status)
        status = cnn_progress_open(&training->progress, training->model, options->quiet ? NULL : session->out,
                                   options->log, session->failure);
    return status;
}

static void close_training(Training *training) {
    cnn_loader_close(training->loader);
    cnn_evaluator_close(&training->evaluator);
    cnn_trainer_close(&training->trainer);
    cnn_aligned_free(training->members);
    cnn_aligned_free(training->order);
    cnn_dataset_free(&training->dataset);
}

/* order and count: the batch that failed. */
static int diverged(Training *training, const uint32_t *order, int64_t count) {
    Session *session = training->session;
    char place[256];
    cnn_progress_clear(&training->progress);
    cnn_trainer_diagnose(&training->trainer, &training->dataset, order, count, place, sizeof place);
    if (training->saved_epoch > 0)
        snprintf(session->hint, sizeof session->hint,
                 "lower the learning rate (--lr); %.120s holds the weights of epoch %lld", training->save,
                 (long long)training->saved_epoch);
    else
        snprintf(session->hint, sizeof session->hint,
                 "lower the learning rate (--lr); no weights were saved");
    return cnn_fail(session->failure, STATUS_DIVERGED, "step %llu: %s: not finite",
                    (unsigned long long)training->trainer.program.frame.step, place);
}

/* The batches of one epoch; stops early, with STATUS_OK, where a signal asked for it. */
static int run_batches(Training *training, int64_t epoch, Metrics *metrics) {
    Batch batch;
    cnn_loader_begin(training->loader, training->order, training->taken);
    for (int64_t first = 0; !cnn_interrupted() && cnn_loader_next(training->loader, &batch);
         first += batch.count) {
        training->last_rate = cnn_learning_rate_at(&training->rate, epoch - 1, first / training->batch);
        training->trainer.program.frame.learning_rate = (float)training->last_rate;
        if (cnn_trainer_step(&training->trainer, &batch, metrics) != STEP_DONE ||
            (first + batch.count == training->taken &&
             cnn_first_not_finite(training->model, training->session->parameters, false) >= 0))
            return diverged(training, training->order + first, batch.count);
        cnn_progress_batch(&training->progress, metrics);
    }
    return STATUS_OK;
}

/* watched: the loss that tells progress. */
static int run_epoch(Training *training, int64_t epoch, double *watched) {
    Session *session = training->session;
    Metrics metrics = {0}, validation = {0};
    memcpy(training->order, training->members, (size_t)training->training * sizeof *training->order);
    if (session->options->shuffle)
        cnn_shuffle(training->order, (uint32_t)training->training, training->seed, (uint32_t)epoch);
    cnn_progress_epoch(&training->progress, epoch);
    double begun = cnn_seconds();
    int status = run_batches(training, epoch, &metrics);
    EpochReport report = {
        .training = &metrics, .seconds = cnn_seconds() - begun, .learning_rate = training->last_rate};
    if (status || (cnn_interrupted() && metrics.samples < training->taken)) return status;
    status = save_weights(training);
    if (status) return status;
    training->saved_epoch = epoch;
    if (training->held_out > 0) {
        cnn_evaluator_run(&training->evaluator, &training->dataset, training->members + training->training,
                          training->held_out, &validation, NULL);
        report.validation = &validation;
    }
    *watched = cnn_metrics_loss(report.validation ? &validation : &metrics);
    status = cnn_progress_report(&training->progress, &report, session->failure);
    return status ? status : cnn_session_flush(session);
}

/* The schedule sees how the epoch went; true where early_stop ends the training. */
static bool judge_epoch(Training *training, int64_t epoch, double loss) {
    int32_t limit = training->model->train->early_stop;
    cnn_learning_rate_report(&training->rate, loss);
    int64_t waited = cnn_patience_report(&training->patience, loss, 0);
    if (limit == 0 || waited < limit) return false;
    if (!training->session->options->quiet && epoch < training->epochs)
        fprintf(training->session->out, "stopped after epoch %lld: the %s loss was least in epoch %lld\n",
                (long long)epoch, training->held_out > 0 ? "validation" : "training",
                (long long)(epoch - waited));
    return true;
}

/* After a signal: what the finished batches made is saved, unless it is not finite. */
static int interrupted(Training *training) {
    Session *session = training->session;
    int status = STATUS_OK;
    cnn_progress_clear(&training->progress);
    if (training->trainer.program.frame.step > 0) {
        if (cnn_first_not_finite(training->model, session->parameters, false) < 0)
            status = save_weights(training);
        if (!status)
            snprintf(session->hint, sizeof session->hint, "%.200s holds the weights so far", training->save);
    }
    return status ? status
                  : cnn_fail(session->failure, STATUS_INTERRUPTED, "interrupted after step %llu",
                             (unsigned long long)training->trainer.program.frame.step);
}

static int run_training(Training *training) {
    Session *session = training->session;
    training->progress.epochs = training->epochs;
    training->progress.total = training->taken;
    int status = STATUS_OK;
    bool stopped = false;
    for (int64_t epoch = 1; !status && !stopped && epoch <= training->epochs && !cnn_interrupted(); epoch++) {
        double loss = 0;
        status = run_epoch(training, epoch, &loss);
        if (!status && !cnn_interrupted()) stopped = judge_epoch(training, epoch, loss);
    }
    Failure closing = {0};
    int closed = cnn_progress_close(&training->progress, status ? &closing : session->failure);
    if (!status) status = closed;
    return !status && cnn_interrupted() ? interrupted(training) : status;
}

static int verb_train(Session *session) {
    Training *training = calloc(1, sizeof *training);
    if (!training) return cnn_fail_memory(session->failure, "the training", sizeof *training);
    const Options *options = session->options;
    training->session = session;
    training->model = session->model;
    training->seed = options->has_seed ? options->seed : session->model->train->seed;
    training->batch = options->has_batch ? options->batch : session->model->train->batch;
    training->epochs = options->has_epochs ? options->epochs : session->model->train->epochs;
    int64_t epochs = training->epochs;
    int status = choose_save_path(training);
    if (!status && epochs > 0 && !session->model->data)
        status = cnn_fail(session->failure, STATUS_USAGE,
                          "train needs a data block, and the model '%s' was compiled without one",
                          session->model->name);
    if (!status && epochs > 0 && training->batch < session->model->train->smallest_batch)
        status = cnn_fail(
            session->failure, STATUS_USAGE,
            "--batch %lld: model %s needs %d samples a step, as its batch normalisation has one "
            "value a channel of each",
            (long long)training->batch, session->model->name, (int)session->model->train->smallest_batch);
    if (!status) status = try_save_path(training);
    if (!status) status = open_parameters(training);
    if (!status && epochs == 0) {
        status = save_weights(training);
    } else if (!status) {
        status = open_training(training); /* until then there is nothing that a signal could lose */
        cnn_interrupt_defer(true);
        if (!status) status = run_training(training);
        close_training(training);
    }
    if (!status && !options->quiet) {
        fputs("weights: ", session->out);
        cnn_print_text(session->out, training->save);
        fputc('\n', session->out);
    }
    free(training);
    return status;
}

const VerbRow cnn_verb_train = {
    .name = "train",
    .summary = "train on the data block's training files",
    .takes = OPTION_LIST(OPTION_DATA, OPTION_EPOCHS, OPTION_BATCH, OPTION_RATE, OPTION_THREADS, OPTION_SEED,
                         OPTION_INIT, OPTION_SAVE, OPTION_SHUFFLE, OPTION_LOG, OPTION_LIMIT, OPTION_QUIET,
                         OPTION_CHECKPOINT, OPTION_RESUME, OPTION_AUGMENT, OPTION_REPORT),
    .needs_train = true,
    .run = verb_train,
};
