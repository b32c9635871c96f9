/* cnnc fmt: files in the one standard layout. */
#ifndef CNNC_FMT_H
#define CNNC_FMT_H

#include "diag/context.h"

/* Rewrites each file that is not in the layout; with options.check it only prints their names. "-" is
 * standard input, which goes to standard output. Gives the exit status: 1 where a file has errors of syntax
 * (it stays as it was) or, with options.check, another layout; 4 where one cannot be read or written. */
int fmt_files(const Options *options, bool color, const char *const *paths, int count);

#endif
