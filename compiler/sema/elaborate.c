/* See sema.h: the order in which a file is elaborated. */
#include "sema/elaborator.h"

#include "base/say.h"

#include "runtime/exit_status.h"

static void usage_error(Elaborator *e, const char *what, const char *name, const char *hint) {
    say_error("there is no %s '%s'%s", what, name, hint);
    e->result->usage_error = STATUS_USAGE;
}

typedef struct Names {
    Arena *arena;
    VEC(const char *) list;
} Names;

static void add_constant(const char *key, void *value, void *user) {
    Names *names = user;
    if (((const Symbol *)value)->decl->kind == DECL_CONST) vec_push(names->arena, &names->list, key);
}

static void unknown_definition(const char *key, void *value, void *user) {
    Elaborator *e = user;
    Names names = {.arena = e->arena};
    (void)value;
    map_each(e->main->symbols, add_constant, &names);
    usage_error(e, "constant", key, suggestion(e, key, names.list.items, names.list.count));
}

static void open_definitions(Elaborator *e) {
    const Options *options = &e->cx->options;
    e->definitions = map_create(e->arena);
    for (int i = 0; i < options->definition_count; i++)
        map_set(e->definitions, options->definitions[i].name, (void *)&options->definitions[i]);
}

/* The model to elaborate; NULL after an error. */
static const Decl *pick_model(Elaborator *e) {
    const Ast *ast = e->main->ast;
    const char *wanted = e->cx->options.model;
    Names names = {.arena = e->arena};
    Map *seen = map_create(e->arena);
    const Decl *found = NULL;
    for (int i = 0; i < ast->declarations.count; i++) {
        const Decl *decl = ast->declarations.items[i];
        if (decl->kind != DECL_MODEL || !decl->name) continue;
        const Decl *other = map_get(seen, decl->name);
        if (other) {
            report(e, decl->name_span, E_NAME_TAKEN, decl->name, "a model");
            note(e, other->name_span, "'%s' is declared here", decl->name);
        }
        map_set(seen, decl->name, (void *)decl);
        vec_push(e->arena, &names.list, decl->name);
        if (!found && (!wanted || !strcmp(wanted, decl->name)))
            found = decl;
        else if (!wanted && !other) {
            report(e, decl->name_span, E_SEVERAL_MODELS, found->name, decl->name);
            help(e, "--model %s picks this one", decl->name);
        }
    }
    if (!names.list.count && !diag_errors(e->cx->diag))
        report(e, ((Span){ast->source, 1, 1, 1, 1}), E_NO_MODEL);
    else if (!found && wanted)
        usage_error(e, "model", wanted, suggestion(e, wanted, names.list.items, names.list.count));
    return found;
}

static bool begins_with_input(const Stmt *stmt) {
    if (stmt->kind != STMT_PIPELINE && stmt->kind != STMT_BIND) return false;
    const Expr *head = stmt->value;
    if (head && head->kind == EXPR_PIPELINE) head = head->items.items[0];
    return head && (head->kind == EXPR_CALL || head->kind == EXPR_NAME) && !strcmp(head->text, "input");
}

static void run_model(Elaborator *e, const Decl *decl) {
    const Body *body = decl->body;
    Frame *frame = frame_open(e, e->main);
    frame->is_model = true;
    e->graph = graph_create(e->arena, decl->name, FORM_MODEL);
    e->input_allowed = body && body->statements.count && begins_with_input(body->statements.items[0]);
    if (!e->input_allowed) {
        bool empty = !body || !body->statements.count;
        report(e, empty ? decl->name_span : body->statements.items[0]->span, E_INPUT_MISSING, decl->name);
        help(e, "input(28, 28, 1) takes images of 28x28 with one channel");
        e->input_missing = true;
        frame->current = datum_error;
    }
    run_body(e, body);
    Datum current = frame->current;
    if (current.kind == DATUM_VALUE && current.value == e->graph->input && !diag_errors(e->cx->diag))
        report(e, decl->name_span, E_NO_LAYERS, decl->name);
    e->graph->output = current.kind == DATUM_VALUE ? current.value : -1;
    frame_close(e);
}

static const Decl *only_declaration(Elaborator *e, DeclKind kind, const char *name) {
    const Ast *ast = e->main->ast;
    const Decl *found = NULL;
    for (int i = 0; i < ast->declarations.count; i++) {
        const Decl *decl = ast->declarations.items[i];
        if (decl->kind != kind) continue;
        if (found) {
            report(e, decl->span, E_BLOCK_TWICE, name);
            note(e, found->span, "the first one stands here");
        } else {
            found = decl;
        }
    }
    return found;
}

/* Top-level asserts about the totals: put off like the model's own, and judged after them. */
static void run_total_asserts(Elaborator *e) {
    const Ast *ast = e->main->ast;
    frame_open(e, e->main);
    for (int i = 0; i < ast->declarations.count; i++) {
        const Decl *decl = ast->declarations.items[i];
        if (decl->kind == DECL_ASSERT && mentions_totals(e, decl->value))
            run_assert(e, decl->value, decl->message);
    }
    frame_close(e);
}

static void run_settings(Elaborator *e, Model *model) {
    const Decl *data = only_declaration(e, DECL_DATA, "data"),
               *train = only_declaration(e, DECL_TRAIN, "train");
    frame_open(e, e->main);
    if (data) model->data = check_data(e, data);
    if (train) model->train = check_train(e, train, model->data);
    frame_close(e);
}

Elaboration *sema_elaborate(Context *cx, const Ast *ast) {
    char here;
    Elaborator *e = ARENA_NEW(cx->arena, Elaborator);
    *e = (Elaborator){.cx = cx, .arena = cx->arena, .stack = &here};
    e->result = ARENA_NEW(e->arena, Elaboration);
    e->files = map_create(e->arena);
    e->reported = map_create(e->arena);
    e->failed = map_create(e->arena);
    words_collect(e);
    open_definitions(e);
    load_main(e, ast);
    map_each(e->definitions, unknown_definition, e);
    const Decl *decl = pick_model(e);
    if (e->result->usage_error || blocks_recurse(e) || !decl) return e->result;
    Model *model = ARENA_NEW(e->arena, Model);
    model->name = decl->name;
    model->interface = cx->options.prefix ? cx->options.prefix : decl->name;
    run_model(e, decl);
    model->graph = e->graph;
    run_total_asserts(e);
    if (!e->stopped) run_settings(e, model);
    if (diag_errors(cx->diag)) return e->result;
    warn_unused_names(e);
    warn_unused_layers(e);
    warn_hopeless(e, model);
    e->result->model = model;
    return e->result;
}
