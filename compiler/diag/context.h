/* What every phase is handed: where to allocate, where to complain, what was asked for. */
#ifndef CNNC_DIAG_CONTEXT_H
#define CNNC_DIAG_CONTEXT_H

#include "base/arena.h"
#include "base/options.h"
#include "base/vec.h"
#include "diag/diag.h"

typedef struct Context {
    Arena *arena;
    Diag *diag;
    Options options;
    VEC(const Source *) sources; /* every text that was read: none of their files is ever written to */
} Context;

/* The compiler's own fault: says so with file and line, asks for a report, exits with 70. */
_Noreturn void internal_error_at(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define internal_error(...) internal_error_at(__FILE__, __LINE__, __VA_ARGS__)

#endif
