/* What a file's bytes say before anything is scanned: whether it is text at all, and where it is not UTF-8.
 */
#include "runtime/printable.h"
#include "syntax/parser_state.h"

#include <string.h>

typedef struct Signature {
    const char *bytes;
    int count;
    const char *what;
} Signature;

/* The byte order mark of UTF-32 begins as that of UTF-16 does. */
static const Signature signatures[] = {
    {"\xff\xfe\0\0", 4, "UTF-32 text"           },
    {"\0\0\xfe\xff", 4, "UTF-32 text"           },
    {"\xff\xfe",     2, "UTF-16 text"           },
    {"\xfe\xff",     2, "UTF-16 text"           },
    {"\x7f"
     "ELF",     4, "a program or an object"},
    {"\x1f\x8b",     2, "a gzip file"           },
    {"PK\3\4",       4, "a zip file"            },
    {"\x89PNG",      4, "a PNG picture"         },
    {"\xff\xd8\xff", 3, "a JPEG picture"        },
    {"\x93NUMPY",    6, "a NumPy array"         },
    {"%PDF",         4, "a PDF document"        },
};

/* Bytes that text does not hold. UTF-16 without its mark has a NUL beside nearly every letter. */
typedef struct Census {
    size_t odd_nuls, even_nuls, strange;
} Census;

static Census count_bytes(const Source *source) {
    Census census = {0};
    for (size_t at = 0; at < source->length;) {
        unsigned char byte = (unsigned char)source->text[at];
        int length = cnn_utf8_length(source->text + at, source->length - at);
        bool control = byte < 0x20 && !strchr("\t\n\v\f\r\033", byte);
        census.odd_nuls += !byte && at % 2;
        census.even_nuls += !byte && at % 2 == 0;
        census.strange += !length || !byte || control || byte == 0x7f;
        at += length ? (size_t)length : 1;
    }
    return census;
}

/* What the file is where it is no text; NULL where it is. */
static const char *kind_of_file(const Source *source) {
    enum { FEW = 8, PART = 10 };
    for (int i = 0; i < COUNT(signatures); i++)
        if (source->length >= (size_t)signatures[i].count &&
            !memcmp(source->text, signatures[i].bytes, (size_t)signatures[i].count))
            return signatures[i].what;
    Census census = count_bytes(source);
    size_t nuls = census.odd_nuls > census.even_nuls ? census.odd_nuls : census.even_nuls,
           others = census.odd_nuls + census.even_nuls - nuls;
    if (nuls >= FEW && nuls * 3 > source->length && others * PART < nuls) return "UTF-16 text";
    return census.strange >= FEW && census.strange * PART > source->length ? "a binary file" : NULL;
}

/* The first such byte of either kind is reported, with the number of further lines that hold one; all become
 * blanks in the copy that is scanned: every one counts as one character there and in the excerpts. */
bool blank_bad_bytes(Parser *parser) {
    const Source *source = parser->source;
    Diag *d = parser->cx->diag;
    const char *kind = kind_of_file(source);
    if (kind) {
        diag(d, ((Span){source, 1, 1, 1, 1}), E_NOT_TEXT, kind);
        diag_help(d,
                  strstr(kind, "text") ? "save it as UTF-8" : "cnnc reads models, which are written as text");
        parser->text[0] = 0;
        return false;
    }
    int line = 1, column = 1, last_line = 0, lines = 0;
    bool reported[2] = {false, false};
    for (size_t at = 0; at < source->length;) {
        unsigned char byte = (unsigned char)source->text[at];
        int length = cnn_utf8_length(source->text + at, source->length - at);
        if (!length || !byte) {
            Span span = {source, line, column, line, column + 1};
            if (!reported[!byte])
                byte ? diag(d, span, E_NOT_UTF8, byte) : diag(d, span, E_NUL_BYTE);
            else if (last_line != line)
                lines++;
            reported[!byte] = true;
            last_line = line;
            parser->text[at] = ' ';
        }
        at += length ? (size_t)length : 1;
        column++;
        if (byte == '\n') line++, column = 1;
    }
    if (lines) diag_help(d, "%d more %s such bytes", lines, lines == 1 ? "line holds" : "lines hold");
    return true;
}
