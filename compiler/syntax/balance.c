/* Looks ahead in the text that is still to be scanned, for brackets that are missing or too many: strings and
 * comments aside, nothing is understood. */
#include "syntax/parser_state.h"

/* The next bracket at or after `at`, which moves behind it; 0 at the end. */
static char next_bracket(const char **at, const char *end) {
    while (*at < end) {
        char c = *(*at)++;
        switch (c) {
        case '(':
        case ')':
        case '[':
        case ']':
        case '{':
        case '}': return c;
        case '#':
            while (*at < end && **at != '\n') ++*at;
            break;
        case '"':
            for (; *at < end && **at != '"' && **at != '\n'; ++*at)
                if (**at == '\\' && *at + 1 < end && (*at)[1] != '\n') ++*at;
            if (*at < end && **at == '"') ++*at;
            break;
        default: break;
        }
    }
    return 0;
}

/* A brace or the end comes before the closer: there is none. */
bool bracket_closes(const Parser *parser) {
    int open = 0;
    for (int i = parser->brackets.count; i > 0 && parser->brackets.items[i - 1].opener != '{'; i--) open++;
    const char *at = parser->source->text + parser->offset,
               *end = parser->source->text + parser->source->length;
    while (open > 0) {
        char bracket = next_bracket(&at, end);
        if (!bracket || bracket == '{' || bracket == '}') return false;
        open += bracket == '(' || bracket == '[' ? 1 : -1;
    }
    return true;
}

int braces_left(const Parser *parser) {
    int open = 0;
    for (int i = 0; i < parser->brackets.count; i++) open += parser->brackets.items[i].opener == '{';
    if (parser->has_ahead) open += (parser->ahead.kind == '{') - (parser->ahead.kind == '}');
    const char *at = parser->source->text + parser->offset,
               *end = parser->source->text + parser->source->length;
    for (char bracket; (bracket = next_bracket(&at, end));) open += (bracket == '{') - (bracket == '}');
    return open;
}

bool sign_follows(const Parser *parser, char sign) {
    if (parser->has_ahead) return parser->ahead.kind == sign;
    const char *at = parser->source->text + parser->offset,
               *end = parser->source->text + parser->source->length;
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r')) at++;
    return at < end && *at == sign;
}
