/* Warnings: names that the text binds and reads nowhere, layers whose value nothing uses. */
#include "sema/elaborator.h"

typedef struct Reader {
    Map *names;
} Reader;

static void read_name(const Expr *expr, void *user) {
    if (expr->kind == EXPR_NAME || expr->kind == EXPR_CALL)
        map_set(((Reader *)user)->names, expr->text, user);
}

typedef struct Binder {
    Elaborator *e;
    Map *exempt; /* parameters and loop variables */
    VEC(const Stmt *) bindings;
} Binder;

static void collect_bindings(Binder *binder, const Body *body) {
    for (; body;) {
        const Body *next = NULL;
        for (int i = 0; i < body->statements.count; i++) {
            const Stmt *stmt = body->statements.items[i];
            if (stmt->kind == STMT_BIND) vec_push(binder->e->arena, &binder->bindings, stmt);
            if (stmt->kind == STMT_FOR && stmt->name) map_set(binder->exempt, stmt->name, binder);
            collect_bindings(binder, stmt->body);
            if (i + 1 == body->statements.count)
                next = stmt->otherwise;
            else
                collect_bindings(binder, stmt->otherwise);
        }
        body = next;
    }
}

static void warn_body(Elaborator *e, const Decl *decl) {
    Reader reader = {map_create(e->arena)};
    Binder binder = {.e = e, .exempt = map_create(e->arena)};
    walk_declaration(decl, read_name, &reader);
    for (int i = 0; i < decl->parameters.count; i++)
        map_set(binder.exempt, decl->parameters.items[i].name, &binder);
    collect_bindings(&binder, decl->body);
    for (int i = 0; i < binder.bindings.count; i++) {
        const Stmt *stmt = binder.bindings.items[i];
        if (map_get(reader.names, stmt->name) || map_get(binder.exempt, stmt->name)) continue;
        report(e, stmt->name_span, W_UNUSED_NAME, stmt->name);
        map_set(binder.exempt, stmt->name, &binder); /* once a name */
    }
}

void warn_unused_names(Elaborator *e) {
    const Ast *ast = e->main->ast;
    Reader reader = {map_create(e->arena)};
    for (int i = 0; i < ast->declarations.count; i++)
        walk_declaration(ast->declarations.items[i], read_name, &reader);
    for (int i = 0; i < ast->declarations.count; i++) {
        const Decl *decl = ast->declarations.items[i];
        if ((decl->kind == DECL_CONST || decl->kind == DECL_BLOCK) && !map_get(reader.names, decl->name))
            report(e, decl->name_span, W_UNUSED_NAME, decl->name);
        if (decl->kind == DECL_BLOCK || decl->kind == DECL_MODEL) warn_body(e, decl);
    }
}

void warn_unused_layers(Elaborator *e) {
    const Graph *graph = e->graph;
    bool *used = ARENA_ARRAY(e->arena, bool, (size_t)graph->values.count);
    used[graph->output] = true;
    for (int i = 0; i < graph->nodes.count; i++) {
        const Node *node = &graph->nodes.items[i];
        for (int k = 0; k < node->inputs.count; k++) used[node->inputs.items[k]] = true;
    }
    for (int i = 0; i < graph->layers.count; i++) {
        const Layer *layer = &graph->layers.items[i];
        if (!used[layer->output]) report(e, layer->span, W_UNUSED_LAYER, layer->name);
    }
}
