/* See constants.h. */
#include "codegen/constants.h"

#include <string.h>

void put_value(Fields *fields, LLVMValueRef value) {
    vec_push(fields->module->emit.cx->arena, &fields->values, value);
}

void put_i32(Fields *fields, int64_t value) {
    put_value(fields, LLVMConstInt(fields->module->emit.i32, (unsigned long long)value, true));
}

void put_i64(Fields *fields, int64_t value) {
    put_value(fields, LLVMConstInt(fields->module->emit.i64, (unsigned long long)value, true));
}

void put_f32(Fields *fields, double value) {
    put_value(fields, LLVMConstReal(fields->module->emit.f32, value));
}

void put_f64(Fields *fields, double value) {
    put_value(fields, LLVMConstReal(fields->module->emit.f64, value));
}

void put_pointer(Fields *fields, LLVMValueRef pointer) {
    put_value(fields, pointer ? pointer : LLVMConstPointerNull(fields->module->emit.pointer));
}

LLVMValueRef constant_global(Module *module, LLVMValueRef value) {
    LLVMValueRef global = LLVMAddGlobal(module->emit.module, LLVMTypeOf(value), "");
    LLVMSetInitializer(global, value);
    LLVMSetGlobalConstant(global, true);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    return global;
}

LLVMValueRef constant_array(Module *module, LLVMValueRef *elements, int count) {
    if (!count) return LLVMConstPointerNull(module->emit.pointer);
    return constant_global(module, LLVMConstArray2(LLVMTypeOf(elements[0]), elements, (uint64_t)count));
}

static LLVMValueRef string_constant(Module *module, const char *text) {
    return constant_global(
        module, LLVMConstStringInContext(module->emit.context, text, (unsigned)strlen(text), false));
}

void put_string(Fields *fields, const char *text) {
    put_pointer(fields, text ? string_constant(fields->module, text) : NULL);
}

void put_extents(Fields *fields, const int64_t *values, int count, int length) {
    LLVMValueRef items[16];
    for (int i = 0; i < length; i++)
        items[i] =
            LLVMConstInt(fields->module->emit.i64, i < count ? (unsigned long long)values[i] : 0, true);
    put_value(fields, LLVMConstArray2(fields->module->emit.i64, items, (uint64_t)length));
}

void put_strings(Fields *fields, const char *const *texts, int count) {
    Fields list = {.module = fields->module};
    for (int i = 0; i < count; i++) put_string(&list, texts[i]);
    put_pointer(&list, NULL);
    put_pointer(fields, constant_array(fields->module, list.values.items, list.values.count));
}

void put_floats(Fields *fields, const double *values, int64_t count) {
    if (!values) {
        put_pointer(fields, NULL);
        return;
    }
    Module *module = fields->module;
    float *floats = ARENA_ARRAY(module->emit.cx->arena, float, (size_t)count);
    for (int64_t i = 0; i < count; i++) floats[i] = (float)values[i];
    LLVMValueRef *items = ARENA_ARRAY(module->emit.cx->arena, LLVMValueRef, (size_t)count);
    for (int64_t i = 0; i < count; i++) items[i] = LLVMConstReal(module->emit.f32, (double)floats[i]);
    put_pointer(fields, constant_global(module, LLVMConstArray2(module->emit.f32, items, (uint64_t)count)));
}

LLVMValueRef fields_struct(const Fields *fields) {
    return LLVMConstStructInContext(fields->module->emit.context, fields->values.items,
                                    (unsigned)fields->values.count, false);
}
