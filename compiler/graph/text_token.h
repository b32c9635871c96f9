/* The tokens of a printed graph, and what may come next. After the first fault nothing is accepted any more,
 * so a reader need not look at every step. */
#ifndef CNNC_GRAPH_TEXT_TOKEN_H
#define CNNC_GRAPH_TEXT_TOKEN_H

#include "diag/context.h"

#include <stdint.h>

typedef enum TokenKind { TOKEN_WORD, TOKEN_SIGN, TOKEN_LINE, TOKEN_END } TokenKind;

typedef struct Token {
    TokenKind kind;
    const char *text; /* of a word; a sign is one character */
    char sign;
    Span span;
} Token;

typedef struct TokenReader {
    Context *cx;
    const Source *source;
    const char *at, *line_start;
    int line;
    Token token; /* the next one */
    Span last;   /* of the one before */
    bool failed;
} TokenReader;

void text_restart(TokenReader *r); /* to the start of the source */
void text_next(TokenReader *r);
/* Reports a fault at the next token, the first time. */
void text_fail(TokenReader *r, const char *fault);
void text_fail_last(TokenReader *r, const char *fault); /* at the token before */

bool text_is_sign(const TokenReader *r, char sign);
bool text_is_integer(const TokenReader *r);
bool text_accept_sign(TokenReader *r, char sign);
bool text_accept_word(TokenReader *r, const char *word);

/* Each gives 0 or "" after a fault. */
void text_expect_sign(TokenReader *r, char sign);
const char *text_expect_name(TokenReader *r, const char *what);
int text_expect_one_of(TokenReader *r, const char *const *words, int count, const char *what);
int64_t text_expect_integer(TokenReader *r);
int text_expect_small(TokenReader *r); /* from 0 to 2^31 - 1 */
double text_expect_real(TokenReader *r);

#endif
