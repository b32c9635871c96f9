/* Text from outside, made fit to print: names of files, classes, layers, tensors and options may hold
 * anything, and a terminal obeys control characters. Both programs, the compiler and the compiled model,
 * print such text through here. */
#ifndef CNN_PRINTABLE_H
#define CNN_PRINTABLE_H

#include <stddef.h>
#include <stdio.h>

/* Bytes of the character at text, of which `left` bytes may be read; 0 where they are no UTF-8 (RFC 3629: no
 * overlong forms, no surrogates, up to U+10FFFF). */
int cnn_utf8_length(const char *text, size_t left);

enum { PRINTABLE_SIZE = 16 };

/* The character at text as it is printed, with a NUL: itself, or an escape where it is a control character
 * (\n, \x1b,
 * \u{9b}), a separator of lines, one that turns the direction of writing, or a byte that is no UTF-8 (\xff).
 * Gives the bytes of text that it stands for: 1 at least. */
size_t cnn_printable(char printable[PRINTABLE_SIZE], const char *text, size_t left);

/* The whole text so. Gives the characters that it takes; without `out` it only counts them. */
int cnn_print_text(FILE *out, const char *text);

/* The text as a string of JSON, which is UTF-8: a byte that is not becomes U+FFFD. */
void cnn_print_json_string(FILE *out, const char *text);

#endif
