/* A file's top level: its imports, constants and blocks, in order. An imported file gives its blocks and
 * constants; its models, data and train are its own. */
#include "sema/elaborator.h"

#include "syntax/parse.h"

#include <inttypes.h>
#include <sys/stat.h>

static const char *kind_text(const Decl *decl) {
    return decl->kind == DECL_BLOCK ? "a block" : "a constant";
}

/* Two files are one where the system says so, whatever their paths. */
static const char *identity_of(Elaborator *e, const char *path) {
    struct stat status;
    if (stat(path, &status)) return path;
    return arena_printf(e->arena, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
}

static const char *import_path(Elaborator *e, const Source *from, const char *path) {
    const char *slash = strrchr(from->name, '/');
    if (*path == '/') return path;
    if (slash && strcmp(from->name, "<stdin>"))
        return arena_printf(e->arena, "%.*s%s", (int)(slash - from->name + 1), from->name, path);
    return *path == '-' ? arena_printf(e->arena, "./%s", path) : path;
}

static void declare_parameters(Elaborator *e, const Decl *decl) {
    Map *seen = map_create(e->arena);
    for (int i = 0; i < decl->parameters.count; i++) {
        const Parameter *parameter = &decl->parameters.items[i];
        if (!strcmp(parameter->name, "name"))
            report(e, parameter->span, E_PARAMETER_NAME);
        else if (map_get(seen, parameter->name))
            report(e, parameter->span, E_PARAMETER_TWICE, parameter->name, decl->name);
        else
            scope_may_hide(e, parameter->name, parameter->span);
        map_set(seen, parameter->name, (void *)parameter);
    }
}

static void declare_symbol(Elaborator *e, File *file, const Decl *decl) {
    const Symbol *other = map_get(file->symbols, decl->name);
    if (name_is_layer(decl->name)) {
        report(e, decl->name_span, E_NAME_TAKEN, decl->name, "a layer");
        return;
    }
    if (other) {
        report(e, decl->name_span, E_NAME_TAKEN, decl->name, kind_text(other->decl));
        note(e, other->decl->name_span, "'%s' is declared here", decl->name);
        return;
    }
    Symbol *symbol = ARENA_NEW(e->arena, Symbol);
    symbol->decl = decl;
    symbol->file = file;
    symbol->datum = datum_error;
    map_set(file->symbols, decl->name, symbol);
    if (decl->kind == DECL_BLOCK) vec_push(e->arena, &e->blocks, symbol);
}

typedef struct Merge {
    Elaborator *e;
    File *into;
    const Decl *import;
} Merge;

static void merge_symbol(const char *name, void *value, void *user) {
    Merge *merge = user;
    Symbol *symbol = value;
    Elaborator *e = merge->e;
    const Symbol *other = map_get(merge->into->symbols, name);
    if (other == symbol) return;
    if (!other) {
        map_set(merge->into->symbols, name, symbol);
        return;
    }
    report(e, merge->import->span, E_IMPORT_CLASH, merge->import->text, name, kind_text(other->decl));
    note(e, other->decl->name_span, "'%s' is declared here", name);
    note(e, symbol->decl->name_span, "and here");
}

static File *load_file(Elaborator *e, const Ast *ast, const char *identity);

static void run_import(Elaborator *e, File *file, const Decl *decl) {
    const char *path = import_path(e, file->ast->source, decl->text), *reason = NULL;
    const char *identity = identity_of(e, path);
    File *imported = map_get(e->files, identity);
    if (imported && imported->loading) {
        report(e, decl->span, E_IMPORT_CYCLE, decl->text);
        file->incomplete = true;
        return;
    }
    if (!imported) {
        if (e->import_depth >= MAX_NESTING || !elaborator_has_stack(e, decl->span)) {
            report(e, decl->span, E_NESTING);
            file->incomplete = true;
            return;
        }
        const Source *source = source_read(e->cx, path, &reason);
        if (!source) {
            report(e, decl->span, E_IMPORT_MISSING, decl->text, reason ? reason : "it cannot be read");
            file->incomplete = true;
            return;
        }
        e->import_depth++;
        int errors = diag_errors(e->cx->diag);
        const Ast *ast = syntax_parse(e->cx, source);
        bool parsed = diag_errors(e->cx->diag) == errors;
        imported = load_file(e, ast, identity);
        imported->incomplete |= !parsed;
        e->import_depth--;
    }
    file->incomplete |= imported->incomplete;
    Merge merge = {e, file, decl};
    map_each(imported->symbols, merge_symbol, &merge);
}

/* What -D says instead of the constant's own expression. */
static const Expr *defined_value(Elaborator *e, const char *name) {
    const Definition *definition = map_get(e->definitions, name);
    if (!definition) return NULL;
    map_remove(e->definitions, name);
    Source *source = ARENA_NEW(e->arena, Source);
    source->name = arena_printf(e->arena, "-D %s", name);
    source->text = definition->value;
    source->length = strlen(definition->value);
    return syntax_parse_expression(e->cx, source);
}

static void run_constant(Elaborator *e, File *file, const Decl *decl) {
    bool defined = map_get(e->definitions, decl->name);
    const Expr *value = defined ? defined_value(e, decl->name) : decl->value;
    Symbol *symbol = map_get(file->symbols, decl->name);
    if (!symbol || symbol->decl != decl) return;
    symbol->datum = value ? evaluate(e, value) : datum_error;
    symbol->known = true;
}

static File *load_file(Elaborator *e, const Ast *ast, const char *identity) {
    File *file = ARENA_NEW(e->arena, File);
    file->ast = ast;
    file->symbols = map_create(e->arena);
    file->loading = true;
    map_set(e->files, identity, file);
    if (!e->main) e->main = file;
    for (int i = 0; i < ast->declarations.count; i++) {
        const Decl *decl = ast->declarations.items[i];
        if (decl->kind == DECL_CONST || decl->kind == DECL_BLOCK) declare_symbol(e, file, decl);
    }
    frame_open(e, file);
    for (int i = 0; i < ast->declarations.count; i++) {
        const Decl *decl = ast->declarations.items[i];
        if (decl->kind == DECL_IMPORT) run_import(e, file, decl);
        if (decl->kind == DECL_CONST) run_constant(e, file, decl);
        /* Asserts about the totals wait for the model; an import's speak of a model of its own. */
        if (decl->kind == DECL_ASSERT && !mentions_totals(e, decl->value))
            run_assert(e, decl->value, decl->message);
    }
    for (int i = 0; i < ast->declarations.count; i++)
        if (ast->declarations.items[i]->kind == DECL_BLOCK) declare_parameters(e, ast->declarations.items[i]);
    frame_close(e);
    file->loading = false;
    return file;
}

File *load_main(Elaborator *e, const Ast *ast) {
    const char *name = ast->source->name;
    return load_file(e, ast, strcmp(name, "<stdin>") ? identity_of(e, name) : name);
}
