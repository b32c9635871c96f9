/* An operator: everything that the compiler knows about a kind of node, in one row. Floor 5 fills the rows
 * (ops/), one file an operator, listed in ops/ops.def; nothing else names an operator. */
#ifndef CNNC_GRAPH_OP_H
#define CNNC_GRAPH_OP_H

#include "graph/graph.h"

#include <llvm-c/Types.h>

typedef struct KernelCode KernelCode; /* emit/kernel_code.h */
typedef struct Machine Machine;       /* emit/machine.h */
typedef struct Backward Backward;     /* backward.h */

/* Working out a node's outputs and parameters. Inputs and attrs are set; faults are reported at the
 * argument's or the call's span. */
typedef struct ShapeCall {
    Context *cx;
    Graph *graph;
    const Op *op;
    const Attr *attrs;
    const ValueId *inputs;
    int input_count;
    Span span; /* the whole call */
    int layer;
    Shape output;                  /* filled by the rule */
    VEC(ParameterInfo) parameters; /* filled by the rule, in the order of the node's further inputs */
} ShapeCall;

/* Halo that a kernel wants around one of its inputs. */
typedef struct Halo {
    int64_t before[SPATIAL_MAX], after[SPATIAL_MAX];
} Halo;

/* One way to compute a node. Rows stand best first; the last always applies. Places lie as far apart as
 * layouts say, and what is between them is other values': no kernel writes it or lets it count. */
struct Kernel {
    const char *name;
    bool (*applies)(const Machine *machine, const Graph *graph, const Node *node); /* NULL: always */
    double (*cost)(const Machine *machine, const Graph *graph,
                   const Node *node); /* cycles a sample; NULL: 0 */
    void (*emit)(KernelCode *code);
    bool (*halo)(const Graph *graph, const Node *node, int input,
                 Halo *halo); /* NULL: none; false: none for this input */
    int64_t (*workspace)(const Machine *machine, const Graph *graph,
                         const Node *node); /* elements it needs for itself; NULL: 0 */
    /* What the kernel derives from its parameters alone: so many elements of the packed block, rebuilt by
     * `prepare` after each update (code->packed; only parameter inputs can be read then). NULL: nothing. */
    int64_t (*packed)(const Machine *machine, const Graph *graph, const Node *node);
    void (*prepare)(KernelCode *code);
    /* Does the result lie where its operands are already, so that there is nothing to run? NULL: never. */
    bool (*idle)(const Graph *graph, const Node *node);
    bool epilogue; /* applies node->epilogue to its (first) output */
    bool runs; /* walks places that lie without gaps as one run: between gaps, registers may not be full */
    bool in_place;    /* output 0 may share input 0's memory */
    bool doubles;     /* can run with registers of doubles: taken in a double-precision program */
    bool pools;       /* applies node->max_window */
    bool splits;      /* makes but its share of each sample where the frame asks for it (code_share) */
    bool approximate; /* other than direct sums: left out by --strict */
};

/* One register of an optimizer's update: w and slots are read and replaced. */
typedef struct UpdateStep {
    LLVMValueRef w, g, slots[2];
    LLVMValueRef learning_rate; /* a register of it */
    LLVMValueRef factors[2];    /* registers that update_begin filled */
    LLVMValueRef rate, number;  /* scalars: the learning rate, and which step it is, from 1, a double */
    bool decay;                 /* weight decay applies to these parameters */
} UpdateStep;

typedef enum OpKind {
    OPK_LAYER,      /* the user can write it */
    OPK_ACTIVATION, /* a layer, and a word for activation= */
    OPK_LOSS,       /* a word for loss = */
    OPK_OPTIMIZER,  /* a word for optimizer = */
    OPK_SCHEDULE,   /* a word for schedule = */
    OPK_INTERNAL    /* made by passes only */
} OpKind;

/* What the numbers of a result are, beyond numbers; and of which kind the output is that a loss compares with
 * its targets. */
typedef enum Meaning {
    MEANING_NUMBERS,
    MEANING_PROBABILITIES,     /* of classes, along the last axis: they add up to 1 */
    MEANING_LOG_PROBABILITIES, /* their logarithms */
    MEANING_PROBABILITY        /* of yes, each by itself */
} Meaning;

/* The operators that others append or take where nothing is written. */
typedef enum OpRole {
    OPROLE_LOAD,              /* a sample of the data set as the input */
    OPROLE_STORE,             /* writes a value to the program's output */
    OPROLE_SUM,               /* of two values of one shape */
    OPROLE_DEFAULT_OPTIMIZER, /* of a train block without one */
    OPROLE_DEFAULT_SCHEDULE,
    OPROLE_COUNT
} OpRole;

struct Op {
    const char *name;
    OpKind kind;
    Domain domain;
    const char *summary, *formula, *example; /* for explain and the reference page */
    const char *
        gives; /* the output's shape in words, for the same; NULL: the input's where there is no shape rule */
    const Param *params;
    int param_count;
    int min_inputs, max_inputs; /* values, parameters not counted; max -1: any number */
    bool elementwise; /* map() gives the result from one register an input; the shape is input 0's */
    bool recompute;   /* its result is cheaper to make again from its inputs than to keep for a whole batch */
    bool merge;       /* takes its values by name: add(a, b) */
    bool keeps_zeros; /* elementwise: 0 where input 0 is 0 */
    bool batch_statistics; /* training measures each channel over the samples of a batch and their places */

    /* Facts by which passes, code generator and checks know what they may do with a node. */
    bool view;           /* input 0's elements in the same order: only the shape is another */
    bool effect;         /* does something besides making its outputs, so it is never dropped */
    bool judges;         /* a loss at work: compares input 0 with the targets, output 0 is its gradient */
    bool joins;          /* the inputs side by side along the channels */
    bool drops;          /* input 1 is a mask: 0 where that drops, elsewhere a positive multiple of input 0 */
    bool reads_sign;     /* a gradient, 0 where input 0 is: of input 1 it reads whether that is above 0 */
    bool places_winners; /* places input 1, the gradient of a maximum pool's windows, where input 0 says that
                            they were won, and zeros elsewhere */
    bool keeps_winners;  /* an activation that leaves its operand or cuts it off, and passes no gradient where
                            it does: a window that has a gradient has the winner of the operands */
    bool indexes_rows;   /* input 0's numbers are indices of rows of its first parameter */
    bool stands_for; /* a layer that applies, by its defaults, the operator that its first argument names */

    /* A range of input 0's channels: the first one. NULL: it is none. */
    int64_t (*range)(const Node *node);
    /* The share of its result that is not 0 where no element of its input is, as estimates take it. NULL: 1.
     */
    double (*density)(const Op *op, const Attr *attrs);

    Meaning meaning;  /* of its result */
    bool unlimited;   /* an activation whose result can be any number, as logits can */
    Meaning predicts; /* losses: of the output that predict shows; PROBABILITIES: targets are class indices */
    unsigned absorbs; /* losses: what a model may end in that the loss includes, a set of 1 << Meaning */
    /* Losses: the one that runs where the metric mae is asked for and this one's own metric is another. It
     * has a second metric a sample: the mean absolute error of what predict shows. NULL: this one. */
    const Op *with_error;
    int code; /* losses and schedules: the runtime's number for it (abi.h) */

    bool (*shape)(ShapeCall *call); /* false after a diagnostic. NULL: output has input 0's shape */
    /* Decides where the node's parameters' elements lie (ParameterInfo.storage) for the target. NULL: plainly
     * row-major. */
    void (*storage)(const Machine *machine, const Graph *graph, const Node *node);
    int64_t (*macs)(const Graph *graph, const Node *node); /* a sample; NULL: 0 */

    /* Appends the nodes that carry the gradient back (backward.h). NULL: no gradient passes. */
    void (*gradient)(Backward *backward, const Node *node);

    /* Rewrites a layer into simpler nodes when a program's graph is made from the model's (passes/forms.c):
     * appends nodes to `graph`, whose values `inputs` stand for the node's inputs, and returns the value that
     * stands for its output. `training`: dropout is live, batchnorm reads the batch. NULL: the node is copied
     * as it is. */
    ValueId (*lower)(Graph *graph, const Node *node, const ValueId *inputs, bool training);

    /* Maximum pools: the extent of windows that cover a plane without overlap, padding or partial windows; 0
     * where this node's are others. NULL: no such pool. */
    int (*plain_window)(const Graph *graph, const Node *node);

    /* Elementwise operators: the result of one register (or scalar) of every input. */
    LLVMValueRef (*map)(KernelCode *code, const Op *op, const Attr *attrs, const LLVMValueRef *inputs);

    /* Has the node, whose input 0 the maxpool_winner_grad `placing` makes, read the gradient of the windows
     * instead, and the winners where it cannot find them again. NULL, or nothing done: it cannot. */
    void (*read_windows)(const Graph *graph, Node *node, const Node *placing);

    const Kernel *kernels;
    int kernel_count;

    /* Optimizers: how many blocks of state they keep, what a step computes once (NULL: nothing), and the
     * update of one register of parameters. */
    int (*slots)(const Attr *attrs);
    void (*update_begin)(KernelCode *code, const Op *op, const Attr *attrs, UpdateStep *step);
    void (*update)(KernelCode *code, const Op *op, const Attr *attrs, UpdateStep *step);
};

/* Every row of ops.def. NULL where there is none of that name. */
const Op *op_find(const char *name);
const Op *const *op_table(int *count);
const Op *op_of_role(OpRole role);
/* Words of the language that are known but not built: NULL, or what kind of thing it is ("layer",
 * "optimizer", ...). */
const char *op_planned(const char *name);

#endif
