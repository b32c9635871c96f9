/* Runs a function on a stack of a known size, whatever `ulimit -s` says: LLVM and the parser call themselves,
 * as deep as the limits of this compiler let a model nest. */
#ifndef CNNC_BASE_DEEP_STACK_H
#define CNNC_BASE_DEEP_STACK_H

typedef int (*DeepWork)(void *argument);

/* What work(argument) gives; STATUS_MEMORY after a message where there is no room for the stack. */
int deep_stack_run(DeepWork work, void *argument);

#endif
