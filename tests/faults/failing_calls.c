/* Preloaded: runs the program again and again, and makes calls of one kind fail in it, counted from its main
 * on. Every line that comes from the descriptor FAULT_ORDERS is an order, `KIND FIRST RUN MODE`, after which
 * the wait status goes to the descriptor FAULT_ANSWERS; programs that this one starts are left alone. The
 * streams are the files `in`, `out` and `err` of the current folder. KIND is the name of a row of `kinds`,
 * FIRST the number of the first call that fails, RUN how many fail in a row. MODE is `error`; or
 * `interrupted`: every call fails with EINTR once and succeeds when it is tried again; or `short`: no read or
 * write moves more than half of what was asked for. KIND `all` counts all of them and spoils none. The file
 * FAULT_COUNTS has the number of calls of every row, 8 bytes each, then the descriptor of the last call that
 * was made to fail.
 *
 * Memory and threads are asked for through functions, which are replaced here. All other kinds are judged at
 * the kernel's door: a seccomp filter traps the system calls that come from the C library's code, so that
 * what it does inside stdio or for zlib is seen, too. A program that is started has its library elsewhere,
 * and the filter lets it be. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size), *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size), *__libc_memalign(size_t alignment, size_t size);

enum { KIND_CALLS = 12 };

/* The calls of a kind end in -1. */
static const struct Kind {
    const char *name;
    int error;
    int calls[KIND_CALLS];
} kinds[] = {
    {"malloc",    ENOMEM, {-1}                                                                          },
    {"thread",    EAGAIN, {-1}                                                                          },
    {"spawn",     EAGAIN, {-1}                                                                          },
    {"mmap",      ENOMEM, {SYS_mmap, -1}                                                                },
    {"open",      EMFILE, {SYS_open, SYS_openat, SYS_creat, -1}                                         },
    {"read",      EIO,    {SYS_read, SYS_pread64, SYS_readv, -1}                                        },
    {"write",     ENOSPC, {SYS_write, SYS_pwrite64, SYS_writev, -1}                                     },
    {"fsync",     EIO,    {SYS_fsync, SYS_fdatasync, -1}                                                },
    {"close",     EIO,    {SYS_close, -1}                                                               },
    {"rename",    EACCES, {SYS_rename, SYS_renameat, SYS_renameat2, -1}                                 },
    {"unlink",    EACCES, {SYS_unlink, SYS_unlinkat, -1}                                                },
    {"stat",
     EACCES,              {SYS_stat, SYS_lstat, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_access, SYS_faccessat, SYS_faccessat2,
      SYS_readlink, SYS_readlinkat, -1}                                                     },
    {"mode",      EACCES, {SYS_chmod, SYS_fchmod, SYS_fchmodat, SYS_chown, SYS_fchown, SYS_fchownat, -1}},
    {"seek",      EIO,    {SYS_lseek, -1}                                                               },
    {"folder",    EIO,    {SYS_getdents64, -1}                                                          },
    {"duplicate", EMFILE, {SYS_dup, SYS_dup2, SYS_dup3, SYS_pipe, SYS_pipe2, -1}                        },
    {"wait",      EINTR,  {SYS_wait4, SYS_waitid, -1}                                                   },
};
enum {
    KIND_MALLOC,
    KIND_THREAD,
    KIND_SPAWN,
    KIND_MMAP,
    KIND_OPEN,
    KIND_READ,
    KIND_WRITE,
    KIND_FSYNC,
    KIND_CLOSE
};
enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

static struct Counts {
    atomic_long calls[KIND_COUNT];
    long descriptor;
} own_counts, *counts = &own_counts;
static int chosen = -1; /* the kind that fails; KIND_COUNT: all are counted */
static long first, in_a_row;
static bool interrupted, cut;

static bool fails(int kind) {
    if (chosen != kind && chosen != KIND_COUNT) return false;
    long number = atomic_fetch_add(&counts->calls[kind], 1) + 1;
    if (chosen != kind || cut) return false;
    return interrupted ? number % 2 : number >= first && number - first < in_a_row;
}

static bool fails_with_errno(int kind) {
    if (!fails(kind)) return false;
    errno = kinds[kind].error;
    return true;
}

/* The C library's own function behind this file's. */
#define LIBRARY(name)                                                                                        \
    static __typeof__(name) *library;                                                                        \
    if (!library) library = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

void *malloc(size_t size) {
    return fails_with_errno(KIND_MALLOC) ? NULL : __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    return fails_with_errno(KIND_MALLOC) ? NULL : __libc_calloc(count, size);
}
void *realloc(void *block, size_t size) {
    return fails_with_errno(KIND_MALLOC) ? NULL : __libc_realloc(block, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    return fails_with_errno(KIND_MALLOC) ? NULL : __libc_memalign(alignment, size);
}
int posix_memalign(void **block, size_t alignment, size_t size) {
    if (fails(KIND_MALLOC) || !(*block = __libc_memalign(alignment, size))) return ENOMEM;
    return 0;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *),
                   void *argument) {
    LIBRARY(pthread_create);
    return fails(KIND_THREAD) ? kinds[KIND_THREAD].error : library(thread, attributes, work, argument);
}

int posix_spawnp(pid_t *child, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const arguments[], char *const variables[]) {
    LIBRARY(posix_spawnp);
    return fails(KIND_SPAWN) ? kinds[KIND_SPAWN].error
                             : library(child, file, actions, attributes, arguments, variables);
}

/* The trap's own signal stays as it is set here, whatever the program does with signals. */
int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
    LIBRARY(sigaction);
    return library(number, number == SIGSYS ? NULL : action, old);
}
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
    LIBRARY(pthread_sigmask);
    sigset_t spared;
    if (set) {
        spared = *set;
        sigdelset(&spared, SIGSYS);
    }
    return library(how, set ? &spared : NULL, old);
}
int sigprocmask(int how, const sigset_t *set, sigset_t *old) {
    int error = pthread_sigmask(how, set, old);
    if (error) errno = error;
    return error ? -1 : 0;
}

/* A system call from outside the C library. Gives back -errno. */
static long call_kernel(long number, const greg_t *registers, long size) {
    register long fourth __asm__("r10") = registers[REG_R10], fifth __asm__("r8") = registers[REG_R8],
                         sixth __asm__("r9") = registers[REG_R9];
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(registers[REG_RDI]), "S"(registers[REG_RSI]), "d"(size), "r"(fourth),
                       "r"(fifth), "r"(sixth)
                     : "rcx", "r11", "memory");
    return result;
}

static int kind_of(long number) {
    for (int kind = 0; kind < KIND_COUNT; kind++)
        for (const int *call = kinds[kind].calls; *call >= 0; call++)
            if (*call == number) return kind;
    return -1;
}

/* Streams are stdio's, which does not try again: there, the kernel's SA_RESTART has to. */
static bool is_stream(int kind, long descriptor) {
    return (kind == KIND_READ || kind == KIND_WRITE) && descriptor <= STDERR_FILENO;
}

static void on_trap(int signal_number, siginfo_t *info, void *context) {
    (void)signal_number;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    long number = info->si_syscall, descriptor = registers[REG_RDI], size = registers[REG_RDX];
    int kind = kind_of(number);
    bool spoilt = kind >= 0 && fails(kind);
    if (spoilt && interrupted && is_stream(kind, descriptor)) spoilt = false;
    if (spoilt && kind != KIND_CLOSE) {
        counts->descriptor = descriptor;
        registers[REG_RAX] = interrupted ? -EINTR : -kinds[kind].error;
        return;
    }
    bool bytes = number == SYS_read || number == SYS_pread64 || number == SYS_write || number == SYS_pwrite64;
    if (cut && bytes && kind == chosen) size = (size + 1) / 2;
    long result = call_kernel(number, registers, size);
    if (spoilt) { /* what is closed is closed, whatever close says */
        counts->descriptor = descriptor;
        result = interrupted ? -EINTR : -kinds[kind].error;
    }
    registers[REG_RAX] = result;
}

static uintptr_t code_begin, code_end;

static int find_library(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    (void)data;
    if (!strstr(info->dlpi_name, "libc.so")) return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X)) continue;
        code_begin = info->dlpi_addr + segment->p_vaddr;
        code_end = code_begin + segment->p_memsz;
    }
    return 1;
}

static void give_up(const char *what) {
    fprintf(stderr, "failing_calls: %s\n", what);
    _exit(125);
}

/* Traps the chosen calls where the instruction lies between code_begin and code_end. */
static void trap_calls(int wanted) {
    enum { LONGEST = 128, HIGH = offsetof(struct seccomp_data, instruction_pointer) + 4, LOW = HIGH - 4 };
    struct sock_filter rules[LONGEST];
    int count = 0;
#define LOAD(place) rules[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, place)
#define UNLESS(test, value)                                                                                  \
    rules[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | (test) | BPF_K, (uint32_t)(value), 1, 0);        \
    rules[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
    LOAD(HIGH);
    UNLESS(BPF_JEQ, code_begin >> 32);
    LOAD(LOW);
    UNLESS(BPF_JGE, code_begin);
    rules[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)code_end, 0, 1);
    rules[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    LOAD(offsetof(struct seccomp_data, nr));
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        if (wanted != kind && wanted != KIND_COUNT) continue;
        for (const int *call = kinds[kind].calls; *call >= 0; call++) {
            rules[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)*call, 0, 1);
            rules[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
        }
    }
    rules[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {(unsigned short)count, rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        give_up("the kernel takes no filter of system calls");
}

static void watch_calls(int wanted) {
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER};
    LIBRARY(sigaction);
    if (library(SIGSYS, &action, NULL)) give_up("no handler for SIGSYS");
    trap_calls(wanted);
}

static void open_counts(const char *path) {
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, sizeof *counts)) give_up("no file of counts");
    counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (counts == MAP_FAILED) give_up("no file of counts");
    close(file);
}

/* In the process that will run the program. */
static void spoil(const char *call, long number, long run, const char *mode) {
    int kind = 0;
    while (kind < KIND_COUNT && strcmp(kinds[kind].name, call)) kind++;
    if (kind == KIND_COUNT && strcmp(call, "all")) give_up("there is no such kind of call");
    *counts = (struct Counts){.descriptor = -1};
    first = number;
    in_a_row = run;
    interrupted = !strcmp(mode, "interrupted");
    cut = !strcmp(mode, "short");
    if (kind == KIND_COUNT || kinds[kind].calls[0] >= 0) watch_calls(kind);
    chosen = kind;
}

static void take_stream(const char *path, int stream) {
    int file = open(path, stream ? O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0600);
    if (file >= 0) dup2(file, stream);
    if (file >= 0) close(file);
}

/* Returns in a process that is to run the program, once for every order. */
static void serve(int orders, int answers) {
    char line[128], call[32], mode[32];
    for (;;) {
        long number, run;
        ssize_t length = read(orders, line, sizeof line - 1);
        if (length <= 0) _exit(0);
        line[length] = '\0';
        if (sscanf(line, "%31s %ld %ld %31s", call, &number, &run, mode) != 4)
            give_up("an order that is none");
        pid_t child = fork();
        if (child == 0) {
            close(orders);
            close(answers);
            take_stream("in", STDIN_FILENO);
            take_stream("out", STDOUT_FILENO);
            take_stream("err", STDERR_FILENO);
            spoil(call, number, run, mode);
            return;
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) < 0) give_up("no process");
        if (write(answers, &status, sizeof status) != sizeof status) _exit(1);
    }
}

static void begin(char **arguments, char **variables) {
    const char *orders = getenv("FAULT_ORDERS"), *answers = getenv("FAULT_ANSWERS"),
               *path = getenv("FAULT_COUNTS");
    if (!orders || !answers || !path) return;
    dl_iterate_phdr(find_library, NULL);
    if (!code_end) give_up("no C library");
    if (code_begin >> 32 != code_end >> 32) { /* the filter compares halves: another place, please */
        execve("/proc/self/exe", arguments, variables);
        give_up("the C library lies across 4 GiB");
    }
    int from = atoi(orders), to = atoi(answers);
    open_counts(path);
    unsetenv("LD_PRELOAD");
    serve(from, to);
}

typedef int (*Main)(int count, char **arguments, char **variables);
static Main program_main;

static int main_with_faults(int count, char **arguments, char **variables) {
    begin(arguments, variables);
    return program_main(count, arguments, variables);
}

int __libc_start_main(Main start, int count, char **arguments, void (*init)(void), void (*fini)(void),
                      void (*exit_dynamic)(void), void *stack_end);
int __libc_start_main(Main start, int count, char **arguments, void (*init)(void), void (*fini)(void),
                      void (*exit_dynamic)(void), void *stack_end) {
    LIBRARY(__libc_start_main);
    program_main = start;
    return library(main_with_faults, count, arguments, init, fini, exit_dynamic, stack_end);
}
