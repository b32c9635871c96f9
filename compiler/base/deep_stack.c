/* See deep_stack.h: a thread whose stack is reserved at once and takes memory as far as it is used. */
#include "base/deep_stack.h"

#include "base/leaving.h"
#include "base/say.h"
#include "runtime/exit_status.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

enum { STACK_BYTES = 64 * 1024 * 1024 };

typedef struct Call {
    DeepWork work;
    void *argument;
    int result;
} Call;

static void *run_call(void *argument) {
    Call *call = argument;
    leaving_watch_stack();
    call->result = call->work(call->argument);
    return NULL;
}

int deep_stack_run(DeepWork work, void *argument) {
    Call call = {.work = work, .argument = argument};
    pthread_attr_t attributes;
    pthread_t thread;
    int failed = pthread_attr_init(&attributes);
    if (!failed) {
        failed = pthread_attr_setstacksize(&attributes, STACK_BYTES);
        if (!failed) failed = pthread_create(&thread, &attributes, run_call, &call);
        pthread_attr_destroy(&attributes);
    }
    if (failed) {
        say_error("no stack of %d MB to work on: %s", STACK_BYTES / (1024 * 1024), strerror(failed));
        return STATUS_MEMORY;
    }
    /* Signals go to the thread that works, so that it stands still while one of them ends the compiler. */
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_BLOCK, &every, &before);
    pthread_join(thread, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return call.result;
}
