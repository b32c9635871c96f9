/* memory: a region and an offset for every value. Values of one stage share the worker's scratch, values that
 * outlive their stage live in the batch block, both reused as soon as the last reader is through; a room
 * with a halo is reused by values of the same layout alone, for the halo's zeros are written once. The probe,
 * which keeps every value, runs one sample at a time in the strides of another form. Needs layouts and the
 * order of execution; gives region, offset, alias, and the sizes. */
#include "passes/pass.h"

#include <stdlib.h>
#include <string.h>

enum {
    LINE = 16,          /* elements of a cache line */
    SEARCH_LIMIT = 4096 /* rooms looked through for a gap, so that huge graphs stay fast */
};

static int64_t round_up(int64_t elements) {
    return (elements + LINE - 1) / LINE * LINE;
}

/* From one sample to the next: an odd number of cache lines, so that equal places of several samples do not
 * fall into the same set. */
static int64_t sample_stride(int64_t elements) {
    int64_t lines = round_up(elements) / LINE;
    return (lines % 2 ? lines : lines + 1) * LINE;
}

/* Parameters: trained ones that decay, the other trained ones, the rest. Gradients lie in a lane as their
 * parameters in the block. */
static int section_of(const ParameterInfo *info) {
    if (!info->trainable || info->statistic) return 2;
    return info->decay ? 0 : 1;
}

static bool has_gradients(const Graph *graph) {
    for (int i = 0; i < graph->values.count; i++)
        if (graph->values.items[i].role == ROLE_GRADIENT) return true;
    return false;
}

static void place_parameters(Graph *graph) {
    int64_t at = 0;
    for (int section = 0; section < 3; section++) {
        for (int i = 0; i < graph->values.count; i++) {
            Value *value = graph_value(graph, i);
            if (value->role != ROLE_PARAMETER && value->role != ROLE_STATE) continue;
            if (section_of(value->parameter) != section) continue;
            value->region = REGION_PARAMETERS;
            value->offset = at;
            value->parameter->offset = at;
            at += round_up(value->parameter->storage.size);
        }
        graph->parameter_elements = at;
        if (section == 0) graph->decayed_elements = at;
        if (section == 1) graph->trained_elements = at;
    }
    graph->lane_elements = has_gradients(graph) ? graph->trained_elements : 0;
}

/* One after the other, each from a cache line on. */
static void place_whole_batch(Graph *graph) {
    int reals_a_double = graph->doubles ? 1 : 2;
    graph->packed_elements = graph->shared_elements = 0;
    for (int i = 0; i < graph->values.count; i++) {
        Value *value = graph_value(graph, i);
        int64_t *end = NULL, size = value->elements ? value->elements : shape_elements(&value->shape);
        switch (value->role) {
        case ROLE_PACKED: end = &graph->packed_elements, value->region = REGION_PACKED; break;
        case ROLE_SHARED: end = &graph->shared_elements, value->region = REGION_SHARED; break;
        case ROLE_LANE:
            end = &graph->lane_elements, value->region = REGION_LANE;
            size *= reals_a_double;
            break;
        case ROLE_GRADIENT:
            value->region = REGION_LANE;
            value->offset = value->parameter->offset;
            break;
        default: break;
        }
        if (!end) continue;
        value->offset = *end;
        *end += round_up(size);
    }
}

typedef struct Lifetime {
    int first, last; /* nodes */
    bool outlives_stage;
} Lifetime;

static void extend(const Graph *graph, Lifetime *lives, ValueId id, int node) {
    const Value *value = graph_value(graph, id);
    if (!value_per_sample(value)) return;
    Lifetime *life = &lives[graph_root(graph, id)];
    if (life->first < 0) life->first = node;
    life->last = node;
    if (graph_node(graph, node)->stage != graph_node(graph, life->first)->stage) life->outlives_stage = true;
}

static Lifetime *lifetimes(Graph *graph) {
    Lifetime *lives = ARENA_ARRAY(graph->arena, Lifetime, (size_t)graph->values.count);
    for (int i = 0; i < graph->values.count; i++) lives[i] = (Lifetime){-1, -1, false};
    for (int n = 0; n < graph->nodes.count; n++) {
        const Node *node = graph_node(graph, n);
        for (int i = 0; i < node->inputs.count; i++) extend(graph, lives, node->inputs.items[i], n);
        for (int i = 0; i < node->outputs.count; i++) extend(graph, lives, node->outputs.items[i], n);
    }
    return lives;
}

static void place_derived_of(const PassContext *pc, Graph *graph, const Node *node, const Kernel *kernel,
                             int64_t *offset) {
    if (!kernel || !kernel->packed) return;
    *offset = graph->packed_elements;
    graph->packed_elements += round_up(kernel->packed(pc->machine, graph, node));
}

/* Behind the packed values: what single kernels derive from their parameters. */
static void place_derived(const PassContext *pc, Graph *graph) {
    for (int i = 0; i < graph->nodes.count; i++) {
        Node *node = graph_node(graph, i);
        place_derived_of(pc, graph, node, node->kernel, &node->packed_offset);
        place_derived_of(pc, graph, node, node->alone, &node->alone_packed_offset);
    }
}

static bool has_halo(const Value *value) {
    return value->layout.size != shape_elements(&value->shape);
}

static bool same_layout(const Value *a, const Value *b) {
    return shape_equal(&a->shape, &b->shape) && !memcmp(&a->layout, &b->layout, sizeof a->layout);
}

/* Parts lie in their whole. Views of values without gaps, and results that may overwrite an input nobody
 * reads again, nor a part of it, take their input's memory. */
static void share_memory(Graph *graph) {
    int *last_use = ARENA_ARRAY(graph->arena, int, (size_t)graph->values.count);
    int *readers = graph_count_uses(graph);
    for (int n = 0; n < graph->nodes.count; n++) {
        const Node *node = graph_node(graph, n);
        for (int i = 0; i < node->inputs.count; i++) {
            last_use[node->inputs.items[i]] = n;
            last_use[graph_whole(graph, node->inputs.items[i])] = n;
        }
    }
    for (int i = 0; i < graph->values.count; i++)
        graph_value(graph, i)->alias = graph_value(graph, i)->within;
    for (int n = 0; n < graph->nodes.count; n++) {
        const Node *node = graph_node(graph, n);
        if (!node->inputs.count || !node->outputs.count) continue;
        ValueId from = node->inputs.items[0], to = node->outputs.items[0];
        Value *input = graph_value(graph, from), *output = graph_value(graph, to);
        if (!value_per_sample(input) || !value_per_sample(output) || output->within >= 0) continue;
        if (node->op->view) {
            if (!has_halo(input) && !has_halo(output)) output->alias = from;
            continue;
        }
        int uses = 0;
        for (int i = 0; i < node->inputs.count; i++) uses += node->inputs.items[i] == from;
        bool owned = input->alias < 0 && readers[from] == 1 && uses == 1 && last_use[from] == n;
        bool same_stage = input->producer >= 0 && graph_node(graph, input->producer)->stage == node->stage;
        if (!graph->form->keeps_layers && node->kernel->in_place && owned && same_stage &&
            same_layout(input, output))
            output->alias = from;
    }
}

typedef struct Room {
    int64_t from, to;
    int first, last; /* nodes; INT_MAX: for ever */
} Room;

typedef struct Rooms {
    VEC(Room) taken; /* by address */
    int64_t end;
} Rooms;

static void forget_before(Rooms *rooms, int node) {
    int kept = 0;
    for (int i = 0; i < rooms->taken.count; i++)
        if (rooms->taken.items[i].last >= node) rooms->taken.items[kept++] = rooms->taken.items[i];
    rooms->taken.count = kept;
}

/* The lowest place that nobody has from node `first` to node `last`; behind all where very many have one. */
static int64_t take_room(Arena *arena, Rooms *rooms, int64_t size, int first, int last) {
    bool searched = rooms->taken.count <= SEARCH_LIMIT;
    int64_t from = searched ? 0 : rooms->end;
    for (int i = 0; searched && i < rooms->taken.count; i++) {
        const Room *room = &rooms->taken.items[i];
        if (room->last < first || room->first > last) continue;
        if (room->from - from >= size) break;
        if (room->to > from) from = room->to;
    }
    int at = rooms->taken.count;
    vec_push(arena, &rooms->taken, (Room){0});
    for (; at && rooms->taken.items[at - 1].from > from; at--)
        rooms->taken.items[at] = rooms->taken.items[at - 1];
    rooms->taken.items[at] = (Room){from, from + size, first, last};
    if (from + size > rooms->end) rooms->end = from + size;
    return from;
}

static int64_t kernel_workspace(const PassContext *pc, const Graph *graph, const Node *node,
                                const Kernel *kernel) {
    return kernel && kernel->workspace ? kernel->workspace(pc->machine, graph, node) : 0;
}

/* What single kernels work in, of the most demanding. */
static int64_t workspace_of(const PassContext *pc, const Graph *graph) {
    int64_t most = 0;
    for (int i = 0; i < graph->nodes.count; i++) {
        const Node *node = graph_node(graph, i);
        int64_t wanted = kernel_workspace(pc, graph, node, node->kernel);
        int64_t alone = kernel_workspace(pc, graph, node, node->alone);
        if (wanted < alone) wanted = alone;
        if (wanted > most) most = wanted;
    }
    return round_up(most);
}

/* The workspace lies behind the samples of a micro-batch. A probe's only sample lies around it, so that
 * kernels find it, and the next sample, where those of the form beside it do. */
static void place_workspace(const PassContext *pc, Graph *graph, Rooms *scratch) {
    graph->workspace_elements = workspace_of(pc, graph);
    if (!pc->beside || !graph->workspace_elements) return;
    int64_t from = pc->beside->micro_batch * pc->beside->scratch_stride;
    vec_push(graph->arena, &scratch->taken, (Room){from, from + graph->workspace_elements, 0, INT32_MAX});
}

static void set_strides(const PassContext *pc, Graph *graph, int64_t scratch, int64_t batch) {
    graph->scratch_stride = scratch ? sample_stride(scratch) : 0;
    graph->batch_stride = batch ? sample_stride(batch) : 0;
    if (!pc->beside) return;
    graph->scratch_stride = pc->beside->scratch_stride;
    int64_t behind = round_up(scratch) - pc->beside->micro_batch * graph->scratch_stride;
    if (graph->workspace_elements < behind) graph->workspace_elements = behind;
}

/* Rooms with halos are kept for ever, but values of one layout take turns in one: its zeros stay zeros. */
typedef struct HaloRoom {
    ValueId like; /* the first value in it */
    Rooms *rooms;
    int64_t from;
    int last; /* node: the last reader of the value that has it now */
} HaloRoom;

typedef VEC(HaloRoom) HaloRooms;

static int64_t take_halo_room(Graph *graph, HaloRooms *halos, Rooms *rooms, ValueId id, Lifetime life) {
    const Value *value = graph_value(graph, id);
    for (int i = halos->count - 1; i >= 0 && i >= halos->count - SEARCH_LIMIT; i--) {
        HaloRoom *room = &halos->items[i];
        if (room->rooms != rooms || room->last >= life.first) continue;
        if (!same_layout(graph_value(graph, room->like), value)) continue;
        room->last = life.last;
        return room->from;
    }
    int64_t from = take_room(graph->arena, rooms, round_up(value->layout.size), 0, INT32_MAX);
    vec_push(graph->arena, halos, ((HaloRoom){id, rooms, from, life.last}));
    return from;
}

typedef struct Wanted {
    ValueId id;
    int64_t size;
    Lifetime life;
} Wanted;

typedef VEC(Wanted) WantedRooms;

/* The values that need a room of their own, in the order in which they are made. */
static WantedRooms wanted_rooms(Graph *graph) {
    Lifetime *lives = lifetimes(graph);
    WantedRooms wanted = {0};
    bool *seen = ARENA_ARRAY(graph->arena, bool, (size_t)graph->values.count);
    for (int n = 0; n < graph->nodes.count; n++) {
        const Node *node = graph_node(graph, n);
        for (int i = 0; i < node->outputs.count; i++) {
            ValueId id = graph_root(graph, node->outputs.items[i]); /* its first part may come before it */
            const Value *value = graph_value(graph, id);
            if (!value_per_sample(value) || seen[id]) continue;
            seen[id] = true;
            vec_push(graph->arena, &wanted, ((Wanted){id, round_up(value->layout.size), lives[id]}));
        }
    }
    return wanted;
}

/* Large ones first; those of one size as they were. */
static int by_size(const void *a, const void *b) {
    const Wanted *x = a, *y = b;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    if (x->life.first != y->life.first) return x->life.first < y->life.first ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Large values first leaves the fewest gaps (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural
 * Net Inference", 2020); that looks at all pairs of values, so huge graphs take them as they come. */
static void place_samples(const PassContext *pc, Graph *graph) {
    Rooms scratch = {0}, batch = {0};
    bool keep = graph->form->keeps_layers;
    place_workspace(pc, graph, &scratch);
    HaloRooms halos = {0};
    WantedRooms wanted = wanted_rooms(graph);
    bool few = wanted.count <= SEARCH_LIMIT;
    /* Rooms that are kept for ever come first, so that no value lies in them before. */
    for (int pass = 0; pass < 2; pass++) {
        if (pass && few) qsort(wanted.items, (size_t)wanted.count, sizeof *wanted.items, by_size);
        for (int i = 0; i < wanted.count; i++) {
            const Wanted *w = &wanted.items[i];
            Value *value = graph_value(graph, w->id);
            if ((keep || has_halo(value)) != (pass == 0)) continue;
            Rooms *rooms = w->life.outlives_stage ? &batch : &scratch;
            if (pass && !few) forget_before(rooms, w->life.first);
            int64_t room = keep   ? take_room(graph->arena, rooms, w->size, 0, INT32_MAX)
                           : pass ? take_room(graph->arena, rooms, w->size, w->life.first, w->life.last)
                                  : take_halo_room(graph, &halos, rooms, w->id, w->life);
            value->region = rooms == &batch ? REGION_BATCH : REGION_SCRATCH;
            value->offset = room + value->layout.origin;
        }
    }
    for (int i = 0; i < graph->values.count; i++) {
        Value *value = graph_value(graph, i);
        if (!value_per_sample(value) || value->alias < 0) continue;
        const Value *root = graph_value(graph, graph_root(graph, i));
        value->region = root->region;
        value->offset = root->offset + value->layout.origin - root->layout.origin;
    }
    set_strides(pc, graph, scratch.end, batch.end);
}

void memory_run(PassContext *pc, Graph *graph) {
    for (int i = 0; i < graph->values.count; i++) {
        Value *value = graph_value(graph, i);
        value->alias = -1;
        value->region = REGION_NONE;
    }
    place_parameters(graph);
    place_whole_batch(graph);
    place_derived(pc, graph);
    share_memory(graph);
    place_samples(pc, graph);
    micro_batches_choose(pc, graph);
}
