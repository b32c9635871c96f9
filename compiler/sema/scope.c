/* See elaborator.h: names and what they mean. A frame is the model, one block call or a file's top level; a
 * name first bound inside a brace dies with it. Frames are used again, so that a million block calls cost no
 * memory of their own. */
#include "sema/data_format.h"

#include <ctype.h>

enum { SMALL_TABLE = 12 };

void *table_get(const Table *table, const char *key) {
    if (table->map) return map_get(table->map, key);
    for (int i = 0; i < table->entries.count; i++)
        if (!strcmp(table->entries.items[i].key, key)) return table->entries.items[i].value;
    return NULL;
}

void table_set(Arena *arena, Table *table, const char *key, void *value) {
    if (table->map) {
        map_set(table->map, key, value);
        return;
    }
    for (int i = 0; i < table->entries.count; i++)
        if (!strcmp(table->entries.items[i].key, key)) {
            table->entries.items[i].value = value;
            return;
        }
    vec_push(arena, &table->entries, (TableEntry){key, value});
    if (table->entries.count <= SMALL_TABLE) return;
    table->map = map_create(arena);
    for (int i = 0; i < table->entries.count; i++)
        map_set(table->map, table->entries.items[i].key, table->entries.items[i].value);
}

static void table_clear(Table *table) {
    table->entries.count = 0;
    table->map = NULL;
}

Frame *frame_open(Elaborator *e, const File *file) {
    Frame *frame = e->free_frames;
    if (frame)
        e->free_frames = frame->caller;
    else
        frame = ARENA_NEW(e->arena, Frame);
    frame->caller = e->frame;
    frame->file = file;
    frame->current = frame->input = datum_none;
    frame->name = NULL;
    frame->is_block = frame->is_model = frame->broken = false;
    e->frame = frame;
    return frame;
}

void frame_close(Elaborator *e) {
    Frame *frame = e->frame;
    e->frame = frame->caller;
    table_clear(&frame->bindings);
    table_clear(&frame->counters);
    table_clear(&frame->names);
    frame->live.count = 0;
    frame->caller = e->free_frames;
    e->free_frames = frame;
}

int scope_open(Frame *frame) {
    return frame->live.count;
}

void scope_close(Frame *frame, int mark) {
    while (frame->live.count > mark) frame->live.items[--frame->live.count]->live = false;
}

Binding *scope_find(const Frame *frame, const char *name) {
    Binding *binding = table_get(&frame->bindings, name);
    return binding && binding->live ? binding : NULL;
}

Binding *scope_place(Elaborator *e, const char *name) {
    Binding *binding = table_get(&e->frame->bindings, name);
    if (binding) return binding;
    binding = ARENA_NEW(e->arena, Binding);
    binding->name = name;
    table_set(e->arena, &e->frame->bindings, name, binding);
    return binding;
}

void scope_bind(Elaborator *e, const char *name, Datum datum) {
    Binding *binding = scope_place(e, name);
    if (!binding->live) {
        binding->live = true;
        vec_push(e->arena, &e->frame->live, binding);
    }
    binding->datum = datum;
}

const Symbol *scope_symbol(const Frame *frame, const char *name) {
    return map_get(frame->file->symbols, name);
}

bool name_is_layer(const char *name) {
    if (!strcmp(name, "input")) return true;
    const Op *op = op_find(name);
    if (op) return op->kind == OPK_LAYER || op->kind == OPK_ACTIVATION;
    const char *planned = op_planned(name);
    return planned && !strcmp(planned, "layer");
}

bool name_is_function(const char *name) {
    return word_among(name, "min max floor ceil round len");
}

static bool is_constant(const Symbol *symbol) {
    return symbol && symbol->decl->kind == DECL_CONST;
}

static bool name_is_taken(Elaborator *e, const char *name, Span span) {
    const Symbol *symbol = scope_symbol(e->frame, name);
    report(e, span, E_NAME_TAKEN, name,
           !symbol                            ? "a layer"
           : symbol->decl->kind == DECL_BLOCK ? "a block"
                                              : "a constant");
    if (symbol) note(e, symbol->decl->name_span, "'%s' is declared here", name);
    return false;
}

bool scope_may_hide(Elaborator *e, const char *name, Span span) {
    const Symbol *symbol = scope_symbol(e->frame, name);
    if (is_constant(symbol) || (!symbol && !name_is_layer(name))) return true;
    return name_is_taken(e, name, span);
}

bool scope_may_bind(Elaborator *e, const char *name, Span span) {
    const Symbol *symbol = scope_symbol(e->frame, name);
    bool hidden = is_constant(symbol) && scope_find(e->frame, name);
    if (hidden || (!symbol && !name_is_layer(name))) return true;
    return name_is_taken(e, name, span);
}

/* Words that no table holds. */
static const char *const setting_words[] = {
#define FIXED(name, word, argument) #word,
#define DRAWN(name, word, argument) #word,
#define GIVEN(name, word)
#include "runtime/initialisers.def"
#undef FIXED
#undef DRAWN
#undef GIVEN
    "valid",    "same",     "accuracy", "top_k",   "horizontal",
    "vertical", "bilinear", "nearest",  "reflect", "replicate"};

static void add_word(Elaborator *e, const char *word) {
    if (!map_get(e->words, word)) map_set(e->words, word, (void *)word);
}

static void add_words(Elaborator *e, const char *words) {
    const char *word;
    for (int i = 0; (word = word_at(e->arena, words, i)); i++) add_word(e, word);
}

void words_collect(Elaborator *e) {
    const DataFormat *format;
    const DataKey *key;
    e->words = map_create(e->arena);
    add_words(e, data_format_words);
    for (int i = 0; (key = data_format_key(i, &format)); i++) add_words(e, key->words);
    for (int i = 0; i < COUNT(setting_words); i++) add_word(e, setting_words[i]);
    int count;
    const Op *const *table = op_table(&count);
    for (int i = 0; i < count; i++) {
        if (table[i]->kind == OPK_INTERNAL) continue;
        add_word(e, table[i]->name);
        for (int k = 0; k < table[i]->param_count; k++) add_words(e, table[i]->params[k].words);
    }
}

typedef struct Candidates {
    Arena *arena;
    bool callable;
    VEC(const char *) names;
} Candidates;

static void add_symbol(const char *key, void *value, void *user) {
    const Symbol *symbol = value;
    Candidates *candidates = user;
    if (!candidates->callable || symbol->decl->kind == DECL_BLOCK)
        vec_push(candidates->arena, &candidates->names, key);
}

static void add_layer_word(const char *key, void *value, void *user) {
    Candidates *candidates = user;
    (void)value;
    if (!candidates->callable || name_is_layer(key)) vec_push(candidates->arena, &candidates->names, key);
}

bool name_is_bound(Elaborator *e, const char *name) {
    if (scope_find(e->frame, name)) return true;
    const Symbol *symbol = scope_symbol(e->frame, name);
    return symbol && symbol->decl->kind == DECL_CONST;
}

bool is_pipeline(Elaborator *e, const Expr *expr) {
    if (expr->kind == EXPR_PIPELINE) return true;
    if (expr->kind != EXPR_NAME && expr->kind != EXPR_CALL) return false;
    const Symbol *symbol = scope_symbol(e->frame, expr->text);
    if (symbol && symbol->decl->kind == DECL_BLOCK) return true;
    if (expr->kind == EXPR_NAME) return !name_is_bound(e, expr->text) && name_is_layer(expr->text);
    return name_is_layer(expr->text) || (!map_get(e->words, expr->text) && !name_is_function(expr->text));
}

bool unknown_is_no_news(const Elaborator *e) {
    return e->frame->broken || e->frame->file->incomplete;
}

const char *suggest_name(Elaborator *e, const char *name, bool callable) {
    static const char *const functions[] = {"min", "max", "floor", "ceil", "round", "len"};
    Candidates candidates = {.arena = e->arena, .callable = callable};
    for (int i = 0; !callable && i < e->frame->live.count; i++)
        vec_push(e->arena, &candidates.names, e->frame->live.items[i]->name);
    map_each(e->frame->file->symbols, add_symbol, &candidates);
    map_each(e->words, add_layer_word, &candidates);
    for (int i = 0; !callable && i < COUNT(functions); i++)
        vec_push(e->arena, &candidates.names, functions[i]);
    if (callable) vec_push(e->arena, &candidates.names, "input");
    return suggestion(e, name, candidates.names.items, candidates.names.count);
}

static const char *prefixed(Elaborator *e, const char *name) {
    return e->frame->name ? arena_printf(e->arena, "%s.%s", e->frame->name, name) : name;
}

/* Has a layer without a name of its own been given this one? They are KIND_NUMBER. */
static bool name_was_numbered(Elaborator *e, const char *name) {
    const char *line = strrchr(name, '_');
    if (!line || line[1] < '1' || line[1] > '9' || strlen(line + 1) > 9) return false;
    int number = 0;
    for (const char *at = line + 1; *at; at++) {
        if (!isdigit((unsigned char)*at)) return false;
        number = number * 10 + (*at - '0');
    }
    const char *kind = arena_strndup(e->arena, name, (size_t)(line - name));
    return (intptr_t)table_get(&e->frame->counters, kind) >= number;
}

static bool name_is_written_well(const char *name) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return *name && (*name < '0' || *name > '9') && !name[strspn(name, letters)];
}

static const char *own_name(Elaborator *e, const CallArgument *own) {
    const char *name = own->datum.text;
    if (!name_is_written_well(name)) {
        report(e, own->span, E_LAYER_NAME, name);
        return NULL;
    }
    if (!strcmp(name, "input") && !e->frame->name) {
        report(e, own->span, E_LAYER_NAME_TWICE, name, "the model's input");
        return NULL;
    }
    if (table_get(&e->frame->names, name) || name_was_numbered(e, name)) {
        report(e, own->span, E_LAYER_NAME_TWICE, name, "another layer here");
        return NULL;
    }
    table_set(e->arena, &e->frame->names, name, (void *)name);
    return prefixed(e, name);
}

const char *name_next(Elaborator *e, const char *kind, const CallArgument *own, Span call) {
    if (own) return own_name(e, own);
    intptr_t number = (intptr_t)table_get(&e->frame->counters, kind) + 1;
    table_set(e->arena, &e->frame->counters, kind, (void *)number);
    const char *name = arena_printf(e->arena, "%s_%d", kind, (int)number);
    if (e->frame->names.entries.count && table_get(&e->frame->names, name)) {
        report(e, call, E_LAYER_NAME_TWICE, name, "another layer here");
        return NULL;
    }
    return prefixed(e, name);
}
