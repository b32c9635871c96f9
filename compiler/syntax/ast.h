/* The syntax tree: what the file says, before anything is looked up. Owned by an arena, read-only once
 * parsed; every node has the span of its text. The grammar knows no layer and no setting by name: a call is
 * NAME(arguments). */
#ifndef CNNC_SYNTAX_AST_H
#define CNNC_SYNTAX_AST_H

#include "base/vec.h"
#include "diag/source.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Expr Expr;
typedef struct Stmt Stmt;
typedef VEC(Expr *) ExprList;
typedef VEC(Stmt *) StmtList;

typedef enum ExprKind {
    EXPR_INT,    /* integer */
    EXPR_REAL,   /* real */
    EXPR_STRING, /* text, escapes resolved */
    EXPR_TRUE,
    EXPR_FALSE,
    EXPR_NONE,
    EXPR_SIZE,     /* 3x5x3: items are EXPR_INT */
    EXPR_NAME,     /* text */
    EXPR_IT,       /* it, the current value */
    EXPR_IN,       /* in, the block's input */
    EXPR_LIST,     /* [items] */
    EXPR_CALL,     /* text(arguments): a layer, a block, a function, an initialiser; bare NAME is EXPR_NAME */
    EXPR_UNARY,    /* op left */
    EXPR_BINARY,   /* left op right */
    EXPR_COND,     /* left if right else third */
    EXPR_INDEX,    /* left[right] */
    EXPR_ATTR,     /* left.text */
    EXPR_PIPELINE, /* items[0] -> items[1] -> ...; two items at least */
    EXPR_ERROR     /* stands where the parser recovered; already reported */
} ExprKind;

typedef enum Operator {
    OP_NEGATE,
    OP_NOT,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_FLOOR_DIVIDE,
    OP_MODULO,
    OP_POWER,
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_AND,
    OP_OR
} Operator;

typedef struct Argument {
    const char *name; /* NULL for a positional one */
    Span name_span;   /* of the name, where there is one */
    Expr *value;
    Span span; /* name and value */
} Argument;
typedef VEC(Argument) ArgumentList;

struct Expr {
    ExprKind kind;
    Span span;
    int64_t integer;
    double real;
    const char *text;
    Span text_span; /* EXPR_CALL, EXPR_ATTR: of the name alone; of a division with // that sign's */
    Operator op;
    Expr *left, *right, *third;
    ExprList items;
    ArgumentList arguments;
    int depth;  /* levels of expressions in it, itself included, a chain of operators as one; the parser caps
                   both */
    int height; /* the same, each operator by itself: how deep whatever walks the tree goes */
};

typedef struct Body {
    StmtList statements;
    Span span; /* from { to } */
} Body;

typedef enum StmtKind {
    STMT_PIPELINE, /* value */
    STMT_BIND,     /* name = value; value may be a pipeline */
    STMT_IF,       /* value, body, otherwise (a Body; `else if` is a body of one STMT_IF) */
    STMT_REPEAT,   /* value, body */
    STMT_FOR,      /* name in value..last, or name in value (last NULL), body */
    STMT_ASSERT    /* value, message */
} StmtKind;

struct Stmt {
    StmtKind kind;
    Span span;
    const char *name;
    Span name_span;
    Expr *value, *last;
    Expr *message; /* EXPR_STRING or NULL */
    Body *body, *otherwise;
};

typedef enum DeclKind {
    DECL_IMPORT, /* text: the path as written */
    DECL_CONST,  /* name = value */
    DECL_BLOCK,  /* name, parameters, body */
    DECL_MODEL,  /* name, body */
    DECL_DATA,   /* settings, nested */
    DECL_TRAIN,  /* settings, nested */
    DECL_ASSERT  /* value, message */
} DeclKind;

typedef struct Setting { /* key = value in data and train */
    const char *name;
    Span name_span, span;
    Expr *value;
} Setting;

/* name { entries } within data or train: entries are values, key = value, or further blocks. */
typedef struct Nested {
    const char *name;
    Span name_span;
    ExprList values; /* of all entries, keys too, those of blocks within it included */
} Nested;

typedef struct Parameter { /* of a block */
    const char *name;
    Span span;
    Expr *fallback; /* NULL where required */
} Parameter;

typedef struct Decl {
    DeclKind kind;
    Span span; /* whole declaration */
    const char *name;
    Span name_span;
    const char *text;
    Expr *value, *message;
    VEC(Parameter) parameters;
    Body *body;
    VEC(Setting) settings;
    VEC(Nested) nested; /* blocks within data and train */
} Decl;

typedef struct Ast {
    const Source *source;
    VEC(Decl *) declarations;
} Ast;

#endif
