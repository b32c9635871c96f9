/* The optimizer's update over the trained parameters: an optimizer keeps as many blocks of state as its row
 * says, each of them its own. */
#include "codegen/module.h"
#include "ops/jit.h"

#include "runtime/abi.h"

enum { SLOTS = 3, ELEMENTS = 64, LANES = 2 };

/* Each slot counts by its own step: 1, 2, 3; w takes the sum of them and of the gradient. */
static void counting_update(KernelCode *code, const Op *op, const Attr *attrs, UpdateStep *step) {
    (void)op, (void)attrs;
    step->w = code_fadd(code, step->w, step->g);
    for (int i = 0; i < SLOTS; i++) {
        step->slots[i] = code_fadd(code, step->slots[i], code_constant(code, i + 1, code->width));
        step->w = code_fadd(code, step->w, step->slots[i]);
    }
}

static bool asked_for_none(const Attr *attrs) {
    return attrs->boolean;
}

static const Op counting = {.name = "counting",
                            .kind = OPK_OPTIMIZER,
                            .slots = SLOTS,
                            .stateless = asked_for_none,
                            .update = counting_update};

static void rows_say_how_many(void **state) {
    (void)state;
    Attr keeps = {.kind = ATTR_BOOL, .boolean = false}, none = {.kind = ATTR_BOOL, .boolean = true};
    assert_int_equal(op_slots(&counting, &keeps), SLOTS);
    assert_int_equal(op_slots(&counting, &none), 0);
    int count;
    const Op *const *table = op_table(&count);
    for (int i = 0; i < count; i++) assert_true(table[i]->kind == OPK_OPTIMIZER || !table[i]->slots);
    assert_int_equal(op_find("adamw")->slots, 2);
}

static void three_slots_are_kept_apart(void **state) {
    (void)state;
    Arena *arena = arena_create();
    Context cx = {.arena = arena};
    Machine *machine = machine_create(&cx);
    TrainSettings train = {.optimizer = &counting, .optimizer_attrs = &(Attr){.kind = ATTR_BOOL}};
    Model model = {.name = "m", .train = &train};
    Graph training = {.trained_elements = ELEMENTS, .decayed_elements = ELEMENTS / 2};
    Module *module = module_create(&cx, &model, machine);
    LLVMSetLinkage(update_emit(module, &training), LLVMExternalLinkage);
    LLVMLinkInMCJIT();
    LLVMExecutionEngineRef engine;
    char *message = NULL;
    if (LLVMCreateExecutionEngineForModule(&engine, module->emit.module, &message)) fail_msg("%s", message);
    cnn_update update = (cnn_update)(uintptr_t)LLVMGetFunctionAddress(engine, "update");

    static _Alignas(CNN_ALIGNMENT) float parameters[ELEMENTS], lanes[LANES][ELEMENTS], slots[SLOTS][ELEMENTS];
    for (int i = 0; i < ELEMENTS; i++) lanes[0][i] = lanes[1][i] = (float)i;
    cnn_frame frame = {.parameters = parameters,
                       .lanes = lanes,
                       .slots = slots,
                       .lane_count = LANES,
                       .lane_stride = ELEMENTS};
    assert_int_equal(update(&frame, 0, ELEMENTS), 0);
    assert_int_equal(update(&frame, 0, ELEMENTS), 0);
    for (int i = 0; i < ELEMENTS; i++) {
        for (int s = 0; s < SLOTS; s++) assert_true(slots[s][i] == (float)(2 * (s + 1)));
        assert_true(parameters[i] == (float)(2 * i + 6 + 12));
        assert_true(lanes[0][i] == 0 && lanes[1][i] == 0);
    }
    LLVMDisposeExecutionEngine(engine);
    LLVMDisposeBuilder(module->emit.builder);
    LLVMContextDispose(module->emit.context);
    machine_destroy(machine);
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_say_how_many),
        cmocka_unit_test(three_slots_are_kept_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
