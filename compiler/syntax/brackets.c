/* The open ( and [ of the text that is parsed: what the scanner, the token layer and the messages ask of
 * them. */
#include "syntax/parser_state.h"

bool bracket_is_inside(const Parser *parser) {
    return parser->brackets.count && parser->brackets.items[parser->brackets.count - 1].opener != '{';
}

void bracket_abandon(Parser *parser) {
    while (bracket_is_inside(parser)) parser->dropped = parser->brackets.items[--parser->brackets.count];
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
