/* Visits every expression of a piece of text, whatever becomes of it: for questions about the text itself. */
#include "sema/elaborator.h"

void walk_expression(const Expr *expr, ExprVisitor *visit, void *user) {
    for (; expr; expr = expr->left) { /* chains of operators lean to the left */
        visit(expr, user);
        for (int i = 0; i < expr->items.count; i++) walk_expression(expr->items.items[i], visit, user);
        for (int i = 0; i < expr->arguments.count; i++)
            walk_expression(expr->arguments.items[i].value, visit, user);
        walk_expression(expr->right, visit, user);
        walk_expression(expr->third, visit, user);
    }
}

static void walk_statement(const Stmt *stmt, ExprVisitor *visit, void *user) {
    walk_expression(stmt->value, visit, user);
    walk_expression(stmt->last, visit, user);
    walk_body(stmt->body, visit, user);
}

void walk_body(const Body *body, ExprVisitor *visit, void *user) {
    while (body) {
        const Body *next = NULL; /* the else of a last if, in the same loop: chains of them nest no deeper */
        for (int i = 0; i < body->statements.count; i++) {
            const Stmt *stmt = body->statements.items[i];
            walk_statement(stmt, visit, user);
            if (i + 1 == body->statements.count)
                next = stmt->otherwise;
            else
                walk_body(stmt->otherwise, visit, user);
        }
        body = next;
    }
}

void walk_declaration(const Decl *decl, ExprVisitor *visit, void *user) {
    walk_expression(decl->value, visit, user);
    for (int i = 0; i < decl->parameters.count; i++)
        walk_expression(decl->parameters.items[i].fallback, visit, user);
    for (int i = 0; i < decl->settings.count; i++)
        walk_expression(decl->settings.items[i].value, visit, user);
    walk_body(decl->body, visit, user);
    for (int i = 0; i < decl->nested.count; i++) {
        const ExprList *values = &decl->nested.items[i].values;
        for (int k = 0; k < values->count; k++) walk_expression(values->items[k], visit, user);
    }
}
