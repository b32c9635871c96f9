/* See record.h. */
#include "codegen/record.h"

#include "runtime/abi.h"

#include <string.h>

Record record_begin(Module *module, AbiStruct structure) {
    int count = abi_field_count(structure);
    return (Record){module, structure, ARENA_ARRAY(module->emit.cx->arena, LLVMValueRef, (size_t)count)};
}

static void set(Record *record, AbiField field, LLVMValueRef value) {
    int index = (int)field - (int)abi_first_field(record->structure);
    if (index < 0 || index >= abi_field_count(record->structure))
        internal_error("%s is a field of another structure", abi_field_name(field));
    if (record->values[index]) internal_error("%s is set twice", abi_field_name(field));
    record->values[index] = value;
}

static _Noreturn void wrong_type(AbiField field, const char *value) {
    internal_error("%s cannot be %s", abi_field_name(field), value);
}

void record_int(Record *record, AbiField field, int64_t value) {
    const Emit *e = &record->module->emit;
    AbiType type = abi_field_type(field);
    if (type != ABI_INT32 && type != ABI_INT64) wrong_type(field, "an integer");
    if (type == ABI_INT32 && value != (int32_t)value) wrong_type(field, "that large");
    set(record, field, LLVMConstInt(type == ABI_INT32 ? e->i32 : e->i64, (unsigned long long)value, true));
}

void record_real(Record *record, AbiField field, double value) {
    const Emit *e = &record->module->emit;
    AbiType type = abi_field_type(field);
    if (type != ABI_FLOAT && type != ABI_DOUBLE) wrong_type(field, "a real number");
    set(record, field, LLVMConstReal(type == ABI_FLOAT ? e->f32 : e->f64, value));
}

void record_address(Record *record, AbiField field, LLVMValueRef address) {
    if (abi_field_type(field) != ABI_ADDRESS) wrong_type(field, "an address");
    set(record, field, address ? address : LLVMConstPointerNull(record->module->emit.pointer));
}

void record_extents(Record *record, AbiField field, const int64_t *values, int count) {
    LLVMTypeRef i64 = record->module->emit.i64;
    LLVMValueRef items[CNN_MAX_RANK];
    if (abi_field_type(field) != ABI_EXTENTS || count > CNN_MAX_RANK) wrong_type(field, "a list of extents");
    for (int i = 0; i < CNN_MAX_RANK; i++)
        items[i] = LLVMConstInt(i64, i < count ? (unsigned long long)values[i] : 0, true);
    set(record, field, LLVMConstArray2(i64, items, CNN_MAX_RANK));
}

static LLVMValueRef text_constant(Module *module, const char *text) {
    return constant_global(
        module, LLVMConstStringInContext(module->emit.context, text, (unsigned)strlen(text), false));
}

void record_text(Record *record, AbiField field, const char *text) {
    record_address(record, field, text ? text_constant(record->module, text) : NULL);
}

void record_texts(Record *record, AbiField field, const char *const *texts, int count) {
    Module *module = record->module;
    ConstantList list = {0};
    for (int i = 0; i < count; i++) vec_push(module->emit.cx->arena, &list, text_constant(module, texts[i]));
    vec_push(module->emit.cx->arena, &list, LLVMConstPointerNull(module->emit.pointer));
    record_address(record, field, constant_array(module, &list));
}

void record_floats(Record *record, AbiField field, const double *values, int64_t count) {
    Module *module = record->module;
    if (!values) {
        record_address(record, field, NULL);
        return;
    }
    LLVMTypeRef f32 = module->emit.f32;
    LLVMValueRef *items = ARENA_ARRAY(module->emit.cx->arena, LLVMValueRef, (size_t)count);
    for (int64_t i = 0; i < count; i++) items[i] = LLVMConstReal(f32, (double)(float)values[i]);
    record_address(record, field, constant_global(module, LLVMConstArray2(f32, items, (uint64_t)count)));
}

LLVMValueRef record_end(const Record *record) {
    int count = abi_field_count(record->structure);
    for (int i = 0; i < count; i++)
        if (!record->values[i])
            internal_error("%s is not set",
                           abi_field_name((AbiField)((int)abi_first_field(record->structure) + i)));
    return LLVMConstStructInContext(record->module->emit.context, record->values, (unsigned)count, false);
}

LLVMValueRef constant_global(Module *module, LLVMValueRef value) {
    LLVMValueRef global = LLVMAddGlobal(module->emit.module, LLVMTypeOf(value), "");
    LLVMSetInitializer(global, value);
    LLVMSetGlobalConstant(global, true);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    return global;
}

LLVMValueRef constant_array(Module *module, const ConstantList *list) {
    if (!list->count) return LLVMConstPointerNull(module->emit.pointer);
    LLVMTypeRef type = LLVMTypeOf(list->items[0]);
    return constant_global(module, LLVMConstArray2(type, list->items, (uint64_t)list->count));
}
