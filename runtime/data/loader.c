/* The batch that is copied is cut into pieces of about the same size, several samples or a part of one.
 * Claiming one is a decrement that stops at zero. Everything that describes the batch is read after that: as
 * long as the piece is not copied nobody describes another. See loader.h. */
#include "data/loader.h"

#include "base/aligned.h"

#include <stdatomic.h>
#include <string.h>

enum {
    LINE = 64,
    PIECE = 8192, /* bytes: about a microsecond, and whole lines of the cache */
    FEW = 4,      /* pieces that take less time than to wake the workers for them */
    MANY = 32,    /* pieces: more than the first caches hold, nothing is gained by copying them in a hurry */
    REST = 31     /* batches that are left alone after one of which too many pieces were left */
};

/* One of the two things that a sample consists of: its values, its target. */
typedef struct Part {
    const unsigned char *from; /* the data set's */
    unsigned char *slot[2];
    int64_t size; /* bytes a sample */
} Part;

struct Loader {
    _Alignas(LINE) _Atomic int64_t unclaimed; /* pieces of the batch that is copied */
    _Alignas(LINE) _Atomic int64_t uncopied;
    /* That batch: read by who has claimed a piece, written while nobody has and none is left. */
    _Alignas(LINE) const uint32_t *copied;
    int64_t copied_count, pieces, sample_pieces;
    int slot;

    Part parts[2];
    Threads *pool;
    ThreadsIdle idle;
    int32_t sample_kind;
    bool staged, copying;       /* there are slots; the next batch is copied */
    int rests;                  /* batches that stay in the data set before one is copied again */
    const uint32_t *order;      /* of the epoch */
    int64_t batch, count, next; /* count: samples of the epoch; next: the first one of the next batch */
};

static int64_t pieces_of(int64_t bytes) {
    return (bytes + PIECE - 1) / PIECE;
}

/* Bytes [begin, end) of the batch as it lies in the slot. */
static void copy_bytes(const Part *part, const uint32_t *order, unsigned char *slot, int64_t begin,
                       int64_t end) {
    int64_t sample = begin / part->size, offset = begin % part->size;
    while (begin < end) {
        int64_t bytes = part->size - offset < end - begin ? part->size - offset : end - begin;
        memcpy(slot + begin, part->from + (int64_t)order[sample++] * part->size + offset, (size_t)bytes);
        begin += bytes;
        offset = 0;
    }
}

static void copy_piece(const Loader *loader, int64_t piece) {
    bool target = piece >= loader->sample_pieces;
    const Part *part = &loader->parts[target];
    int64_t begin = (piece - (target ? loader->sample_pieces : 0)) * PIECE;
    int64_t all = loader->copied_count * part->size, end = begin + PIECE < all ? begin + PIECE : all;
    copy_bytes(part, loader->copied, part->slot[loader->slot], begin, end);
}

/* Claims a piece and copies it; false where none is left. */
static bool copy_next(void *user, int worker) {
    Loader *loader = user;
    int64_t left = atomic_load_explicit(&loader->unclaimed, memory_order_relaxed);
    (void)worker;
    do {
        if (left == 0) return false;
    } while (!atomic_compare_exchange_weak_explicit(&loader->unclaimed, &left, left - 1, memory_order_acquire,
                                                    memory_order_relaxed));
    copy_piece(loader, loader->pieces - left);
    atomic_fetch_sub_explicit(&loader->uncopied, 1, memory_order_release);
    return true;
}

static void copy_rest(void *user, int64_t item, int worker) {
    (void)item;
    while (copy_next(user, worker)) continue;
}

/* Waits for pieces that were claimed and are being copied. */
static void wait_for_copies(Loader *loader) {
    for (int i = 0; atomic_load_explicit(&loader->uncopied, memory_order_acquire) > 0; i++) cnn_wait(i);
}

/* Describes the batch that begins with sample loader->next and leaves its pieces to whoever has time. */
static void start_batch(Loader *loader) {
    int64_t left = loader->count - loader->next;
    loader->copying = loader->staged && left > 0 && loader->rests == 0;
    if (loader->rests > 0) loader->rests--;
    if (!loader->copying) return;
    loader->copied = loader->order + loader->next;
    loader->copied_count = left < loader->batch ? left : loader->batch;
    loader->slot = !loader->slot;
    loader->sample_pieces = pieces_of(loader->copied_count * loader->parts[0].size);
    loader->pieces = loader->sample_pieces + pieces_of(loader->copied_count * loader->parts[1].size);
    atomic_store_explicit(&loader->uncopied, loader->pieces, memory_order_relaxed);
    atomic_store_explicit(&loader->unclaimed, loader->pieces, memory_order_release);
}

/* Takes back what nobody has begun. */
static void give_up_batch(Loader *loader) {
    int64_t left = atomic_exchange_explicit(&loader->unclaimed, 0, memory_order_relaxed);
    atomic_fetch_sub_explicit(&loader->uncopied, left, memory_order_relaxed);
    wait_for_copies(loader);
}

/* Copies what is left, with all workers where that is some. False where it is so much that the batch is read
 * sooner where it lies: then the workers have no time to copy what comes next, either, but for the first
 * batch of an epoch, for which there was none. */
static bool finish_batch(Loader *loader) {
    int64_t left = atomic_load_explicit(&loader->unclaimed, memory_order_relaxed);
    if (left > MANY) {
        give_up_batch(loader);
        if (loader->next > 0) loader->rests = REST;
        return false;
    }
    if (left > FEW) cnn_threads_run(loader->pool, cnn_threads_count(loader->pool), copy_rest, loader);
    copy_rest(loader, 0, 0);
    wait_for_copies(loader);
    return true;
}

static int open_slots(Part *part, int64_t batch, const char *purpose, Failure *failure) {
    uint64_t bytes;
    if (!cnn_multiply((uint64_t)batch, (uint64_t)part->size, &bytes))
        return cnn_fail_memory(failure, purpose, UINT64_MAX);
    for (int i = 0; i < 2; i++) {
        void *block;
        int status = cnn_aligned_reserve(&block, bytes, 1, purpose, failure);
        if (status) return status;
        part->slot[i] = block;
    }
    return STATUS_OK;
}

int cnn_loader_open(Loader **opened, const Dataset *dataset, Threads *pool, int64_t batch, Failure *failure) {
    static const int64_t sizes[] = {[CNN_SAMPLE_FLOAT] = sizeof(float), [CNN_SAMPLE_BYTE] = 1};
    void *block;
    int status = cnn_aligned_allocate(&block, 1, sizeof(Loader), "the loader", failure);
    Loader *loader = *opened = block;
    if (status) return status;
    *loader = (Loader){.pool = pool, .batch = batch, .sample_kind = dataset->sample_kind};
    loader->parts[0].from = dataset->samples;
    loader->parts[0].size = dataset->sample_elements * sizes[dataset->sample_kind];
    loader->parts[1].from = dataset->targets;
    loader->parts[1].size = dataset->target_elements * (int64_t)sizeof(int32_t); /* of a float, too */
    if (cnn_threads_parallel(pool) == 1) return STATUS_OK;
    status = open_slots(&loader->parts[0], batch, "a batch's samples", failure);
    if (!status) status = open_slots(&loader->parts[1], batch, "a batch's targets", failure);
    if (status) {
        cnn_loader_close(loader);
        *opened = NULL;
        return status;
    }
    loader->staged = true;
    loader->idle = (ThreadsIdle){copy_next, loader};
    cnn_threads_when_idle(pool, &loader->idle);
    return STATUS_OK;
}

void cnn_loader_close(Loader *loader) {
    if (!loader) return;
    if (loader->staged) cnn_threads_when_idle(loader->pool, NULL);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) cnn_aligned_free(loader->parts[i].slot[k]);
    cnn_aligned_free(loader);
}

void cnn_loader_begin(Loader *loader, const uint32_t *order, int64_t count) {
    give_up_batch(loader);
    loader->order = order;
    loader->count = count;
    loader->next = 0;
    start_batch(loader);
}

bool cnn_loader_next(Loader *loader, Batch *batch) {
    int64_t left = loader->count - loader->next;
    if (left <= 0) return false;
    *batch = (Batch){.samples = loader->parts[0].from,
                     .targets = loader->parts[1].from,
                     .order = loader->order + loader->next,
                     .count = left < loader->batch ? left : loader->batch,
                     .sample_kind = loader->sample_kind};
    if (loader->copying && finish_batch(loader)) {
        batch->samples = loader->parts[0].slot[loader->slot];
        batch->targets = loader->parts[1].slot[loader->slot];
        batch->numbers = batch->order;
        batch->order = NULL;
    }
    loader->next += batch->count;
    start_batch(loader);
    return true;
}
