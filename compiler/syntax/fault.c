/* What is said about a token that does not fit: the grammar knows which tokens would, the user is told in
 * words. The special cases come first, each a mistake that people make; the last is "found ..., expected
 * ...". */
#include "syntax/parser_state.h"

#include "syntax/parser.h"

#include <string.h>

static const char *const declarations[] = {"import", "const", "block", "model", "data", "train", "assert"};

typedef struct Fault {
    Parser *parser;
    Diag *diag;
    const Token *found;
    const int *expected;
    int count;
} Fault;

static bool expects(const Fault *fault, int kind) {
    for (int i = 0; i < fault->count; i++)
        if (fault->expected[i] == kind) return true;
    return false;
}

static bool is_keyword(int kind) {
    return kind >= TOKEN_MODEL && kind <= TOKEN_NONE;
}

static bool is_declaration(int kind) {
    return kind >= TOKEN_MODEL && kind <= TOKEN_CONST && kind != TOKEN_AUGMENT;
}

static const char *symbol_text(const Fault *fault, int kind) {
    switch (kind) {
    case TOKEN_ARROW: return "->";
    case TOKEN_TO: return "..";
    case TOKEN_POWER: return "**";
    case TOKEN_FLOOR_DIVIDE: return "//";
    case TOKEN_EQUAL: return "==";
    case TOKEN_NOT_EQUAL: return "!=";
    case TOKEN_LESS_EQUAL: return "<=";
    case TOKEN_GREATER_EQUAL: return ">=";
    default: return arena_printf(fault->parser->arena, "%c", kind);
    }
}

/* The token as it stands in the text; the end of a line or file in words. */
static const char *token_text(const Fault *fault) {
    const Token *found = fault->found;
    if (found->kind == 0) return "the end of the file";
    if (found->kind == TOKEN_END || found->kind == TOKEN_NAME || is_keyword(found->kind))
        return found->value.text;
    if (found->kind == TOKEN_STRING) return "a string";
    if (found->kind == TOKEN_NUMBER) return found->value.expr->text ? found->value.expr->text : "a number";
    return symbol_text(fault, found->kind);
}

static const char *token_description(const Fault *fault) {
    const Token *found = fault->found;
    bool bare = found->kind == 0 || found->kind == TOKEN_END || found->kind == TOKEN_STRING;
    return bare ? token_text(fault) : arena_printf(fault->parser->arena, "'%s'", token_text(fault));
}

/* What would fit, in the user's terms: "',' or ')'". Operators go without saying. */
static const char *expected_description(const Fault *fault) {
    const char *words[16];
    int count = 0;
    bool value = expects(fault, TOKEN_NUMBER), statement = expects(fault, TOKEN_REPEAT);
    if (expects(fault, TOKEN_MODEL))
        words[count++] = "a declaration";
    else if (expects(fault, TOKEN_AUGMENT))
        words[count++] = "a setting (key = value)";
    else if (statement)
        words[count++] = "a layer or another statement";
    else if (value)
        words[count++] = "a value";
    else if (expects(fault, TOKEN_NAME))
        words[count++] = "a name";
    else if (expects(fault, TOKEN_STRING))
        words[count++] = "a string";
    else if (expects(fault, TOKEN_IN))
        words[count++] = "'in'";
    if (!value) {
        if (expects(fault, '(')) words[count++] = "'('";
        if (expects(fault, '=')) words[count++] = "'='";
        if (expects(fault, TOKEN_ELSE) && !expects(fault, TOKEN_END)) words[count++] = "'else'";
        if (expects(fault, ',')) words[count++] = "','";
        if (expects(fault, TOKEN_ARROW) && expects(fault, TOKEN_END)) words[count++] = "'->'";
    }
    if (expects(fault, '{') && !expects(fault, '=')) words[count++] = "'{'"; /* few settings are blocks */
    if (expects(fault, ')')) words[count++] = "')'";
    if (expects(fault, ']')) words[count++] = expects(fault, ',') || value ? "']'" : "the ']'";
    if (expects(fault, '}')) words[count++] = "'}'";
    if (expects(fault, TOKEN_END)) words[count++] = "the end of the line";
    if (!count) return expects(fault, 0) ? "the end of the file" : "something else";
    const char *text = words[0];
    for (int i = 1; i < count; i++)
        text = arena_printf(fault->parser->arena, i + 1 < count ? "%s, %s" : "%s or %s", text, words[i]);
    return text;
}

/* A bracket without its end is the better place to point at than where that was noticed. */
static bool unclosed_fault(Fault *fault) {
    Parser *parser = fault->parser;
    int depth = parser->brackets.count;
    Bracket open = parser->dropped;
    if (!open.opener && depth && fault->found->kind == 0) {
        if (parser->missing_brace) return true;
        open = parser->brackets.items[depth - 1];
    } else if (!open.opener && depth && parser->brackets.items[depth - 1].opener != '{') {
        if (fault->found->kind == '(' || fault->found->kind == '[') {
            if (depth < 2 || parser->brackets.items[depth - 2].opener == '{') return false;
        }
        if (bracket_closes(parser)) return false;
        open = parser->brackets.items[depth - 1];
        bracket_abandon(parser);
    }
    if (!open.opener) return false;
    parser->dropped.opener = 0;
    diag(fault->diag, open.span, E_UNCLOSED, arena_printf(parser->arena, "%c", open.opener));
    diag_note(fault->diag, fault->found->span, "found %s, expected %s", token_description(fault),
              open.opener == '{' ? "'}'" : expected_description(fault));
    return true;
}

static bool top_level_fault(Fault *fault) {
    Parser *parser = fault->parser;
    if (!expects(fault, TOKEN_MODEL)) return false;
    const char *text = token_text(fault), *near = NULL;
    if (fault->found->kind == TOKEN_NAME) near = diag_nearest(text, declarations, COUNT(declarations));
    if (parser->top_level_failed && !near) return true;
    parser->top_level_failed = true;
    diag(fault->diag, fault->found->span, E_TOP_LEVEL, text,
         near ? arena_printf(parser->arena, "; did you mean '%s'?", near) : "");
    if (!near)
        diag_help(fault->diag,
                  "layers stand inside model NAME { }; a constant is written const NAME = value");
    return true;
}

void report_declaration_inside(Parser *parser, const Token *found) {
    Diag *d = parser->cx->diag;
    diag(d, found->span, E_DECLARATION_INSIDE, found->value.text);
    diag_note(d, parser->brackets.items[parser->brackets.count - 1].span, "the '{' that is still open");
}

static bool declaration_inside(Fault *fault) {
    if (!is_declaration(fault->found->kind) || !fault->parser->brackets.count || !expects(fault, '}'))
        return false;
    bool setting = fault->found->kind == TOKEN_TRAIN && sign_follows(fault->parser, '=');
    if (!setting || !fault->parser->missing_brace) report_declaration_inside(fault->parser, fault->found);
    fault->parser->missing_brace = true;
    return true;
}

/* for (...) { }: all of the parenthesis is one mistake. */
static bool for_fault(Fault *fault) {
    Parser *parser = fault->parser;
    if (parser->before != TOKEN_FOR || fault->found->kind != '(') return false;
    diag(fault->diag, fault->found->span, E_FOR_PARENTHESIS);
    diag_help(fault->diag, "for i in 0..9 { } has both ends included; for x in [8, 16] { } runs over a list");
    parser->skip_depth = parser->brackets.count;
    return true;
}

/* A { that does not stand where it has to: what follows is read as if it did, so that the } that is there
 * finds it. */
static void missing_opener(Fault *fault) {
    Parser *parser = fault->parser;
    if (!expects(fault, '{') || expects(fault, '=')) return;
    parser->missing_if_brace = true;
    if (!parser->brackets.count)
        parser->headless = true;
    else if (braces_left(parser) < 0)
        vec_push(parser->arena, &parser->brackets, ((Bracket){'{', fault->found->span, true}));
}

/* Signs that mean something else here. */
static bool sign_fault(Fault *fault) {
    Diag *d = fault->diag;
    Span at = fault->found->span;
    int kind = fault->found->kind;
    bool after_value = expects(fault, TOKEN_AND),
         comparison = kind == '<' || kind == '>' || kind == TOKEN_EQUAL || kind == TOKEN_NOT_EQUAL ||
                      kind == TOKEN_LESS_EQUAL || kind == TOKEN_GREATER_EQUAL;
    if (after_value && comparison && !expects(fault, kind)) {
        diag(d, at, E_CHAINED_COMPARISON);
        diag_help(d, "join two comparisons with and: a < b and b < c");
    } else if (after_value && kind == '=' && !expects(fault, '=')) {
        diag(d, at, E_ASSIGN_IN_EXPRESSION);
    } else if (kind == '+' && expects(fault, TOKEN_NUMBER)) {
        diag(d, at, E_UNARY_PLUS);
    } else if (is_keyword(kind) && expects(fault, TOKEN_NAME) && !expects(fault, TOKEN_NUMBER)) {
        diag(d, at, E_KEYWORD_AS_NAME, token_text(fault));
    } else if (fault->parser->stray && fault->parser->top_level_failed) {
        return true; /* it ends what was not understood */
    } else if (fault->parser->stray) {
        diag(d, at, E_STRAY_CLOSER, token_text(fault));
    } else {
        return false;
    }
    return true;
}

static void general_fault(Fault *fault) {
    int kind = fault->found->kind;
    const char *text = token_text(fault);
    diag(fault->diag, fault->found->span, E_SYNTAX, token_description(fault), expected_description(fault));
    if (kind == TOKEN_NAME && (!strcmp(text, "elif") || !strcmp(text, "elseif")))
        diag_help(fault->diag, "write else if");
    else if (kind == TOKEN_NAME && expects(fault, TOKEN_END) && expects(fault, TOKEN_ARROW))
        diag_help(fault->diag, "between two layers stands -> or a new line");
}

void syntax_fault(Parser *parser, const int *expected, int count) {
    Fault fault = {parser, parser->cx->diag, &parser->last, expected, count};
    if (parser->stopped) return;
    if (parser->broken_line && parser->last_end.end_line == parser->broken_line) {
        if (!bracket_closes(parser)) bracket_abandon(parser);
        parser->dropped.opener = 0;
        return;
    }
    if (parser->headless || (parser->top_level_failed && parser->brackets.count)) return;
    bool orphan = parser->missing_if_brace && parser->last.kind == TOKEN_ELSE;
    if (orphan || (parser->stray && sign_fault(&fault)) || for_fault(&fault)) return;
    if (unclosed_fault(&fault) || top_level_fault(&fault) || declaration_inside(&fault) || sign_fault(&fault))
        return;
    general_fault(&fault);
    missing_opener(&fault);
}
