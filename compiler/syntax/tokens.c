/* The layer between scanner and grammar. Makes of newlines what they mean: an END where one ends a statement,
 * nothing inside ( ) and [ ], before and after an arrow, before else and {. A statement's END is also given
 * before } and at the end of the file, so that the grammar knows one form only. Keeps the open brackets and
 * caps their depth. */
#include "syntax/parser_state.h"

#include "syntax/parser.h"

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

static void bracket_open(Parser *parser, const Token *token) {
    vec_push(parser->arena, &parser->brackets, ((Bracket){(char)token->kind, token->span, false}));
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
    bool newline = parser->newline_due;
    parser->newline_due = false;
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

/* Passes over the rest of a parenthesis that was reported, up to its closer or a brace. */
static void skip_parenthesis(Parser *parser) {
    int open = parser->brackets.count - parser->skip_depth + 1;
    parser->skipping = true;
    while (open > 0) {
        Token token = raw_next(parser);
        open += (token.kind == '(' || token.kind == '[') - (token.kind == ')' || token.kind == ']');
        if (token.kind && token.kind != '{' && token.kind != '}') continue;
        parser->ahead = token;
        parser->has_ahead = true;
        break;
    }
    parser->skipping = false;
    parser->brackets.count = parser->skip_depth - 1;
    parser->skip_depth = 0;
}

/* A declaration begins a statement where braces are open, which the rest of the text does not close. */
static bool braces_are_missing(const Parser *parser, const Token *token) {
    if (!parser->brackets.count || inside_parentheses(parser)) return false;
    switch (token->kind) {
    case TOKEN_IMPORT:
    case TOKEN_CONST:
        if (token->span.column > 1) return false;
        break;
    case TOKEN_BLOCK:
    case TOKEN_MODEL:
    case TOKEN_DATA: break;
    case TOKEN_TRAIN:
        if (sign_follows(parser, '=')) return false;
        break;
    default: return false;
    }
    return begins_statement(parser->last.kind) && braces_left(parser) > 0;
}

/* A } that the text lacks, or the END that stands before it. */
static Token closer_token(Parser *parser) {
    if (!begins_statement(parser->last.kind)) return end_token(parser, "'}'");
    Token token = {.kind = '}', .span = parser->ahead.span};
    token.span.end_line = token.span.line;
    token.span.end_column = token.span.column;
    parser->newline_due = --parser->closing == 0;
    return token;
}

/* The next token, without a } whose { was forgotten; where } are missing, these first. */
static Token next_of_text(Parser *parser) {
    if (parser->skip_depth) skip_parenthesis(parser);
    if (parser->closing) return closer_token(parser);
    Token token = decide(parser);
    while (token.kind == '}' && parser->brackets.count &&
           parser->brackets.items[parser->brackets.count - 1].absent) {
        parser->brackets.count--;
        token = decide(parser);
    }
    if (!braces_are_missing(parser, &token)) return token;
    report_declaration_inside(parser, &token);
    parser->ahead = token;
    parser->has_ahead = true;
    parser->closing = parser->brackets.count;
    return closer_token(parser);
}

/* A declaration at top level ends what was not understood before it. */
static void declaration_begins(Parser *parser, const Token *token) {
    if (parser->brackets.count || (token->kind == TOKEN_TRAIN && sign_follows(parser, '='))) return;
    parser->top_level_failed = parser->headless = false;
}

Token token_next(Parser *parser) {
    if (parser->start) {
        Token token = {
            .kind = parser->start, .span = {parser->source, 1, 1, 1, 1}
        };
        parser->start = 0;
        return token;
    }
    if (parser->last.kind == TOKEN_END) {
        parser->dropped.opener = 0;
        parser->quoted = false;
    }
    if (diag_full(parser->cx->diag)) parser->stopped = true;
    Token token = next_of_text(parser);
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
    case TOKEN_TRAIN: declaration_begins(parser, &token); break;
    default: break;
    }
    if (parser->stopped) token = (Token){.span = token.span};
    if (token.kind != TOKEN_END) parser->last_end = token.span;
    if (parser->trace && token.kind) vec_push(parser->arena, &parser->trace->tokens, token);
    parser->before = parser->last.kind;
    parser->last = token;
    return token;
}
