/* What the files of sema/ share: compile-time data, scopes, and the state of one elaboration.
 * Errors are reported once a place; a datum of kind DATUM_ERROR stands for what went wrong and silences what
 * follows. */
#ifndef CNNC_SEMA_ELABORATOR_H
#define CNNC_SEMA_ELABORATOR_H

#include "base/map.h"
#include "diag/foreign.h"
#include "sema/sema.h"

enum { MAX_LAYERS = 1000000, MAX_STATEMENTS = 10000000, MAX_NESTING = 1000, MAX_STACK = 5 << 20 };
enum { SCRATCH_ROOM = 32 }; /* arguments of a layer that need no memory of their own */

/* Compile-time data. */

typedef enum DatumKind {
    DATUM_ERROR,
    DATUM_NONE,
    DATUM_INT,
    DATUM_REAL,
    DATUM_BOOL,
    DATUM_STRING,
    DATUM_WORD,
    DATUM_SIZE,
    DATUM_LIST,
    DATUM_VALUE, /* of the network */
    DATUM_CALL   /* a word with arguments: leaky_relu(0.2), normal(0.02) */
} DatumKind;

typedef struct DatumList DatumList;
typedef struct DatumCall DatumCall;

typedef struct Datum {
    DatumKind kind;
    union {
        int64_t integer;
        double real;
        bool boolean;
        const char *text; /* of a string or a word */
        const Size *size;
        const DatumList *list;
        ValueId value;
        const DatumCall *call;
    };
} Datum;

struct DatumList {
    int count;
    Datum *items;
};

/* An argument of a call, evaluated when its parameter is known. */
typedef struct CallArgument {
    const char *name;     /* NULL for a positional one */
    Span name_span, span; /* of the name where there is one, and of the value */
    const Expr *expr;
    Datum datum;
    bool evaluated;
    bool late; /* stands without a name after one with a name, which is said already */
} CallArgument;

typedef VEC(CallArgument) CallArguments;

struct DatumCall {
    const char *name;
    CallArguments arguments;
};

#define DATUM_OF(member, tag, data) ((Datum){.kind = tag, .member = (data)})
static const Datum datum_error = {.kind = DATUM_ERROR}, datum_none = {.kind = DATUM_NONE};

/* Names. */

typedef struct TableEntry {
    const char *key;
    void *value;
} TableEntry;

/* A map that is an array while it is small, so that a block call costs next to nothing. */
typedef struct Table {
    VEC(TableEntry) entries;
    Map *map;
} Table;

void *table_get(const Table *table, const char *key);
void table_set(Arena *arena, Table *table, const char *key, void *value);

typedef struct Binding {
    const char *name;
    Datum datum;
    bool live;
} Binding;

typedef struct Symbol Symbol;

typedef struct File {
    const Ast *ast;
    Map *symbols; /* its own and those of its imports: name -> Symbol */
    bool loading;
    bool incomplete; /* an import failed: an unknown name may be one of its */
} File;

struct Symbol { /* a block or a constant */
    const Decl *decl;
    const File *file;
    Datum datum;
    bool known; /* a constant that has been evaluated */
    int mark;   /* of the search for recursion */
};

/* The model, one block call, or a file's top level. */
typedef struct Frame {
    struct Frame *caller;
    const File *file;
    Table bindings;        /* name -> Binding */
    VEC(Binding *) live;   /* in the order in which they were bound */
    Datum current, input;  /* DATUM_NONE where there is none */
    const char *name;      /* of the block call, prefixed; NULL in the model */
    Table counters, names; /* of layers and block calls: by kind, and those with a name of their own */
    bool is_block, is_model;
    bool broken; /* statements were passed over after an error: an unknown name is no news */
} Frame;

/* One step of the way that led to the statement being run: a call of a block, or a turn of a loop. */
typedef struct Step {
    struct Step *outer;
    Span at;           /* the call, or the head of the loop */
    const char *block; /* the name of the block call; NULL for a turn */
    int64_t turn;      /* from 1 */
    const char *variable;
    Datum value; /* of the variable, where the loop has one */
} Step;

struct DeferredAssert {
    struct Elaborator *elaborator;
    const Expr *condition;
    const char *message;
    Frame *frame; /* what its names meant where it stood */
    Step *way;    /* the steps that led there */
};

typedef struct AttrTable AttrTable;

typedef struct Elaborator {
    Context *cx;
    Arena *arena;
    Elaboration *result;
    Graph *graph;
    Frame *frame, *free_frames;
    Step *way;         /* the innermost step; NULL outside blocks and loops */
    const char *layer; /* the name of the layer being made, or NULL */
    File *main;
    Map *files;       /* device and inode -> File */
    Map *definitions; /* -D: name -> Definition, until its constant is met */
    Map *words;       /* every word of the language, to its one copy */
    Map *reported;    /* places and codes of errors so far */
    Map *failed;      /* layer calls that failed once */
    AttrTable *attrs; /* one copy of equal argument arrays */
    /* Where one layer's arguments and parameters are made; what lasts is copied. */
    Attr *scratch;
    CallArgument *scratch_arguments;
    ParameterInfo *scratch_parameters;
    VEC(Symbol *) blocks;
    int64_t statements, parameters, statistics, macs;
    int block_depth, import_depth;
    const char *stack; /* about where the stack began */
    bool stopped;      /* a limit is reached: unwind */
    bool input_allowed, input_missing;
    bool fresh;   /* the last report was printed, so notes belong to it */
    bool judging; /* the totals are known */
    int64_t memory_inference, memory_training;
} Elaborator;

/* Reports an error once a place; notes and help follow with note() and help(). */
#define report(e, at, code, ...)                                                                             \
    (elaborator_first(e, at, code)                                                                           \
         ? (diag((e)->cx->diag, at, code __VA_OPT__(, ) __VA_ARGS__), elaborator_note_way(e))                \
         : (void)0)
#define note(e, ...) ((e)->fresh ? diag_note((e)->cx->diag, __VA_ARGS__) : (void)0)
#define help(e, ...) ((e)->fresh ? diag_help((e)->cx->diag, __VA_ARGS__) : (void)0)

/* report.c */
bool elaborator_first(Elaborator *e, Span at, DiagCode code);
void elaborator_note_way(Elaborator *e);
/* False, after an error, where the C stack is nearly spent. */
bool elaborator_has_stack(Elaborator *e, Span at);

/* datum.c */
const char *datum_text(Elaborator *e, Datum datum); /* what a message calls it: the string "a", a list, 3 */
bool datum_equal(Datum a, Datum b);
bool datum_is_number(Datum datum);
double datum_number(Datum datum);                /* of an integer or a real */
bool datum_whole(Datum datum, int64_t *integer); /* an integer, or a real that is a whole number */
bool datum_size(Datum datum, Size *size,
                bool *whole); /* false where it is none; whole: one number for every axis */
Datum datum_of_text(Elaborator *e, const char *text); /* the default of an argument */
const char *suggestion(Elaborator *e, const char *word, const char *const *candidates, int count);
const char *suggestion_of(Elaborator *e, const char *word, const char *words); /* blank-separated */
/* The n-th of blank-separated words, NULL past the end. */
const char *word_at(Arena *arena, const char *words, int n);
const char *words_text(Elaborator *e, const char *words); /* with commas */
bool word_among(const char *word, const char *words);

/* hint.c: words of other frameworks (diag/foreign.h). Help belongs to the report before it. */
/* An unknown name: at that place first, then wherever it may have been meant. */
const ForeignWord *foreign_name(Elaborator *e, ForeignPlace place, const char *name);
/* The end of a message: what the word is called here, or why there is no such thing; without a row `nearest`.
 */
const char *foreign_hint(Elaborator *e, const ForeignWord *foreign, const char *nearest);
void foreign_help(Elaborator *e, const ForeignWord *foreign); /* the row's line of help, if any */
/* Is this a layer before a // or a word that nobody knows behind one, which was meant as a comment? It is
 * reported then; what stands before it may be gone on with. */
bool foreign_comment_found(Elaborator *e, const Expr *expr);
/* A string where the argument or the setting wants a word. */
void quoted_help(Elaborator *e, const char *of, Datum datum);

/* scope.c */
Frame *frame_open(Elaborator *e, const File *file); /* becomes e->frame */
void frame_close(Elaborator *e);
int scope_open(Frame *frame);
void scope_close(Frame *frame, int mark);
Binding *scope_find(const Frame *frame, const char *name); /* NULL where it is not bound */
Binding *scope_place(Elaborator *e, const char *name);     /* found or made; maybe not live */
void scope_bind(Elaborator *e, const char *name, Datum datum);
/* Reports and gives false where the name is a layer's, a block's or a constant's. A name that hides a
 * constant already may be bound again. */
bool scope_may_bind(Elaborator *e, const char *name, Span span);
/* The same for a block's parameter or a loop's variable, which may hide a constant. */
bool scope_may_hide(Elaborator *e, const char *name, Span span);
const Symbol *scope_symbol(const Frame *frame, const char *name);
bool name_is_layer(const char *name);
bool name_is_function(const char *name);
bool name_is_bound(Elaborator *e, const char *name); /* a value or a constant can be seen under it */
/* Does it run when it is bound (a layer, a block, a pipeline), or is it an expression? */
bool is_pipeline(Elaborator *e, const Expr *expr);
void words_collect(Elaborator *e);
/* Is an unknown name to be expected, after an error before it? */
bool unknown_is_no_news(const Elaborator *e);
const char *suggest_name(Elaborator *e, const char *name, bool callable);
/* Full name of the next layer or block call of that kind, or of one with its own name (argument); NULL after
 * an error. */
const char *name_next(Elaborator *e, const char *kind, const CallArgument *own, Span call);

/* expression.c, arithmetic.c, function.c */
Datum evaluate(Elaborator *e, const Expr *expr);
Datum evaluate_word(Elaborator *e, const Expr *expr); /* a name that means nothing is a word */
bool evaluate_condition(Elaborator *e, const Expr *expr, bool *truth);
bool evaluate_integer(Elaborator *e, const Expr *expr, const char *what, int64_t *integer);
Datum binary_apply(Elaborator *e, const Expr *expr, Datum left, Datum right);
Datum unary_apply(Elaborator *e, const Expr *expr, Datum operand);
Datum function_call(Elaborator *e, const Expr *expr);
bool name_is_attribute(const char *name); /* of a value of the network */
Datum attribute_get(Elaborator *e, const Expr *expr, Datum of);

/* statement.c, pipeline.c */
void run_body(Elaborator *e, const Body *body);
Datum run_pipeline(Elaborator *e, const Expr *expr);

/* call.c, block.c */
Datum call_layer(Elaborator *e, const Op *op, const Expr *call, Datum before);
Datum call_activation(Elaborator *e, const Op *op, const Expr *call, Datum before);
Datum call_block(Elaborator *e, const Symbol *block, const Expr *call, Datum before);
Datum call_input(Elaborator *e, const Expr *call);

/* call_list.c */
CallArguments call_arguments(Elaborator *e, const Expr *call);
/* The same in room that the next call of it uses again: for layers, which never stand inside one another. */
CallArguments layer_arguments(Elaborator *e, const Expr *call);

/* arguments.c, attribute.c, activation_choice.c */
typedef struct ActivationChoice { /* activation= of a layer */
    const Op *op;                 /* NULL for none */
    CallArguments arguments;
    Span span;
} ActivationChoice;

Datum argument_datum(Elaborator *e, CallArgument *argument, bool word);
/* Takes name="..." out of the arguments; NULL where there is none. */
const CallArgument *take_name(Elaborator *e, CallArguments *arguments);
/* Fills attrs, one a row of op->params. spatial: axes over which a single number is spread, 0 for none. */
bool bind_arguments(Elaborator *e, const Op *op, CallArguments *arguments, int spatial, Span call,
                    Attr *attrs, ActivationChoice *activation);
/* at: of the value; expr: what was written for it, NULL for a default. */
bool attribute_convert(Elaborator *e, const Op *op, const Param *param, Datum datum, Span at,
                       const Expr *expr, int spatial, Attr *attr);
/* Where the i-th item of a list stands: in the list that was written, or `at` where it was made elsewhere. */
Span item_span(const Expr *list, int i, Span at);
Span argument_place(const CallArgument *argument); /* its name, or the value that stands without one */
bool choose_activation(Elaborator *e, const char *param, const char *of, Datum datum, Span at,
                       ActivationChoice *choice);
/* Room for one layer's arguments, zeroed; the next call gives the same. attrs_share makes them last. */
Attr *attrs_scratch(Elaborator *e, const Op *op);
const Attr *attrs_share(Elaborator *e, const Op *op, Attr *attrs);

/* walk.c */
typedef void ExprVisitor(const Expr *expr, void *user);
void walk_expression(const Expr *expr, ExprVisitor *visit, void *user);
void walk_body(const Body *body, ExprVisitor *visit, void *user);
void walk_declaration(const Decl *decl, ExprVisitor *visit, void *user);

/* totals.c */
bool name_is_total(const char *name);
bool mentions_totals(Elaborator *e, const Expr *condition);
bool total_lookup(Elaborator *e, const Expr *expr, Datum *datum);

/* files.c, recursion.c, unused.c, hopeless.c, asserts.c, data_block.c, train_block.c */
File *load_main(Elaborator *e, const Ast *ast);
bool blocks_recurse(Elaborator *e);
void warn_unused_names(Elaborator *e);
void warn_unused_layers(Elaborator *e);
void warn_hopeless(Elaborator *e, const Model *model);
void run_assert(Elaborator *e, const Expr *condition, const Expr *message);
DataSettings *check_data(Elaborator *e, const Decl *decl);
TrainSettings *check_train(Elaborator *e, const Decl *decl, const DataSettings *data);

#endif
