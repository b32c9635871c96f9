/* The C header of a model that is compiled to be embedded: the functions that codegen/entry_points.c defines,
 * and what a caller must know of the input and the output. One text for C and C++. */
#include "output/output.h"

#include <inttypes.h>
#include <string.h>

/* Words that no name can be. */
static const char words[] =
    " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t "
    "class co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue "
    "decltype default delete do double dynamic_cast else enum explicit export extern false float for friend "
    "goto if inline int linux long main mutable namespace new noexcept not not_eq nullptr operator or or_eq "
    "private protected public register reinterpret_cast requires restrict return short signed sizeof static "
    "static_assert static_cast struct switch template this thread_local throw true try typedef typeid "
    "typename typeof typeof_unqual union unix unsigned using virtual void volatile wchar_t while xor "
    "xor_eq ";

/* Names that the headers of C and POSIX declare: taken_names.py makes the list. */
static const char library_names[] =
#include "output/taken_names.def"
    ;

/* What the header declares; every @ stands for what its names begin with. */
static const char declarations[] =
    "\n#ifdef __cplusplus\n"
    "extern \"C\" {\n"
    "#endif\n\n"
    "/* One instance of the model, with buffers of its own. Instances know nothing of each "
    "other: different ones may be\n"
    " * used by different threads at a time, one of them by one thread. */\n"
    "typedef struct @ @;\n\n"
    "/* Bytes of an instance, for memory of the caller's; 0 where none is large enough, or where "
    "the library is of\n"
    " * another version of cnnc. */\n"
    "size_t @_size(void);\n"
    "/* Makes an instance in @_size() bytes, which need no alignment, stay the caller's, and may "
    "be neither moved nor\n"
    " * freed while the instance is used. NULL where memory is NULL or the size is 0. */\n"
    "@ *@_init(void *memory);\n"
    "/* Makes an instance on the heap; NULL if there is no room. */\n"
    "@ *@_create(void);\n"
    "/* Ends an instance of either kind, and frees one that @_create made. NULL is fine. */\n"
    "void @_destroy(@ *instance);\n\n"
    "/* Reads the weights from a .safetensors file: 0, or a negative error; then the instance is "
    "as it was. A model that\n"
    " * holds all its weights itself needs no file. */\n"
    "int @_load(@ *instance, const char *path);\n"
    "/* Computes the outputs of `samples` inputs that lie one behind another, floats as the "
    "network takes them (no\n"
    " * scaling is applied): 0, or a negative error, and then the output is untouched. Input and "
    "output must not overlap. */\n"
    "int @_forward(@ *instance, const float *input, float *output, size_t samples);\n\n"
    "/* The error in words: -1 a wrong argument, -2 no weights loaded, -3 the weight file is "
    "malformed or of another\n"
    " * model, -4 it cannot be opened or read, -5 out of memory. */\n"
    "const char *@_error(int error);\n"
    "/* What exactly was wrong in the last @_load, on one line; \"\" where nothing was. */\n"
    "const char *@_detail(const @ *instance);\n\n"
    "#ifdef __cplusplus\n"
    "}\n"
    "#endif\n\n"
    "#endif\n";

static bool is_listed(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at++)
        if (at[-1] == ' ' && at[length] == ' ') return true;
    return false;
}

static bool starts_with(const char *name, const char *start) {
    return !strncmp(name, start, strlen(start));
}

/* Whose the name is already; NULL: nobody's. */
static const char *owner(const char *name) {
    bool capital = name[0] == '_' && name[1] >= 'A' && name[1] <= 'Z';
    if (is_listed(words, name)) return "is a word of C or C++";
    if (starts_with(name, "__") || capital) return "is kept for the C compiler, as all that begin so";
    if (starts_with(name, "cnn_")) return "is kept for the runtime library, as all that begin with cnn_";
    if (is_listed(library_names, name)) return "the C library declares";
    return NULL;
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

const char *header_clash(Arena *arena, const char *interface, const char **name) {
    for (const char *at = declarations; (at = strchr(at, '@')); at++) {
        int length = 0;
        while (is_letter(at[1 + length])) length++;
        *name = arena_printf(arena, "%s%.*s", interface, length, at + 1);
        if (owner(*name)) return owner(*name);
    }
    return NULL;
}

/* tiny_INPUT_RANK, tiny_INPUT_SHAPE, tiny_INPUT_SIZE. */
static void print_shape(FILE *out, const char *name, const char *which, const Shape *shape) {
    fprintf(out, "#define %s_%s_RANK  %d\n#define %s_%s_SHAPE {", name, which, shape->rank, name, which);
    for (int i = 0; i < shape->rank; i++) fprintf(out, "%s%" PRId64, i ? ", " : "", shape->dim[i]);
    fprintf(out, "}\n#define %s_%s_SIZE  %" PRId64 "\n", name, which, shape_elements(shape));
}

/* A line of the text; every @ stands for what the names begin with. */
static void print_named(FILE *out, const char *name, const char *text) {
    for (; *text; text++) {
        if (*text == '@')
            fputs(name, out);
        else
            fputc(*text, out);
    }
}

void header_print(FILE *out, const Model *model) {
    const char *name = model->interface;
    const Graph *graph = model->graph;
    fprintf(out, "/* The model %s, compiled by cnnc %s. Link with its object and the runtime's library:\n",
            model->name, CNNC_VERSION);
    fputs(" *     cc program.c MODEL.o libcnnrt.a -lz -lm */\n", out);
    print_named(out, name,
                "#ifndef CNNC_MODEL_@_H\n"
                "#define CNNC_MODEL_@_H\n\n"
                "#include <stddef.h>\n\n"
                "/* One sample: how many axes, how long each is (channels last; braces around the numbers, "
                "to initialise an\n"
                " * array with), and how many floats that makes. */\n");
    print_shape(out, name, "INPUT", &graph_value(graph, graph->input)->shape);
    print_shape(out, name, "OUTPUT", &graph_value(graph, graph->output)->shape);
    print_named(out, name, declarations);
}
