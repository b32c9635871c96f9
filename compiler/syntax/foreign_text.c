/* What people write who come from another language, where that is a matter of the text itself: comments of
 * other kinds, calls of members. See parser_state.h; the words stand in diag/foreign.def. */
#include "syntax/parser_state.h"

#include "syntax/parser.h"

#include <ctype.h>
#include <string.h>

const char *foreign_text(Parser *parser, const ForeignWord *foreign) {
    if (!foreign) return "";
    return *foreign->here ? arena_printf(parser->arena, "; here it is %s", foreign->here)
                          : arena_printf(parser->arena, "; %s", foreign->note);
}

void foreign_comment(Parser *parser, Span span, const char *sign) {
    if (!parser->skipping) diag(parser->cx->diag, span, E_COMMENT, sign);
}

static bool ends_value(int kind) {
    return kind == TOKEN_NAME || kind == TOKEN_NUMBER || kind == TOKEN_STRING || kind == ')' || kind == ']' ||
           kind == TOKEN_IT || kind == TOKEN_IN;
}

static bool is_first_of_line(const Parser *parser, const Token *token) {
    size_t at = token->begin;
    while (at && strchr(" \t\r", parser->source->text[at - 1])) at--;
    return !at || parser->source->text[at - 1] == '\n';
}

static bool is_word_character(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* Words of prose stand side by side; between two values stands a sign or one of these. */
static bool joins_values(const char *word, int length) {
    static const char *const words[] = {"if", "else", "and", "or", "not", "in"};
    for (int i = 0; i < COUNT(words); i++)
        if ((int)strlen(words[i]) == length && !strncmp(word, words[i], (size_t)length)) return true;
    return false;
}

/* Is it nothing that could follow a division's sign: empty, words side by side, signs that the language does
 * not have? */
static bool is_prose(const char *at) {
    bool after_word = false, empty = true;
    for (; *at && *at != '\n' && *at != '#'; at++) {
        if (*at == ' ' || *at == '\t' || *at == '\r') continue;
        empty = false;
        if (!is_word_character(*at)) {
            if (!strchr("()[]{},+-*/%<>=\";", *at) && !(*at == '!' && at[1] == '=')) return true;
            after_word = *at == ')' || *at == ']';
            continue;
        }
        int length = 1;
        while (is_word_character(at[length])) length++;
        bool joins = joins_values(at, length);
        if (after_word && !joins) return true;
        after_word = !joins;
        at += length - 1;
    }
    return empty;
}

bool foreign_line_comment(Parser *parser, const Token *sign) {
    int depth = parser->brackets.count;
    bool in_parentheses = depth && parser->brackets.items[depth - 1].opener != '{';
    bool comment = !ends_value(parser->last.kind) || (is_first_of_line(parser, sign) && !in_parentheses) ||
                   is_prose(parser->source->text + sign->end);
    if (comment) foreign_comment(parser, sign->span, "//");
    return comment;
}

/* nn, tf.keras.layers; a value that is no name is only hinted at. */
static const char *object_text(Parser *parser, const Expr *object) {
    const char *text = "";
    for (; object->kind == EXPR_ATTR; object = object->left)
        text = arena_printf(parser->arena, ".%s%s", object->text, text);
    return arena_printf(parser->arena, "%s%s",
                        object->kind == EXPR_NAME ? object->text
                        : object->kind == EXPR_IT ? "it"
                                                  : "...",
                        text);
}

Expr *expr_member_call(Parser *parser, Span span, const Expr *object, const char *name) {
    Expr *failed = expr_new(parser, EXPR_ERROR, span);
    if (object->kind == EXPR_ERROR) return failed;
    const ForeignWord *foreign = foreign_find(FOREIGN_LAYER, "", name);
    if (!foreign) foreign = foreign_find(FOREIGN_FUNCTION, "", name);
    diag(parser->cx->diag, span_join(object->span, span), E_CALL_OF_MEMBER, name, object_text(parser, object),
         foreign_text(parser, foreign));
    bool module = object->kind == EXPR_ATTR ||
                  (object->kind == EXPR_NAME && foreign_find(FOREIGN_MODULE, "", object->text));
    if (foreign && *foreign->here && *foreign->note)
        diag_help(parser->cx->diag, "%s", foreign->note);
    else if (!module)
        diag_help(parser->cx->diag, "a layer takes its input from the left: x -> %s", name);
    return failed;
}
