/* The activation that a word or a call names, and one copy of equal argument arrays for models of a million
 * layers. */
#include "sema/elaborator.h"

#include <assert.h>

bool choose_activation(Elaborator *e, const char *param, const char *of, Datum datum, Span at,
                       ActivationChoice *choice) {
    choice->op = NULL;
    choice->span = at;
    if (datum.kind == DATUM_NONE) return true;
    if (datum.kind == DATUM_ERROR) return false;
    if (datum.kind != DATUM_WORD && datum.kind != DATUM_CALL) {
        report(e, at, E_ARGUMENT_TYPE, param, of, "a word such as relu, or none", datum_text(e, datum));
        quoted_help(e, "activations", datum);
        return false;
    }
    const char *name = datum.kind == DATUM_CALL ? datum.call->name : datum.text;
    const Op *op = op_find(name);
    if (op && op->kind == OPK_ACTIVATION) {
        choice->op = op;
        if (datum.kind == DATUM_CALL) choice->arguments = datum.call->arguments;
        return true;
    }
    if (!op && op_planned(name)) {
        report(e, at, E_PLANNED, op_planned(name), name);
        return false;
    }
    VEC(const char *) names = {0};
    int count;
    const Op *const *table = op_table(&count);
    for (int i = 0; i < count; i++)
        if (table[i]->kind == OPK_ACTIVATION) vec_push(e->arena, &names, table[i]->name);
    const ForeignWord *foreign = foreign_find(FOREIGN_WORD, "activations", name);
    report(e, at, E_ARGUMENT_WORD, param, of, name,
           foreign_hint(e, foreign, suggestion(e, name, names.items, names.count)));
    foreign_help(e, foreign);
    return false;
}

typedef struct AttrRow {
    const Op *op;
    const Attr *attrs;
    uint64_t hash;
} AttrRow;

struct AttrTable {
    AttrRow *rows; /* open addressing; op NULL where empty */
    int count, size;
};

/* FNV-1a, eight bytes at a time. */
static uint64_t hash_attrs(const Attr *attrs, int count) {
    static_assert(sizeof *attrs % sizeof(uint64_t) == 0, "arguments are hashed in words");
    uint64_t hash = 0xcbf29ce484222325u, word;
    const char *at = (const char *)attrs, *end = (const char *)(attrs + count);
    for (; at < end; at += sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = (hash ^ word) * 0x100000001b3u;
        hash ^= hash >> 29;
    }
    return hash;
}

static AttrRow *find_row(AttrTable *table, const Op *op, const Attr *attrs, uint64_t hash) {
    size_t bytes = (size_t)op->param_count * sizeof *attrs;
    for (int slot = (int)(hash & (uint64_t)(table->size - 1));; slot = (slot + 1) & (table->size - 1)) {
        AttrRow *row = &table->rows[slot];
        if (!row->op || (row->hash == hash && row->op == op && !memcmp(row->attrs, attrs, bytes))) return row;
    }
}

static void grow_table(Elaborator *e) {
    AttrTable *table = e->attrs, before = *table;
    table->size = before.size ? before.size * 2 : 256;
    table->rows = ARENA_ARRAY(e->arena, AttrRow, (size_t)table->size);
    for (int i = 0; i < before.size; i++)
        if (before.rows[i].op)
            *find_row(table, before.rows[i].op, before.rows[i].attrs, before.rows[i].hash) = before.rows[i];
}

Attr *attrs_scratch(Elaborator *e, const Op *op) {
    if (op->param_count > SCRATCH_ROOM)
        internal_error("'%s' has more than %d arguments", op->name, SCRATCH_ROOM);
    if (!e->scratch) e->scratch = ARENA_ARRAY(e->arena, Attr, SCRATCH_ROOM);
    memset(e->scratch, 0, (size_t)op->param_count * sizeof *e->scratch);
    return e->scratch;
}

/* Spans are dropped: shape rules, which needed them, have run. */
const Attr *attrs_share(Elaborator *e, const Op *op, Attr *attrs) {
    if (!op->param_count) return NULL;
    for (int i = 0; i < op->param_count; i++) memset(&attrs[i].span, 0, sizeof attrs[i].span);
    if (!e->attrs) e->attrs = ARENA_NEW(e->arena, AttrTable);
    if (e->attrs->count * 2 >= e->attrs->size) grow_table(e);
    uint64_t hash = hash_attrs(attrs, op->param_count) ^ (uintptr_t)op;
    AttrRow *row = find_row(e->attrs, op, attrs, hash);
    if (!row->op) {
        *row = (AttrRow){op, arena_copy(e->arena, attrs, (size_t)op->param_count * sizeof *attrs), hash};
        e->attrs->count++;
    }
    return row->attrs;
}
