/* See printable.h. */
#define _GNU_SOURCE /* stpncpy */
#include "printable.h"

#include <stdbool.h>
#include <string.h>

int cnn_utf8_length(const char *text, size_t left) {
    const unsigned char *at = (const unsigned char *)text;
    if (!left) return 0;
    if (at[0] < 0x80) return 1;
    int length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || (size_t)length > left) return 0;
    for (int i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    if (at[0] == 0xe0 && at[1] < 0xa0) return 0;  /* overlong */
    if (at[0] == 0xed && at[1] >= 0xa0) return 0; /* surrogates */
    if (at[0] == 0xf0 && at[1] < 0x90) return 0;  /* overlong */
    if (at[0] == 0xf4 && at[1] >= 0x90) return 0; /* beyond U+10FFFF */
    return length;
}

static unsigned code_point(const char *text, int length) {
    const unsigned char *at = (const unsigned char *)text;
    if (length == 1) return *at;
    unsigned code = *at & (0xffu >> (length + 1));
    for (int i = 1; i < length; i++) code = code << 6 | (at[i] & 0x3fu);
    return code;
}

/* C0 and C1 controls, separators of lines and paragraphs, marks of direction. */
static bool is_control(unsigned code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
           code == 0x200e || code == 0x200f || code == 0x61c || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

size_t cnn_printable(char printable[PRINTABLE_SIZE], const char *text, size_t left) {
    int length = cnn_utf8_length(text, left);
    unsigned code = length ? code_point(text, length) : 0;
    if (!length)
        snprintf(printable, PRINTABLE_SIZE, "\\x%02x", (unsigned char)*text);
    else if (code == '\n' || code == '\t' || code == '\r')
        snprintf(printable, PRINTABLE_SIZE, "\\%c", code == '\n' ? 'n' : code == '\t' ? 't' : 'r');
    else if (code < 0x80 && is_control(code))
        snprintf(printable, PRINTABLE_SIZE, "\\x%02x", code);
    else if (is_control(code))
        snprintf(printable, PRINTABLE_SIZE, "\\u{%x}", code);
    else
        *stpncpy(printable, text, (size_t)length) = 0;
    return length ? (size_t)length : 1;
}

int cnn_print_text(FILE *out, const char *text) {
    char printable[PRINTABLE_SIZE];
    int characters = 0;
    for (size_t left = strlen(text), step; left; text += step, left -= step) {
        step = cnn_printable(printable, text, left);
        if (out) fputs(printable, out);
        for (const char *c = printable; *c; c++) characters += ((unsigned char)*c & 0xc0) != 0x80;
    }
    return characters;
}

void cnn_print_json_string(FILE *out, const char *text) {
    fputc('"', out);
    for (size_t left = strlen(text), step; left; text += step, left -= step) {
        int length = cnn_utf8_length(text, left);
        unsigned code = length ? code_point(text, length) : 0xfffd;
        step = length ? (size_t)length : 1;
        if (code == '"' || code == '\\')
            fprintf(out, "\\%c", (int)code);
        else if (is_control(code) || !length)
            fprintf(out, "\\u%04x", code);
        else
            fwrite(text, 1, step, out);
    }
    fputc('"', out);
}
