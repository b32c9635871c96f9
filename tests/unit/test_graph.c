/* The graph's floor: shapes and windows, building and dropping, names, keys, and the printed form of what
 * only memory planning sets. */
#define _GNU_SOURCE
#include "graph/text.h"
#include "graph/verifier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static int make_arena(void **state) {
    *state = arena_create();
    return 0;
}

static int drop_arena(void **state) {
    arena_destroy(*state);
    return 0;
}

static const Span nowhere = {0};

static Shape shape_of(int rank, int64_t a, int64_t b, int64_t c) {
    return (Shape){
        rank, {a, b, c}
    };
}

static void elements_are_checked(void **state) {
    Shape image = shape_of(3, 28, 28, 3), scalar = {0},
          huge = shape_of(2, INT64_C(1) << 40, INT64_C(1) << 40, 0);
    assert_int_equal(shape_elements(&image), 2352);
    assert_int_equal(shape_elements(&scalar), 1);
    assert_int_equal(shape_elements(&huge), -1);
    assert_string_equal(shape_text(*state, &image), "28x28x3");
    assert_int_equal(extent_add(INT64_MAX, 1), -1);
    assert_int_equal(extent_add(-1, 5), -1);
    assert_int_equal(extent_multiply(INT64_C(1) << 32, INT64_C(1) << 31), -1);
    assert_int_equal(extent_multiply(0, INT64_MAX), 0);
}

/* Counts the windows that fit, without division. */
static int64_t windows_by_counting(int64_t input, int64_t span, int64_t stride, int64_t begin, int64_t end,
                                   bool ceil) {
    int64_t count = 0;
    for (int64_t start = 0; start + span <= input + begin + end; start += stride) count++;
    int64_t start = count * stride, padded = input + begin + end;
    bool partial = ceil && (count ? start - stride + span < padded : true) && start < input + begin;
    return count + partial;
}

static void windows_fit_as_counted(void **state) {
    (void)state;
    for (int64_t n = 1; n < 14; n++)
        for (int64_t kernel = 1; kernel < 5; kernel++)
            for (int64_t stride = 1; stride < 5; stride++)
                for (int64_t dilation = 1; dilation < 3; dilation++)
                    for (int64_t pad = 0; pad < 3; pad++) {
                        int64_t span = dilation * (kernel - 1) + 1;
                        if (span > n + pad + 1 || pad >= span) continue;
                        Padding padding = {
                            .kind = PADDING_EXPLICIT, .rank = 1, .begin = {pad}, .end = {pad + 1}};
                        for (int ceil = 0; ceil < 2; ceil++) {
                            WindowAxis axis = {
                                .input = n, .kernel = kernel, .stride = stride, .dilation = dilation};
                            window_axis_fit(&axis, &padding, 2, ceil);
                            assert_int_equal(axis.output,
                                             windows_by_counting(n, span, stride, pad, pad + 1, ceil));
                            assert_int_equal(axis.begin, pad);
                            assert_int_equal(axis.end, pad + 1);
                        }
                    }
}

static void same_gives_one_output_a_stride(void **state) {
    (void)state;
    Padding same = {.kind = PADDING_SAME};
    for (int64_t n = 1; n < 20; n++)
        for (int64_t kernel = 1; kernel < 6; kernel++)
            for (int64_t stride = 1; stride < 5; stride++) {
                WindowAxis axis = {.input = n, .kernel = kernel, .stride = stride, .dilation = 1};
                window_axis_fit(&axis, &same, 0, false);
                assert_int_equal(axis.output, (n + stride - 1) / stride);
                assert_true(axis.end == axis.begin || axis.end == axis.begin + 1);
                int64_t reach = (axis.output - 1) * stride + kernel;
                assert_true(reach <= axis.begin + n + axis.end);
            }
}

static void windows_that_do_not_fit(void **state) {
    (void)state;
    Padding valid = {.kind = PADDING_VALID}, same = {.kind = PADDING_SAME};
    WindowAxis axis = {.input = 3, .kernel = 5, .stride = 1, .dilation = 1};
    window_axis_fit(&axis, &valid, 0, false);
    assert_int_equal(axis.output, -1);
    WindowAxis wide = {
        .input = 3, .kernel = INT64_C(4000000000), .stride = 1, .dilation = INT64_C(4000000000)};
    window_axis_fit(&wide, &valid, 0, false);
    assert_true(wide.output < 1);
    window_axis_fit(&wide, &same, 0, false);
    assert_true(wide.output < 1);
    WindowAxis far = {.input = INT64_C(1) << 61, .kernel = INT64_C(1) << 61, .stride = 1, .dilation = 1};
    Padding most = {.kind = PADDING_EXPLICIT, .rank = 1, .begin = {INT64_MAX}, .end = {INT64_MAX}};
    window_axis_fit(&far, &most, 0, true);
    assert_true(far.output < 1);
}

/* input -> relu a -> tanh b (dead) ; a -> relu c */
static Graph *small_graph(Arena *arena, ValueId values[4]) {
    Graph *graph = graph_create(arena, "m", FORM_INFERENCE);
    Shape shape = shape_of(1, 8, 0, 0);
    NodeId load = graph_add_node(graph, op_find("load"), NULL, NULL, 0, -1, nowhere);
    values[0] = graph->input = graph_add_output(graph, load, ROLE_INPUT, shape);
    const char *ops[] = {"relu", "tanh", "relu"};
    for (int i = 0; i < 3; i++) {
        ValueId from = i == 0 ? values[0] : values[1];
        NodeId node = graph_add_node(graph, op_find(ops[i]), NULL, &from, 1, -1, nowhere);
        values[i + 1] = graph_add_output(graph, node, ROLE_ACTIVATION, shape);
    }
    graph->output = values[3];
    return graph;
}

static void dead_nodes_are_dropped(void **state) {
    ValueId v[4];
    Graph *graph = small_graph(*state, v);
    assert_null(graph_fault(*state, graph));
    assert_int_equal(graph_count_uses(graph)[v[1]], 2);
    assert_int_equal(graph_count_uses(graph)[v[3]], 1);
    graph_node(graph, 2)->dead = true;
    graph_compact(graph);
    assert_int_equal(graph->nodes.count, 3);
    assert_int_equal(graph->values.count, 3);
    assert_int_equal(graph->output, 2);
    assert_int_equal(graph_value(graph, 2)->producer, 2);
    assert_null(graph_fault(*state, graph));
}

static void a_clone_is_its_own(void **state) {
    ValueId v[4];
    Graph *graph = small_graph(*state, v), *clone = graph_clone(*state, graph, FORM_PROBE);
    graph_replace_uses(clone, v[1], v[0]);
    graph_node(clone, 1)->dead = true;
    graph_compact(clone);
    assert_int_equal(graph_node(graph, 2)->inputs.items[0], v[1]);
    assert_int_equal(graph->nodes.count, 4);
    assert_int_equal(clone->nodes.count, 3);
    assert_ptr_equal(clone->form, form_traits(FORM_PROBE));
    assert_null(graph_fault(*state, clone));
    assert_null(graph_fault(*state, graph));
}

static void fresh_names_stay_unique(void **state) {
    ValueId v[4];
    Graph *graph = small_graph(*state, v);
    graph_node(graph, 2)->dead = true;
    graph_compact(graph);
    for (int i = 0; i < 50; i++) {
        NodeId node = graph_add_node(graph, op_find("relu"), NULL, &graph->input, 1, -1, nowhere);
        graph_add_output(graph, node, ROLE_ACTIVATION, shape_of(1, 8, 0, 0));
    }
    assert_null(graph_fault(*state, graph));
}

static void uses_are_followed_to_the_root(void **state) {
    ValueId v[4];
    Graph *graph = small_graph(*state, v);
    graph_value(graph, v[3])->alias = v[1];
    graph_value(graph, v[1])->alias = v[0];
    assert_int_equal(graph_root(graph, v[3]), v[0]);
    graph_value(graph, v[0])->alias = v[3];
    assert_non_null(graph_fault(*state, graph));
}

static ValueId value_of_channels(Graph *graph, int64_t channels) {
    ValueId input = graph->input;
    NodeId node = graph_add_node(graph, op_find("channel_slice"), NULL, &input, 1, -1, nowhere);
    return graph_add_output(graph, node, ROLE_ACTIVATION, shape_of(2, 5, channels, 0));
}

static void make_part(Graph *graph, ValueId part, ValueId of, int64_t channel) {
    graph_value(graph, part)->within = graph_value(graph, part)->alias = of;
    graph_value(graph, part)->channel = channel;
}

/* Parts of parts add up; parts share what both have; what is no part of its whole is found. */
static void parts_lie_in_their_whole(void **state) {
    ValueId unused[4];
    Graph *graph = small_graph(*state, unused);
    ValueId whole = value_of_channels(graph, 9), half = value_of_channels(graph, 5),
            inner = value_of_channels(graph, 2), rest = value_of_channels(graph, 4);
    assert_false(graph_overlap(graph, whole, half));
    make_part(graph, half, whole, 1);
    make_part(graph, inner, half, 3);
    make_part(graph, rest, whole, 5);
    assert_int_equal(graph_whole(graph, inner), whole);
    assert_int_equal(graph_channel(graph, inner), 4);
    assert_int_equal(graph_channel(graph, whole), 0);
    assert_true(graph_is_part(graph, inner, half, 3));
    assert_true(graph_is_part(graph, inner, whole, 4));
    assert_false(graph_is_part(graph, inner, whole, 3));
    assert_true(graph_overlap(graph, inner, half) && graph_overlap(graph, inner, rest));
    assert_true(graph_overlap(graph, half, whole) && graph_overlap(graph, rest, rest));
    graph_value(graph, rest)->channel = 6;
    assert_false(graph_overlap(graph, half, rest) || graph_overlap(graph, inner, rest));
    assert_string_equal(graph_fault(*state, graph),
                        arena_printf(*state, "%s is no part of %s", graph_value(graph, rest)->name,
                                     graph_value(graph, whole)->name));
    graph_value(graph, rest)->channel = 5;
    assert_null(graph_fault(*state, graph));
    graph_value(graph, whole)->within = inner;
    assert_non_null(graph_fault(*state, graph));
}

static const char *key_of(Arena *arena, Graph *graph, NodeId node) {
    return graph_node_key(arena, graph, graph_node(graph, node));
}

/* Equal code has equal keys, whatever the names and offsets; what code depends on shows. */
static void keys_tell_code_apart(void **state) {
    ValueId v[4];
    Graph *graph = small_graph(*state, v);
    for (int i = 0; i < 4; i++) graph_value(graph, v[i])->layout.stride[0] = 1;
    const char *first = key_of(*state, graph, 1);
    graph_value(graph, v[2])->offset = 100;
    graph_value(graph, v[1])->name = "another";
    const char *third = key_of(*state, graph, 3);
    assert_string_not_equal(first, third); /* reads an activation, not the input */
    graph_value(graph, v[0])->role = ROLE_ACTIVATION;
    assert_string_equal(key_of(*state, graph, 1), third);
    assert_string_not_equal(key_of(*state, graph, 2), third);
    graph_value(graph, v[3])->layout.stride[0] = 2;
    assert_string_not_equal(key_of(*state, graph, 3), third);
    graph_value(graph, v[3])->layout.stride[0] = 1;
    graph_value(graph, v[3])->alias = v[1];
    assert_string_not_equal(key_of(*state, graph, 3), third);
    graph_value(graph, v[3])->alias = -1;
    graph_value(graph, v[3])->region = REGION_BATCH;
    graph->batch_stride = 64;
    assert_string_not_equal(key_of(*state, graph, 3), third);
    graph_value(graph, v[3])->region = REGION_NONE;
    assert_string_equal(key_of(*state, graph, 3), third);
    EpilogueStep step = {.op = op_find("tanh"), .inputs = {-1}, .input_count = 1};
    vec_push(graph->arena, &graph_node(graph, 3)->epilogue, step);
    assert_string_not_equal(key_of(*state, graph, 3), third);
}

/* Every kind of argument and field comes back as it was, whatever its bits. */
static void reals_come_back_bit_by_bit(void **state) {
    double reals[] = {0.1, -0.0, 1e-310, 1.7976931348623157e308, 3, 1.0 / 3, 123456789.125};
    Context cx = {.arena = *state, .diag = diag_create(*state, stderr, DIAG_TEXT, false)};
    for (int i = 0; i < COUNT(reals); i++) {
        Graph *graph = graph_create(*state, "m", FORM_INFERENCE);
        const Op *op = op_find("load");
        Attr *attrs = ARENA_ARRAY(*state, Attr, (size_t)op->param_count);
        attrs[0] = (Attr){.kind = ATTR_REAL, .real = reals[i]};
        attrs[1] = (Attr){
            .kind = ATTR_TENSOR, .tensor = {.shape = shape_of(1, COUNT(reals), 0, 0), .values = reals}
        };
        NodeId node = graph_add_node(graph, op, attrs, NULL, 0, -1, nowhere);
        graph->input = graph_add_output(graph, node, ROLE_INPUT, shape_of(2, 3, 1, 0));
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        graph_print(out, graph);
        fclose(out);
        Source source = {.name = "printed", .text = text, .length = length};
        Graph *back = graph_read(&cx, &source);
        assert_non_null(back);
        const Attr *again = graph_node(back, 0)->attrs;
        assert_memory_equal(&again[0].real, &reals[i], sizeof(double));
        assert_memory_equal(again[1].tensor.values, reals, sizeof reals);
        free(text);
    }
}

static void operands_end_where_the_epilogue_begins(void **state) {
    ValueId v[4];
    Graph *graph = small_graph(*state, v);
    Node *node = graph_node(graph, 3);
    assert_int_equal(node_operands(node), 1);
    vec_push(graph->arena, &node->inputs, v[0]);
    vec_push(graph->arena, &node->inputs, v[0]);
    vec_push(graph->arena, &node->epilogue,
             (EpilogueStep){.op = op_find("relu"), .inputs = {-1}, .input_count = 1});
    vec_push(graph->arena, &node->epilogue,
             (EpilogueStep){
                 .op = op_find("add"), .inputs = {2, -1},
                      .input_count = 2
    });
    vec_push(graph->arena, &node->epilogue,
             (EpilogueStep){
                 .op = op_find("add"), .inputs = {-1, 1},
                      .input_count = 2
    });
    assert_int_equal(node_operands(node), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(elements_are_checked, make_arena, drop_arena),
        cmocka_unit_test(windows_fit_as_counted),
        cmocka_unit_test(same_gives_one_output_a_stride),
        cmocka_unit_test(windows_that_do_not_fit),
        cmocka_unit_test_setup_teardown(dead_nodes_are_dropped, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(a_clone_is_its_own, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(fresh_names_stay_unique, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(uses_are_followed_to_the_root, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(parts_lie_in_their_whole, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(keys_tell_code_apart, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(reals_come_back_bit_by_bit, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(operands_end_where_the_epilogue_begins, make_arena, drop_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
