/* Text that is printed into memory: all of it, or the compiler leaves for want of memory. */
#ifndef CNNC_BASE_TEXTSTREAM_H
#define CNNC_BASE_TEXTSTREAM_H

#include <stddef.h>
#include <stdio.h>

typedef struct TextStream {
    FILE *out;
    char *bytes; /* after the end of the text: for the caller to free, a zero follows */
    size_t size;
} TextStream;

/* Stays where it is until it is closed. */
void textstream_open(TextStream *stream);
void textstream_close(TextStream *stream);

#endif
