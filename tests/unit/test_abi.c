/* The description of the structures that generated code and the runtime share: as the compiler lays it out
 * for pointers of 8 bytes, against C's own layout; for pointers of 4 bytes, against numbers known by hand;
 * and a record of it, whose fields are set once each. */
#include "abi.h"
#include "codegen/record.h"
#include "diag/diag.h"
#include "runtime/exit_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WIDE = 8, NARROW = 4 }; /* bytes of a pointer */

static void wide_layout_is_that_of_c(void **state) {
    (void)state;
    assert_int_equal(sizeof(void *), WIDE);
#define ABI_STRUCT(s)
#define ABI_FIELD(s, type, name)                                                                             \
    assert_int_equal(abi_offset(ABI_##s##_##name, WIDE), offsetof(cnn_##s, name));
#define ABI_END(s, bytes8, bytes4) assert_int_equal(abi_size(ABI_##s, WIDE), sizeof(cnn_##s));
#include "runtime/abi.def"
#undef ABI_STRUCT
#undef ABI_FIELD
#undef ABI_END
}

static void sizes_are_those_written_down(void **state) {
    (void)state;
    for (AbiStruct s = 0; s < ABI_STRUCTS; s++) {
        assert_int_equal(abi_size(s, WIDE), abi_written_size(s, WIDE));
        assert_int_equal(abi_size(s, NARROW), abi_written_size(s, NARROW));
    }
}

static void narrow_layout_is_known(void **state) {
    (void)state;
    static const struct {
        AbiField field;
        int offset;
    } rows[] = {
        /* Seventeen pointers make 68 bytes; the first number of 64 bits lies at the next multiple of 8. */
        {ABI_frame_parameters,       0  },
        {ABI_frame_packed,           4  },
        {ABI_frame_signature,        60 },
        {ABI_frame_first,            72 },
        {ABI_frame_last_part,        136},
        {ABI_frame_sample_kind,      144},
        {ABI_frame_gradient_scale,   156},
        {ABI_parameter_rank,         4  },
        {ABI_parameter_layer,        8  },
        {ABI_parameter_shape,        16 },
        {ABI_parameter_offset,       80 },
        {ABI_step_kernel,            8  },
        {ABI_step_macs,              16 },
        {ABI_stage_sample_steps,     12 },
        {ABI_program_stages,         8  },
        {ABI_program_prepare_ends,   16 },
        {ABI_program_packed,         32 },
        {ABI_schedule_milestones,    40 },
        {ABI_model_name,             12 },
        {ABI_model_compiler_version, 16 },
        {ABI_model_input_rank,       20 },
        {ABI_model_input_shape,      32 },
    };
    for (int i = 0; i < COUNT(rows); i++) {
        if (abi_offset(rows[i].field, NARROW) != rows[i].offset)
            fail_msg("%s lies at %d, not at %d", abi_field_name(rows[i].field),
                     (int)abi_offset(rows[i].field, NARROW), rows[i].offset);
    }
}

static void fields_have_names_and_types(void **state) {
    (void)state;
    assert_string_equal(abi_field_name(ABI_frame_learning_rate), "frame.learning_rate");
    assert_int_equal(abi_field_type(ABI_frame_learning_rate), ABI_FLOAT);
    assert_int_equal(abi_field_type(ABI_frame_loss), ABI_ADDRESS);
    assert_int_equal(abi_field_type(ABI_model_update), ABI_ADDRESS);
    assert_int_equal(abi_field_type(ABI_model_abi_version), ABI_INT32);
    assert_int_equal(abi_field_type(ABI_train_seed), ABI_INT64);
    assert_int_equal(abi_field_type(ABI_schedule_warmup), ABI_DOUBLE);
    assert_int_equal(abi_field_type(ABI_layer_stride), ABI_EXTENTS);
    assert_int_equal(abi_first_field(ABI_step), ABI_step_run);
    assert_int_equal(abi_field_count(ABI_step), 6);
}

typedef enum Fault { NO_FAULT, SET_TWICE, NOT_SET, ANOTHER_STRUCTURE, ANOTHER_TYPE, TOO_LARGE } Fault;

static void write_step(Module *module, Fault fault) {
    Record r = record_begin(module, ABI_step);
    record_address(&r, ABI_step_run, NULL);
    record_text(&r, ABI_step_layer, "conv_1");
    record_text(&r, ABI_step_kernel, NULL);
    record_int(&r, ABI_step_macs, 1000);
    record_real(&r, ABI_step_estimate, 1.5);
    if (fault == SET_TWICE) record_int(&r, ABI_step_macs, 1000);
    if (fault == ANOTHER_STRUCTURE) record_int(&r, ABI_stage_micro_batch, 1);
    if (fault == ANOTHER_TYPE) record_real(&r, ABI_step_splits, 1);
    if (fault != NOT_SET) record_int(&r, ABI_step_splits, 1);
    record_end(&r);
    Record stage = record_begin(module, ABI_stage);
    if (fault == TOO_LARGE) record_int(&stage, ABI_stage_micro_batch, INT64_C(1) << 31);
}

/* The exit status of a process that writes a step with that fault. */
static int status_of(Fault fault) {
    pid_t child = fork();
    if (!child) {
        if (!freopen("/dev/null", "w", stderr)) _exit(1);
        Arena *arena = arena_create();
        Context cx = {.arena = arena};
        LLVMContextRef context = LLVMContextCreate();
        Module module = {
            .emit = {.cx = &cx,
                     .context = context,
                     .module = LLVMModuleCreateWithNameInContext("test", context),
                     .pointer = LLVMPointerTypeInContext(context, 0),
                     .i32 = LLVMInt32TypeInContext(context),
                     .i64 = LLVMInt64TypeInContext(context),
                     .f32 = LLVMFloatTypeInContext(context),
                     .f64 = LLVMDoubleTypeInContext(context)}
        };
        write_step(&module, fault);
        LLVMDisposeModule(module.emit.module);
        LLVMContextDispose(context);
        arena_destroy(arena);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void each_field_is_set_once_as_its_type_says(void **state) {
    (void)state;
    assert_int_equal(status_of(NO_FAULT), 0);
    for (Fault fault = SET_TWICE; fault <= TOO_LARGE; fault++)
        assert_int_equal(status_of(fault), STATUS_INTERNAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_layout_is_that_of_c),
        cmocka_unit_test(sizes_are_those_written_down),
        cmocka_unit_test(narrow_layout_is_known),
        cmocka_unit_test(fields_have_names_and_types),
        cmocka_unit_test(each_field_is_set_once_as_its_type_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
