/* See leaving.h. Everything that leave() reads is written before it can be wanted, and is of a fixed size,
 * since a signal may come between any two instructions. */
#define _GNU_SOURCE
#include "base/leaving.h"

#include "runtime/exit_status.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A long path is registered without what cannot be removed by it anyway. */
static struct {
    volatile sig_atomic_t there;
    char path[PATH_MAX];
} files[LEAVING_FILES];
static volatile pid_t group;
static volatile sig_atomic_t holding, pending, speaks_to = STDERR_FILENO;

/* Programs of the linker clean up at SIGTERM; what has not ended soon is killed. */
static void end_group(void) {
    enum { TRIES = 20 };
    const struct timespec pause = {.tv_nsec = 5000000};
    pid_t leader = group;
    if (leader <= 0) return;
    kill(-leader, SIGTERM);
    for (int i = 0; i < TRIES && waitpid(leader, NULL, WNOHANG) == 0; i++) nanosleep(&pause, NULL);
    kill(-leader, SIGKILL);
}

_Noreturn void leave(int status) {
    for (int i = 0; i < LEAVING_FILES; i++)
        if (files[i].there) unlink(files[i].path);
    end_group();
    for (int i = 0; i < LEAVING_FILES; i++)
        if (files[i].there) unlink(files[i].path); /* what the linker wrote meanwhile */
    _exit(status);
}

static void say(const char *text) {
    ssize_t ignored = write(speaks_to, text, strlen(text));
    (void)ignored;
}

_Noreturn void leave_out_of_memory(void) {
    say("cnnc: error: out of memory\n");
    leave(STATUS_MEMORY);
}

void *memory_or_leave(void *memory) {
    if (!memory) leave_out_of_memory();
    return memory;
}

void leaving_remember(const char *path) {
    for (int i = 0; i < LEAVING_FILES; i++) {
        if (files[i].there || strlen(path) >= sizeof files[i].path) continue;
        strcpy(files[i].path, path);
        atomic_signal_fence(memory_order_seq_cst); /* the name is whole before it is there */
        files[i].there = 1;
        return;
    }
}

void leaving_forget(const char *path) {
    for (int i = 0; i < LEAVING_FILES; i++)
        if (files[i].there && !strcmp(files[i].path, path)) files[i].there = 0;
}

void leaving_watch_group(pid_t leader) {
    group = leader;
}

void leaving_speak_to(int descriptor) {
    speaks_to = descriptor;
}

void leaving_hold(void) {
    holding = 1;
}

void leaving_release(void) {
    holding = 0;
    if (pending) leave(STATUS_INTERRUPTED);
}

static void interrupted(int number) {
    (void)number;
    pending = 1;
    if (!holding) leave(STATUS_INTERRUPTED);
}

static void crashed(int number) {
    (void)number;
    say("cnnc: internal error: the compiler crashed\n"
        "This is a fault of the compiler, not of the model. Please report it, with the model that shows "
        "it.\n");
    leave(STATUS_INTERNAL);
}

/* Sanitizers tell more of a crash themselves. */
static bool sanitized(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
    return __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
    return false;
#endif
}

static void handle(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_ONSTACK}, inherited;
    if (sigaction(number, NULL, &inherited) || inherited.sa_handler == SIG_IGN) return;
    sigaction(number, &action, NULL);
}

void leaving_watch_stack(void) {
    static _Thread_local unsigned char stack[64 << 10];
    const stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
    if (!sanitized()) sigaltstack(&own, NULL);
}

/* libstdc++'s std::set_new_handler and LLVM's install_bad_alloc_error_handler, which have no names in C. */
typedef void (*NewHandler)(void);
typedef void (*BadAllocHandler)(void *data, const char *reason, bool diagnose);
NewHandler cpp_set_new_handler(NewHandler handler) __asm__("_ZSt15set_new_handlerPFvvE");
void llvm_install_bad_alloc_handler(BadAllocHandler handler, void *data) __asm__(
    "_ZN4llvm31install_bad_alloc_error_handlerEPFvPvPKcbES0_");

static void on_bad_alloc(void *data, const char *reason, bool diagnose) {
    (void)data;
    (void)reason;
    (void)diagnose;
    leave_out_of_memory();
}

static void *json_memory(size_t bytes) {
    return memory_or_leave(malloc(bytes));
}

static void watch_memory(void) {
    cJSON_Hooks hooks = {json_memory, free};
    cJSON_InitHooks(&hooks);
    cpp_set_new_handler(leave_out_of_memory);
    llvm_install_bad_alloc_handler(on_bad_alloc, NULL);
}

void leaving_install(void) {
    static const int ends[] = {SIGHUP,  SIGINT,  SIGQUIT,   SIGUSR1, SIGUSR2, SIGALRM,  SIGTERM,
                               SIGXCPU, SIGPROF, SIGVTALRM, SIGIO,   SIGPWR,  SIGSTKFLT};
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    signal(SIGPIPE, SIG_IGN); /* a write fails instead */
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) handle(ends[i], interrupted);
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++) handle(number, interrupted);
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes && !sanitized(); i++) handle(crashes[i], crashed);
    leaving_watch_stack();
    watch_memory();
}
