/* Walking a value row by row, a row being the channels of one position; and sums over a row. For operators
 * that look at all channels of a position at once: softmax, norms, the losses. */
#ifndef CNNC_OPS_CHANNEL_ROWS_H
#define CNNC_OPS_CHANNEL_ROWS_H

#include "emit/kernel_code.h"

/* `position` has no channel; `row` is the position's number within its sample, i64. */
typedef void (*RowBody)(KernelCode *code, const Position *position, LLVMValueRef row, void *user);

/* Calls body for every position of one sample. */
void loop_rows(KernelCode *code, const Shape *shape, LLVMValueRef sample, RowBody body, void *user);

/* Calls body for every register of the channels at the position. */
typedef void (*RowRegister)(KernelCode *code, const Position *position, Register reg, void *user);
void loop_row_registers(KernelCode *code, const Position *position, int64_t channels, RowRegister body,
                        void *user);

LLVMValueRef load_operand(KernelCode *code, int input, const Position *position, Register reg);

/* The numbers of a register's channels, a register of i64 (a scalar for width 1). */
LLVMValueRef channel_numbers(KernelCode *code, LLVMValueRef channel, int width);

/* variable += sum of the register's live elements; variable = the larger of it and their largest. */
void add_to_sum(KernelCode *code, LLVMValueRef variable, LLVMValueRef x, Register reg);
void raise_to_largest(KernelCode *code, LLVMValueRef variable, LLVMValueRef x, Register reg);

/* Sums over the row of `count` terms that the body makes of each register, in registers up to the end. */
enum { ROW_SUMS_MAX = 2 };
typedef void (*RowTerms)(KernelCode *code, const Position *position, Register reg, LLVMValueRef *terms,
                         void *user);
void row_sums(KernelCode *code, const Position *position, int64_t channels, int count, RowTerms terms,
              void *user, LLVMValueRef sums[ROW_SUMS_MAX]);

/* x where the register's elements are alive, 0 in the others. */
LLVMValueRef live_register(KernelCode *code, LLVMValueRef x, Register reg);

/* For a kernel that treats every row alike: calls body for every row of every sample of the micro-batch. */
void loop_all_rows(KernelCode *code, const Shape *shape, RowBody body, void *user);

/* Largest element of input 0's row, and the sum of exp(x - largest): scalars. */
LLVMValueRef row_largest(KernelCode *code, const Position *position, int64_t channels);
LLVMValueRef row_exp_sum(KernelCode *code, const Position *position, int64_t channels, LLVMValueRef largest);

#endif
