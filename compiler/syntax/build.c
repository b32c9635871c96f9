/* The tree's constructors, called by the grammar's actions. Each counts its depth, so that nothing that walks
 * the tree recurses deeper than the language allows. */
#include "syntax/parser_state.h"

#include <string.h>

void report_nesting(Parser *parser, Span span) {
    if (!parser->stopped) diag(parser->cx->diag, span, E_NESTING);
    parser->stopped = true;
}

Expr *expr_new(Parser *parser, ExprKind kind, Span span) {
    Expr *expr = ARENA_NEW(parser->arena, Expr);
    *expr = (Expr){.kind = kind, .span = span, .depth = 1, .height = 1};
    return expr;
}

/* An expression too deep is cut: its place is taken by an error that was reported. */
static Expr *hold(Parser *parser, Expr *expr, const Expr *part) {
    if (part && part->depth >= expr->depth) expr->depth = part->depth + 1;
    if (part && part->height >= expr->height) expr->height = part->height + 1;
    if (expr->depth <= NESTING_LIMIT && expr->height <= HEIGHT_LIMIT) return expr;
    if (expr->depth > NESTING_LIMIT)
        report_nesting(parser, expr->span);
    else if (!parser->stopped)
        diag(parser->cx->diag, expr->span, E_LONG_CHAIN);
    parser->stopped = true;
    return expr_new(parser, EXPR_ERROR, expr->span);
}

Expr *expr_word(Parser *parser, ExprKind kind, Span span, const char *text, Span text_span) {
    Expr *expr = expr_new(parser, kind, span);
    expr->text = text;
    expr->text_span = text_span;
    return expr;
}

Expr *expr_unary(Parser *parser, Span span, Operator op, Expr *operand) {
    Expr *expr = expr_new(parser, EXPR_UNARY, span);
    expr->op = op;
    expr->left = operand;
    return hold(parser, expr, operand);
}

/* a + b + c is a tree of two levels, but nothing is nested in it. */
Expr *expr_binary(Parser *parser, Span span, Operator op, Expr *left, Expr *right) {
    Expr *expr = expr_new(parser, EXPR_BINARY, span);
    expr->op = op;
    expr->left = left;
    expr->right = right;
    expr->depth = left->kind == EXPR_BINARY ? left->depth : left->depth + 1;
    expr->height = left->height + 1;
    return hold(parser, expr, right);
}

Expr *expr_three(Parser *parser, Span span, ExprKind kind, Expr *left, Expr *right, Expr *third) {
    Expr *expr = expr_new(parser, kind, span);
    expr->left = left;
    expr->right = right;
    expr->third = third;
    if (right) expr = hold(parser, expr, right);
    if (third) expr = hold(parser, expr, third);
    return hold(parser, expr, left);
}

Expr *expr_call(Parser *parser, Span span, const char *name, Span name_span, const ArgumentList *arguments) {
    Expr *expr = expr_word(parser, EXPR_CALL, span, name, name_span);
    int count = arguments ? arguments->count : 0;
    if (arguments) expr->arguments = *arguments;
    for (int i = 0; i < count; i++) expr = hold(parser, expr, arguments->items[i].value);
    return expr;
}

Expr *expr_list(Parser *parser, Span span, ExprKind kind, const ExprList *items) {
    Expr *expr = expr_new(parser, kind, span);
    int count = items ? items->count : 0;
    if (items) expr->items = *items;
    for (int i = 0; i < count; i++) expr = hold(parser, expr, items->items[i]);
    return expr;
}

Expr *expr_pipeline(Parser *parser, Span span, Expr *before, Expr *next) {
    Expr *expr = before;
    if (before->kind != EXPR_PIPELINE) {
        expr = expr_new(parser, EXPR_PIPELINE, span);
        vec_push(parser->arena, &expr->items, before);
        expr = hold(parser, expr, before);
    }
    expr->span = span;
    vec_push(parser->arena, &expr->items, next);
    return hold(parser, expr, next);
}

Stmt *stmt_new(Parser *parser, StmtKind kind, Span span, Expr *value, Body *body) {
    Stmt *stmt = ARENA_NEW(parser->arena, Stmt);
    *stmt = (Stmt){.kind = kind, .span = span, .value = value, .body = body};
    return stmt;
}

Body *body_new(Parser *parser, Span span, const StmtList *statements) {
    Body *body = ARENA_NEW(parser->arena, Body);
    *body = (Body){.span = span};
    if (statements) body->statements = *statements;
    return body;
}

void nested_add(Parser *parser, Decl *decl, const char *name, Span name_span, const ExprList *values) {
    for (int i = 0; i < decl->nested.count; i++)
        if (!strcmp(decl->nested.items[i].name, name) && !strcmp(name, "augment"))
            diag(parser->cx->diag, name_span, E_AUGMENT_TWICE);
    vec_push(parser->arena, &decl->nested, ((Nested){name, name_span, *values}));
}

Decl *decl_new(Parser *parser, DeclKind kind, Span span, const char *name, Span name_span) {
    Decl *decl = ARENA_NEW(parser->arena, Decl);
    *decl = (Decl){.kind = kind, .span = span, .name = name, .name_span = name_span};
    return decl;
}
