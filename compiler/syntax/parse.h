/* Text to tree. */
#ifndef CNNC_SYNTAX_PARSE_H
#define CNNC_SYNTAX_PARSE_H

#include "diag/context.h"
#include "syntax/ast.h"

/* Reads the file, or standard input for "-". NULL after a message on standard error where it cannot be read
 * (exit 4 then). Bytes that are not UTF-8, and NUL, are errors of the model, reported through cx->diag when
 * it is parsed. */
const Source *source_open(Context *cx, const char *path);

/* The same without the message: NULL with *reason set, for an import whose fault is reported where it is
 * named. */
const Source *source_read(Context *cx, const char *path, const char **reason);

/* Never NULL; after errors the tree holds what could be understood. */
const Ast *syntax_parse(Context *cx, const Source *source);

/* An expression alone: the VALUE of -D NAME=VALUE. NULL after an error. */
const Expr *syntax_parse_expression(Context *cx, const Source *source);

#endif
