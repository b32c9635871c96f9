/* The page of an operator that can be written: what `cnnc explain NAME` says and LANGUAGE.md holds, from its
 * row. */
#ifndef CNNC_OUTPUT_REFERENCE_H
#define CNNC_OUTPUT_REFERENCE_H

#include "graph/op.h"

#include <stdio.h>

/* Markdown, without a heading: the call, what it does, its formula, the output's shape, its arguments, an
 * example. */
void reference_print(FILE *out, const Op *op);

#endif
