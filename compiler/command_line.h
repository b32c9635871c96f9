/* The command line. Takes argv; gives what is asked for, checked as far as it can be without reading a file.
 */
#ifndef CNNC_COMMAND_LINE_H
#define CNNC_COMMAND_LINE_H

#include "base/arena.h"
#include "base/options.h"

#include <stdio.h>

typedef enum Request {
    REQUEST_COMPILE,
    REQUEST_EXPLAIN,
    REQUEST_FMT,
    REQUEST_HELP,
    REQUEST_VERSION,
    REQUEST_PASSES
} Request;

typedef struct CommandLine {
    Request request;
    const char *word;         /* REQUEST_EXPLAIN: what to explain */
    const char *const *files; /* REQUEST_FMT */
    int file_count;
    Options options; /* REQUEST_COMPILE: input set, output set where one is written */
} CommandLine;

/* False after a message on standard error (exit 2 then). */
bool options_parse(Arena *arena, int argc, char **argv, CommandLine *line);

void options_help(FILE *out);

#endif
