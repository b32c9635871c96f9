/* For tests of kernels: the memory of a planned graph; and values laid out as if each were a part of one of
 * more channels, the neighbours' channels filled with numbers that would show in any result and must stay as
 * they were. */
#ifndef CNNC_TESTS_OPS_ROOMS_H
#define CNNC_TESTS_OPS_ROOMS_H

#include "graph/graph.h"

typedef struct Blocks {
    float *of[REGION_SCRATCH + 1];
} Blocks;

static inline Blocks blocks_create(Arena *arena, const Graph *g) {
    Blocks blocks = {{0}};
    blocks.of[REGION_PARAMETERS] = ARENA_ARRAY(arena, float, (size_t)g->parameter_elements + 64);
    blocks.of[REGION_PACKED] = ARENA_ARRAY(arena, float, (size_t)g->packed_elements + 64);
    blocks.of[REGION_LANE] = ARENA_ARRAY(arena, float, (size_t)g->lane_elements + 64);
    blocks.of[REGION_SCRATCH] =
        ARENA_ARRAY(arena, float, (size_t)(g->scratch_stride * g->micro_batch + g->workspace_elements) + 64);
    return blocks;
}

enum { CHANNELS_BEFORE = 2, CHANNELS_AFTER = 3 };
static const float NEIGHBOUR = -54321;

/* Widens every place of the layouts. */
static inline void gaps_open(Graph *graph) {
    for (int i = 0; i < graph->values.count; i++) {
        Value *value = graph_value(graph, i);
        if (!value_per_sample(value)) continue;
        int64_t channels = shape_channels(&value->shape), wide = CHANNELS_BEFORE + channels + CHANNELS_AFTER;
        for (int axis = 0; axis < shape_spatial(&value->shape); axis++)
            value->layout.stride[axis] = value->layout.stride[axis] / channels * wide;
        value->layout.origin = value->layout.origin / channels * wide + CHANNELS_BEFORE;
        value->layout.size = value->layout.size / channels * wide;
    }
}

/* Calls for every element of a neighbour: fills it, or says whether all are as filled. */
static inline bool gaps_visit(const Graph *graph, float *scratch, int samples, bool fills) {
    bool kept = true;
    for (int i = 0; i < graph->values.count; i++) {
        const Value *value = graph_value(graph, i);
        if (!value_per_sample(value)) continue;
        int64_t channels = shape_channels(&value->shape), wide = CHANNELS_BEFORE + channels + CHANNELS_AFTER;
        for (int64_t at = 0; at < value->layout.size * samples; at++) {
            int64_t place = at % value->layout.size, channel = place % wide - CHANNELS_BEFORE;
            float *element = scratch + at / value->layout.size * graph->scratch_stride + value->offset -
                             value->layout.origin + place;
            if (channel >= 0 && channel < channels) continue;
            if (fills) *element = NEIGHBOUR;
            kept = kept && *element == NEIGHBOUR;
        }
    }
    return kept;
}

#endif
