/* While temporary files exist, SIGINT and SIGTERM wait: they end the compiler once the files are renamed or
 * removed. */
#ifndef CNNC_BASE_INTERRUPTS_H
#define CNNC_BASE_INTERRUPTS_H

#include <signal.h>
#include <stddef.h>

/* Returns the mask that interrupts_release wants back. */
static inline sigset_t interrupts_hold(void) {
    sigset_t interrupts, before;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    sigaddset(&interrupts, SIGTERM);
    sigprocmask(SIG_BLOCK, &interrupts, &before);
    return before;
}

static inline void interrupts_release(sigset_t before) {
    sigprocmask(SIG_SETMASK, &before, NULL);
}

#endif
