/* The compiler, on one screen: compile() is the way from text to program. Takes the command line; gives the
 * exit status that the user's manual lists. */
#define _GNU_SOURCE
#include "base/deep_stack.h"
#include "base/leaving.h"
#include "base/outfile.h"
#include "base/say.h"
#include "base/textstream.h"
#include "codegen/codegen.h"
#include "command_line.h"
#include "emit_kinds.h"
#include "explain.h"
#include "fmt.h"
#include "output/output.h"
#include "passes/pass.h"
#include "runtime/exit_status.h"
#include "sema/sema.h"
#include "syntax/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <llvm-c/Core.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* --time-phases: says how long the phase that ends here took. */
static void phase_end(const Context *cx, const char *phase, double *since) {
    double now = seconds_now();
    if (cx->options.time_phases) fprintf(stderr, "%-10s %8.1f ms\n", phase, (now - *since) * 1e3);
    *since = now;
}

static bool same_file(const char *a, const char *b) {
    struct stat one, other;
    return !stat(a, &one) && !stat(b, &other) && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* Where the file goes that is written together with the output: beside it. NULL where there is none, and
 * beside a device or a pipe. */
static const char *companion_path(const Context *cx) {
    const char *output = cx->options.output, *dot = strrchr(output, '.');
    struct stat info;
    const Companion *companion = cx->options.emit->companion;
    if (!companion || (!stat(output, &info) && !S_ISREG(info.st_mode))) return NULL;
    int stem = dot && !strchr(dot, '/') ? (int)(dot - output) : (int)strlen(output);
    return arena_printf(cx->arena, "%.*s%s", stem, output, companion->suffix);
}

/* The files that will be written differ, and none is one that was read. */
static bool spares_sources(Context *cx) {
    const char *output = cx->options.output, *companion = companion_path(cx);
    if (companion && !strcmp(companion, output)) {
        say_error("%s would both be %s; -o names another file", cx->options.emit->companion->both, output);
        return false;
    }
    for (int i = 0; i < cx->sources.count; i++) {
        const char *source = cx->sources.items[i]->name;
        if (!same_file(source, output) && !(companion && same_file(source, companion))) continue;
        say_error("the output would overwrite the source %s; -o names another file", source);
        return false;
    }
    return true;
}

/* Every --kernel names a layer of the model and a kernel that some operator has. */
static bool kernels_known(const Context *cx, const Graph *graph) {
    int op_count;
    const Op *const *ops = op_table(&op_count);
    for (int i = 0; i < cx->options.kernel_count; i++) {
        const KernelChoice *choice = &cx->options.kernels[i];
        bool layer = !strcmp(choice->layer, "*"), kernel = false;
        for (int k = 0; k < graph->layers.count && !layer; k++)
            layer = !strcmp(graph->layers.items[k].name, choice->layer);
        for (int o = 0; o < op_count && !kernel; o++) kernel = op_kernel(ops[o], choice->kernel) != NULL;
        if (layer && kernel) continue;
        say_error("--kernel: there is no %s '%s'", layer ? "kernel" : "layer",
                  layer ? choice->kernel : choice->layer);
        return false;
    }
    return true;
}

static void check_memory(Context *cx, const Model *model, int64_t training) {
    if (!cx->options.max_memory || training <= cx->options.max_memory) return;
    Span at = model->train ? model->train->span : (Span){0};
    diag(cx->diag, at, E_MAX_MEMORY, training, cx->options.max_memory);
    diag_help(cx->diag, "a smaller batch, fewer channels or an earlier pooling layer need less");
}

/* The model's name begins those of C functions. */
static void check_interface_name(Context *cx, const Model *model) {
    const char *name, *clash = header_clash(cx->arena, model->interface, &name);
    if (!cx->options.emit->interface || cx->options.prefix || !clash) return;
    diag(cx->diag, (Span){0}, E_INTERFACE_NAME, name, clash);
    diag_help(cx->diag, "--prefix=NAME names the interface otherwise: --prefix=%s_net, for instance",
              model->name);
}

/* So does what --prefix puts in its place. */
static bool prefix_is_free(Context *cx) {
    const char *prefix = cx->options.prefix, *name;
    const char *clash = prefix ? header_clash(cx->arena, prefix, &name) : NULL;
    if (!clash) return true;
    say_error("--prefix=%s: the interface would declare '%s', which %s", prefix, name, clash);
    return false;
}

/* What one of the printers of output/ says of the model, to be written to path; NULL: to nowhere. */
typedef void (*Printer)(FILE *out, const Model *model);
static OutFile print_file(Arena *arena, Printer print, const Model *model, const char *path) {
    TextStream text;
    if (!path) return (OutFile){0};
    textstream_open(&text);
    print(text.out, model);
    textstream_close(&text);
    char *copy = memcpy(ARENA_ARRAY(arena, char, text.size + 1), text.bytes, text.size);
    free(text.bytes);
    return (OutFile){path, copy, text.size};
}

/* What was asked for of a model that is right. */
static int produce(Context *cx, const Model *model, const Machine *machine, Graph *const *forms,
                   MemoryTotals memory) {
    const Options *options = &cx->options;
    if (!kernels_known(cx, model->graph)) return STATUS_USAGE;
    if (options->check) {
        if (options->json)
            summary_print_json(stdout, model, memory.inference, memory.training);
        else
            summary_print_text(stdout, model, cx->sources.items[0]->name, memory.inference, memory.training);
        return STATUS_OK;
    }
    if (!spares_sources(cx)) return STATUS_USAGE;
    const EmitKind *kind = options->emit;
    if (kind->print) {
        OutFile file = print_file(cx->arena, kind->print, model, options->output);
        return outfile_write(file.path, file.bytes, file.size);
    }
    CodegenInput input = {.model = model,
                          .machine = machine,
                          .forms = forms,
                          .memory_inference = memory.inference,
                          .memory_training = memory.training,
                          .write = kind->write,
                          .interface = kind->interface};
    if (kind->companion)
        input.companion = print_file(cx->arena, kind->companion->print, model, companion_path(cx));
    return codegen_build(cx, &input);
}

static int judge_and_produce(Context *cx, Elaboration *elaboration, const Machine *machine) {
    double since = seconds_now();
    Graph *forms[FORM_COUNT];
    MemoryTotals memory = forms_plan(cx, elaboration->model, machine, forms);
    phase_end(cx, "passes", &since);
    sema_judge_asserts(cx, elaboration, memory.inference, memory.training);
    check_memory(cx, elaboration->model, memory.training);
    check_interface_name(cx, elaboration->model);
    diag_flush(cx->diag);
    if (diag_errors(cx->diag)) return STATUS_MODEL;
    return produce(cx, elaboration->model, machine, forms, memory);
}

static int compile(Context *cx) {
    double since = seconds_now();
    const Source *source = source_open(cx, cx->options.input);
    if (!source) return STATUS_FILE;
    if (!prefix_is_free(cx)) return STATUS_USAGE;
    const Ast *ast = syntax_parse(cx, source);
    phase_end(cx, "parse", &since);
    if (diag_errors(cx->diag)) return STATUS_MODEL;
    Elaboration *elaboration = sema_elaborate(cx, ast);
    phase_end(cx, "elaborate", &since);
    if (elaboration->usage_error) return elaboration->usage_error;
    if (diag_errors(cx->diag) || !elaboration->model) return STATUS_MODEL;
    Machine *machine = machine_create(cx);
    if (!machine) return STATUS_USAGE;
    int status = judge_and_produce(cx, elaboration, machine);
    machine_destroy(machine);
    return status;
}

/* --from-graph: one pass over a printed graph, for the passes' tests. */
static int run_one_pass(Context *cx) {
    const Source *source = source_open(cx, cx->options.input);
    if (!source) return STATUS_FILE;
    Machine *machine = machine_create(cx);
    if (!machine) return STATUS_USAGE;
    bool done = passes_run_text(cx, machine, source);
    machine_destroy(machine);
    return done ? STATUS_OK : STATUS_MODEL;
}

static int print_passes(void) {
    int count;
    const Pass *passes = pass_table(&count);
    for (int i = 0; i < count; i++) printf("%-10s %s\n", passes[i].name, passes[i].help);
    return STATUS_OK;
}

static bool wants_color(ColorMode mode) {
    const char *terminal = getenv("TERM"), *refused = getenv("NO_COLOR");
    if (mode != COLOR_AUTO) return mode == COLOR_ALWAYS;
    return isatty(STDERR_FILENO) && !(refused && *refused) && terminal && strcmp(terminal, "dumb") != 0;
}

static int serve(Arena *arena, const CommandLine *line) {
    unsigned major, minor, patch;
    switch (line->request) {
    case REQUEST_HELP: options_help(stdout); return STATUS_OK;
    case REQUEST_PASSES: return print_passes();
    case REQUEST_EXPLAIN: return explain_print(stdout, line->word) ? STATUS_OK : STATUS_USAGE;
    case REQUEST_FMT:
        return fmt_files(&line->options, wants_color(line->options.color), line->files, line->file_count);
    case REQUEST_VERSION:
        LLVMGetVersion(&major, &minor, &patch);
        printf("cnnc %s (LLVM %u.%u.%u)\n", CNNC_VERSION, major, minor, patch);
        return STATUS_OK;
    case REQUEST_COMPILE: break;
    }
    Context cx = {.arena = arena, .options = line->options};
    DiagFormat format = cx.options.json ? DIAG_JSON : DIAG_TEXT;
    cx.diag = diag_create(arena, stderr, format, wants_color(cx.options.color));
    int status = cx.options.from_graph ? run_one_pass(&cx) : compile(&cx);
    diag_flush(cx.diag);
    return status;
}

/* No signal kills the compiler, and no file that it opens takes the number of a closed standard stream. */
static void prepare_process(void) {
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0) exit(STATUS_FILE);
    leaving_install();
}

typedef struct Arguments {
    int count;
    char **items;
} Arguments;

static int serve_arguments(void *arguments) {
    const Arguments *given = arguments;
    Arena *arena = arena_create();
    CommandLine line;
    int status = options_parse(arena, given->count, given->items, &line) ? serve(arena, &line) : STATUS_USAGE;
    arena_destroy(arena);
    return status;
}

int main(int argc, char **argv) {
    prepare_process();
    int status = deep_stack_run(serve_arguments, &(Arguments){argc, argv});
    if (fflush(stdout) || ferror(stdout)) {
        say_error("cannot write to standard output: %s", strerror(errno));
        return STATUS_FILE;
    }
    return status;
}
