/* What the compiler says of its own run, not of the model: a line on standard error. */
#ifndef CNNC_BASE_SAY_H
#define CNNC_BASE_SAY_H

#include <stdarg.h>

/* Prints "cnnc: error: ", the message and a newline. Whatever the arguments hold comes out as text of one
 * line (runtime/printable.h). */
void say_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

void say_error_list(const char *format, va_list arguments);

#endif
