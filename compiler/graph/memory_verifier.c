/* Checks what the memory pass gave: every value that a node touches has a place, places lie in their regions
 * and begin at cache lines, and values that are alive together share no element, unless one is the other's
 * alias or part. Works in n log n of the values. See verifier.h. */
#include "base/vec.h"
#include "graph/verifier.h"

#include <limits.h>
#include <stdlib.h>

enum { LINE = 16 /* elements of a cache line */ };

typedef struct Check {
    Arena *arena;
    const Graph *graph;
    bool *touched; /* by value: does a node read or make it? */
    int *last;     /* by value: the last node that reads or makes it, or a part or view of it */
} Check;

#define FAULT(check, ...) return arena_printf((check)->arena, __VA_ARGS__)

/* What lies at [from, to) of a region while nodes first to last run. */
typedef struct Place {
    int64_t from, to;
    int first, last;
    ValueId id;
} Place;

typedef struct Places {
    Place *items;
    int count;
} Places;

static int by_address(const void *a, const void *b) {
    const Place *x = a, *y = b;
    if (x->from != y->from) return x->from < y->from ? -1 : 1;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int by_first(const void *a, const void *b) {
    const Place *x = a, *y = b;
    return x->first != y->first ? (x->first < y->first ? -1 : 1) : by_address(a, b);
}

static int by_last(const void *a, const void *b) {
    const Place *x = a, *y = b;
    return x->last != y->last ? (x->last < y->last ? -1 : 1) : by_address(a, b);
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Which cells between neighbouring addresses are taken: a binary tree over them, where a node has who takes
 * all of its cells, and whether anybody takes one. */
typedef struct Cells {
    const int64_t *bounds; /* sorted, no two equal */
    int count;             /* of cells: one less than bounds */
    int *whole;            /* by node of the tree: 1 + index of the place that takes all of it, or 0 */
    int *any;              /* by node: 1 + index of a place that takes a cell below, or 0 */
} Cells;

/* The first place found in cells [from, to), or -1. */
static int cells_find(const Cells *cells, int node, int low, int high, int from, int to) {
    if (to <= low || high <= from) return -1;
    if (cells->whole[node]) return cells->whole[node] - 1;
    if (from <= low && high <= to) return cells->any[node] - 1;
    if (high - low == 1) return -1;
    int middle = low + (high - low) / 2;
    int found = cells_find(cells, 2 * node, low, middle, from, to);
    return found >= 0 ? found : cells_find(cells, 2 * node + 1, middle, high, from, to);
}

/* Cells [from, to) become the place's: 1 + its index, or nobody's with 0. */
static void cells_set(Cells *cells, int node, int low, int high, int from, int to, int place) {
    if (to <= low || high <= from) return;
    if (from <= low && high <= to) {
        cells->whole[node] = cells->any[node] = place;
        return;
    }
    int middle = low + (high - low) / 2;
    cells_set(cells, 2 * node, low, middle, from, to, place);
    cells_set(cells, 2 * node + 1, middle, high, from, to, place);
    cells->any[node] = cells->any[2 * node] ? cells->any[2 * node] : cells->any[2 * node + 1];
}

static Cells cells_create(Arena *arena, const Places *places) {
    int64_t *bounds = ARENA_ARRAY(arena, int64_t, 2 * (size_t)places->count);
    for (int i = 0; i < places->count; i++) {
        bounds[2 * i] = places->items[i].from;
        bounds[2 * i + 1] = places->items[i].to;
    }
    qsort(bounds, 2 * (size_t)places->count, sizeof *bounds, by_number);
    int count = 0;
    for (int i = 0; i < 2 * places->count; i++)
        if (!count || bounds[i] != bounds[count - 1]) bounds[count++] = bounds[i];
    size_t nodes = 4 * (size_t)count;
    return (Cells){.bounds = bounds,
                   .count = count - 1,
                   .whole = ARENA_ARRAY(arena, int, nodes),
                   .any = ARENA_ARRAY(arena, int, nodes)};
}

static int cell_of(const Cells *cells, int64_t address) {
    int low = 0, high = cells->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (cells->bounds[middle] < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Walks through time: who comes finds its cells free, for who went before has given them back. */
static const char *overlap_fault(const Check *c, const Places *places) {
    if (places->count < 2) return NULL;
    Cells cells = cells_create(c->arena, places);
    size_t bytes = (size_t)places->count * sizeof(Place);
    Place *starts = arena_copy(c->arena, places->items, bytes), *ends = arena_copy(c->arena, starts, bytes);
    qsort(starts, (size_t)places->count, sizeof *starts, by_first);
    qsort(ends, (size_t)places->count, sizeof *ends, by_last);
    for (int i = 0, gone = 0; i < places->count; i++) {
        const Place *place = &starts[i];
        for (; ends[gone].last < place->first; gone++)
            cells_set(&cells, 1, 0, cells.count, cell_of(&cells, ends[gone].from),
                      cell_of(&cells, ends[gone].to), 0);
        int from = cell_of(&cells, place->from), to = cell_of(&cells, place->to);
        int other = cells_find(&cells, 1, 0, cells.count, from, to);
        if (other >= 0)
            FAULT(c, "%s and %s share memory", graph_value(c->graph, starts[other].id)->name,
                  graph_value(c->graph, place->id)->name);
        cells_set(&cells, 1, 0, cells.count, from, to, i + 1);
    }
    return NULL;
}

static bool has_halo(const Value *value) {
    return value->layout.size != shape_elements(&value->shape);
}

static bool same_layout(const Value *a, const Value *b) {
    return shape_equal(&a->shape, &b->shape) && !memcmp(&a->layout, &b->layout, sizeof a->layout);
}

/* The gradients of one parameter are one accumulator. */
static bool is_same_gradient(const Value *a, const Value *b) {
    return a->role == ROLE_GRADIENT && b->role == ROLE_GRADIENT && a->parameter == b->parameter;
}

/* Makes a place of those that are one. A room with a halo is kept for ever by values of one layout, one after
 * the other, for its zeros are written once. */
static const char *merge(const Check *c, Places *places) {
    const Graph *graph = c->graph;
    qsort(places->items, (size_t)places->count, sizeof *places->items, by_address);
    int kept = 0;
    for (int i = 0; i < places->count;) {
        Place place = places->items[i++];
        const Value *value = graph_value(graph, place.id);
        bool halo = value_per_sample(value) && has_halo(value);
        for (; i < places->count && places->items[i].from == place.from; i++) {
            const Place *next = &places->items[i];
            const Value *other = graph_value(graph, next->id);
            if (is_same_gradient(value, other)) continue;
            if (!halo || !same_layout(value, other)) break;
            if (next->first <= place.last) FAULT(c, "%s and %s share memory", value->name, other->name);
            place.last = next->last;
        }
        if (halo) place = (Place){place.from, place.to, 0, INT_MAX, place.id};
        places->items[kept++] = place;
    }
    places->count = kept;
    return NULL;
}

/* Whose memory a result has taken in the place of its own, as it overwrites an operand. */
static bool is_in_place(const Graph *graph, const Value *value) {
    if (value->alias < 0 || value->within >= 0 || value->producer < 0) return false;
    const Node *producer = graph_node(graph, value->producer);
    return !producer->op->view && producer->inputs.count && producer->inputs.items[0] == value->alias;
}

/* Nobody reads what was overwritten, nor a part or view of it. */
static const char *in_place_fault(const Check *c, ValueId id) {
    const Value *value = graph_value(c->graph, id);
    if (!is_in_place(c->graph, value) || c->last[value->alias] <= value->producer) return NULL;
    FAULT(c, "%s overwrites %s, which is read later", value->name, graph_value(c->graph, value->alias)->name);
}

static int64_t region_elements(const Graph *graph, Region region) {
    switch (region) {
    case REGION_PARAMETERS: return graph->parameter_elements;
    case REGION_PACKED: return graph->packed_elements;
    case REGION_LANE: return graph->lane_elements;
    case REGION_SHARED: return graph->shared_elements;
    case REGION_BATCH: return graph->batch_stride;
    case REGION_SCRATCH: /* a single sample lies around the workspace, too */
        return graph->form->like_inference
                   ? graph->micro_batch * graph->scratch_stride + graph->workspace_elements
                   : graph->scratch_stride;
    case REGION_NONE: break;
    }
    return 0;
}

static bool region_fits(const Value *value) {
    switch (value->role) {
    case ROLE_PARAMETER:
    case ROLE_STATE: return value->region == REGION_PARAMETERS;
    case ROLE_GRADIENT:
    case ROLE_LANE: return value->region == REGION_LANE;
    case ROLE_SHARED: return value->region == REGION_SHARED;
    case ROLE_PACKED: return value->region == REGION_PACKED;
    default: return value->region == REGION_BATCH || value->region == REGION_SCRATCH;
    }
}

/* Elements of a value's own, of what is one a sample those of its room. */
static int64_t own_elements(const Graph *graph, const Value *value) {
    if (value_per_sample(value)) return value->layout.size;
    if (value->parameter) return value->parameter->storage.size;
    int64_t elements = value->elements ? value->elements : shape_elements(&value->shape);
    return value->role == ROLE_LANE && !graph->doubles ? 2 * elements : elements; /* lanes are doubles */
}

/* The last element that a kernel may touch lies in the room that the value has, or shares. */
static const char *alias_fault(const Check *c, ValueId id) {
    const Value *value = graph_value(c->graph, id), *root = graph_value(c->graph, graph_root(c->graph, id));
    const Layout *layout = &value->layout;
    int64_t end = layout->origin + 1;
    for (int i = 0; i < value->shape.rank; i++) end += (value->shape.dim[i] - 1) * layout->stride[i];
    if (layout->origin < 0 || end > root->layout.size)
        FAULT(c, "%s lies beyond its room in %s", value->name, root->name);
    if (value->region != root->region || value->offset - layout->origin != root->offset - root->layout.origin)
        FAULT(c, "%s is not where %s is", value->name, root->name);
    return NULL;
}

static const char *place_fault(const Check *c, ValueId id) {
    const Graph *graph = c->graph;
    const Value *value = graph_value(graph, id);
    if (!region_fits(value)) FAULT(c, "%s lies in no region for it", value->name);
    int64_t from = value->offset - (value_per_sample(value) ? value->layout.origin : 0);
    int64_t size = value->alias < 0 ? own_elements(graph, value) : 0;
    if (from < 0 || from % LINE || size < 0 || from > region_elements(graph, value->region) - size)
        FAULT(c, "%s does not lie in its region", value->name);
    if (value->role == ROLE_GRADIENT && value->offset != value->parameter->offset)
        FAULT(c, "%s lies elsewhere than its parameter", value->name);
    const char *fault = value_per_sample(value) ? alias_fault(c, id) : NULL;
    return fault ? fault : in_place_fault(c, id);
}

/* Parameters stand in sections: what decays, what else is trained, the rest. */
static const char *section_fault(const Check *c, const Value *value) {
    const ParameterInfo *info = value->parameter;
    bool trained = info->trainable && !info->statistic;
    int64_t from = trained && info->decay ? 0
                   : trained              ? c->graph->decayed_elements
                                          : c->graph->trained_elements;
    int64_t to = trained && info->decay ? c->graph->decayed_elements
                 : trained              ? c->graph->trained_elements
                                        : c->graph->parameter_elements;
    if (value->offset < from || value->offset + info->storage.size > to)
        FAULT(c, "%s lies in another section of the parameters", value->name);
    return NULL;
}

/* Fills touched and last; lives of rooms: the nodes between which the values in it are made and read. */
static void find_lives(Check *c, Place *lives) {
    const Graph *graph = c->graph;
    for (int n = 0; n < graph->nodes.count; n++) {
        const Node *node = graph_node(graph, n);
        for (int i = 0; i < node->inputs.count + node->outputs.count; i++) {
            ValueId id =
                i < node->inputs.count ? node->inputs.items[i] : node->outputs.items[i - node->inputs.count];
            c->touched[id] = true;
            Place *life = &lives[graph_root(graph, id)];
            if (life->first < 0) life->first = n;
            life->last = n;
            for (ValueId at = id; at >= 0; at = graph_value(graph, at)->alias) {
                c->last[at] = n;
                if (is_in_place(graph, graph_value(graph, at))) break;
            }
        }
    }
}

/* A stage's scratch is gone when it ends. */
static bool spans_stages(const Graph *graph, const Place *life) {
    return life->first >= 0 && graph_node(graph, life->first)->stage != graph_node(graph, life->last)->stage;
}

/* Every value that has memory of its own in the region. */
static const char *collect(const Check *c, Region region, const Place *lives, Places *places) {
    const Graph *graph = c->graph;
    places->count = 0;
    for (int i = 0; i < graph->values.count; i++) {
        const Value *value = graph_value(graph, i);
        if (value->region != region || value->alias >= 0) continue;
        Place place = {.first = 0, .last = INT_MAX, .id = i};
        if (value_per_sample(value)) {
            if (lives[i].first < 0) continue;
            if (region == REGION_SCRATCH && spans_stages(graph, &lives[i]))
                FAULT(c, "%s outlives its stage", value->name);
            place.first = lives[i].first;
            if (!graph->form->keeps_layers) place.last = lives[i].last;
        }
        place.from = value->offset - (value_per_sample(value) ? value->layout.origin : 0);
        place.to = place.from + own_elements(graph, value);
        if (place.to > place.from) places->items[places->count++] = place;
    }
    return NULL;
}

const char *memory_fault(Arena *arena, const Graph *graph) {
    size_t values = (size_t)graph->values.count;
    Check c = {arena, graph, ARENA_ARRAY(arena, bool, values), ARENA_ARRAY(arena, int, values)};
    Place *lives = ARENA_ARRAY(arena, Place, values);
    for (int i = 0; i < graph->values.count; i++) lives[i].first = -1;
    find_lives(&c, lives);
    const char *fault = NULL;
    for (int i = 0; i < graph->values.count && !fault; i++) {
        const Value *value = graph_value(graph, i);
        bool parameter = value->role == ROLE_PARAMETER || value->role == ROLE_STATE;
        if (c.touched[i] || parameter) fault = place_fault(&c, i);
        if (!fault && parameter) fault = section_fault(&c, value);
    }
    Places places = {ARENA_ARRAY(arena, Place, values), 0};
    for (int region = REGION_PARAMETERS; region <= REGION_SCRATCH && !fault; region++) {
        fault = collect(&c, (Region)region, lives, &places);
        if (!fault) fault = merge(&c, &places);
        if (!fault) fault = overlap_fault(&c, &places);
    }
    return fault;
}
