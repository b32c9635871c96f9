/* See estimate.h. Constants are measured, over the nets of tests/bench with tests/bench/estimates.py. */
#include "ops/parts/estimate.h"

#include <math.h>

/* Training cuts a batch into lanes, inference takes whole micro-batches. */
enum { SAMPLES_OF_LANE = 8, SAMPLES_OF_MICRO_BATCH = 16 };

const double ESTIMATE_START = 60;

static const double TILE_END = 5; /* a register of a tile's sums is filled, and stored */
/* A chain of dependent multiply-adds; an addition in memory; finding a place; storing a result. */
static const double PRODUCT = 3.5, SUM = 2, VISIT = 6, RESULT = 8;

double estimate_registers(const Machine *machine, int64_t floats) {
    int64_t registers = (floats + machine->vector_floats - 1) / machine->vector_floats;
    return (double)registers;
}

double estimate_ports(const Machine *machine) {
    return machine->fma_ports ? machine->fma_ports : 1;
}

static double bytes_of(const Value *value) {
    return (double)sizeof(float) * (double)shape_elements(&value->shape);
}

static double bytes_of_node(const Graph *graph, const Node *node) {
    double bytes = 0;
    for (int i = 0; i < node->inputs.count + node->outputs.count; i++) {
        ValueId id =
            i < node->inputs.count ? node->inputs.items[i] : node->outputs.items[i - node->inputs.count];
        const Value *value = graph_value(graph, id);
        if (value_per_sample(value)) bytes += bytes_of(value);
    }
    return bytes;
}

/* What was written since the value was made, as far as it matters. */
static double bytes_since(const Graph *graph, const Node *node, const Value *value, double most) {
    double bytes = 0;
    NodeId own = (NodeId)(node - graph->nodes.items);
    for (NodeId id = value->producer + 1; value->producer >= 0 && id < own && bytes < most; id++) {
        const Node *between = graph_node(graph, id);
        for (int i = 0; i < between->outputs.count; i++) {
            const Value *output = graph_value(graph, between->outputs.items[i]);
            if (value_per_sample(output)) bytes += bytes_of(output);
        }
    }
    return bytes;
}

/* A layer's own values are seen to by the micro-batch, which is chosen so that they stay near. */
double estimate_value(const KernelCall *call, ValueId id) {
    const Value *value = graph_value(call->graph, id);
    double near = (double)machine_near_bytes(call->machine),
           own = SAMPLES_OF_LANE * bytes_of_node(call->graph, call->node);
    if (own > near) own = near;
    double reach = own + SAMPLES_OF_LANE * bytes_since(call->graph, call->node, value, near);
    return machine_traffic(call->machine, bytes_of(value), reach);
}

static bool named_before(const Node *node, int input) {
    for (int i = 0; i < input; i++)
        if (node->inputs.items[i] == node->inputs.items[input]) return true;
    return false;
}

double estimate_traffic(const KernelCall *call) {
    double cycles = 0;
    for (int i = 0; i < call->node->inputs.count; i++) {
        ValueId id = call->node->inputs.items[i];
        if (value_per_sample(graph_value(call->graph, id)) && !named_before(call->node, i))
            cycles += estimate_value(call, id);
    }
    for (int i = 0; i < call->node->outputs.count; i++) {
        const Value *value = graph_value(call->graph, call->node->outputs.items[i]);
        if (value_per_sample(value)) cycles += estimate_value(call, call->node->outputs.items[i]);
    }
    return cycles;
}

double estimate_weights(const Machine *machine, int64_t floats) {
    double bytes = (double)sizeof(float) * (double)floats;
    if (bytes <= (double)machine->l2_bytes) return 0;
    return machine_traffic(machine, bytes, HUGE_VAL) / SAMPLES_OF_MICRO_BATCH;
}

double estimate_tiles(double registers) {
    return TILE_END * registers;
}

double estimate_accumulators(const Machine *machine, double registers) {
    double bytes = 2 * registers * machine->vector_floats * (double)sizeof(float);
    return (machine_traffic(machine, bytes, HUGE_VAL) + estimate_tiles(registers)) / SAMPLES_OF_LANE;
}

double estimate_reference(double products, double visits, double results) {
    return PRODUCT * products + VISIT * visits + RESULT * results + ESTIMATE_START;
}

double estimate_reference_sums(double products, double visits, double places) {
    return SUM * products + VISIT * visits + RESULT * places + ESTIMATE_START;
}
