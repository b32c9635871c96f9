/* The layer between scanner and grammar. Makes of newlines what they mean: an END where one ends a statement,
 * nothing inside ( ) and [ ], before and after an arrow, before else and {. A statement's END is also given
 * before } and at the end of the file, so that the grammar knows one form only. Keeps the open brackets and
 * caps their depth. */
#include "syntax/parser_state.h"

#include "syntax/parser.h"

#include <string.h>

static Token raw_next(Parser *parser) {
    Token token;
    if (parser->has_ahead) {
        parser->has_ahead = false;
        return parser->ahead;
    }
    scan_token(parser, &token);
    return token;
}

static bool inside_parentheses(const Parser *parser) {
    return parser->brackets.count && parser->brackets.items[parser->brackets.count - 1].opener != '{';
}

void bracket_abandon(Parser *parser) {
    while (inside_parentheses(parser)) parser->dropped = parser->brackets.items[--parser->brackets.count];
}

/* Looks ahead in the text, strings and comments aside. A brace or the end comes before the closer: there is
 * none. */
bool bracket_closes(const Parser *parser) {
    int open = 0;
    for (int i = parser->brackets.count; i > 0 && parser->brackets.items[i - 1].opener != '{'; i--) open++;
    const char *at = parser->source->text + parser->offset,
               *end = parser->source->text + parser->source->length;
    for (; at < end && open > 0; at++) {
        switch (*at) {
        case '(':
        case '[': open++; break;
        case ')':
        case ']': open--; break;
        case '{':
        case '}': return false;
        case '#':
            while (at + 1 < end && at[1] != '\n') at++;
            break;
        case '"':
            for (at++; at < end && *at != '"' && *at != '\n'; at++)
                if (*at == '\\' && at + 1 < end && at[1] != '\n') at++;
            break;
        default: break;
        }
    }
    return open == 0;
}

static void bracket_open(Parser *parser, const Token *token) {
    vec_push(parser->arena, &parser->brackets, ((Bracket){(char)token->kind, token->span}));
    int outermost = parser->brackets.items[0].opener == '{'; /* a declaration's own braces are no nesting */
    if (parser->brackets.count - outermost > NESTING_LIMIT) report_nesting(parser, token->span);
}

static void bracket_close(Parser *parser, char opener) {
    if (opener == '{') bracket_abandon(parser);
    if (parser->brackets.count && parser->brackets.items[parser->brackets.count - 1].opener == opener)
        parser->brackets.count--;
    else
        parser->stray = true;
}

/* An END whose place is right after the text before it. */
static Token end_token(const Parser *parser, const char *cause) {
    Span span = parser->last_end;
    if (!span.source)
        span = (Span){parser->source, parser->line, parser->column, parser->line, parser->column};
    span.line = span.end_line;
    span.column = span.end_column++;
    return (Token){.kind = TOKEN_END, .span = span, .value.text = cause};
}

static bool begins_statement(int kind) {
    return kind == 0 || kind == TOKEN_END || kind == '{';
}

static Token decide(Parser *parser) {
    int last = parser->last.kind;
    bool newline = false;
    Token token = raw_next(parser);
    while (token.kind == TOKEN_NEWLINE || (token.kind == TOKEN_END && begins_statement(last))) {
        newline |= token.kind == TOKEN_NEWLINE;
        token = raw_next(parser);
    }
    if (parser->stopped) return (Token){.span = token.span};

    bool closes = token.kind == 0 || token.kind == '}';
    if (closes) bracket_abandon(parser);
    bool continues = token.kind == TOKEN_ARROW || token.kind == TOKEN_ELSE || token.kind == '{' ||
                     last == TOKEN_ARROW || inside_parentheses(parser);
    if ((closes || (newline && !continues)) && !begins_statement(last)) {
        parser->ahead = token;
        parser->has_ahead = true;
        return end_token(parser, newline      ? "the end of the line"
                                 : token.kind ? "'}'"
                                              : "the end of the file");
    }
    return token;
}

Token token_next(Parser *parser) {
    if (parser->start) {
        Token token = {
            .kind = parser->start, .span = {parser->source, 1, 1, 1, 1}
        };
        parser->start = 0;
        return token;
    }
    if (parser->last.kind == TOKEN_END) parser->dropped.opener = 0;
    if (diag_full(parser->cx->diag)) parser->stopped = true;
    Token token = decide(parser);
    parser->stray = false;
    switch (token.kind) {
    case '{':
        bracket_abandon(parser);
        bracket_open(parser, &token);
        break;
    case '(':
    case '[': bracket_open(parser, &token); break;
    case ')': bracket_close(parser, '('); break;
    case ']': bracket_close(parser, '['); break;
    case '}': bracket_close(parser, '{'); break;
    case TOKEN_IMPORT:
    case TOKEN_CONST:
    case TOKEN_BLOCK:
    case TOKEN_MODEL:
    case TOKEN_DATA:
    case TOKEN_TRAIN:
        if (!parser->brackets.count) parser->top_level_failed = false;
        break;
    default: break;
    }
    if (parser->stopped) token = (Token){.span = token.span};
    if (token.kind != TOKEN_END) parser->last_end = token.span;
    if (parser->trace && token.kind) vec_push(parser->arena, &parser->trace->tokens, token);
    int last = parser->last.kind;
    if (begins_statement(last) || last == '}' || last == TOKEN_ELSE) parser->first = token;
    memmove(parser->before + 1, parser->before, sizeof parser->before - sizeof *parser->before);
    parser->before[0] = parser->last;
    parser->last = token;
    return token;
}
