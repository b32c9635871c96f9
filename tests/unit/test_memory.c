/* Where values lie: what the verifier says of offsets that are spoilt, a region at a time, and the memory
 * pass over more values than it looks at all pairs of. */
#include "graph/verifier.h"
#include "passes/pass.h"
#include "sema/sema.h"
#include "syntax/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char model_text[] = "model m {\n"
                                 "  input(12, 12, 3)\n"
                                 "  conv(8, 3, padding=same, bias=false) -> batchnorm -> relu -> maxpool(2)\n"
                                 "  left = conv(8, 3, padding=same, activation=tanh)\n"
                                 "  right = avgpool(3, stride=1, padding=same)\n"
                                 "  concat(left, right) -> dropout(0.5) -> softmax -> flatten -> dense(4)\n"
                                 "}\n"
                                 "train { loss = cross_entropy; batch = 16 }\n";

static const Machine machine = {
    .vector_floats = 4, .registers = 16, .fma_ports = 1, .l1_bytes = 32 << 10, .l2_bytes = 256 << 10};

typedef struct Trial {
    Context cx;
    Source source;
    PassContext pc;
} Trial;

static void open_trial(Trial *trial) {
    *trial = (Trial){
        .cx.arena = arena_create(), .source = {"m.cnn", model_text, sizeof model_text - 1}
    };
    trial->cx.diag = diag_create(trial->cx.arena, stderr, DIAG_TEXT, false);
    Elaboration *elaboration = sema_elaborate(&trial->cx, syntax_parse(&trial->cx, &trial->source));
    diag_flush(trial->cx.diag);
    assert_int_equal(diag_errors(trial->cx.diag), 0);
    trial->pc = (PassContext){.cx = &trial->cx, .model = elaboration->model, .machine = &machine};
}

static Graph *placed(Trial *trial, Form form) {
    Graph *graph = form_create(&trial->pc, form);
    passes_run(&trial->pc, graph);
    assert_null(graph_fault(trial->cx.arena, graph));
    return graph;
}

/* Moves a value, and what shares its memory, so that its room begins at that element of the region. */
static void move(Graph *graph, ValueId id, int64_t to) {
    Value *value = graph_value(graph, id);
    int64_t from = value->offset - (value_per_sample(value) ? value->layout.origin : 0);
    for (int i = 0; i < graph->values.count; i++)
        if (graph_root(graph, i) == id) graph_value(graph, i)->offset += to - from;
}

static int64_t room_of(const Graph *graph, ValueId id) {
    const Value *value = graph_value(graph, id);
    return value->offset - (value_per_sample(value) ? value->layout.origin : 0);
}

static void assert_fault(Trial *trial, const Graph *graph, const char *text) {
    const char *fault = graph_fault(trial->cx.arena, graph);
    if (!fault || !strstr(fault, text)) fail_msg("'%s' is not found: %s", text, fault ? fault : "no fault");
}

/* A value of its own memory in that region that a node reads or makes, behind that one; -1 where there is
 * none. */
static ValueId next_in(const Graph *graph, Region region, ValueId behind) {
    for (int i = behind + 1; i < graph->values.count; i++) {
        const Value *value = graph_value(graph, i);
        if (value->region == region && value->alias < 0 && value->role != ROLE_GRADIENT) return i;
    }
    return -1;
}

/* Two values of the region that are alive together: one that a node reads and one that it makes, or any two
 * that are not a sample's. */
static bool find_pair(const Graph *graph, Region region, ValueId *a, ValueId *b) {
    for (int n = graph->nodes.count - 1; n >= 0; n--) {
        const Node *node = graph_node(graph, n);
        for (int i = 0; i < node->inputs.count && node->outputs.count; i++) {
            *a = graph_root(graph, node->inputs.items[i]);
            *b = graph_root(graph, node->outputs.items[0]);
            if (*a != *b && graph_value(graph, *a)->region == region &&
                graph_value(graph, *b)->region == region)
                return true;
        }
    }
    *a = next_in(graph, region, -1);
    *b = *a < 0 ? -1 : next_in(graph, region, *a);
    return *b >= 0 && !value_per_sample(graph_value(graph, *a));
}

static int64_t end_of(const Graph *graph, Region region) {
    int64_t ends[] = {[REGION_PARAMETERS] = graph->parameter_elements,
                      [REGION_PACKED] = graph->packed_elements,
                      [REGION_LANE] = graph->lane_elements,
                      [REGION_SHARED] = graph->shared_elements,
                      [REGION_BATCH] = graph->batch_stride,
                      [REGION_SCRATCH] = graph->scratch_stride};
    return ends[region];
}

static void a_spoilt_offset_is_found_in_every_region(void **state) {
    (void)state;
    Trial trial;
    open_trial(&trial);
    for (int region = REGION_PARAMETERS; region <= REGION_SCRATCH; region++) {
        Graph *graph = placed(&trial, FORM_TRAINING);
        ValueId a, b;
        if (!find_pair(graph, (Region)region, &a, &b)) fail_msg("region %d has not two values", region);
        int64_t was = room_of(graph, b), other = room_of(graph, a);
        move(graph, b, other);
        assert_fault(&trial, graph, region == REGION_PARAMETERS ? "" : "share memory");
        move(graph, b, -16);
        assert_fault(&trial, graph, "does not lie in its region");
        move(graph, b, end_of(graph, (Region)region));
        assert_fault(&trial, graph, "does not lie in its region");
        move(graph, b, was + 1);
        assert_fault(&trial, graph, "does not lie in its region");
        graph_value(graph, b)->region = region == REGION_SCRATCH ? REGION_LANE : (Region)(region + 1);
        move(graph, b, was);
        assert_fault(&trial, graph, region == REGION_BATCH ? "" : "lies in no region for it");
    }
    arena_destroy(trial.cx.arena);
}

/* In whichever order: a little before the end of the other, too. */
static void neighbours_may_not_overlap_by_a_line(void **state) {
    (void)state;
    Trial trial;
    open_trial(&trial);
    Graph *graph = placed(&trial, FORM_TRAINING);
    int tried = 0;
    for (int n = 0; n < graph->nodes.count; n++) {
        const Node *node = graph_node(graph, n);
        for (int i = 0; i < node->inputs.count && node->outputs.count; i++) {
            ValueId a = graph_root(graph, node->inputs.items[i]),
                    b = graph_root(graph, node->outputs.items[0]);
            const Value *first = graph_value(graph, a), *second = graph_value(graph, b);
            if (a == b || first->region != REGION_SCRATCH || second->region != REGION_SCRATCH) continue;
            int64_t was = room_of(graph, b), to = room_of(graph, a) + (first->layout.size - 1) / 16 * 16;
            if (to + second->layout.size > graph->scratch_stride) continue;
            move(graph, b, to);
            assert_fault(&trial, graph, "share memory");
            move(graph, b, was);
            assert_null(graph_fault(trial.cx.arena, graph));
            tried++;
        }
    }
    assert_true(tried > 3);
    arena_destroy(trial.cx.arena);
}

static void parameters_stay_in_their_sections(void **state) {
    (void)state;
    Trial trial;
    open_trial(&trial);
    Graph *graph = placed(&trial, FORM_TRAINING);
    ValueId decayed = -1, running = -1;
    for (int i = 0; i < graph->values.count; i++) {
        const Value *value = graph_value(graph, i);
        if (value->role == ROLE_PARAMETER && value->parameter->decay) decayed = i;
        if (value->role == ROLE_STATE) running = i;
    }
    assert_true(decayed >= 0 && running >= 0);
    int64_t at = room_of(graph, running);
    move(graph, running, room_of(graph, decayed));
    assert_fault(&trial, graph, "lies in another section");
    move(graph, running, at);
    graph->trained_elements += 16;
    assert_fault(&trial, graph, "lies in another section");
    arena_destroy(trial.cx.arena);
}

/* Values whose memory is another's move with it, lie within it, and are read before they are overwritten. */
static void aliases_lie_where_the_graph_says(void **state) {
    (void)state;
    Trial trial;
    open_trial(&trial);
    Graph *graph = placed(&trial, FORM_INFERENCE);
    ValueId part = -1, view = -1;
    for (int i = 0; i < graph->values.count; i++) {
        const Value *value = graph_value(graph, i);
        if (value->within >= 0) part = i;
        if (value->alias >= 0 && value->within < 0 && graph_node(graph, value->producer)->op->view) view = i;
    }
    assert_true(part >= 0 && view >= 0);
    ValueId each[] = {part, view};
    for (int i = 0; i < COUNT(each); i++) {
        graph_value(graph, each[i])->offset += 16;
        assert_fault(&trial, graph, "is not where");
        graph_value(graph, each[i])->offset -= 16;
        graph_value(graph, each[i])->layout.stride[0] += 1;
        assert_fault(&trial, graph, "lies beyond its room");
        graph_value(graph, each[i])->layout.stride[0] -= 1;
        assert_null(graph_fault(trial.cx.arena, graph));
    }
    arena_destroy(trial.cx.arena);
}

/* Graphs by hand, of rows of their own: a value after the other, read by the nodes that a test names. */
static const Kernel plain = {.name = "plain"}, overwriting = {.name = "overwriting", .in_place = true};
static const Op maker = {.name = "maker", .domain = DOMAIN_SAMPLE, .max_inputs = -1, .effect = true};

static Graph *graph_by_hand(Arena *arena, Form form) {
    Graph *graph = graph_create(arena, "m", form);
    graph->stage_count = 1;
    return graph;
}

static ValueId make(Graph *graph, const ValueId *inputs, int count, int64_t size, const Kernel *kernel) {
    NodeId node = graph_add_node(graph, &maker, NULL, inputs, count, -1, (Span){0});
    ValueId made = graph_add_output(graph, node, graph->input < 0 ? ROLE_INPUT : ROLE_ACTIVATION,
                                    (Shape){.rank = 1, .dim = {size}});
    graph_node(graph, node)->kernel = kernel;
    if (graph->input < 0) graph->input = made;
    graph->output = made;
    return made;
}

static void place(Graph *graph) {
    Context cx = {.arena = graph->arena};
    PassContext pc = {.cx = &cx, .machine = &machine};
    for (int i = 0; i < graph->values.count; i++) graph_value(graph, i)->within = -1;
    layout_run(&pc, graph);
    memory_run(&pc, graph);
    const char *fault = graph_fault(graph->arena, graph);
    if (fault) fail_msg("%s", fault);
}

static void what_is_read_later_is_not_overwritten(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Graph *graph = graph_by_hand(arena, FORM_INFERENCE);
    ValueId x = make(graph, NULL, 0, 32, &plain), y = make(graph, &x, 1, 32, &overwriting);
    make(graph, (ValueId[]){y, y}, 2, 32, &plain);
    place(graph);
    assert_int_equal(graph_value(graph, y)->alias, x);
    graph_node(graph, 2)->inputs.items[1] = x;
    assert_string_equal(graph_fault(arena, graph), "value.2 overwrites value.1, which is read later");
    arena_destroy(arena);
}

/* Where all is kept, lives do not end. */
static void kept_values_share_with_nobody(void **state) {
    (void)state;
    Arena *arena = arena_create();
    for (int form = FORM_INFERENCE; form <= FORM_PROBE; form++) {
        Graph *graph = graph_by_hand(arena, (Form)form);
        ValueId first = make(graph, NULL, 0, 32, &plain), last = first;
        for (int i = 0; i < 4; i++) last = make(graph, &last, 1, 32, &plain);
        place(graph);
        move(graph, last, room_of(graph, first));
        const char *fault = graph_fault(arena, graph);
        assert_true(form == FORM_PROBE ? fault && strstr(fault, "share memory") : !fault);
    }
    arena_destroy(arena);
}

/* The memory pass looks at all pairs of at most so many values that need a room, and places them by size. */
enum { SEARCH_LIMIT = 4096 };

/* `count` rooms in all: a small value that is read at the end, a chain, and the largest behind the first. */
static Graph *chain(Arena *arena, int count) {
    Graph *graph = graph_by_hand(arena, FORM_INFERENCE);
    ValueId small = make(graph, NULL, 0, 16, &plain), last = make(graph, &small, 1, 64, &plain);
    for (int i = 2; i < count - 1; i++) last = make(graph, &last, 1, 32, &plain);
    make(graph, (ValueId[]){small, last}, 2, 16, &plain);
    place(graph);
    return graph;
}

static void many_values_come_as_they_are_made(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Graph *few = chain(arena, SEARCH_LIMIT), *many = chain(arena, SEARCH_LIMIT + 1);
    assert_int_equal(graph_value(few, 1)->offset, 0); /* the largest first */
    assert_int_equal(graph_value(few, 0)->offset, 64 + 32);
    assert_int_equal(graph_value(many, 0)->offset, 0);
    assert_int_equal(graph_value(many, 1)->offset, 16);
    /* Either way three rooms take turns. */
    assert_int_equal(few->scratch_stride, 16 * 7);
    assert_int_equal(many->scratch_stride, 16 * 7);
    Graph *very_many = chain(arena, 10 * SEARCH_LIMIT);
    assert_int_equal(very_many->scratch_stride, 16 * 7);
    arena_destroy(arena);
}

/* So many that are alive together are put one behind the other, whatever room is free below. */
static void a_crowd_lies_behind_one_another(void **state) {
    (void)state;
    enum { CROWD = SEARCH_LIMIT + 100 };
    Arena *arena = arena_create();
    Graph *graph = graph_by_hand(arena, FORM_INFERENCE);
    ValueId first = make(graph, NULL, 0, 16, &plain);
    ValueId *crowd = ARENA_ARRAY(arena, ValueId, CROWD);
    for (int i = 0; i < CROWD; i++) crowd[i] = make(graph, &first, 1, 16, &plain);
    ValueId sum = make(graph, crowd, CROWD, 16, &plain), end = make(graph, &sum, 1, 16, &plain);
    place(graph);
    assert_int_equal(graph_value(graph, crowd[CROWD - 1])->offset, 16 * CROWD);
    assert_int_equal(graph_value(graph, sum)->offset, 16 * (CROWD + 1));
    assert_int_equal(graph_value(graph, end)->offset, 0); /* the crowd is gone */
    arena_destroy(arena);
}

/* Gradients add up in fewer lanes where they are many; in one where there are none. */
static void lanes_follow_the_trained_parameters(void **state) {
    (void)state;
    static const struct {
        int64_t trained;
        int lanes;
    } rows[] = {
        {1,              8},
        {1 << 20,        8},
        {(1 << 20) + 1,  4},
        {16 << 20,       4},
        {(16 << 20) + 1, 2},
        {INT64_MAX / 4,  2},
    };
    Arena *arena = arena_create();
    Context cx = {.arena = arena};
    PassContext pc = {.cx = &cx, .machine = &machine};
    for (int i = 0; i < 2 * COUNT(rows); i++) {
        Graph *graph = graph_by_hand(arena, FORM_TRAINING);
        graph->training = i % 2;
        vec_push(arena, &graph->layers, (Layer){.name = "a", .trainable = rows[i / 2].trained / 2});
        vec_push(arena, &graph->layers,
                 (Layer){.name = "b", .trainable = rows[i / 2].trained - rows[i / 2].trained / 2});
        schedule_run(&pc, graph);
        assert_int_equal(graph->lanes, graph->training ? rows[i / 2].lanes : 1);
    }
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spoilt_offset_is_found_in_every_region),
        cmocka_unit_test(neighbours_may_not_overlap_by_a_line),
        cmocka_unit_test(parameters_stay_in_their_sections),
        cmocka_unit_test(aliases_lie_where_the_graph_says),
        cmocka_unit_test(what_is_read_later_is_not_overwritten),
        cmocka_unit_test(kept_values_share_with_nobody),
        cmocka_unit_test(many_values_come_as_they_are_made),
        cmocka_unit_test(a_crowd_lies_behind_one_another),
        cmocka_unit_test(lanes_follow_the_trained_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
