/* Constant data of the module: the structures of runtime/abi.def, written field by field under their names in
 * any order, and what they point to. A field that is set twice, with a value of another type, or not at all
 * is a fault of the compiler. */
#ifndef CNNC_CODEGEN_RECORD_H
#define CNNC_CODEGEN_RECORD_H

#include "codegen/module.h"

typedef struct Record {
    Module *module;
    AbiStruct structure;
    LLVMValueRef *values; /* of each field; NULL until it is set */
} Record;

Record record_begin(Module *module, AbiStruct structure);
void record_int(Record *record, AbiField field, int64_t value); /* 32 or 64 bits, as the field has it */
void record_real(Record *record, AbiField field, double value); /* a float or a double */
void record_address(Record *record, AbiField field, LLVMValueRef address); /* a null one for NULL */
/* Up to CNN_MAX_RANK numbers, zeros behind them. */
void record_extents(Record *record, AbiField field, const int64_t *values, int count);
/* Addresses: of a text, of a list of texts that ends with NULL, of floats. A null one for NULL. */
void record_text(Record *record, AbiField field, const char *text);
void record_texts(Record *record, AbiField field, const char *const *texts, int count);
void record_floats(Record *record, AbiField field, const double *values, int64_t count);
/* The structure, once every field of it is set. */
LLVMValueRef record_end(const Record *record);

/* Equal constants that become an array. */
typedef VEC(LLVMValueRef) ConstantList;

/* A private constant of the module with that value: its address. */
LLVMValueRef constant_global(Module *module, LLVMValueRef value);
/* The address of an array of the list's elements; a null one where there are none. */
LLVMValueRef constant_array(Module *module, const ConstantList *list);

#endif
