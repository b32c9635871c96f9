/* What a gradient rule uses: the gradients of the node's outputs, and a way to append nodes. */
#ifndef CNNC_GRAPH_BACKWARD_H
#define CNNC_GRAPH_BACKWARD_H

#include "graph/op.h"

/* The gradient of the node's output number i; -1 where nothing depends on it. */
ValueId backward_of_output(const Backward *b, const Node *node, int i);

/* Does anybody want the gradient of this input? (It leads to a trained parameter, or was asked for.) */
bool backward_wants(const Backward *b, ValueId input);

/* Adds a contribution to the gradient of a per-sample value; several are summed by an `add` node.
 */
void backward_contribute(Backward *b, ValueId value, ValueId gradient);

/* Appends a node with one output of that role and shape and returns the output. op by name. attrs are kept,
 * not copied. */
ValueId backward_append(Backward *b, const char *op, const Attr *attrs, const ValueId *inputs,
                        int input_count, Role role, Shape shape);

/* Appends a node that accumulates the gradient of a parameter; the output is its ROLE_GRADIENT value. */
void backward_accumulate(Backward *b, const char *op, const Attr *attrs, const ValueId *inputs,
                         int input_count, ValueId parameter);

/* The node last appended, for a further output with graph_add_output. */
NodeId backward_last(const Backward *b);
Graph *backward_graph(const Backward *b);

/* For the pass that differentiates the graph: a walk over the nodes that it has at this moment, for the
 * gradients of the trained parameters and of the value `wanted` (-1: of no other value). */
Backward *backward_create(Graph *graph, ValueId wanted);
/* Calls the gradient rules from the last of those nodes to the first. The gradients that
 * it starts from are contributed before. */
void backward_walk(Backward *b);
/* The sum of the contributions to a value's gradient; -1 where there are none. */
ValueId backward_of_value(Backward *b, ValueId value);

#endif
