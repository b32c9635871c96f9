/* The grammar. Takes the tokens of tokens.c, in which every statement ends with an END; gives the tree of ast.h in
 * Parser.ast, or the one expression of -D in Parser.expression. Recovery is by statement: a fault skips to the next END, or
 * over a body in braces, whose own statements are parsed. */
%define api.pure full
%define api.prefix {cnn_parse_}
%define api.token.prefix {TOKEN_}
%define api.location.type {Span}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param {Parser *parser}

%code requires {
#include "syntax/parser_state.h"
}

%code {
#include "base/leaving.h"

#include <stdlib.h>

#define YYMAXDEPTH          100000
#define YYSTACK_USE_ALLOCA  0
#define YYMALLOC(size)      memory_or_leave(malloc(size))
#define YYFREE              free
#define YYLLOC_DEFAULT(all, right, count)                                                                    \
    ((all) = (count) ? span_join(YYRHSLOC(right, 1), YYRHSLOC(right, count)) : empty_after(YYRHSLOC(right, 0)))

static Span empty_after(Span span) {
    return (Span){span.source, span.end_line, span.end_column, span.end_line, span.end_column};
}

static int cnn_parse_lex(YYSTYPE *value, Span *where, Parser *parser);
static void cnn_parse_error(const Span *where, Parser *parser, const char *message);

#define NEW(Type)          ARENA_NEW(parser->arena, Type)
#define PUSH(vec, ...)     vec_push(parser->arena, (vec), __VA_ARGS__)
}

%union {
    const char *text;
    Expr *expr;
    ExprList *exprs;
    Argument argument;
    ArgumentList *arguments;
    Stmt *stmt;
    StmtList *stmts;
    struct { Stmt *first, *last; int count; } chain;
    Body *body;
    Decl *decl;
    Parameter parameter;
}

%token START_FILE START_EXPRESSION NEWLINE
%token <text> END NAME
%token <expr> NUMBER STRING
%token MODEL BLOCK DATA TRAIN AUGMENT IMPORT CONST ASSERT IF ELSE FOR IN IT REPEAT AND OR NOT TRUE FALSE NONE
%token ARROW TO POWER FLOOR_DIVIDE EQUAL NOT_EQUAL LESS_EQUAL GREATER_EQUAL

%type <text> setting_name nested_name
%type <expr> value expr any all negation comparison sum product unary power postfix primary message
%type <exprs> items entries nested_body
%type <argument> argument
%type <arguments> arguments
%type <stmt> statement
%type <stmts> statements
%type <chain> chain
%type <body> body
%type <decl> declaration settings parameters parameter_list
%type <parameter> parameter

/* No %destructor: nodes live in the arena, so a symbol that recovery discards leaves nothing to free. */

%%

start: START_FILE file
     | START_EXPRESSION value END { parser->expression = $2; }
     | START_EXPRESSION error END

file: %empty
    | file declaration END { PUSH(&parser->ast->declarations, $2); parser->top_level_failed = false; yyerrok; }
    | file error END       { yyerrok; }
    | file error body END  { yyerrok; }

declaration
    : IMPORT STRING              { $$ = decl_new(parser, DECL_IMPORT, @$, NULL, @2); $$->text = $2->text ? $2->text : ""; }
    | CONST NAME '=' value       { $$ = decl_new(parser, DECL_CONST, @$, $2, @2); $$->value = $4; }
    | ASSERT expr message        { $$ = decl_new(parser, DECL_ASSERT, @$, NULL, @1); $$->value = $2; $$->message = $3; }
    | BLOCK NAME parameters body { $$ = $3; $$->span = @$; $$->name = $2; $$->name_span = @2; $$->body = $4; }
    | MODEL NAME body            { $$ = decl_new(parser, DECL_MODEL, @$, $2, @2); $$->body = $3; }
    | DATA '{' settings '}'      { $$ = $3; $$->span = @$; $$->kind = DECL_DATA; $$->name_span = @1; }
    | TRAIN '{' settings '}'     { $$ = $3; $$->span = @$; $$->kind = DECL_TRAIN; $$->name_span = @1; }

parameters: %empty                      { $$ = decl_new(parser, DECL_BLOCK, @$, NULL, @$); }
          | '(' ')'                     { $$ = decl_new(parser, DECL_BLOCK, @$, NULL, @$); }
          | '(' parameter_list comma ')' { $$ = $2; }

parameter_list: parameter                     { $$ = decl_new(parser, DECL_BLOCK, @$, NULL, @$); PUSH(&$$->parameters, $1); }
              | parameter_list ',' parameter  { $$ = $1; PUSH(&$$->parameters, $3); }

parameter: NAME          { $$ = (Parameter){$1, @$, NULL}; }
         | NAME '=' value { $$ = (Parameter){$1, @$, $3}; }

comma: %empty | ','

settings: %empty                              { $$ = decl_new(parser, DECL_DATA, @$, NULL, @$); }
        | settings setting_name '=' value END { $$ = $1; PUSH(&$$->settings, ((Setting){$2, @2, span_join(@2, @4), $4})); }
        | settings nested_name nested_body END { $$ = $1; nested_add(parser, $$, $2, @2, $3); }
        | settings error END                  { $$ = $1; yyerrok; }
        | settings error body END             { $$ = $1; yyerrok; }

setting_name: NAME | TRAIN { $$ = "train"; }

nested_name: NAME | AUGMENT { $$ = "augment"; }

nested_body: '{' entries '}' { $$ = $2; }

entries: %empty                        { $$ = NEW(ExprList); }
       | entries value END             { $$ = $1; PUSH($$, $2); }
       | entries value '=' value END   { $$ = $1; PUSH($$, $2); PUSH($$, $4); }
       | entries NAME nested_body END  { $$ = $1; for (int i = 0; i < $3->count; i++) PUSH($$, $3->items[i]); }
       | entries error END             { $$ = $1; yyerrok; }

body: '{' statements '}' { $$ = body_new(parser, @$, $2); }

statements: %empty                    { $$ = NEW(StmtList); }
          | statements statement END  { $$ = $1; PUSH($$, $2); yyerrok; }
          | statements error END      { $$ = $1; yyerrok; }
          | statements error body END { $$ = $1; yyerrok; }

statement
    : value                 { $$ = stmt_new(parser, STMT_PIPELINE, @$, $1, NULL); }
    | NAME '=' value        { $$ = stmt_new(parser, STMT_BIND, @$, $3, NULL); $$->name = $1; $$->name_span = @1; }
    | chain                 { $$ = $1.first; $$->span = @$; }
    | chain ELSE body       { $1.last->otherwise = $3; $$ = $1.first; $$->span = @$; }
    | REPEAT expr body      { $$ = stmt_new(parser, STMT_REPEAT, @$, $2, $3); }
    | FOR NAME IN expr body {
          $$ = stmt_new(parser, STMT_FOR, @$, $4, $5);
          $$->name = $2;
          $$->name_span = @2;
      }
    | FOR NAME IN expr TO expr body {
          $$ = stmt_new(parser, STMT_FOR, @$, $4, $7);
          $$->name = $2;
          $$->name_span = @2;
          $$->last = $6;
      }
    | ASSERT expr message   { $$ = stmt_new(parser, STMT_ASSERT, @$, $2, NULL); $$->message = $3; }

/* Each further `else if` hangs below the one before it, so their number is a nesting too. */
chain: IF expr body            { $$.first = $$.last = stmt_new(parser, STMT_IF, @$, $2, $3); $$.count = 1; }
     | chain ELSE IF expr body {
           Stmt *next = stmt_new(parser, STMT_IF, span_join(@3, @5), $4, $5);
           $$ = $1;
           if (++$$.count > NESTING_LIMIT) {
               report_nesting(parser, @3);
           } else {
               StmtList only = {0};
               PUSH(&only, next);
               $$.last->otherwise = body_new(parser, next->span, &only);
               $$.last = next;
           }
       }

message: %empty     { $$ = NULL; }
       | ',' STRING { $$ = $2; }

value: expr
     | value ARROW expr { $$ = expr_pipeline(parser, @$, $1, $3); }

expr: any
    | any IF any ELSE expr { $$ = expr_three(parser, @$, EXPR_COND, $1, $3, $5); }

any: all
   | any OR all { $$ = expr_binary(parser, @$, OP_OR, $1, $3); }

all: negation
   | all AND negation { $$ = expr_binary(parser, @$, OP_AND, $1, $3); }

negation: comparison
        | NOT negation { $$ = expr_unary(parser, @$, OP_NOT, $2); }

comparison: sum
          | sum EQUAL sum         { $$ = expr_binary(parser, @$, OP_EQUAL, $1, $3); }
          | sum NOT_EQUAL sum     { $$ = expr_binary(parser, @$, OP_NOT_EQUAL, $1, $3); }
          | sum '<' sum           { $$ = expr_binary(parser, @$, OP_LESS, $1, $3); }
          | sum LESS_EQUAL sum    { $$ = expr_binary(parser, @$, OP_LESS_EQUAL, $1, $3); }
          | sum '>' sum           { $$ = expr_binary(parser, @$, OP_GREATER, $1, $3); }
          | sum GREATER_EQUAL sum { $$ = expr_binary(parser, @$, OP_GREATER_EQUAL, $1, $3); }

sum: product
   | sum '+' product { $$ = expr_binary(parser, @$, OP_ADD, $1, $3); }
   | sum '-' product { $$ = expr_binary(parser, @$, OP_SUBTRACT, $1, $3); }

product: unary
       | product '*' unary          { $$ = expr_binary(parser, @$, OP_MULTIPLY, $1, $3); }
       | product '/' unary          { $$ = expr_binary(parser, @$, OP_DIVIDE, $1, $3); }
       | product FLOOR_DIVIDE unary { $$ = expr_binary(parser, @$, OP_FLOOR_DIVIDE, $1, $3); $$->text_span = @2; }
       | product '%' unary          { $$ = expr_binary(parser, @$, OP_MODULO, $1, $3); }

unary: power
     | '-' unary { $$ = expr_unary(parser, @$, OP_NEGATE, $2); }

power: postfix
     | postfix POWER unary { $$ = expr_binary(parser, @$, OP_POWER, $1, $3); }

postfix: primary
       | postfix '[' value ']' { $$ = expr_three(parser, @$, EXPR_INDEX, $1, $3, NULL); }
       | postfix '.' NAME      {
             $$ = expr_three(parser, @$, EXPR_ATTR, $1, NULL, NULL);
             $$->text = $3;
             $$->text_span = @3;
         }
       | postfix '.' NAME '(' ')'                 { $$ = expr_member_call(parser, @$, $1, $3); }
       | postfix '.' NAME '(' arguments comma ')' { $$ = expr_member_call(parser, @$, $1, $3); }

primary: NUMBER
       | STRING
       | TRUE                       { $$ = expr_new(parser, EXPR_TRUE, @$); }
       | FALSE                      { $$ = expr_new(parser, EXPR_FALSE, @$); }
       | NONE                       { $$ = expr_new(parser, EXPR_NONE, @$); }
       | IT                         { $$ = expr_new(parser, EXPR_IT, @$); }
       | IN                         { $$ = expr_new(parser, EXPR_IN, @$); }
       | NAME                       { $$ = expr_word(parser, EXPR_NAME, @$, $1, @1); }
       | NAME '(' ')'               { $$ = expr_call(parser, @$, $1, @1, NULL); }
       | NAME '(' arguments comma ')' { $$ = expr_call(parser, @$, $1, @1, $3); }
       | '(' value ')'              { $$ = $2; }
       | '[' ']'                    { $$ = expr_list(parser, @$, EXPR_LIST, NULL); }
       | '[' items comma ']'        { $$ = expr_list(parser, @$, EXPR_LIST, $2); }

items: value           { $$ = NEW(ExprList); PUSH($$, $1); }
     | items ',' value { $$ = $1; PUSH($$, $3); }

arguments: argument               { $$ = NEW(ArgumentList); PUSH($$, $1); }
         | arguments ',' argument { $$ = $1; PUSH($$, $3); }

argument: value          { $$ = (Argument){.value = $1, .span = @$}; }
        | NAME '=' value { $$ = (Argument){$1, @1, $3, @$}; }

%%

static int cnn_parse_lex(YYSTYPE *value, Span *where, Parser *parser) {
    Token token = token_next(parser);
    *where = token.span;
    if (token.kind == TOKEN_NUMBER || token.kind == TOKEN_STRING) value->expr = token.value.expr;
    else value->text = token.value.text;
    return token.kind;
}

/* Called by the skeleton itself only where its stack is full. */
static void cnn_parse_error(const Span *where, Parser *parser, const char *message) {
    (void)message;
    report_nesting(parser, *where);
}

static int yyreport_syntax_error(const yypcontext_t *context, Parser *parser) {
    enum { MOST = 80 };
    yysymbol_kind_t kinds[MOST];
    int expected[MOST];
    int count = yypcontext_expected_tokens(context, kinds, MOST);
    for (int i = 0; i < count; i++) {
        expected[i] = 0;
        for (int token = 0; token < YYMAXUTOK + 1; token++)
            if (yytranslate[token] == kinds[i]) expected[i] = token;
    }
    syntax_fault(parser, expected, count);
    return 0;
}
