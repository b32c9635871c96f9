/* See format_lines.h. */
#include "syntax/format_lines.h"

enum { FARTHEST_COMMENT = 72 }; /* columns; behind a longer line a comment is by itself */

static void put_blanks(Lines *lines, int count) {
    for (int i = 0; i < count; i++) vec_push(lines->arena, &lines->code, ' ');
    lines->column += count;
}

void lines_put(Lines *lines, int blanks, const char *text, int length) {
    put_blanks(lines, lines->fresh ? 0 : blanks);
    for (int i = 0; i < length; i++) {
        vec_push(lines->arena, &lines->code, text[i]);
        lines->column += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    lines->fresh = false;
}

void lines_comment(Lines *lines, const char *text, int length) {
    lines->comment = arena_strndup(lines->arena, text, (size_t)length);
}

static void finish_line(Lines *lines) {
    Line line = {"", 0, lines->comment};
    if (lines->code.count && (!lines->fresh || lines->comment)) {
        line.code = arena_strndup(lines->arena, lines->code.items, (size_t)lines->code.count);
        line.width = lines->column;
    }
    vec_push(lines->arena, &lines->done, line);
    lines->code.count = lines->column = 0;
    lines->comment = NULL;
    lines->fresh = true;
}

void lines_break(Lines *lines, int indent) {
    if (!lines->fresh || lines->comment) finish_line(lines);
    lines->code.count = lines->column = 0;
    put_blanks(lines, indent);
    lines->fresh = true;
}

void lines_gap(Lines *lines) {
    lines_break(lines, 0);
    finish_line(lines);
}

static bool is_only_comment(const Line *line) {
    return line->code[strspn(line->code, " ")] == 0;
}

static bool takes_part(const Line *line) {
    if (!line->comment || is_only_comment(line) || line->width > FARTHEST_COMMENT) return false;
    return line->code[strlen(line->code) - 1] != '{'; /* what follows is indented and a matter of its own */
}

/* The lines from `first` on whose comments stand in one column; gives the line after them. */
static int find_section(const Lines *lines, int first, int *column) {
    int end = first;
    for (*column = 0; end < lines->done.count && takes_part(&lines->done.items[end]); end++)
        if (lines->done.items[end].width > *column) *column = lines->done.items[end].width;
    return end;
}

const char *lines_text(Lines *lines) {
    lines_break(lines, 0);
    VEC(char) text = {0};
    int section = 0, column = 0;
    for (int i = 0; i < lines->done.count; i++) {
        const Line *line = &lines->done.items[i];
        if (i >= section) section = find_section(lines, i, &column);
        for (const char *c = line->code; *c; c++) vec_push(lines->arena, &text, *c);
        int blanks = 0;
        if (line->comment && !is_only_comment(line)) blanks = i < section ? 2 + column - line->width : 2;
        while (blanks-- > 0) vec_push(lines->arena, &text, ' ');
        for (const char *c = line->comment ? line->comment : ""; *c; c++) vec_push(lines->arena, &text, *c);
        vec_push(lines->arena, &text, '\n');
    }
    vec_push(lines->arena, &text, 0);
    return text.items;
}
