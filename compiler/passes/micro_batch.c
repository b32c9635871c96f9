/* How many samples a worker takes through a stage at once: few, so that a layer finds near what the one
 * before left; more where the stage's weights are too large to stay near and come anew with each micro-batch.
 * The further back a value was touched, the less of it is left in a cache. Needs kernels and layouts; gives
 * graph->stage_micro_batches. */
#include "passes/pass.h"

#include <math.h>

enum { LEAST_MICRO_BATCH = 2, LARGEST_MICRO_BATCH = 16 };
enum { SIZES = 4 }; /* LEAST, twice that, ..., LARGEST */

/* Cycles of an element from the last cache and, besides, from memory, other work going on. */
static const double LAST_CYCLES = 0.125, MEMORY_CYCLES = 0.25;
/* Cycles of each micro-batch: of a step; of a weight, and one of a layer that has samples alone to fill its
 * tiles with; of a sum over the micro-batch, and one that is transformed. Measured. */
static const double STEP_CYCLES = 200, WEIGHT_CYCLES = 0.03, DENSE_CYCLES = 0.4, SUM_CYCLES = 0.15,
                    TRANSFORMED_SUM_CYCLES = 3;

/* What a node touches, elements: of each sample, and besides for each micro-batch; and the cycles that it
 * takes for each micro-batch, however small. */
typedef struct Traffic {
    int64_t samples, weights;
    double start;
} Traffic;

static double start_of(const Graph *graph, const Node *node, const Value *weights, int64_t elements) {
    const Value *first = graph_value(graph, node->inputs.items[0]);
    double each = WEIGHT_CYCLES;
    if (weights->role == ROLE_GRADIENT)
        each = node->kernel->approximate ? TRANSFORMED_SUM_CYCLES : SUM_CYCLES;
    else if (value_per_sample(first) && !shape_spatial(&first->shape))
        each = DENSE_CYCLES;
    return each * (double)elements;
}

/* Elements of the value's room, of a part its share. */
static int64_t share_of_room(const Graph *graph, ValueId id) {
    const Value *value = graph_value(graph, id), *whole = graph_value(graph, graph_whole(graph, id));
    if (value == whole) return value->layout.size;
    return value->layout.size / shape_channels(&whole->shape) * shape_channels(&value->shape);
}

static void add_value(const Graph *graph, const Node *node, ValueId id, Traffic *sum) {
    const Value *value = graph_value(graph, id);
    if (value_per_sample(value)) {
        sum->samples += share_of_room(graph, id);
        return;
    }
    int64_t elements = value->parameter ? value->parameter->storage.size : value->elements;
    sum->weights += elements;
    sum->start += start_of(graph, node, value, elements);
}

/* Would it move nothing but parts to where they are? */
static bool only_parts_move(const PassContext *pc, const Graph *graph, const Node *node) {
    KernelCall call = kernel_call(node->kernel, pc->machine, graph, node);
    if (!node->kernel->idle || !node->kernel->idle(&call)) return false;
    return graph_whole(graph, node->inputs.items[0]) == graph_whole(graph, node->outputs.items[0]);
}

static Traffic node_traffic(const PassContext *pc, const Graph *graph, const Node *node) {
    Traffic sum = {.start = STEP_CYCLES};
    for (int i = 0; i < node->inputs.count; i++) add_value(graph, node, node->inputs.items[i], &sum);
    for (int i = 0; i < node->outputs.count; i++) add_value(graph, node, node->outputs.items[i], &sum);
    KernelCall call = kernel_call(node->kernel, pc->machine, graph, node);
    if (node->kernel->packed) sum.weights += node->kernel->packed(&call);
    return sum;
}

typedef struct StageTraffic { /* of its nodes so far */
    int64_t samples, weights;
    double start;
    double cycles[SIZES]; /* of moving samples' values, by size */
} StageTraffic;

typedef struct Touch {
    int stage;      /* -1: never */
    int64_t before; /* what the stage had touched of a sample when a node began that last touched the value */
} Touch;

/* How much of what was last touched `reach` elements ago has left a cache of that size. */
static double lost(double reach, int64_t bytes) {
    reach *= (double)sizeof(float);
    return reach / (reach + (double)bytes);
}

/* What an element costs beyond what it does in the second-level cache. */
static double element_cycles(const Machine *machine, double reach) {
    return lost(reach, machine->l2_bytes) * LAST_CYCLES +
           lost(reach, machine_near_bytes(machine)) * MEMORY_CYCLES;
}

/* What another stage left is as far away with any size. */
static void add_operand(const PassContext *pc, Graph *graph, Touch *touch, StageTraffic *stage, int number,
                        ValueId id, int64_t own) {
    const Value *value = graph_value(graph, id);
    if (!value_per_sample(value)) return;
    Touch *last = &touch[graph_root(graph, id)];
    double since = (double)(stage->samples + own - last->before);
    for (int i = 0; i < SIZES && last->stage == number; i++)
        stage->cycles[i] +=
            (double)share_of_room(graph, id) * element_cycles(pc->machine, since * (LEAST_MICRO_BATCH << i));
    *last = (Touch){number, stage->samples};
}

static void add_node(const PassContext *pc, Graph *graph, Touch *touch, StageTraffic *stage,
                     const Node *node) {
    Traffic own = node_traffic(pc, graph, node);
    for (int i = 0; i < node->inputs.count; i++)
        add_operand(pc, graph, touch, stage, node->stage, node->inputs.items[i], own.samples);
    for (int i = 0; i < node->outputs.count; i++)
        add_operand(pc, graph, touch, stage, node->stage, node->outputs.items[i], own.samples);
    stage->samples += own.samples;
    stage->weights += own.weights;
    stage->start += own.start;
}

static StageTraffic *stage_traffic(const PassContext *pc, Graph *graph) {
    StageTraffic *stages = ARENA_ARRAY(graph->arena, StageTraffic, (size_t)graph->stage_count);
    Touch *touch = ARENA_ARRAY(graph->arena, Touch, (size_t)graph->values.count);
    for (int i = 0; i < graph->values.count; i++) touch[i].stage = -1;
    for (int n = 0; n < graph->nodes.count; n++) {
        const Node *node = graph_node(graph, n);
        if (node->op->domain == DOMAIN_SAMPLE && !only_parts_move(pc, graph, node))
            add_node(pc, graph, touch, &stages[node->stage], node);
    }
    return stages;
}

/* Samples of a lane in a batch of the size that the model says: no worker ever has more at once. */
static int64_t most_samples(const PassContext *pc, const Graph *graph) {
    if (!graph->training || !pc->model) return LARGEST_MICRO_BATCH;
    return (pc->model->train->batch + graph->lanes - 1) / graph->lanes;
}

static int micro_batch_for(const Machine *machine, const StageTraffic *stage, int64_t most) {
    double weights = (double)stage->weights;
    double each = weights * lost(weights, machine_near_bytes(machine)) * LAST_CYCLES + stage->start;
    int best = 0;
    double least = HUGE_VAL;
    for (int i = 0; i < SIZES; i++) {
        int size = LEAST_MICRO_BATCH << i;
        if (best >= most) break;
        double cycles = stage->cycles[i] + each / size;
        if (cycles >= least) continue;
        least = cycles;
        best = size;
    }
    return best;
}

void micro_batches_choose(const PassContext *pc, Graph *graph) {
    const StageTraffic *stages = stage_traffic(pc, graph);
    graph->stage_micro_batches = ARENA_ARRAY(graph->arena, int, (size_t)graph->stage_count);
    int64_t most = most_samples(pc, graph);
    graph->micro_batch = 1;
    if (pc->beside) graph->micro_batch = pc->beside->micro_batch;
    for (int i = 0; i < graph->stage_count; i++) {
        int chosen = pc->beside ? 1 : micro_batch_for(pc->machine, &stages[i], most);
        graph->stage_micro_batches[i] = chosen;
        if (chosen > graph->micro_batch) graph->micro_batch = chosen;
    }
}
