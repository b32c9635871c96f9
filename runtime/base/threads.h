/* A pool of threads that lives as long as the run. Work is a number of items, handed out one at a time to
 * whoever is free; worker 0 is the caller. Idle workers spin for some 100 us, then sleep. One call at a time,
 * from one thread. */
#ifndef CNN_THREADS_H
#define CNN_THREADS_H

#include <stdbool.h>
#include <stdint.h>

enum { THREADS_MAXIMUM = 256 };

typedef struct Threads Threads;
typedef void (*ThreadsFunction)(void *user, int64_t index, int worker);

/* count: workers, the caller among them; 0: as many as processors; cut to THREADS_MAXIMUM. Where the system
 * gives fewer, the pool has fewer. NULL: out of memory. */
Threads *cnn_threads_create(int count);
void cnn_threads_destroy(Threads *pool);
int cnn_threads_count(const Threads *pool);
/* How many of them can run at once: no more than there are processors. */
int cnn_threads_parallel(const Threads *pool);
/* Calls function(user, index, worker) once for each index in [0, count), in any order and on any worker;
 * returns when all are done, and what they wrote is visible then. */
void cnn_threads_run(Threads *pool, int64_t count, ThreadsFunction function, void *user);

/* Work that can wait, done by workers who have no item, the caller of cnn_threads_run among them when only
 * others are at work. work takes a piece of it, of few microseconds, since a worker who is in one is late for
 * the next job; it returns false where there is nothing to do, and is then asked again soon. It must not use
 * the pool. */
typedef struct ThreadsIdle {
    bool (*work)(void *user, int worker);
    void *user;
} ThreadsIdle;

/* The pool's idle work from here on, the caller's to keep; NULL for none. What was set before is over when
 * this returns: no worker is in it. Called by the thread that calls cnn_threads_run. */
void cnn_threads_when_idle(Threads *pool, const ThreadsIdle *work);

/* In a loop that waits for another thread: 10 to 40 ns in which this one leaves the core to the other. */
static inline void cnn_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
/* The same in a loop that has waited so many times: after some 100 us the processor goes to others. */
void cnn_wait(int waited);

#endif
