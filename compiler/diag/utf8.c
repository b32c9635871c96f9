/* See utf8.h. */
#include "diag/utf8.h"

int utf8_length(const char *text, size_t left) {
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
