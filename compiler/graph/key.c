/* The key of a node: everything that its kernel's code depends on, and nothing else, so that nodes with equal
 * keys share one function. Names and offsets are left out: kernels get pointers. */
#include "base/textstream.h"
#include "graph/text.h"
#include "graph/text_words.h"

#include <inttypes.h>
#include <stdlib.h>

static int64_t sample_stride(const Graph *graph, const Value *value) {
    if (value->region == REGION_SCRATCH) return graph->scratch_stride;
    return value->region == REGION_BATCH ? graph->batch_stride : 0;
}

static void print_storage(FILE *out, const Storage *s, int rank) {
    int64_t fields[] = {s->size, s->origin, s->group, s->group_stride, s->block, s->block_stride};
    text_print_integers(out, fields, COUNT(fields));
    if (rank > 1) text_print_integers(out, s->stride + 1, rank - 1);
}

/* The operands before, inputs before outputs, with which this one shares elements, and how many channels
 * further on it begins. */
static void print_shared(FILE *out, const Graph *graph, const ValueId *operands, int index) {
    for (int i = 0; i < index; i++) {
        if (!graph_overlap(graph, operands[i], operands[index])) continue;
        fprintf(out, " is %d", i);
        int64_t further = graph_channel(graph, operands[index]) - graph_channel(graph, operands[i]);
        if (further) fprintf(out, " from %" PRId64, further);
    }
}

static void print_operand(FILE *out, const Graph *graph, const ValueId *operands, int index) {
    const Value *value = graph_value(graph, operands[index]);
    fprintf(out, " %s", role_words[value->role]);
    text_print_integers(out, value->shape.dim, value->shape.rank);
    if (value->role == ROLE_INPUT || value->role == ROLE_ACTIVATION)
        text_print_integers(out, value->layout.stride, value->shape.rank);
    if (value->parameter) {
        print_storage(out, &value->parameter->storage, value->parameter->shape.rank);
        if (value->parameter->decay) fputs(" decay", out);
    }
    if (value->elements) fprintf(out, " elements %" PRId64, value->elements);
    fprintf(out, " step %" PRId64, sample_stride(graph, value));
    print_shared(out, graph, operands, index);
}

const char *graph_node_key(Arena *arena, const Graph *graph, const Node *node) {
    TextStream key;
    textstream_open(&key);
    FILE *out = key.out;
    fprintf(out, "%s %s", node->op->name, node->kernel ? node->kernel->name : "-");
    if (graph->doubles) fputs(" double", out);
    text_print_attrs(out, node->op, node->attrs);
    text_print_epilogue(out, NULL, node);
    if (node->max_window) fprintf(out, " max_window %d", node->max_window);
    int count = node->inputs.count + node->outputs.count;
    ValueId *operands = ARENA_ARRAY(arena, ValueId, (size_t)count);
    for (int i = 0; i < node->inputs.count; i++) operands[i] = node->inputs.items[i];
    for (int i = 0; i < node->outputs.count; i++) operands[node->inputs.count + i] = node->outputs.items[i];
    for (int i = 0; i < count; i++) {
        fputs(i < node->inputs.count ? " in" : " out", out);
        print_operand(out, graph, operands, i);
    }
    textstream_close(&key);
    const char *copy = arena_strndup(arena, key.bytes, key.size);
    free(key.bytes);
    return copy;
}
