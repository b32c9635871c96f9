/* See safetensors_header.h. Positions in messages are bytes of the file, where the header's text begins at 8.
 */
#include "weights/safetensors_header.h"

#include "base/aligned.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_BEGIN = 8, MAX_NUMBER_DIGITS = 18 };

static const TensorType types[] = {
    {"F32",     4},
    {"F16",     2},
    {"BF16",    2},
    {"F64",     8},
    {"I64",     8},
    {"I32",     4},
    {"I16",     2},
    {"I8",      1},
    {"U64",     8},
    {"U32",     4},
    {"U16",     2},
    {"U8",      1},
    {"F8_E4M3", 1},
    {"F8_E5M2", 1},
    {"BOOL",    1},
};

typedef struct Scan {
    const char *path;
    char *text, *at, *end;
    Header *header;
    int32_t entry_capacity, metadata_capacity;
    Failure *failure;
} Scan;

static int malformed(const Scan *scan, const char *expected) {
    return cnn_fail(scan->failure, STATUS_MALFORMED, "%s: header, byte %llu: %s expected", scan->path,
                    (unsigned long long)(scan->at - scan->text + TEXT_BEGIN), expected);
}

static void skip_blanks(Scan *scan) {
    while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) && *scan->at) scan->at++;
}

/* Takes the character where it comes next. */
static bool accept(Scan *scan, char wanted) {
    skip_blanks(scan);
    if (scan->at == scan->end || *scan->at != wanted) return false;
    scan->at++;
    return true;
}

static int expect(Scan *scan, char wanted) {
    char text[4] = {'\'', wanted, '\'', 0};
    return accept(scan, wanted) ? STATUS_OK : malformed(scan, text);
}

static int scan_number(Scan *scan, uint64_t *number) {
    skip_blanks(scan);
    const char *begin = scan->at;
    *number = 0;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9' &&
           scan->at - begin <= MAX_NUMBER_DIGITS)
        *number = *number * 10 + (uint64_t)(*scan->at++ - '0');
    bool starts_with_zero = scan->at - begin > 1 && *begin == '0';
    if (scan->at == begin || scan->at - begin > MAX_NUMBER_DIGITS || starts_with_zero)
        return malformed(scan, "a whole number of at most 18 digits");
    return STATUS_OK;
}

static int hex_digits(const char *text, uint32_t *code) {
    *code = 0;
    for (int i = 0; i < 4; i++) {
        char c = text[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        *code = *code * 16 + (uint32_t)digit;
    }
    return 0;
}

/* \uXXXX, at the first digit; a pair of surrogates is one character. Writes UTF-8. */
static int scan_unicode_escape(Scan *scan, char **out) {
    uint32_t code, low;
    if (scan->end - scan->at < 4 || hex_digits(scan->at, &code))
        return malformed(scan, "four hexadecimal digits");
    scan->at += 4;
    if (code >= 0xd800 && code < 0xdc00) {
        if (scan->end - scan->at < 6 || scan->at[0] != '\\' || scan->at[1] != 'u' ||
            hex_digits(scan->at + 2, &low) || low < 0xdc00 || low > 0xdfff)
            return malformed(scan, "the second half of a surrogate pair");
        scan->at += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code == 0 || (code >= 0xdc00 && code <= 0xdfff)) {
        return malformed(scan, "a character that can stand in a name");
    }
    char *p = *out;
    if (code < 0x80) {
        *p++ = (char)code;
    } else if (code < 0x800) {
        *p++ = (char)(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        *p++ = (char)(0xe0 | code >> 12);
        *p++ = (char)(0x80 | (code >> 6 & 63));
    } else {
        *p++ = (char)(0xf0 | code >> 18);
        *p++ = (char)(0x80 | (code >> 12 & 63));
        *p++ = (char)(0x80 | (code >> 6 & 63));
    }
    if (code >= 0x80) *p++ = (char)(0x80 | (code & 63));
    *out = p;
    return STATUS_OK;
}

static int scan_string(Scan *scan, const char **string) {
    skip_blanks(scan);
    if (scan->at == scan->end || *scan->at != '"') return malformed(scan, "a string");
    char *out = ++scan->at;
    *string = out;
    while (scan->at < scan->end && *scan->at != '"') {
        unsigned char c = (unsigned char)*scan->at;
        if (c < 0x20) return malformed(scan, "a character that can stand in a string");
        scan->at++;
        if (c != '\\') {
            *out++ = (char)c;
            continue;
        }
        static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
        char escape = scan->at < scan->end ? *scan->at : 0;
        const char *found = escape ? strchr(escapes, escape) : NULL;
        if (!found && escape != 'u') return malformed(scan, "an escape of JSON");
        scan->at++;
        if (found)
            *out++ = meanings[found - escapes];
        else if (scan_unicode_escape(scan, &out))
            return STATUS_MALFORMED;
    }
    if (scan->at == scan->end) return malformed(scan, "the end of a string");
    scan->at++;
    *out = 0;
    return STATUS_OK;
}

/* One more item in a growing array of the heap. */
static int reserve(Scan *scan, void **items, int32_t count, int32_t *capacity, size_t size) {
    if (count < *capacity) return STATUS_OK;
    int32_t larger = *capacity ? *capacity * 2 : 64;
    void *moved = larger > *capacity ? realloc(*items, (size_t)larger * size) : NULL;
    if (!moved) return cnn_fail_memory(scan->failure, scan->path, (size_t)larger * size);
    *items = moved;
    *capacity = larger;
    return STATUS_OK;
}

static int scan_metadata(Scan *scan) {
    Header *header = scan->header;
    int status = expect(scan, '{');
    if (status || accept(scan, '}')) return status;
    do {
        Metadata item;
        if ((status = scan_string(scan, &item.key)) || (status = expect(scan, ':')) ||
            (status = scan_string(scan, &item.value)))
            return status;
        if ((status = reserve(scan, (void **)&header->metadata, header->metadata_count,
                              &scan->metadata_capacity, sizeof item)))
            return status;
        header->metadata[header->metadata_count++] = item;
    } while (accept(scan, ','));
    return expect(scan, '}');
}

static int scan_type(Scan *scan, HeaderEntry *entry) {
    const char *name;
    int status = scan_string(scan, &name);
    if (status) return status;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].name, name)) entry->type = &types[i];
    if (entry->type) return STATUS_OK;
    return cnn_fail(scan->failure, STATUS_MALFORMED, "%s: tensor '%s' has the type '%s', which is not known",
                    scan->path, entry->name, name);
}

static int scan_shape(Scan *scan, HeaderEntry *entry) {
    int status = expect(scan, '[');
    if (status || accept(scan, ']')) return status;
    do {
        uint64_t extent;
        if ((status = scan_number(scan, &extent))) return status;
        if (entry->rank == CNN_MAX_RANK)
            return cnn_fail(scan->failure, STATUS_MALFORMED, "%s: tensor '%s' has more than %d axes",
                            scan->path, entry->name, CNN_MAX_RANK);
        entry->shape[entry->rank++] = (int64_t)extent;
    } while (accept(scan, ','));
    return expect(scan, ']');
}

static int scan_range(Scan *scan, HeaderEntry *entry) {
    int status = expect(scan, '[');
    if (!status) status = scan_number(scan, &entry->begin);
    if (!status) status = expect(scan, ',');
    if (!status) status = scan_number(scan, &entry->end);
    return status ? status : expect(scan, ']');
}

/* The members of a tensor, each exactly once, in any order. */
static int scan_members(Scan *scan, HeaderEntry *entry) {
    static const struct {
        const char *name;
        int (*scan)(Scan *, HeaderEntry *);
    } members[] = {
        {"dtype",        scan_type },
        {"shape",        scan_shape},
        {"data_offsets", scan_range}
    };
    unsigned seen = 0;
    int status = expect(scan, '{');
    if (status) return status;
    do {
        const char *name;
        if ((status = scan_string(scan, &name)) || (status = expect(scan, ':'))) return status;
        unsigned which = 0;
        while (which < 3 && strcmp(members[which].name, name)) which++;
        if (which == 3 || seen & 1u << which)
            return cnn_fail(scan->failure, STATUS_MALFORMED, "%s: tensor '%s' has the member '%s' %s",
                            scan->path, entry->name, name,
                            which == 3 ? "that the format does not know" : "twice");
        seen |= 1u << which;
        if ((status = members[which].scan(scan, entry))) return status;
    } while (accept(scan, ','));
    if ((status = expect(scan, '}'))) return status;
    if (seen == 7) return STATUS_OK;
    return cnn_fail(scan->failure, STATUS_MALFORMED, "%s: tensor '%s' lacks its %s", scan->path, entry->name,
                    !(seen & 1)   ? "dtype"
                    : !(seen & 2) ? "shape"
                                  : "data_offsets");
}

static int check_size(const Scan *scan, const HeaderEntry *entry) {
    uint64_t bytes = entry->type->bytes;
    for (int i = 0; i < entry->rank; i++)
        if (!cnn_multiply(bytes, (uint64_t)entry->shape[i], &bytes))
            return cnn_fail(scan->failure, STATUS_MALFORMED,
                            "%s: tensor '%s': the product of its shape is too large", scan->path,
                            entry->name);
    if (entry->end >= entry->begin && entry->end - entry->begin == bytes) return STATUS_OK;
    return cnn_fail(scan->failure, STATUS_MALFORMED,
                    "%s: tensor '%s' has data_offsets %llu to %llu where its shape and type take %llu bytes",
                    scan->path, entry->name, (unsigned long long)entry->begin, (unsigned long long)entry->end,
                    (unsigned long long)bytes);
}

static int scan_entries(Scan *scan) {
    Header *header = scan->header;
    bool has_metadata = false;
    int status = expect(scan, '{');
    if (status || accept(scan, '}')) return status;
    do {
        HeaderEntry entry = {0};
        if ((status = scan_string(scan, &entry.name)) || (status = expect(scan, ':'))) return status;
        if (!strcmp(entry.name, "__metadata__")) {
            if (has_metadata) return malformed(scan, "only one __metadata__");
            has_metadata = true;
            if ((status = scan_metadata(scan))) return status;
            continue;
        }
        if ((status = scan_members(scan, &entry)) || (status = check_size(scan, &entry))) return status;
        if ((status = reserve(scan, (void **)&header->entries, header->entry_count, &scan->entry_capacity,
                              sizeof entry)))
            return status;
        header->entries[header->entry_count++] = entry;
    } while (accept(scan, ','));
    return expect(scan, '}');
}

/* Well-formed UTF-8 without overlong forms, surrogates or what lies above U+10FFFF. */
static const char *find_bad_utf8(const char *text, const char *end) {
    for (const unsigned char *p = (const unsigned char *)text; p < (const unsigned char *)end;) {
        int more = *p < 0x80                 ? 0
                   : *p >= 0xc2 && *p < 0xe0 ? 1
                   : *p >= 0xe0 && *p < 0xf0 ? 2
                   : *p >= 0xf0 && *p < 0xf5 ? 3
                                             : -1;
        if (more < 0 || (const unsigned char *)end - p <= more) return (const char *)p;
        for (int i = 1; i <= more; i++)
            if ((p[i] & 0xc0) != 0x80) return (const char *)p;
        bool overlong = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90);
        bool beyond = (*p == 0xed && p[1] >= 0xa0) || (*p == 0xf4 && p[1] >= 0x90);
        if (overlong || beyond) return (const char *)p;
        p += more + 1;
    }
    return NULL;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const HeaderEntry *)a)->name, ((const HeaderEntry *)b)->name);
}

static int compare_keys(const void *a, const void *b) {
    return strcmp(((const Metadata *)a)->key, ((const Metadata *)b)->key);
}

/* Empty tensors go before the one that begins where they do. */
static int compare_ranges(const void *a, const void *b) {
    const HeaderEntry *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

static int check_unique(const Scan *scan) {
    Header *header = scan->header;
    if (header->entry_count)
        qsort(header->entries, (size_t)header->entry_count, sizeof *header->entries, compare_names);
    for (int i = 1; i < header->entry_count; i++)
        if (!strcmp(header->entries[i - 1].name, header->entries[i].name))
            return cnn_fail(scan->failure, STATUS_MALFORMED, "%s: tensor '%s' stands twice in the header",
                            scan->path, header->entries[i].name);
    if (header->metadata_count)
        qsort(header->metadata, (size_t)header->metadata_count, sizeof *header->metadata, compare_keys);
    for (int i = 1; i < header->metadata_count; i++)
        if (!strcmp(header->metadata[i - 1].key, header->metadata[i].key))
            return cnn_fail(scan->failure, STATUS_MALFORMED, "%s: metadata '%s' stands twice in the header",
                            scan->path, header->metadata[i].key);
    return STATUS_OK;
}

static int check_ranges(const Scan *scan) {
    Header *header = scan->header;
    if (header->entry_count)
        qsort(header->entries, (size_t)header->entry_count, sizeof *header->entries, compare_ranges);
    uint64_t covered = 0;
    for (int i = 0; i < header->entry_count; i++) {
        const HeaderEntry *entry = &header->entries[i];
        if (entry->begin != covered)
            return cnn_fail(
                scan->failure, STATUS_MALFORMED,
                "%s: tensor '%s' begins at byte %llu of the data; the ones before it end at %llu (%s)",
                scan->path, entry->name, (unsigned long long)entry->begin, (unsigned long long)covered,
                entry->begin < covered ? "they overlap" : "a gap");
        covered = entry->end;
    }
    return STATUS_OK;
}

int header_parse(const char *path, char *text, uint64_t length, Header *header, Failure *failure) {
    memset(header, 0, sizeof *header);
    Scan scan = {
        .path = path, .text = text, .at = text, .end = text + length, .header = header, .failure = failure};
    const char *bad = find_bad_utf8(text, scan.end);
    int status = STATUS_OK;
    if (bad) {
        scan.at = text + (bad - text);
        status = malformed(&scan, "UTF-8");
    } else if (length == 0 || text[0] != '{') {
        status = malformed(&scan, "'{'");
    }
    if (!status) status = scan_entries(&scan);
    if (!status) {
        skip_blanks(&scan);
        if (scan.at != scan.end) status = malformed(&scan, "the end of the header");
    }
    if (!status) status = check_unique(&scan);
    if (!status) status = check_ranges(&scan);
    if (status) header_free(header);
    return status;
}

void header_free(Header *header) {
    free(header->entries);
    free(header->metadata);
    memset(header, 0, sizeof *header);
}
