/* UTF-8, one character at a time (RFC 3629: no overlong forms, no surrogates, up to U+10FFFF). */
#ifndef CNNC_DIAG_UTF8_H
#define CNNC_DIAG_UTF8_H

#include <stddef.h>

/* Bytes of the character at text, of which `left` bytes may be read; 0 where they are no UTF-8. */
int utf8_length(const char *text, size_t left);

#endif
