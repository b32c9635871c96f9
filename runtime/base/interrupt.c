/* Signal handlers and the two flags that they share with the program. */
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

static void all_of_them(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

void cnn_interrupt_install(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, inherited;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (sigaction(SIGHUP, NULL, &inherited) || inherited.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
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
