/* Finds blocks that call themselves, through others too, by looking at the text: what a condition would
 * prevent counts as well. A depth-first search with a stack of its own, since chains of blocks may be long.
 */
#include "sema/elaborator.h"

typedef struct Edge {
    Symbol *callee;
    Span at;
} Edge;

typedef struct Visit {
    Symbol *block;
    VEC(Edge) edges;
    int next;
} Visit;

typedef struct Collector {
    Arena *arena;
    Visit *visit;
} Collector;

enum { UNSEEN, OPEN, DONE };

static void collect_call(const Expr *expr, void *user) {
    Collector *collector = user;
    if (expr->kind != EXPR_NAME && expr->kind != EXPR_CALL) return;
    Symbol *symbol = map_get(collector->visit->block->file->symbols, expr->text);
    if (symbol && symbol->decl->kind == DECL_BLOCK)
        vec_push(collector->arena, &collector->visit->edges, (Edge){symbol, expr->span});
}

static Visit open_block(Elaborator *e, Symbol *block) {
    Visit visit = {.block = block};
    Collector collector = {e->arena, &visit};
    block->mark = OPEN;
    walk_declaration(block->decl, collect_call, &collector);
    return visit;
}

static void report_cycle(Elaborator *e, const Symbol *caller, const Edge *edge) {
    const char *name = caller->decl->name, *callee = edge->callee->decl->name;
    report(e, edge->at, E_RECURSION, name,
           caller == edge->callee ? "itself"
                                  : arena_printf(e->arena, "'%s', which leads back to it", callee));
    if (caller != edge->callee) note(e, edge->callee->decl->name_span, "'%s' is declared here", callee);
}

bool blocks_recurse(Elaborator *e) {
    VEC(Visit) stack = {0};
    bool found = false;
    for (int i = 0; i < e->blocks.count; i++) {
        if (e->blocks.items[i]->mark != UNSEEN) continue;
        vec_push(e->arena, &stack, open_block(e, e->blocks.items[i]));
        while (stack.count) {
            Visit *top = &stack.items[stack.count - 1];
            if (top->next == top->edges.count) {
                top->block->mark = DONE;
                stack.count--;
                continue;
            }
            const Edge *edge = &top->edges.items[top->next++];
            if (edge->callee->mark == OPEN) {
                report_cycle(e, top->block, edge);
                found = true;
            } else if (edge->callee->mark == UNSEEN) {
                Symbol *callee = edge->callee;
                vec_push(e->arena, &stack, open_block(e, callee));
            }
        }
    }
    return found;
}
