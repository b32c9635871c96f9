/* What the scanner, the token layer and the grammar share while one text is parsed. Inside syntax/ only.
 * scanner (lexer.l): characters to raw tokens. Token layer (tokens.c): decides which newlines end a statement
 * and keeps the open brackets. Grammar (parser.y): tokens to tree, through the constructors of build.c. */
#ifndef CNNC_SYNTAX_PARSER_STATE_H
#define CNNC_SYNTAX_PARSER_STATE_H

#include "diag/foreign.h"
#include "syntax/parse.h"

enum { NESTING_LIMIT = 1000, HEIGHT_LIMIT = 4000 };

typedef struct Bracket {
    char opener;
    Span span;
    bool absent; /* a { that was forgotten: the } that is its own is no token for the grammar */
} Bracket;

typedef union TokenValue {
    const char *text; /* names, and how an END came about */
    Expr *expr;       /* literals */
} TokenValue;

typedef struct Token {
    int kind;
    TokenValue value;
    Span span;
    size_t begin, end; /* bytes of the text; an END has none */
} Token;

/* Everything that was read, comments included, for who writes the text anew. */
typedef struct Comment {
    size_t begin, end;
    int line;
} Comment;

typedef struct Trace {
    VEC(Token) tokens;
    VEC(Comment) comments;
} Trace;

typedef struct Parser {
    Context *cx;
    Arena *arena;
    const Source *source;
    char *text;    /* the scanner's own copy, bytes that are not UTF-8 blanked */
    void *scanner; /* flex's */
    size_t offset; /* bytes scanned */
    int line, column;

    int start;   /* a token that picks the grammar's entry, given out first; 0 once it was */
    Token ahead; /* one raw token of lookahead */
    bool has_ahead;
    Token last;      /* given to the grammar most recently: its lookahead */
    Token before[3]; /* the tokens before it, the nearest first */
    Token first;     /* of the statement or the declaration that it belongs to */
    Span last_end;   /* of the last token that was text */
    VEC(Bracket) brackets;
    Bracket dropped; /* a bracket that a brace or the end of the file closed for want of its own */
    bool stray;      /* the last token closed a bracket that was not open */
    int broken_line; /* the scanner reported a fault there: what the grammar thinks of that line is not said
                      */
    bool stopped;    /* nesting too deep, or errors enough: nothing more is said */
    bool top_level_failed; /* the last thing at top level was not understood; what is in its braces is passed
                              over */
    bool missing_brace;    /* already said that a } is missing */
    bool
        headless; /* a declaration without its {: what stands up to the next one at top level is not judged */
    bool missing_if_brace; /* an if without its {: its else is not judged either */
    int closing;           /* so many } are given to the grammar before the text goes on, for those missing */
    bool newline_due;      /* and then a newline */
    int skip_depth;        /* open brackets down to which tokens are passed over; 0: none are */
    bool skipping;         /* in the middle of it: the scanner reports nothing */
    VEC(const char *) bad_names; /* those that begin with a digit, each once */
    int choices;                 /* ? of other languages whose : has not come yet */
    bool quoted;                 /* wrong quotation marks were reported in this statement */

    Trace *trace; /* NULL: nobody wants to know */
    Ast *ast;
    Expr *expression; /* of syntax_parse_expression */
} Parser;

/* lexer.l */
int scan_token(Parser *parser, Token *token); /* also returns its kind */
void scanner_open(Parser *parser);
void scanner_close(Parser *parser);

/* parse.c: parses a whole file and keeps its tokens and comments. What is wrong is reported. */
void syntax_trace(Context *cx, const Source *source, Trace *trace);

/* tokens.c */
Token token_next(Parser *parser);

/* brackets.c */
bool bracket_is_inside(const Parser *parser); /* whether the innermost open bracket is a ( or [ */
void bracket_abandon(Parser *parser);         /* forgets open ( and [ : newlines count again */

/* balance.c: looks ahead in the text, strings and comments aside. */
bool bracket_closes(const Parser *parser); /* whether the innermost open ( or [ finds its end further on */
int braces_left(const Parser *parser);     /* { without } when the text ends; negative: } without { */
bool sign_follows(const Parser *parser,
                  char sign); /* whether the next character that is no blank is this one */

/* bytes.c: reports bytes that are no text and blanks them in parser->text; false where the file is no text at
 * all, which is then empty. */
bool blank_bad_bytes(Parser *parser);

/* build.c: nodes. Spans are those of the whole form. */
Expr *expr_new(Parser *parser, ExprKind kind, Span span);
Expr *expr_word(Parser *parser, ExprKind kind, Span span, const char *text, Span text_span);
Expr *expr_unary(Parser *parser, Span span, Operator op, Expr *operand);
Expr *expr_binary(Parser *parser, Span span, Operator op, Expr *left, Expr *right);
Expr *expr_three(Parser *parser, Span span, ExprKind kind, Expr *left, Expr *right, Expr *third);
Expr *expr_call(Parser *parser, Span span, const char *name, Span name_span, const ArgumentList *arguments);
Expr *expr_list(Parser *parser, Span span, ExprKind kind, const ExprList *items);
Expr *expr_pipeline(Parser *parser, Span span, Expr *before, Expr *next);
Stmt *stmt_new(Parser *parser, StmtKind kind, Span span, Expr *value, Body *body);
Body *body_new(Parser *parser, Span span, const StmtList *statements);
void nested_add(Parser *parser, Decl *decl, const char *name, Span name_span, const ExprList *values);
Decl *decl_new(Parser *parser, DeclKind kind, Span span, const char *name, Span name_span);

/* foreign_text.c: what other languages write. */
/* Reports that such a comment is none. */
void foreign_comment(Parser *parser, Span span, const char *sign);
/* Is the text from a // on, which was scanned last, a comment? Then that is reported. */
bool foreign_line_comment(Parser *parser, const Token *sign);
/* What a message about the row's word ends in, "" where there is no row. */
const char *foreign_text(Parser *parser, const ForeignWord *foreign);
/* A call of nn.Conv2d or x.view, which is an error. */
Expr *expr_member_call(Parser *parser, Span span, const Expr *object, const char *name);

/* fault.c: what is said about a token that does not fit. `expected`: kinds that would. */
void syntax_fault(Parser *parser, const int *expected, int count);
void report_declaration_inside(Parser *parser, const Token *found);
void report_nesting(Parser *parser, Span span);

#endif
