/* The graph: nodes and values by index, in topological order. Forward, backward and update are all ordinary
 * nodes.
 *
 * A value is one sample's tensor (channels last) or a tensor of the whole model (a parameter, a batch's
 * statistics). A node applies an operator (op.h) to values. Layers are what the user wrote; one layer may be
 * several nodes (a conv and its activation). The layout, memory and schedule passes fill in the fields that
 * say so. */
#ifndef CNNC_GRAPH_GRAPH_H
#define CNNC_GRAPH_GRAPH_H

#include "base/vec.h"
#include "diag/context.h"
#include "graph/attr.h"
#include "graph/form.h"

typedef struct Op Op;
typedef struct Kernel Kernel;
typedef int ValueId; /* index into graph->values; -1 for none */
typedef int NodeId;

/* What a value is; decides where it lives. */
typedef enum Role {
    ROLE_INPUT,      /* the model's input: one a sample */
    ROLE_ACTIVATION, /* one a sample, forward or backward */
    ROLE_PARAMETER,  /* in the parameter block */
    ROLE_STATE,      /* in the parameter block, not trained by gradient (running statistics) */
    ROLE_GRADIENT,   /* of a parameter: an accumulator a lane, laid out as its parameter */
    ROLE_LANE,       /* another accumulator a lane, read and zeroed by a batch node; doubles */
    ROLE_SHARED,     /* one for the whole batch, made by a batch node */
    ROLE_PACKED      /* derived from parameters alone, rebuilt after each update */
} Role;

/* Where every node of an operator runs. */
typedef enum Domain {
    DOMAIN_SAMPLE,   /* inside a stage: a function of single samples, adding to lanes perhaps */
    DOMAIN_BATCH,    /* between two stages: reads lanes, writes shared values; once a batch */
    DOMAIN_PARAMETER /* reads parameters, writes packed values; once an update */
} Domain;

/* How a parameter's logical tensor (PyTorch's axes) lies in memory: element (i0, i1, ...) is at
 *   origin + (i0 / group) * group_stride + (i0 % group / block) * block_stride + i0 % group % block + sum
 * over a > 0 of ia * stride[a] Elements of the storage that no index reaches are zero and stay zero. */
typedef struct Storage {
    int64_t size;   /* elements, padding included */
    int64_t origin; /* of element (0, 0, ...): not 0 where strides are negative */
    int64_t group, group_stride, block, block_stride;
    int64_t stride[SHAPE_MAX_RANK]; /* of axes 1 and up */
} Storage;

typedef struct ParameterInfo {
    const char *name; /* "weight"; the file's name is LAYER.weight */
    Shape shape;      /* logical */
    Storage storage;
    Init init;
    int64_t fan_in, fan_out;
    const double *values;  /* INIT_VALUES: the logical tensor, row-major */
    bool trainable, decay; /* decay: a kernel or dense weight, so weight decay applies */
    bool statistic;        /* running statistics: not counted as parameters */
    int64_t offset;        /* memory: elements from the start of the parameter block */
} ParameterInfo;

/* Physical form of a value that is one a sample: strides in elements, per axis of its shape; halo is room for
 * zeros around the spatial axes, set to zero once and never written. The value's address is that of element
 * (0, 0, ...). Between its places may lie channels of other values, which its kernels never write. */
typedef struct Layout {
    int64_t before[SPATIAL_MAX], after[SPATIAL_MAX];
    int64_t stride[SHAPE_MAX_RANK];
    int64_t origin; /* elements from the start of its room to element 0 */
    int64_t size;   /* elements of its room, halo included */
} Layout;

/* The memory that a value's offset counts in. */
typedef enum Region {
    REGION_NONE,
    REGION_PARAMETERS,
    REGION_PACKED,
    REGION_LANE,
    REGION_SHARED,
    REGION_BATCH,
    REGION_SCRATCH
} Region;

typedef struct Value {
    const char *name; /* for people and for the printed form; unique in the graph */
    Role role;
    Shape shape;              /* of a parameter: the logical shape */
    NodeId producer;          /* -1: input, parameter, state */
    int layer;                /* index into graph->layers, -1 where none */
    Span origin;              /* the text that made it */
    ParameterInfo *parameter; /* ROLE_PARAMETER, ROLE_STATE and ROLE_GRADIENT (its parameter's) */
    int64_t elements;         /* ROLE_PACKED, ROLE_SHARED, ROLE_LANE: storage in elements */
    ValueId within;  /* -1, or the value of more channels that this one is a part of, from its channel */
    int64_t channel; /* on: nest */
    ValueId alias;   /* -1, or the value whose memory this one is: views, parts, in-place results */
    Layout layout;
    Region region;
    int64_t offset; /* elements, of element 0 */
} Value;

/* An elementwise operator that a producer applies to its results before it stores them. `inputs` of the step
 * are the running result (-1) and further inputs of the node (indices into node->inputs). */
typedef struct EpilogueStep {
    const Op *op;
    const Attr *attrs;
    int inputs[5];
    int input_count;
    int layer;
} EpilogueStep;

typedef struct Node {
    const Op *op;
    const Attr *attrs; /* one per row of op->params */
    VEC(ValueId) inputs;
    VEC(ValueId) outputs;
    Span span;
    int layer; /* -1 where none */
    VEC(EpilogueStep) epilogue;
    int max_window;        /* 0, or: output 0 is the maximum of each whole window of so many places along both
                              axes of what the epilogue leaves */
    int stage;             /* schedule */
    const Kernel *kernel;  /* schedule */
    double cost;           /* schedule: estimated cycles a sample */
    int64_t packed_offset; /* memory: of what its kernel derives from parameters */
    const Kernel *alone;   /* schedule: the kernel for a sample that runs by itself; NULL: as with others */
    double alone_cost;     /* schedule: cycles it takes then */
    int64_t alone_packed_offset;
    bool late; /* runs in the stage of its first reader, not as soon as it could */
    bool dead;
} Node;

/* The node as it is for a sample that runs by itself. */
Node node_alone(const Node *node);

typedef struct Layer { /* as the user wrote it: a row of the summary */
    const char *name, *kind;
    Span span, activation;    /* of the whole call, and of the activation in it, where it has one */
    VEC(const char *) inputs; /* names of layers, or "input" */
    ValueId output;
    int64_t parameters, trainable, statistics, macs;
} Layer;

/* Is it one a sample? */
static inline bool value_per_sample(const Value *value) {
    return value->role == ROLE_INPUT || value->role == ROLE_ACTIVATION;
}

typedef struct Graph {
    const char *name; /* the model's */
    const FormTraits *form;
    Arena *arena;
    VEC(Value) values;
    VEC(Node) nodes;
    VEC(Layer) layers;
    ValueId input, output;
    ValueId logits; /* what the loss reads: the output before a final softmax; -1 before autodiff needs it */
    bool training;  /* dropout is live, batchnorm reads the batch */
    bool doubles;   /* its numbers are doubles, its kernels those made for them */
    int64_t alone_bytes; /* schedule: not 0 while costs of a sample that runs by itself are asked for: of all
                            weights that it reads */
    int stage_count;     /* schedule */
    int *stage_micro_batches; /* memory: samples a worker takes at once, a number a stage; NULL before */
    int micro_batch;          /* memory: the largest of them */
    int lanes;                /* schedule */
    int64_t scratch_stride, batch_stride;                    /* memory: elements a sample */
    int64_t workspace_elements;                              /* memory: of the most demanding kernel */
    int64_t lane_elements, shared_elements, packed_elements; /* memory */
    int64_t parameter_elements, trained_elements,
        decayed_elements; /* memory: the block's size, its sections' ends */
    int serial;           /* of the last fresh name */
} Graph;

Graph *graph_create(Arena *arena, const char *name, Form form);
Graph *graph_clone(Arena *arena, const Graph *graph, Form form);

static inline Value *graph_value(const Graph *graph, ValueId id) {
    return &graph->values.items[id];
}
static inline Node *graph_node(const Graph *graph, NodeId id) {
    return &graph->nodes.items[id];
}

/* A fresh value; name NULL gives one from the layer or a number. */
ValueId graph_add_value(Graph *graph, Role role, Shape shape, const char *name, int layer, Span origin);
ValueId graph_add_parameter(Graph *graph, const ParameterInfo *info, int layer, Span origin);
/* Appends a node; attrs may be NULL for an op without arguments. Outputs are added by the caller with
 * graph_add_output. */
NodeId graph_add_node(Graph *graph, const Op *op, const Attr *attrs, const ValueId *inputs, int input_count,
                      int layer, Span span);
ValueId graph_add_output(Graph *graph, NodeId node, Role role, Shape shape);

/* The value's memory is what this value's is: the end of its chain of aliases. */
ValueId graph_root(const Graph *graph, ValueId value);
/* What the value is a part of in the end: itself where it is none. And its first channel in there. */
ValueId graph_whole(const Graph *graph, ValueId value);
int64_t graph_channel(const Graph *graph, ValueId value);
/* Is the value, or would it be, the part of the other one that begins at that channel? */
bool graph_is_part(const Graph *graph, ValueId value, ValueId of, int64_t channel);
/* Do they share elements? Needs alias (memory). */
bool graph_overlap(const Graph *graph, ValueId a, ValueId b);
/* How many of the node's inputs are its own; those behind them belong to the epilogue. An operator with
 * optional or any number of inputs asks here, never inputs.count. */
int node_operands(const Node *node);

/* The argument of that name; internal error where the op has none. */
const Attr *attr_find(const Op *op, const Attr *attrs, const char *name);
int64_t node_int(const Node *node, const char *name);
double node_real(const Node *node, const char *name);
bool node_bool(const Node *node, const char *name);
/* The multiply-adds of the node's layer: an Op.macs for nodes that carry its gradient back. */
int64_t node_layer_macs(const Graph *graph, const Node *node);
const char *node_word(const Node *node, const char *name);
const Size *node_size(const Node *node, const char *name);
const Padding *node_padding(const Node *node, const char *name);

/* How many inputs of live nodes read each value (epilogue operands included), graph output and logits
 * counted: an array by value, in the graph's arena. */
int *graph_count_uses(const Graph *graph);
void graph_replace_uses(Graph *graph, ValueId from, ValueId to);
/* Drops dead nodes and renumbers; keeps topological order. */
void graph_compact(Graph *graph);

/* Sum over layers. */
typedef struct GraphTotals {
    int64_t parameters, trainable, statistics, macs;
} GraphTotals;
GraphTotals graph_totals(const Graph *graph);

#endif
