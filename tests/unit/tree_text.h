/* A syntax tree written as s-expressions, a line a declaration. */
#ifndef TESTS_TREE_TEXT_H
#define TESTS_TREE_TEXT_H

#include "syntax/ast.h"

#include <stdio.h>

static inline void write_expr(FILE *out, const Expr *e);

static inline void write_items(FILE *out, const char *head, const ExprList *items) {
    fprintf(out, "(%s", head);
    for (int i = 0; i < items->count; i++) fputc(' ', out), write_expr(out, items->items[i]);
    fputc(')', out);
}

static inline void write_call(FILE *out, const Expr *e) {
    fprintf(out, "(%s", e->text);
    for (int i = 0; i < e->arguments.count; i++) {
        const Argument *argument = &e->arguments.items[i];
        fprintf(out, " %s%s", argument->name ? argument->name : "", argument->name ? "=" : "");
        write_expr(out, argument->value);
    }
    fputc(')', out);
}

static inline void write_parts(FILE *out, const char *head, const Expr *a, const Expr *b, const Expr *c) {
    fprintf(out, "(%s ", head);
    write_expr(out, a);
    if (b) fputc(' ', out), write_expr(out, b);
    if (c) fputc(' ', out), write_expr(out, c);
    fputc(')', out);
}

static inline void write_expr(FILE *out, const Expr *e) {
    static const char *const operators[] = {"neg", "not", "+", "-",  "*", "/",  "//",  "%", "**",
                                            "==",  "!=",  "<", "<=", ">", ">=", "and", "or"};
    switch (e->kind) {
    case EXPR_INT: fprintf(out, "%lld", (long long)e->integer); break;
    case EXPR_REAL: fprintf(out, "%g", e->real); break;
    case EXPR_STRING: fprintf(out, "\"%s\"", e->text); break;
    case EXPR_TRUE: fputs("true", out); break;
    case EXPR_FALSE: fputs("false", out); break;
    case EXPR_NONE: fputs("none", out); break;
    case EXPR_SIZE: write_items(out, "size", &e->items); break;
    case EXPR_NAME: fputs(e->text, out); break;
    case EXPR_IT: fputs("it", out); break;
    case EXPR_IN: fputs("in", out); break;
    case EXPR_LIST: write_items(out, "list", &e->items); break;
    case EXPR_CALL: write_call(out, e); break;
    case EXPR_UNARY: write_parts(out, operators[e->op], e->left, NULL, NULL); break;
    case EXPR_BINARY: write_parts(out, operators[e->op], e->left, e->right, NULL); break;
    case EXPR_COND: write_parts(out, "cond", e->left, e->right, e->third); break;
    case EXPR_INDEX: write_parts(out, "index", e->left, e->right, NULL); break;
    case EXPR_ATTR: write_parts(out, e->text, e->left, NULL, NULL); break;
    case EXPR_PIPELINE: write_items(out, "->", &e->items); break;
    case EXPR_ERROR: fputs("error", out); break;
    }
}

static inline void write_body(FILE *out, const Body *body);

static inline void write_stmt(FILE *out, const Stmt *s) {
    static const char *const kinds[] = {"do", "let", "if", "repeat", "for", "assert"};
    fprintf(out, "(%s", kinds[s->kind]);
    if (s->name) fprintf(out, " %s", s->name);
    fputc(' ', out), write_expr(out, s->value);
    if (s->last) fputs(" to ", out), write_expr(out, s->last);
    if (s->message) fputc(' ', out), write_expr(out, s->message);
    if (s->body) fputc(' ', out), write_body(out, s->body);
    if (s->otherwise) fputs(" else ", out), write_body(out, s->otherwise);
    fputc(')', out);
}

static inline void write_body(FILE *out, const Body *body) {
    fputc('{', out);
    for (int i = 0; i < body->statements.count; i++) {
        if (i) fputc(' ', out);
        write_stmt(out, body->statements.items[i]);
    }
    fputc('}', out);
}

static inline void write_decl(FILE *out, const Decl *d) {
    static const char *const kinds[] = {"import", "const", "block", "model", "data", "train", "assert"};
    fprintf(out, "%s", kinds[d->kind]);
    if (d->name) fprintf(out, " %s", d->name);
    if (d->text) fprintf(out, " \"%s\"", d->text);
    for (int i = 0; i < d->parameters.count; i++) {
        fprintf(out, " :%s", d->parameters.items[i].name);
        if (d->parameters.items[i].fallback)
            fputc('=', out), write_expr(out, d->parameters.items[i].fallback);
    }
    if (d->value) fputc(' ', out), write_expr(out, d->value);
    if (d->message) fputc(' ', out), write_expr(out, d->message);
    if (d->body) fputc(' ', out), write_body(out, d->body);
    for (int i = 0; i < d->settings.count; i++) {
        fprintf(out, " %s=", d->settings.items[i].name);
        write_expr(out, d->settings.items[i].value);
    }
    for (int i = 0; i < d->nested.count; i++) {
        fputc(' ', out);
        write_items(out, d->nested.items[i].name, &d->nested.items[i].values);
    }
    fputc('\n', out);
}

/* The caller frees it. */
static inline char *tree_text(const Ast *ast) {
    char *written = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&written, &size);
    for (int i = 0; i < ast->declarations.count; i++) write_decl(out, ast->declarations.items[i]);
    fclose(out);
    return written;
}

#endif
