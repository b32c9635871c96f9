/* The pool. A job is published as one 64-bit ticket, (job number, next item): claiming an item is a
 * compare-and-swap of the ticket, so a worker that comes late finds another job number and can never take an
 * item of a job that is over; nobody waits for a worker that has taken nothing. While a job is being
 * described the ticket is closed: with the old number still on it, no item can be taken by the new
 * description.
 * Idle work is one pointer. Who takes a look at it says so first, in a flag on a line of its own, and whoever
 * removes it waits for all flags to fall: nobody is in it, or begins it, once it is gone. */
#define _GNU_SOURCE
#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* Pauses: together some 100 us, longer than the serial gap between two stages. */
enum { SPIN_PAUSES = 5000, CACHE_LINE = 64 };
static const uint64_t closed = UINT32_MAX; /* an item that no job has */

typedef struct Worker {
    _Alignas(CACHE_LINE) _Atomic bool helps; /* may be in the idle work */
    struct Threads *pool;
    pthread_t thread;
    int index;
} Worker;

struct Threads {
    _Alignas(CACHE_LINE) _Atomic uint64_t ticket; /* job number << 32 | next item */
    _Alignas(CACHE_LINE) _Atomic int64_t done;
    _Alignas(CACHE_LINE) _Atomic(ThreadsFunction) function;
    _Atomic(void *) user;
    _Atomic int64_t count;
    _Atomic(const ThreadsIdle *) idle;
    _Atomic int sleepers;
    _Atomic bool caller_sleeps, stop;
    int workers, spin, processors;
    pthread_mutex_t mutex;
    pthread_cond_t work, finished;
    Worker *worker;
};

static int processor_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    return 1;
}

/* Takes items until none is left; returns the number of the job it last saw. */
static uint32_t work_on(Threads *pool, int worker) {
    for (;;) {
        uint64_t ticket = atomic_load(&pool->ticket);
        /* Who sees a part of the next description sees the ticket closed, too, and fails to claim. */
        int64_t count = atomic_load_explicit(&pool->count, memory_order_acquire);
        ThreadsFunction function = atomic_load_explicit(&pool->function, memory_order_acquire);
        void *user = atomic_load_explicit(&pool->user, memory_order_acquire);
        int64_t item = (int64_t)(uint32_t)ticket;
        if (item >= count) {
            /* count may be of a later job than the ticket: then there is work after all. */
            if (atomic_load(&pool->ticket) == ticket) return (uint32_t)(ticket >> 32);
            continue;
        }
        if (!atomic_compare_exchange_strong(&pool->ticket, &ticket, ticket + 1)) continue;
        function(user, item, worker);
        int64_t done = atomic_fetch_add(&pool->done, 1) + 1;
        if (done == count && atomic_load(&pool->caller_sleeps)) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->finished);
            pthread_mutex_unlock(&pool->mutex);
        }
    }
}

static bool idle(Threads *pool, uint32_t seen) {
    return (uint32_t)(atomic_load(&pool->ticket) >> 32) == seen && !atomic_load(&pool->stop);
}

/* A piece of the idle work; false where there is none. */
static bool help(Threads *pool, int worker) {
    if (!atomic_load_explicit(&pool->idle, memory_order_relaxed)) return false;
    atomic_store(&pool->worker[worker].helps, true);
    const ThreadsIdle *idle_work = atomic_load(&pool->idle);
    bool helped = idle_work && idle_work->work(idle_work->user, worker);
    atomic_store_explicit(&pool->worker[worker].helps, false, memory_order_release);
    return helped;
}

static void *worker_main(void *argument) {
    Worker *self = argument;
    Threads *pool = self->pool;
    while (!atomic_load(&pool->stop)) {
        uint32_t seen = work_on(pool, self->index);
        for (int pauses = 0; idle(pool, seen);) {
            if (help(pool, self->index)) continue;
            if (pauses++ >= pool->spin) break;
            cnn_pause();
        }
        if (!idle(pool, seen)) continue;
        pthread_mutex_lock(&pool->mutex);
        atomic_fetch_add(&pool->sleepers, 1);
        while (idle(pool, seen)) pthread_cond_wait(&pool->work, &pool->mutex);
        atomic_fetch_sub(&pool->sleepers, 1);
        pthread_mutex_unlock(&pool->mutex);
    }
    return NULL;
}

static void wake_workers(Threads *pool) {
    if (atomic_load(&pool->sleepers) == 0) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
}

/* Signals are left to the caller's thread: a worker starts with all of them blocked. */
static void start_workers(Threads *pool, int count) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (; pool->workers < count; pool->workers++) {
        Worker *worker = &pool->worker[pool->workers];
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) break;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

Threads *cnn_threads_create(int count) {
    int processors = processor_count();
    if (count <= 0) count = processors;
    if (count > THREADS_MAXIMUM) count = THREADS_MAXIMUM;
    Threads *pool = aligned_alloc(CACHE_LINE, sizeof *pool);
    if (!pool) return NULL;
    *pool = (Threads){.workers = 1, .spin = count <= processors ? SPIN_PAUSES : 0, .processors = processors};
    pool->worker = aligned_alloc(CACHE_LINE, (size_t)count * sizeof *pool->worker);
    if (!pool->worker) {
        free(pool);
        return NULL;
    }
    for (int i = 0; i < count; i++) pool->worker[i] = (Worker){.pool = pool, .index = i};
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->finished, NULL);
    start_workers(pool, count);
    return pool;
}

void cnn_wait(int waited) {
    if (waited < SPIN_PAUSES)
        cnn_pause();
    else
        sched_yield(); /* whom we wait for may want this processor */
}

void cnn_threads_destroy(Threads *pool) {
    if (!pool) return;
    atomic_store(&pool->stop, true);
    wake_workers(pool);
    for (int i = 1; i < pool->workers; i++) pthread_join(pool->worker[i].thread, NULL);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->worker);
    free(pool);
}

int cnn_threads_count(const Threads *pool) {
    return pool->workers;
}

int cnn_threads_parallel(const Threads *pool) {
    return pool->workers < pool->processors ? pool->workers : pool->processors;
}

void cnn_threads_when_idle(Threads *pool, const ThreadsIdle *work) {
    atomic_store(&pool->idle, NULL);
    for (int i = 0; i < pool->workers; i++)
        for (int pauses = 0; atomic_load(&pool->worker[i].helps); pauses++) cnn_wait(pauses);
    atomic_store(&pool->idle, work);
}

void cnn_threads_run(Threads *pool, int64_t count, ThreadsFunction function, void *user) {
    if (pool->workers == 1 || count <= 1) {
        for (int64_t i = 0; i < count; i++) function(user, i, 0);
        return;
    }
    uint64_t job = (atomic_load(&pool->ticket) >> 32) + 1;
    atomic_store(&pool->ticket, (job - 1) << 32 | closed);
    atomic_store(&pool->done, 0);
    atomic_store(&pool->function, function);
    atomic_store(&pool->user, user);
    atomic_store(&pool->count, count);
    atomic_store(&pool->ticket, job << 32);
    wake_workers(pool);
    work_on(pool, 0);
    for (int pauses = 0; atomic_load(&pool->done) < count;) {
        if (help(pool, 0)) continue;
        if (pauses++ >= pool->spin) break;
        cnn_pause();
    }
    if (atomic_load(&pool->done) == count) return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_sleeps, true);
    while (atomic_load(&pool->done) < count) pthread_cond_wait(&pool->finished, &pool->mutex);
    atomic_store(&pool->caller_sleeps, false);
    pthread_mutex_unlock(&pool->mutex);
}
