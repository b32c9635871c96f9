/* See format_items.h. */
#include "syntax/format_items.h"

#include "syntax/parser.h"

#include <stdint.h>

enum { ROWS_OF_MATRIX = 3, WIDEST_MATRIX = 64 }; /* fewer rows or columns are pairs, a padding for instance */

bool opens_group(const Item *item) {
    return item->kind == '(' || item->kind == '[';
}

int text_width(const char *text, int length) {
    int width = 0;
    for (int i = 0; i < length; i++) width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

int items_width(const Items *all, int first, int end) {
    if (first >= end) return 0;
    const Item *last = &all->items[end - 1];
    return last->at + last->width - all->items[first].at;
}

bool items_split(const Items *all, int first, int end) {
    if (first >= end) return false;
    const Item *items = all->items;
    return items[end - 1].comments > items[first].comments || items[end].matrices > items[first].matrices;
}

int element_end(const Items *all, int at, int close) {
    while (at < close && all->items[at].kind != ',')
        at = opens_group(&all->items[at]) ? all->items[at].match + 1 : at + 1;
    return at;
}

int statement_last(const Items *all, int first) {
    int at = first;
    for (;; at++) {
        if (all->items[at].kind == '{') at = all->items[at].match;
        if (all->items[at].ends || at + 1 >= all->count) return at;
    }
}

static bool is_operator(int kind) {
    switch (kind) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case TOKEN_FLOOR_DIVIDE: return true;
    default: return false;
    }
}

static bool is_factor_operator(int kind) {
    return kind == TOKEN_POWER || (is_operator(kind) && kind != '+' && kind != '-');
}

static bool ends_operand(const Items *all, int at) {
    if (at < 0 || all->items[at].ends) return false;
    switch (all->items[at].kind) {
    case TOKEN_NAME:
    case TOKEN_NUMBER:
    case TOKEN_STRING:
    case TOKEN_TRUE:
    case TOKEN_FALSE:
    case TOKEN_NONE:
    case TOKEN_IT:
    case ')':
    case ']': return true;
    case TOKEN_IN: return at < 2 || all->items[at - 2].kind != TOKEN_FOR;
    default: return false;
    }
}

static bool is_sign(const Items *all, int at) {
    return all->items[at].kind == '-' && !ends_operand(all, at - 1);
}

/* 1/255: a number that happens to be written as two. */
static bool is_ratio(const Items *all, int slash) {
    const Item *items = all->items;
    return items[slash].kind == '/' && slash > 0 && items[slash - 1].kind == TOKEN_NUMBER &&
           items[slash + 1].kind == TOKEN_NUMBER &&
           !(slash > 1 && is_factor_operator(items[slash - 2].kind)) &&
           !is_factor_operator(items[slash + 2].kind);
}

/* The = of an argument stands tight, unless its value is a choice: stride = 2 if first else 1. */
static int argument_gap(const Items *all, int equals) {
    for (int at = equals + 1; at < all->count && all->items[at].kind != ',' && all->items[at].kind != ')';
         at++) {
        if (all->items[at].kind == TOKEN_IF) return 1;
        if (opens_group(&all->items[at])) at = all->items[at].match;
    }
    return 0;
}

/* What a gap depends on besides the two tokens. */
typedef struct Place {
    int depth;        /* of ( and [ */
    bool tight_range; /* in the head of for NAME in first..last */
    int equals_gap;   /* of the last = */
} Place;

static int gap_before(const Items *all, int at, const Place *place) {
    const Item *items = all->items;
    int kind = items[at].kind, before = at ? items[at - 1].kind : '(';
    switch (kind) {
    case ',':
    case ')':
    case ']':
    case '.':
    case TOKEN_TO:
    case TOKEN_POWER: return 0;
    case '(':
        if (before == TOKEN_NAME) return 0;
        break;
    case '[':
        if (ends_operand(all, at - 1)) return 0;
        break;
    case '}': return before != '{';
    case '=': return place->equals_gap;
    default: break;
    }
    switch (before) {
    case '(':
    case '[':
    case '.':
    case TOKEN_TO:
    case TOKEN_POWER: return 0;
    case '=': return place->equals_gap;
    case '-':
        if (is_sign(all, at - 1)) return 0;
        break;
    default: break;
    }
    bool tight = place->tight_range && !place->depth;
    if (is_operator(kind) && !is_sign(all, at) && (tight || is_ratio(all, at))) return 0;
    if (at && is_operator(before) && (tight || is_ratio(all, at - 1))) return 0;
    return 1;
}

static bool has_range(const Items *all, int at) {
    for (; at < all->count && all->items[at].kind != '{'; at++)
        if (all->items[at].kind == TOKEN_TO) return true;
    return false;
}

static void set_gaps(Items *all) {
    Place place = {0};
    int at = 0;
    for (int i = 0; i < all->count; i++) {
        Item *item = &all->items[i];
        if (item->kind == ')' || item->kind == ']') place.depth--;
        if (item->kind == TOKEN_FOR) place.tight_range = has_range(all, i);
        if (item->kind == '{') place.tight_range = false;
        if (item->kind == '=') place.equals_gap = place.depth ? argument_gap(all, i) : 1;
        item->dropped = item->kind == ',' && (all->items[i + 1].kind == ')' || all->items[i + 1].kind == ']');
        item->gap = gap_before(all, i, &place);
        if (i && all->items[i - 1].dropped) item->gap = 0;
        if (item->dropped) item->width = item->gap = 0;
        item->at = at + item->gap;
        at = item->at + item->width;
        if (opens_group(item)) place.depth++;
    }
    all->items[all->count].at = at;
}

static void match_brackets(Arena *arena, Items *all) {
    VEC(int) open = {0};
    for (int i = 0; i < all->count; i++) {
        int kind = all->items[i].kind;
        if (kind == '(' || kind == '[' || kind == '{') vec_push(arena, &open, i);
        if (kind != ')' && kind != ']' && kind != '}') continue;
        int opener = open.items[--open.count];
        all->items[i].match = opener;
        all->items[opener].match = i;
    }
}

static bool plain_row(const Items *all, int open, int close) {
    for (int i = open + 1; i < close; i++)
        if (opens_group(&all->items[i])) return false;
    return all->items[close].comments == all->items[open].comments;
}

static int element_count(const Items *all, int open) {
    int close = all->items[open].match, count = 0;
    for (int at = open + 1; at < close; at = element_end(all, at, close) + 1) count++;
    return count;
}

static bool is_matrix(const Items *all, int open) {
    int close = all->items[open].match, rows = 0;
    if (all->items[open].kind != '[') return false;
    for (int at = open + 1; at < close; rows++) {
        int end = element_end(all, at, close);
        if (all->items[at].kind != '[' || all->items[at].match != end - 1) return false;
        if (element_count(all, at) < ROWS_OF_MATRIX) return false;
        at = end + 1;
    }
    return rows >= ROWS_OF_MATRIX;
}

/* The cells of a matrix one below the other, flush right. */
static void align_cells(Items *all, int open) {
    int close = all->items[open].match, widths[WIDEST_MATRIX] = {0};
    for (int pass = 0; pass < 2; pass++) {
        for (int row = open + 1; row < close; row = element_end(all, row, close) + 1) {
            int end = all->items[row].match, column = 0;
            if (!plain_row(all, row, end) || element_count(all, row) > WIDEST_MATRIX) return;
            for (int cell = row + 1; cell < end; column++) {
                int cell_end = element_end(all, cell, end), width = items_width(all, cell, cell_end);
                if (pass)
                    all->items[cell].pad = widths[column] - width;
                else if (width > widths[column])
                    widths[column] = width;
                cell = cell_end + 1;
            }
        }
    }
}

static void find_matrices(Items *all) {
    int matrices = 0;
    for (int i = 0; i < all->count; i++) {
        Item *item = &all->items[i];
        item->matrices = matrices;
        item->matrix = opens_group(item) && is_matrix(all, i);
        matrices += item->matrix;
        if (item->matrix) align_cells(all, i);
    }
    all->items[all->count].matrices = matrices;
}

static void place_remarks(Arena *arena, Items *all, const Source *source, const Trace *trace) {
    all->remark_count = trace->comments.count;
    all->remarks = ARENA_ARRAY(arena, Remark, (size_t)all->remark_count + 1);
    int at = 0;
    for (int i = 0; i <= all->remark_count; i++) {
        Remark *remark = &all->remarks[i];
        remark->begin = SIZE_MAX;
        if (i < all->remark_count) {
            const Comment *comment = &trace->comments.items[i];
            *remark = (Remark){source->text + comment->begin, (int)(comment->end - comment->begin),
                               comment->line, comment->begin, false};
            while (remark->length && strchr(" \t\r\f", remark->text[remark->length - 1])) remark->length--;
        }
        for (; at <= all->count && all->items[at].begin < remark->begin; at++) all->items[at].comments = i;
        remark->trailing = at > 0 && all->items[at - 1].end_line == remark->line;
    }
    all->items[all->count].comments = all->remark_count;
}

Items items_read(Arena *arena, const Source *source, const Trace *trace) {
    Items all = {.items = ARENA_ARRAY(arena, Item, (size_t)trace->tokens.count + 3)};
    for (int i = 0; i < trace->tokens.count; i++) {
        const Token *token = &trace->tokens.items[i];
        if (token->kind == TOKEN_END) {
            if (all.count) all.items[all.count - 1].ends = true;
            continue;
        }
        const char *text = source->text + token->begin;
        int length = (int)(token->end - token->begin);
        all.items[all.count++] = (Item){.kind = token->kind,
                                        .text = text,
                                        .length = length,
                                        .begin = token->begin,
                                        .width = text_width(text, length),
                                        .line = token->span.line,
                                        .end_line = token->span.end_line};
    }
    all.items[all.count].begin = SIZE_MAX - 1;
    match_brackets(arena, &all);
    place_remarks(arena, &all, source, trace);
    set_gaps(&all);
    find_matrices(&all);
    return all;
}
