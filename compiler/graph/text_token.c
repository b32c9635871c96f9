/* See text_token.h. */
#include "graph/text_token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_.+-", c));
}

static void skip_blanks(TokenReader *r) {
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r') r->at++;
    if (r->at[0] == '/' && r->at[1] == '/') r->at += strcspn(r->at, "\n");
}

void text_next(TokenReader *r) {
    r->last = r->token.span;
    skip_blanks(r);
    const char *start = r->at;
    int column = (int)(start - r->line_start) + 1;
    r->token = (Token){
        .span = {r->source, r->line, column, r->line, column + 1}
    };
    if (!*start) {
        r->token.kind = TOKEN_END;
    } else if (*start == '\n') {
        r->token.kind = TOKEN_LINE;
        r->line_start = ++r->at;
        r->line++;
    } else if (is_word(*start)) {
        while (is_word(*r->at)) r->at++;
        r->token.kind = TOKEN_WORD;
        r->token.text = arena_strndup(r->cx->arena, start, (size_t)(r->at - start));
        r->token.span.end_column = column + (int)(r->at - start);
    } else {
        r->token.kind = TOKEN_SIGN;
        r->token.sign = *r->at++;
    }
}

static void fail_at(TokenReader *r, Span at, const char *fault) {
    if (!r->failed) diag(r->cx->diag, at, E_PRINTED_GRAPH, fault);
    r->failed = true;
}

void text_fail(TokenReader *r, const char *fault) {
    fail_at(r, r->token.span, fault);
}
void text_fail_last(TokenReader *r, const char *fault) {
    fail_at(r, r->last, fault);
}

bool text_is_sign(const TokenReader *r, char sign) {
    return r->token.kind == TOKEN_SIGN && r->token.sign == sign;
}

bool text_accept_sign(TokenReader *r, char sign) {
    if (r->failed || !text_is_sign(r, sign)) return false;
    text_next(r);
    return true;
}

void text_expect_sign(TokenReader *r, char sign) {
    if (!text_accept_sign(r, sign)) text_fail(r, arena_printf(r->cx->arena, "expected '%c'", sign));
}

bool text_accept_word(TokenReader *r, const char *word) {
    if (r->failed || r->token.kind != TOKEN_WORD || strcmp(r->token.text, word)) return false;
    text_next(r);
    return true;
}

const char *text_expect_name(TokenReader *r, const char *what) {
    const char *text = r->token.text;
    if (r->failed || r->token.kind != TOKEN_WORD) {
        text_fail(r, arena_printf(r->cx->arena, "expected %s", what));
        return "";
    }
    text_next(r);
    return text;
}

int text_expect_one_of(TokenReader *r, const char *const *words, int count, const char *what) {
    for (int i = 0; i < count; i++)
        if (text_accept_word(r, words[i])) return i;
    text_fail(r, arena_printf(r->cx->arena, "expected %s", what));
    return 0;
}

static bool is_integer_text(const char *text, int64_t *integer) {
    char *end;
    errno = 0;
    *integer = strtoll(text, &end, 10);
    return !errno && end != text && !*end;
}

int64_t text_expect_integer(TokenReader *r) {
    int64_t integer = 0;
    if (r->failed || r->token.kind != TOKEN_WORD || !is_integer_text(r->token.text, &integer)) {
        text_fail(r, "expected an integer");
        return 0;
    }
    text_next(r);
    return integer;
}

int text_expect_small(TokenReader *r) {
    int64_t integer = text_expect_integer(r);
    if (integer < 0 || integer > INT32_MAX) text_fail_last(r, "this number is out of range");
    return r->failed ? 0 : (int)integer;
}

double text_expect_real(TokenReader *r) {
    char *end = NULL;
    double real = !r->failed && r->token.kind == TOKEN_WORD ? strtod(r->token.text, &end) : 0;
    if (!end || end == r->token.text || *end) {
        text_fail(r, "expected a number");
        return 0;
    }
    text_next(r);
    return real;
}

bool text_is_integer(const TokenReader *r) {
    int64_t integer;
    return r->token.kind == TOKEN_WORD && is_integer_text(r->token.text, &integer);
}

void text_restart(TokenReader *r) {
    r->at = r->line_start = r->source->text;
    r->line = 1;
    text_next(r);
}
