/* See formatter.h. Takes tokens (format_items.h), decides where lines break, gives lines (format_lines.h).
 * What goes on one line and fits is put there, whatever it looked like before. Arguments, lists and pipelines
 * that do not fit fill the lines, aligned behind their bracket or below their first arrow. */
#include "syntax/formatter.h"

#include "syntax/format_items.h"
#include "syntax/format_lines.h"
#include "syntax/parser.h"

enum {
    WIDTH = 110,
    BODY_WIDTH = 80, /* of a body that stays on the line of its head */
    INDENT = 2,
    CONTINUATION = 4,
    FARTHEST_ARROW = 16, /* columns from a pipeline's start to the arrow below which the others stand */
    FARTHEST_BRACKET = 50
};

typedef struct Formatter {
    Items all;
    Lines lines;
    int remark;       /* the next comment that is not written */
    int indent;       /* of the statement */
    int continuation; /* where a line goes on that a comment has broken */
} Formatter;

static const Item *item_at(const Formatter *f, int at) {
    return &f->all.items[at];
}

static void put_item(Formatter *f, int at) {
    const Item *item = item_at(f, at);
    if (item->dropped) return;
    if (f->lines.comment) lines_break(&f->lines, f->continuation);
    lines_put(&f->lines, item->gap + item->pad, item->text, item->length);
}

static void put_remark(Formatter *f, const Remark *remark, int indent) {
    if (!remark->trailing || f->lines.comment) lines_break(&f->lines, indent);
    lines_comment(&f->lines, remark->text, remark->length);
}

/* The comments inside brackets or a pipeline that stand before an item. */
static void put_remarks(Formatter *f, int before) {
    for (; f->all.remarks[f->remark].begin < item_at(f, before)->begin; f->remark++)
        put_remark(f, &f->all.remarks[f->remark], f->continuation);
}

static void put_group(Formatter *f, int open, int tail);

/* Columns behind a group that stay on its last line: up to the next bracket, or to the end and what clings to
 * that. */
static int rest_width(const Formatter *f, int close, int end, int tail) {
    int reach = item_at(f, close)->at + 1, next = close + 1;
    while (next < end && !opens_group(item_at(f, next))) next++;
    if (next < end) return item_at(f, next)->at + 1 - reach;
    return item_at(f, end - 1)->at + item_at(f, end - 1)->width - reach + tail;
}

/* The items up to before `end`; `tail` columns behind them stay on the same line. */
static void put_range(Formatter *f, int first, int end, int tail) {
    for (int at = first; at < end; at++) {
        const Item *item = item_at(f, at);
        put_remarks(f, at);
        if (!opens_group(item)) {
            put_item(f, at);
            continue;
        }
        int width =
            item->gap + items_width(&f->all, at, item->match + 1) + rest_width(f, item->match, end, tail);
        if (items_split(&f->all, at, item->match + 1) || f->lines.column + width > WIDTH)
            put_group(f, at, tail);
        else
            for (int k = at; k <= item->match; k++) put_item(f, k);
        at = item->match;
    }
}

/* Columns of an element up to the first place where it can be broken if it must be. */
static int head_width(const Formatter *f, int first, int end) {
    if (!items_split(&f->all, first, end)) return items_width(&f->all, first, end);
    int at = first;
    while (at < end && !opens_group(item_at(f, at))) at++;
    return items_width(&f->all, first, at < end ? at + 1 : end);
}

static int widest_element(const Formatter *f, int open, int close) {
    int widest = 0;
    for (int at = open + 1; at < close;) {
        int end = element_end(&f->all, at, close), width = items_width(&f->all, at, end);
        if (width > widest) widest = width;
        at = end + 1;
    }
    return widest;
}

static bool starts_line(const Formatter *f, int open, int first, int end, int tail) {
    if (item_at(f, open)->matrix) return true;
    if (item_at(f, first)->kind == '[' && items_split(&f->all, first, end)) return true;
    return f->lines.column + 1 + head_width(f, first, end) + tail > WIDTH;
}

/* A group that does not go on one line: as many elements in each as fit, rows of a matrix by themselves. */
static void put_group(Formatter *f, int open, int tail) {
    int close = item_at(f, open)->match, continuation = f->continuation;
    put_item(f, open);
    f->continuation = f->lines.column;
    if (f->lines.column > FARTHEST_BRACKET && f->lines.column + widest_element(f, open, close) > WIDTH) {
        f->continuation = f->indent + CONTINUATION;
        lines_break(&f->lines, f->continuation);
    }
    for (int first = open + 1; first < close;) {
        int end = element_end(&f->all, first, close), clinging = end == close ? 1 + tail : 1;
        if (first > open + 1 && starts_line(f, open, first, end, clinging))
            lines_break(&f->lines, f->continuation);
        put_range(f, first, end, clinging);
        if (end < close) put_item(f, end);
        first = end + 1;
    }
    put_remarks(f, close);
    put_item(f, close);
    f->continuation = continuation;
}

static int next_arrow(const Formatter *f, int at, int end) {
    while (at < end && item_at(f, at)->kind != TOKEN_ARROW)
        at = opens_group(item_at(f, at)) ? item_at(f, at)->match + 1 : at + 1;
    return at;
}

/* A statement without a body. A comment behind an arrow comes to stand before it, where the line ends. */
static void put_simple(Formatter *f, int first, int end) {
    int start = f->lines.column, arrow = next_arrow(f, first, end);
    int width = items_width(&f->all, first, end) + (first + 1 < end ? item_at(f, first + 1)->pad : 0);
    if (!items_split(&f->all, first, end) && start + width <= WIDTH) {
        for (int at = first; at < end; at++) put_item(f, at);
        return;
    }
    int offset = item_at(f, arrow)->at - item_at(f, first)->at;
    bool below = arrow < end && offset <= FARTHEST_ARROW && !items_split(&f->all, first, arrow);
    int column = below ? start + offset : f->indent + CONTINUATION;
    f->continuation = column;
    put_range(f, first, arrow, 0);
    while (arrow < end) {
        int next = next_arrow(f, arrow + 1, end);
        bool split = items_split(&f->all, arrow + 1, next);
        f->continuation = column;
        put_remarks(f, arrow + 1);
        if (f->lines.comment || split || f->lines.column + 1 + items_width(&f->all, arrow, next) > WIDTH)
            lines_break(&f->lines, column);
        put_item(f, arrow);
        put_range(f, arrow + 1, next, 0);
        arrow = next;
    }
}

static int next_brace(const Formatter *f, int at, int end) {
    while (at < end && item_at(f, at)->kind != '{') at++;
    return at;
}

/* if, for, repeat and augment around one plain statement go on one line where they fit. */
static bool goes_on_one_line(const Formatter *f, int first, int brace, int last) {
    switch (item_at(f, first)->kind) {
    case TOKEN_IF:
    case TOKEN_FOR:
    case TOKEN_REPEAT:
    case TOKEN_AUGMENT: break;
    default: return false;
    }
    int inner = brace + 1 < last ? statement_last(&f->all, brace + 1) : brace;
    return item_at(f, brace)->match == last && inner == last - 1 && next_brace(f, brace + 1, last) == last &&
           !items_split(&f->all, first, last + 1) &&
           f->lines.column + items_width(&f->all, first, last + 1) <= BODY_WIDTH;
}

static void put_statements(Formatter *f, int first, int end);

/* An empty line stands before the item that begins a statement. */
static bool follows_gap(const Formatter *f, int at) {
    int line = item_at(f, at - 1)->end_line;
    for (int i = item_at(f, at - 1)->comments; i < item_at(f, at)->comments; i++) {
        if (f->all.remarks[i].line > line + 1) return true;
        line = f->all.remarks[i].line;
    }
    return item_at(f, at)->line > line + 1;
}

/* Aligns the = of settings that follow each other without an empty line between them. */
static void align_settings(Formatter *f, int open, int close) {
    int section = open + 1, widest = 0;
    for (int at = open + 1; at < close;) {
        bool setting = item_at(f, at + 1)->kind == '=';
        if (setting && item_at(f, at)->width > widest) widest = item_at(f, at)->width;
        at = statement_last(&f->all, at) + 1;
        if (setting && at < close && !follows_gap(f, at)) continue;
        for (int k = section; k < at; k = statement_last(&f->all, k) + 1)
            if (item_at(f, k + 1)->kind == '=') f->all.items[k + 1].pad = widest - item_at(f, k)->width;
        section = at;
        widest = 0;
    }
}

/* A body over several lines. Comments that stood before its brace come first in it. */
static void put_body(Formatter *f, int open) {
    int close = item_at(f, open)->match, keyword = open ? item_at(f, open - 1)->kind : 0;
    const Remark *remark = &f->all.remarks[f->remark];
    put_item(f, open);
    if (close == open + 1 && remark->begin > item_at(f, close)->begin) {
        put_item(f, close);
        return;
    }
    if (keyword == TOKEN_DATA || keyword == TOKEN_TRAIN) align_settings(f, open, close);
    if (remark->trailing && remark->begin < item_at(f, open + 1)->begin &&
        remark->line <= item_at(f, open)->line) {
        lines_comment(&f->lines, remark->text, remark->length);
        f->remark++;
    }
    f->indent += INDENT;
    put_statements(f, open + 1, close);
    f->indent -= INDENT;
    lines_break(&f->lines, f->indent);
    put_item(f, close);
}

static void put_statement(Formatter *f, int first, int last) {
    int brace = next_brace(f, first, last + 1);
    f->continuation = f->indent + CONTINUATION;
    if (brace > last) {
        put_simple(f, first, last + 1);
        return;
    }
    if (goes_on_one_line(f, first, brace, last)) {
        for (int at = first; at <= last; at++) put_item(f, at);
        return;
    }
    while (first <= last) {
        brace = next_brace(f, first, last + 1);
        put_item(f, first);
        if (first < brace) put_range(f, first + 1, brace, INDENT);
        put_body(f, brace);
        first = item_at(f, brace)->match + 1;
    }
}

/* At top level what has a body stands between empty lines. */
static bool stands_apart(const Formatter *f, int first, int last) {
    return !f->indent && next_brace(f, first, last + 1) <= last;
}

/* Comments on lines of their own. `line`: of what was written last, -1 at the start of a body. */
static void put_own_lines(Formatter *f, int before, bool *apart, int *line) {
    for (; f->all.remarks[f->remark].begin < item_at(f, before)->begin; f->remark++) {
        const Remark *remark = &f->all.remarks[f->remark];
        if (*line >= 0 && (*apart || remark->line > *line + 1)) lines_gap(&f->lines);
        lines_break(&f->lines, f->indent);
        lines_comment(&f->lines, remark->text, remark->length);
        *apart = false;
        *line = remark->line;
    }
}

static void put_statements(Formatter *f, int first, int end) {
    int line = -1;
    bool apart_before = false;
    while (first < end) {
        int last = statement_last(&f->all, first);
        bool braced = stands_apart(f, first, last), apart = apart_before || braced;
        put_own_lines(f, first, &apart, &line);
        if (line >= 0 && (apart || item_at(f, first)->line > line + 1)) lines_gap(&f->lines);
        lines_break(&f->lines, f->indent);
        put_statement(f, first, last);
        line = item_at(f, last)->end_line;
        const Remark *remark = &f->all.remarks[f->remark];
        if (remark->trailing && remark->line == line && remark->begin < item_at(f, last + 1)->begin) {
            lines_comment(&f->lines, remark->text, remark->length);
            f->remark++;
        }
        apart_before = braced;
        first = last + 1;
    }
    put_own_lines(f, end, &apart_before, &line);
}

/* The formatter's own fault must not reach a file: what it wrote has the same words in the same order. */
static void assure_same(Context *cx, const Items *before, const char *text) {
    Source source = {"<formatted>", text, strlen(text)};
    Trace trace = {0};
    syntax_trace(cx, &source, &trace);
    Items after = items_read(cx->arena, &source, &trace);
    int at = 0;
    bool same = before->remark_count == after.remark_count && !diag_errors(cx->diag);
    for (int i = 0; same && i < before->count; i++) {
        const Item *a = &before->items[i], *b = &after.items[at];
        if (a->dropped) continue;
        same = at++ < after.count && a->kind == b->kind && a->ends == b->ends && a->length == b->length &&
               !memcmp(a->text, b->text, (size_t)a->length);
    }
    for (int i = 0; same && i < before->remark_count; i++) {
        const Remark *a = &before->remarks[i], *b = &after.remarks[i];
        same = a->length == b->length && !memcmp(a->text, b->text, (size_t)a->length);
    }
    if (!same || at != after.count) internal_error("the formatted text is another one");
}

const char *format_source(Context *cx, const Source *source) {
    Trace trace = {0};
    syntax_trace(cx, source, &trace);
    if (diag_errors(cx->diag)) return NULL;
    Formatter f = {
        .all = items_read(cx->arena, source, &trace), .lines = {.arena = cx->arena, .fresh = true}
    };
    put_statements(&f, 0, f.all.count);
    const char *text = lines_text(&f.lines);
    assure_same(cx, &f.all, text);
    return text;
}
