/* Signal handlers and the two flags that they share with the program. */
#define _GNU_SOURCE /* SIGPWR and SIGSTKFLT */
#include "base/interrupt.h"

#include "base/status.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t deferred, arrived;

static void on_signal(int number) {
    (void)number;
    if (!deferred || arrived) _exit(STATUS_INTERRUPTED);
    arrived = 1;
}

/* Whatever would kill a process and tells of no fault of its own. */
static void all_of_them(sigset_t *set) {
    static const int usual[] = {SIGHUP,  SIGINT,  SIGQUIT,   SIGUSR1, SIGUSR2, SIGALRM,  SIGTERM,
                                SIGXCPU, SIGPROF, SIGVTALRM, SIGIO,   SIGPWR,  SIGSTKFLT};
    sigemptyset(set);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) sigaddset(set, usual[i]);
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++) sigaddset(set, number);
}

void cnn_interrupt_install(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, inherited;
    all_of_them(&action.sa_mask);
    for (int number = 1; number <= SIGRTMAX; number++)
        if (sigismember(&action.sa_mask, number) == 1 && !sigaction(number, NULL, &inherited) &&
            inherited.sa_handler != SIG_IGN)
            sigaction(number, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

void cnn_interrupt_defer(bool defer) {
    deferred = defer;
}

bool cnn_interrupted(void) {
    return arrived;
}

void cnn_interrupt_hold(void) {
    sigset_t set;
    all_of_them(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

void cnn_interrupt_release(void) {
    sigset_t set;
    all_of_them(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}
