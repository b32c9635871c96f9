/* Calls the C compiler as the linker: an argument vector, never a shell. */
#define _GNU_SOURCE
#include "base/leaving.h"
#include "base/rawfile.h"
#include "base/say.h"
#include "codegen/module.h"
#include "runtime/exit_status.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

typedef VEC(const char *) Arguments;

static void split_words(Arena *arena, Arguments *arguments, const char *text, const char *separators) {
    char *copy = arena_strdup(arena, text), *rest = NULL;
    for (char *word = strtok_r(copy, separators, &rest); word; word = strtok_r(NULL, separators, &rest))
        vec_push(arena, arguments, word);
}

/* Names that a tool could take for an option or a list of files are passed with their folder. */
static const char *plain_path(Arena *arena, const char *path) {
    return *path == '-' || *path == '@' ? arena_printf(arena, "./%s", path) : path;
}

/* error: the first reason that is not the absence of a file. */
static bool can_read(const char *path, int *error) {
    if (!access(path, R_OK)) return true;
    if (!*error && errno != ENOENT && errno != ENOTDIR) *error = errno;
    return false;
}

/* The folder of the running compiler; NULL with errno set. */
static const char *own_folder(Arena *arena) {
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0) return NULL;
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    if (slash) *slash = '\0';
    return arena_strdup(arena, self);
}

/* The runtime library: where CNNC_RUNTIME says (the library itself or its folder), or beside the compiler. */
static const char *find_runtime(Context *cx) {
    const char *named = getenv("CNNC_RUNTIME");
    int error = 0;
    if (named && *named) {
        const char *inside = arena_printf(cx->arena, "%s/libcnnrt.a", named);
        if (can_read(inside, &error)) return inside;
        if (strlen(named) > 2 && !strcmp(named + strlen(named) - 2, ".a") && can_read(named, &error))
            return named;
        say_error("CNNC_RUNTIME is %s, but there is no libcnnrt.a to read%s%s", named, error ? ": " : "",
                  error ? strerror(error) : "");
        return NULL;
    }
    const char *self = own_folder(cx->arena);
    if (!self) {
        say_error("cannot read /proc/self/exe to find libcnnrt.a: %s", strerror(errno));
        return NULL;
    }
    static const char *const places[] = {"libcnnrt.a", "../lib/cnnc/libcnnrt.a"};
    for (int i = 0; i < COUNT(places); i++) {
        const char *path = arena_printf(cx->arena, "%s/%s", self, places[i]);
        if (can_read(path, &error)) return path;
    }
    say_error("libcnnrt.a is neither in %s nor in %s/../lib/cnnc%s%s; CNNC_RUNTIME can name its folder", self,
              self, error ? ": " : "", error ? strerror(error) : "");
    return NULL;
}

static int run(const char *const *arguments) {
    /* The linker gets signals as any program does, whatever the compiler holds or ignores, and is a group of
     * its own, so that everything that it starts can be ended together. */
    pid_t child;
    sigset_t none, usual;
    posix_spawnattr_t attributes;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGXFSZ);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    leaving_hold();
    int error = posix_spawnp(&child, arguments[0], NULL, &attributes, (char *const *)arguments, environ);
    posix_spawnattr_destroy(&attributes);
    leaving_watch_group(error ? 0 : child);
    leaving_release();
    if (error == ENOMEM) leave_out_of_memory();
    if (error) {
        say_error("cannot run the linker %s: %s", arguments[0], strerror(error));
        return STATUS_FILE;
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    leaving_watch_group(0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    say_error("the linker %s failed%s", arguments[0], WIFSIGNALED(status) ? ": killed by a signal" : "");
    return STATUS_FILE;
}

int link_program(Context *cx, const char *object, const char *output) {
    const char *runtime = find_runtime(cx);
    if (!runtime) return STATUS_FILE;
    Arguments arguments = {0};
    const char *compiler = getenv("CC");
    split_words(cx->arena, &arguments, compiler ? compiler : "", " \t");
    if (!arguments.count) vec_push(cx->arena, &arguments, "cc");
    vec_push(cx->arena, &arguments, plain_path(cx->arena, object));
    vec_push(cx->arena, &arguments, runtime);
    split_words(cx->arena, &arguments, CNNC_LINK_LIBRARIES, " ");
    vec_push(cx->arena, &arguments, "-o");
    vec_push(cx->arena, &arguments, plain_path(cx->arena, output));
    if (cx->options.verbose) {
        for (int i = 0; i < arguments.count; i++)
            fprintf(stderr, "%s%s", arguments.items[i], i + 1 < arguments.count ? " " : "\n");
    }
    vec_push(cx->arena, &arguments, NULL);
    return run(arguments.items);
}

/* What the file lacks to be a program for the machine that the object is for; NULL: nothing. Files of other
 * formats than ELF are judged by their length alone. */
static const char *program_fault(const Elf64_Ehdr *object, const Elf64_Ehdr *head, ssize_t read, off_t size) {
    if (size == 0) return "an empty file";
    if (memcmp(object->e_ident, ELFMAG, SELFMAG)) return NULL;
    if (read < (ssize_t)sizeof *head || memcmp(head->e_ident, ELFMAG, SELFMAG)) return "no program";
    if (memcmp(head->e_ident + EI_CLASS, object->e_ident + EI_CLASS, 2) ||
        head->e_machine != object->e_machine)
        return "a file for another machine";
    if (head->e_type != ET_EXEC && head->e_type != ET_DYN) return "an object, not a program";
    if (!head->e_entry) return "a library, not a program";
    uint64_t table = (uint64_t)head->e_phnum * head->e_phentsize, end = (uint64_t)size;
    if (!table || head->e_phoff > end || table > end - head->e_phoff) return "a program that is cut short";
    return NULL;
}

int link_judge(const char *path, const char *shown, const void *object, size_t object_size) {
    Elf64_Ehdr expected = {0}, head = {0};
    struct stat info = {0};
    memcpy(&expected, object, object_size < sizeof expected ? object_size : sizeof expected);
    int file = rawfile_open(path, O_RDONLY);
    ssize_t got = file < 0 || fstat(file, &info) ? -1 : 0;
    if (!got && S_ISREG(info.st_mode)) got = rawfile_read(file, &head, sizeof head);
    int error = got < 0 ? errno : 0;
    if (file >= 0) close(file);
    if (error && error != ENOENT) {
        say_error("cannot read what the linker made for %s: %s", shown, strerror(error));
        return STATUS_FILE;
    }
    const char *fault =
        error || !S_ISREG(info.st_mode) ? "no file" : program_fault(&expected, &head, got, info.st_size);
    if (!fault) return STATUS_OK;
    const char *compiler = getenv("CC");
    say_error("the linker %s said that all is well, but what it left is %s",
              compiler && *compiler ? compiler : "cc", fault);
    return STATUS_FILE;
}
