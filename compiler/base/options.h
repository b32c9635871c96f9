/* What the command line asks of one compilation. Filled by main, read everywhere. */
#ifndef CNNC_BASE_OPTIONS_H
#define CNNC_BASE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct EmitKind EmitKind; /* emit_kinds.h */
typedef enum ColorMode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } ColorMode;

typedef struct Definition { /* -D NAME=VALUE */
    const char *name, *value;
} Definition;

typedef struct KernelChoice { /* --kernel=LAYER=NAME */
    const char *layer, *kernel;
} KernelChoice;

typedef struct Options {
    const char *input;  /* path of the model, or "-" */
    const char *output; /* NULL: from the input's stem */
    const char *model;  /* NULL: the file's only one */
    bool check, json, strict, gradcheck, inference, verbose, save_temps, time_phases;
    bool
        double_precision; /* --dtype=f64, for tests: every value is a double and every kernel the reference */
    bool no_fuse;         /* --no-fuse, for tests */
    bool from_graph;      /* the input is a printed graph */
    const EmitKind *emit;
    ColorMode color;
    int optimization;                      /* 0 to 3 */
    const char *target;                    /* NULL: this machine's triple */
    const char *cpu;                       /* NULL: native, or baseline where a target is given */
    const char *features;                  /* added to the CPU's own; NULL for none */
    int64_t max_memory;                    /* bytes; 0: no limit */
    int64_t l1_bytes, l2_bytes, fma_ports; /* --machine: in place of what the processor says; 0: not given */
    const char *print_after;               /* name of a pass, or NULL */
    const Definition *definitions;
    int definition_count;
    const KernelChoice *kernels;
    int kernel_count;
} Options;

#endif
