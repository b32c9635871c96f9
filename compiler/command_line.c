/* See options.h. One row an option: how it is written, what it does, what --help says of it. */
#include "command_line.h"

#include "base/say.h"
#include "base/vec.h"
#include "diag/diag.h"
#include "emit_kinds.h"
#include "passes/pass.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef struct Reader {
    Arena *arena;
    CommandLine *line;
    VEC(Definition) definitions;
    VEC(KernelChoice) kernels;
    VEC(const char *) words; /* what is no option: the file, or a verb and what it takes */
} Reader;

typedef struct Row {
    const char *name, *value; /* value: what stands for it in the help; NULL: the option takes none */
    bool (*apply)(Reader *reader, const char *value);
    size_t offset;    /* without apply: of the bool or the text in Options that is set */
    const char *help; /* NULL: not listed */
} Row;

static bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say_error_list(format, arguments);
    va_end(arguments);
    return false;
}

static bool not_built(const char *what) {
    return complain("%s is not built yet", what);
}

/* The place of the value among the words; -1 after a message. */
static int choose(Arena *arena, const char *option, const char *value, const char *const *words, int count) {
    for (int i = 0; i < count; i++)
        if (!strcmp(value, words[i])) return i;
    const char *near = diag_nearest(value, words, count);
    if (near) {
        complain("%s cannot be '%s'; did you mean '%s'?", option, value, near);
        return -1;
    }
    const char *list = "";
    for (int i = 0; i < count; i++)
        list = arena_printf(arena, "%s%s%s", list, i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
    complain("%s cannot be '%s'; it takes %s", option, value, list);
    return -1;
}

static bool apply_format(Reader *reader, const char *value) {
    static const char *const words[] = {"text", "json"};
    int chosen = choose(reader->arena, "--format", value, words, COUNT(words));
    reader->line->options.json = chosen == 1;
    return chosen >= 0;
}

static bool apply_color(Reader *reader, const char *value) {
    static const char *const words[] = {"auto", "always", "never"};
    int chosen = choose(reader->arena, "--color", value, words, COUNT(words));
    if (chosen >= 0) reader->line->options.color = (ColorMode)chosen;
    return chosen >= 0;
}

static bool apply_dtype(Reader *reader, const char *value) {
    static const char *const words[] = {"f32", "f64"};
    int chosen = choose(reader->arena, "--dtype", value, words, COUNT(words));
    reader->line->options.double_precision = chosen == 1;
    return chosen >= 0;
}

static bool apply_emit(Reader *reader, const char *value) {
    VEC(const char *) words = {0};
    const EmitKind *kind;
    for (int i = 0; (kind = emit_kind_at(i)); i++) vec_push(reader->arena, &words, kind->word);
    int chosen = choose(reader->arena, "--emit", value, words.items, words.count);
    if (chosen < 0) return false;
    kind = emit_kind_at(chosen);
    if (!emit_kind_is_built(kind)) return not_built(arena_printf(reader->arena, "--emit=%s", value));
    reader->line->options.emit = kind;
    return true;
}

/* "exe (default), obj or asm" */
static void print_emit_help(FILE *out) {
    const EmitKind *kind, *next;
    for (int i = 0; (kind = emit_kind_at(i)) && emit_kind_is_built(kind); i++) {
        next = emit_kind_at(i + 1);
        bool last = !next || !emit_kind_is_built(next);
        fprintf(out, "%s%s", i == 0 ? "" : last ? " or " : ", ", kind->word);
        if (i == 0) fputs(" (default)", out);
    }
}

/* A number above 0, of bytes where a unit follows: 64K, 512M, 2G. 0 where it is none. */
static int64_t parse_size(const char *value, size_t length) {
    char *end;
    int64_t bytes = 0, unit = 1;
    bool digits = *value >= '0' && *value <= '9';
    unsigned long long number = strtoull(value, &end, 10);
    switch (*end) {
    case 'K':
    case 'k': unit = 1024; break;
    case 'M':
    case 'm': unit = 1024 * 1024; break;
    case 'G':
    case 'g': unit = 1024 * 1024 * 1024; break;
    default: break;
    }
    if (unit > 1) end++;
    if (!digits || end != value + length || number > INT64_MAX ||
        __builtin_mul_overflow((int64_t)number, unit, &bytes))
        return 0;
    return bytes;
}

static bool apply_size(Reader *reader, const char *value) {
    int64_t bytes = parse_size(value, strlen(value));
    if (!bytes)
        return complain(
            "--max-memory takes a number of bytes above 0, or one that ends in K, M or G, not '%s'", value);
    reader->line->options.max_memory = bytes;
    return true;
}

/* KEY=NUMBER, several of them between commas. */
static bool apply_machine(Reader *reader, const char *value) {
    enum { MOST_PORTS = 8 };
    Options *options = &reader->line->options;
    const struct {
        const char *key;
        int64_t *to, most;
    } rows[] = {
        {"l1=",    &options->l1_bytes,  (int64_t)1 << 30},
        {"l2=",    &options->l2_bytes,  (int64_t)1 << 40},
        {"ports=", &options->fma_ports, MOST_PORTS      },
    };
    for (const char *item = value; item; item = strchr(item, ',') ? strchr(item, ',') + 1 : NULL) {
        size_t length = strcspn(item, ",");
        int row = 0;
        while (row < COUNT(rows) && strncmp(item, rows[row].key, strlen(rows[row].key))) row++;
        size_t key = row < COUNT(rows) ? strlen(rows[row].key) : 0;
        int64_t number = key && key < length ? parse_size(item + key, length - key) : 0;
        if (number < 1 || number > rows[row].most)
            return complain(
                "--machine takes l1=SIZE, l2=SIZE and ports=N (1 to 8) with commas between, not '%s'", value);
        *rows[row].to = number;
    }
    return true;
}

static bool is_name(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i && c >= '0' && c <= '9')) return false;
    }
    return length > 0;
}

static bool apply_definition(Reader *reader, const char *value) {
    const char *equals = strchr(value, '=');
    if (!equals || !is_name(value, (size_t)(equals - value)) || !equals[1])
        return complain("-D takes NAME=VALUE, not '%s'", value);
    const char *name = arena_strndup(reader->arena, value, (size_t)(equals - value));
    vec_push(reader->arena, &reader->definitions, ((Definition){name, equals + 1}));
    return true;
}

static bool apply_prefix(Reader *reader, const char *value) {
    if (!is_name(value, strlen(value)))
        return complain("--prefix takes letters, digits and _, and no digit in front, not '%s'", value);
    reader->line->options.prefix = value;
    return true;
}

static bool apply_kernel(Reader *reader, const char *value) {
    const char *equals = strchr(value, '=');
    if (!equals || equals == value || !equals[1])
        return complain("--kernel takes LAYER=NAME, not '%s'", value);
    const char *layer = arena_strndup(reader->arena, value, (size_t)(equals - value));
    vec_push(reader->arena, &reader->kernels, ((KernelChoice){layer, equals + 1}));
    return true;
}

static bool apply_print_after(Reader *reader, const char *value) {
    int count;
    const Pass *passes = pass_table(&count);
    const char *names[32];
    if (count > COUNT(names)) count = COUNT(names);
    for (int i = 0; i < count; i++) names[i] = passes[i].name;
    reader->line->options.print_after = value;
    return choose(reader->arena, "--print-after", value, names, count) >= 0;
}

static bool apply_passes(Reader *reader, const char *value) {
    (void)value;
    reader->line->request = REQUEST_PASSES;
    return true;
}

static bool apply_version(Reader *reader, const char *value) {
    (void)value;
    reader->line->request = REQUEST_VERSION;
    return true;
}

static bool apply_help(Reader *reader, const char *value) {
    (void)value;
    reader->line->request = REQUEST_HELP;
    return true;
}

static bool apply_weights(Reader *reader, const char *value) {
    return (void)reader, (void)value, not_built("--weights");
}
static bool apply_mpi(Reader *reader, const char *value) {
    return (void)reader, (void)value, not_built("--mpi");
}
static bool apply_debug(Reader *reader, const char *value) {
    return (void)reader, (void)value, not_built("-g");
}

#define FIELD(name) NULL, offsetof(Options, name)
#define CALL(name)  apply_##name, 0

static const Row table[] = {
    {"-o",              "FILE",              FIELD(output),      "the output's name; without it the model's, with the suffix of its kind"},
    {"--check",         NULL,                FIELD(check),       "check shapes, print the summary, generate nothing"                     },
    {"--format",        "text|json",         CALL(format),       "how --check and diagnostics print"                                     },
    {"--emit",          "KIND",              CALL(emit),         ""                                                                      },
    {"-O0 -O1 -O2 -O3", NULL,                CALL(help),         "how hard to optimise; -O3 is the default"                              },
    {"--target",        "TRIPLE",            FIELD(target),      "the machine to compile for; this one by default"                       },
    {"--cpu",           "NAME",              FIELD(cpu),         "its processor: native (default), baseline, or a name that LLVM knows"  },
    {"--features",      "LIST",              FIELD(features),    "what the processor has besides: +avx2,-fma"                            },
    {"--strict",        NULL,                FIELD(strict),      "direct kernels only, sums in one documented order"                     },
    {"--gradcheck",     NULL,                FIELD(gradcheck),   "also emit what the verb gradcheck needs"                               },
    {"--max-memory",    "SIZE",              CALL(size),         "fail if training a batch needs more: bytes, or 64K, 512M, 2G"          },
    {"--inference",     NULL,                FIELD(inference),   "leave the training code out"                                           },
    {"--model",         "NAME",              FIELD(model),       "which model of the file"                                               },
    {"--prefix",        "NAME",              CALL(prefix),
     "what the names of the C interface begin with; the model's by default"                                                              },
    {"-D",              "NAME=VALUE",        CALL(definition),   "set a constant of the file"                                            },
    {"--machine",       "KEY=N,...",         CALL(machine),
     "reckon with other cache sizes and multiply-add ports: l1=32K,l2=1M,ports=2"                                                        },
    {"--kernel",        "LAYER=NAME",        CALL(kernel),       "compute a layer with that kernel where it applies"                     },
    {"--print-after",   "PASS",              CALL(print_after),  "print the graph after a pass"                                          },
    {"--print-passes",  NULL,                CALL(passes),       "list the passes"                                                       },
    {"--time-phases",   NULL,                FIELD(time_phases), "say how long each phase took"                                          },
    {"--save-temps",    NULL,                FIELD(save_temps),  "keep the module and the object beside the output"                      },
    {"--color",         "auto|always|never", CALL(color),        "colour in diagnostics"                                                 },
    {"-v",              NULL,                FIELD(verbose),     "say what is done"                                                      },
    {"--version",       NULL,                CALL(version),      "print the version"                                                     },
    {"-h",              NULL,                CALL(help),         NULL                                                                    },
    {"--help",          NULL,                CALL(help),         "print this"                                                            },
    {"--dtype",         "f32|f64",           CALL(dtype),        NULL                                                                    },
    {"--no-fuse",       NULL,                FIELD(no_fuse),     NULL                                                                    },
    {"--from-graph",    NULL,                FIELD(from_graph),  NULL                                                                    },
    {"--weights",       "FILE",              CALL(weights),      NULL                                                                    },
    {"--mpi",           NULL,                CALL(mpi),          NULL                                                                    },
    {"-g",              NULL,                CALL(debug),        NULL                                                                    },
};

void options_help(FILE *out) {
    fputs("cnnc [options] model.cnn            compile\n"
          "cnnc --check [options] model.cnn    check shapes and count parameters, generate nothing\n"
          "cnnc explain CODE                   what a diagnostic's code, or a layer, means\n"
          "cnnc fmt [--check] FILE...          rewrite in the one standard layout (--check: only say)\n\n",
          out);
    for (int i = 0; i < COUNT(table); i++) {
        const Row *row = &table[i];
        if (!row->help) continue;
        const char *joint = !row->value ? "" : row->name[1] == '-' ? "=" : " ";
        int width = fprintf(out, "  %s%s%s", row->name, joint, row->value ? row->value : "");
        fprintf(out, "%*s%s", width < 28 ? 28 - width : 1, "", row->help);
        if (row->apply == apply_emit) print_emit_help(out);
        fputc('\n', out);
    }
    fputs("\n- reads the model from standard input. Options may stand before or after the file; -- ends "
          "them.\n",
          out);
}

/* The row of an option as written; *value is set where it is joined to the name: --opt=value, -oFILE,
 * -DNAME=VALUE. */
static const Row *find_row(const char *argument, const char **value) {
    *value = NULL;
    for (int i = 0; i < COUNT(table); i++) {
        const Row *row = &table[i];
        size_t length = strlen(row->name);
        if (strncmp(argument, row->name, length)) continue;
        if (!argument[length]) return row;
        if (row->name[1] == '-' && argument[length] == '=') *value = argument + length + 1;
        if (row->name[1] != '-' && row->value) *value = argument + length;
        if (*value) return row;
    }
    return NULL;
}

static bool unknown_option(Reader *reader, const char *argument) {
    const char *names[COUNT(table)];
    for (int i = 0; i < COUNT(table); i++) names[i] = table[i].name;
    const char *name = arena_strndup(reader->arena, argument, strcspn(argument, "="));
    const char *near = diag_nearest(name, names, COUNT(names));
    if (!strncmp(argument, "-O", 2)) return complain("-O takes 0, 1, 2 or 3, not '%s'", argument + 2);
    if (near) return complain("unknown option '%s'; did you mean '%s'?", name, near);
    return complain("unknown option '%s'; cnnc --help lists them", name);
}

/* Reads the option at argv[*at], and its value behind it if that stands apart. */
static bool read_option(Reader *reader, int argc, char **argv, int *at) {
    const char *argument = argv[*at], *value;
    Options *options = &reader->line->options;
    if (argument[1] == 'O' && argument[2] >= '0' && argument[2] <= '3' && !argument[3]) {
        options->optimization = argument[2] - '0';
        return true;
    }
    const Row *row = find_row(argument, &value);
    if (!row) return unknown_option(reader, argument);
    if (row->value && !value) {
        if (*at + 1 >= argc) return complain("%s needs a value: %s", row->name, row->value);
        value = argv[++*at];
    }
    if (!row->value && value) return complain("%s takes no value", row->name);
    if (row->value && !*value) return complain("%s needs a value: %s", row->name, row->value);
    if (row->apply) return row->apply(reader, value);
    char *field = (char *)options + row->offset;
    if (row->value)
        *(const char **)field = value;
    else
        *(bool *)field = true;
    return true;
}

/* The stem of the input's last component with the suffix of the kind, in the current folder. */
static const char *default_output(Arena *arena, const Options *options) {
    const char *slash = strrchr(options->input, '/'), *name = slash ? slash + 1 : options->input;
    const char *dot = strrchr(name, '.');
    int length = dot && dot != name ? (int)(dot - name) : (int)strlen(name);
    return arena_printf(arena, "%.*s%s", length, name, options->emit->suffix);
}

static bool settle_fmt(Reader *reader) {
    CommandLine *line = reader->line;
    if (reader->words.count < 2) return complain("fmt takes files: cnnc fmt [--check] FILE...");
    if (line->options.output) return complain("fmt writes each file in its place; it takes no -o");
    line->request = REQUEST_FMT;
    line->files = reader->words.items + 1;
    line->file_count = reader->words.count - 1;
    return true;
}

static bool settle(Reader *reader) {
    CommandLine *line = reader->line;
    Options *options = &line->options;
    options->definitions = reader->definitions.items;
    options->definition_count = reader->definitions.count;
    options->kernels = reader->kernels.items;
    options->kernel_count = reader->kernels.count;
    if (line->request != REQUEST_COMPILE) return true;
    const char *first = reader->words.count ? reader->words.items[0] : NULL;
    if (!first) return complain("no model given; cnnc --help says how");
    if (!strcmp(first, "lsp")) return not_built("cnnc lsp");
    if (!strcmp(first, "fmt")) return settle_fmt(reader);
    if (!strcmp(first, "explain")) {
        if (reader->words.count != 2) return complain("explain takes one code: cnnc explain E0300");
        line->request = REQUEST_EXPLAIN;
        line->word = reader->words.items[1];
        return true;
    }
    if (reader->words.count > 1)
        return complain("one model at a time: '%s' and '%s' are two", first, reader->words.items[1]);
    options->input = first;
    if (options->prefix && !options->check && !options->emit->interface)
        return complain("--prefix names the C interface, which --emit=%s does not write; --emit=obj does",
                        options->emit->word);
    if (options->output || options->check || options->from_graph) return true;
    if (!strcmp(first, "-"))
        return complain("the model comes from standard input: -o FILE says where the result goes");
    options->output = default_output(reader->arena, options);
    return true;
}

bool options_parse(Arena *arena, int argc, char **argv, CommandLine *line) {
    Reader reader = {.arena = arena, .line = line};
    bool ended = false;
    *line = (CommandLine){
        .options = {.emit = emit_kind_at(0), .optimization = 3}
    };
    for (int at = 1; at < argc; at++) {
        const char *argument = argv[at];
        if (ended || argument[0] != '-' || !argument[1])
            vec_push(arena, &reader.words, argument);
        else if (!strcmp(argument, "--"))
            ended = true;
        else if (!read_option(&reader, argc, argv, &at))
            return false;
    }
    return settle(&reader);
}
