/* The open ( and [ of the text that is parsed: what the scanner, the token layer and the messages ask of
 * them. */
#include "syntax/parser_state.h"

bool bracket_is_inside(const Parser *parser) {
    return parser->brackets.count && parser->brackets.items[parser->brackets.count - 1].opener != '{';
}

void bracket_abandon(Parser *parser) {
    while (bracket_is_inside(parser)) parser->dropped = parser->brackets.items[--parser->brackets.count];
}
