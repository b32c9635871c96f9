/* cnnc explain: a diagnostic's code, or a word of the language that is a row of the operators' table. */
#ifndef CNNC_EXPLAIN_H
#define CNNC_EXPLAIN_H

#include <stdbool.h>
#include <stdio.h>

/* False after a message on standard error where nobody knows the word (exit 2 then). */
bool explain_print(FILE *out, const char *word);

#endif
