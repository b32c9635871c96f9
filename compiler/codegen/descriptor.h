/* The parts of a model's description, each a constant of the module. */
#ifndef CNNC_CODEGEN_DESCRIPTOR_H
#define CNNC_CODEGEN_DESCRIPTOR_H

#include "codegen/record.h"

/* The address of a program's cnn_program, with its stages and steps; NULL for NULL (descriptor_program.c). */
LLVMValueRef program_describe(Module *module, const EmittedProgram *program);

/* Addresses of the blocks' cnn_data and cnn_train; NULL for NULL (descriptor_settings.c). */
LLVMValueRef data_describe(Module *module, const DataSettings *data, int64_t channels);
LLVMValueRef train_describe(Module *module, const TrainSettings *train);

#endif
