/* Constant data of the module: structures field by field, strings, arrays. Natural alignment makes LLVM's
 * layout that of C. */
#ifndef CNNC_CODEGEN_CONSTANTS_H
#define CNNC_CODEGEN_CONSTANTS_H

#include "codegen/module.h"

typedef struct Fields {
    Module *module;
    VEC(LLVMValueRef) values;
} Fields;

void put_value(Fields *fields, LLVMValueRef value);
void put_i32(Fields *fields, int64_t value);
void put_i64(Fields *fields, int64_t value);
void put_f32(Fields *fields, double value);
void put_f64(Fields *fields, double value);
void put_string(Fields *fields, const char *text);      /* a pointer to it; a null one for NULL */
void put_pointer(Fields *fields, LLVMValueRef pointer); /* a null one for NULL */
void put_extents(Fields *fields, const int64_t *values, int count,
                 int length); /* an array of `length`, zeros at the end */
void put_strings(Fields *fields, const char *const *texts,
                 int count); /* a pointer to a list that ends with NULL */
void put_floats(Fields *fields, const double *values,
                int64_t count); /* a pointer to them; a null one for NULL */

LLVMValueRef fields_struct(const Fields *fields);
/* A private constant of the module with that value: a pointer to it. */
LLVMValueRef constant_global(Module *module, LLVMValueRef value);
/* A pointer to a constant array of equal elements; a null one for none. */
LLVMValueRef constant_array(Module *module, LLVMValueRef *elements, int count);

#endif
