/* See textstream.h. */
#define _GNU_SOURCE
#include "base/textstream.h"

#include "base/leaving.h"

#include <stdbool.h>

void textstream_open(TextStream *stream) {
    *stream = (TextStream){0};
    stream->out = memory_or_leave(open_memstream(&stream->bytes, &stream->size));
}

/* The C library may lose text for want of memory and say so by a flag alone, or by what it leaves. */
void textstream_close(TextStream *stream) {
    long printed = ftell(stream->out);
    bool complete = printed >= 0 && !ferror(stream->out);
    if (fclose(stream->out)) complete = false;
    if (!complete || !stream->bytes || stream->size != (size_t)printed) leave_out_of_memory();
    stream->out = NULL;
}
