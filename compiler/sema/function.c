/* The functions of expressions (min max floor ceil round len) and the attributes of a value of the network.
 */
#include "sema/elaborator.h"

#include <inttypes.h>
#include <math.h>

static Datum function_error(Elaborator *e, const Expr *expr, Span at, const char *wants, const char *found) {
    report(e, at, E_FUNCTION, expr->text, wants, found);
    return datum_error;
}

static int64_t string_length(const char *text) {
    int64_t length = 0;
    for (; *text; text++) length += ((unsigned char)*text & 0xc0) != 0x80; /* characters, not bytes */
    return length;
}

static Datum length_of(Elaborator *e, const Expr *expr, Datum of) {
    switch (of.kind) {
    case DATUM_LIST: return DATUM_OF(integer, DATUM_INT, of.list->count);
    case DATUM_SIZE: return DATUM_OF(integer, DATUM_INT, of.size->rank);
    case DATUM_STRING: return DATUM_OF(integer, DATUM_INT, string_length(of.text));
    default:
        return function_error(e, expr, expr->arguments.items[0].span, "a list, a size or a string",
                              datum_text(e, of));
    }
}

static Datum round_to_integer(Elaborator *e, const Expr *expr, Datum of) {
    if (of.kind == DATUM_INT) return of;
    if (of.kind != DATUM_REAL)
        return function_error(e, expr, expr->arguments.items[0].span, "a number", datum_text(e, of));
    double whole = !strcmp(expr->text, "floor")  ? floor(of.real)
                   : !strcmp(expr->text, "ceil") ? ceil(of.real)
                                                 : nearbyint(of.real);
    if (fabs(whole) < 0x1p63) return DATUM_OF(integer, DATUM_INT, (int64_t)whole);
    report(e, expr->span, E_OVERFLOW, expr->text);
    return datum_error;
}

/* Of several numbers, or of one list of them. */
static Datum extreme_of(Elaborator *e, const Expr *expr, const Datum *items, int count) {
    bool smallest = !strcmp(expr->text, "min");
    if (!count) return function_error(e, expr, expr->span, "numbers", "nothing");
    for (int i = 0; i < count; i++)
        if (!datum_is_number(items[i]))
            return function_error(e, expr, expr->span, "numbers", datum_text(e, items[i]));
    Datum best = items[0];
    for (int i = 1; i < count; i++) {
        bool both_integers = best.kind == DATUM_INT && items[i].kind == DATUM_INT;
        bool less =
            both_integers ? items[i].integer < best.integer : datum_number(items[i]) < datum_number(best);
        bool more =
            both_integers ? items[i].integer > best.integer : datum_number(items[i]) > datum_number(best);
        if (smallest ? less : more) best = items[i];
    }
    return best;
}

Datum function_call(Elaborator *e, const Expr *expr) {
    int count = expr->arguments.count;
    Datum *arguments = ARENA_ARRAY(e->arena, Datum, (size_t)count + 1);
    for (int i = 0; i < count; i++) {
        const Argument *argument = &expr->arguments.items[i];
        if (argument->name) {
            report(e, argument->name_span, E_UNKNOWN_ARGUMENT, expr->text, argument->name, "");
            return datum_error;
        }
        arguments[i] = evaluate(e, argument->value);
        if (arguments[i].kind == DATUM_ERROR) return datum_error;
    }
    if (*expr->text == 'm') {
        bool list = count == 1 && arguments[0].kind == DATUM_LIST;
        return list ? extreme_of(e, expr, arguments[0].list->items, arguments[0].list->count)
                    : extreme_of(e, expr, arguments, count);
    }
    if (count != 1)
        return function_error(e, expr, expr->span, "one argument",
                              arena_printf(e->arena, count ? "%d" : "none", count));
    return *expr->text == 'l' ? length_of(e, expr, arguments[0]) : round_to_integer(e, expr, arguments[0]);
}

typedef struct ShapeAttribute {
    const char *name;
    int rank; /* of the values that have it; 0: any */
    int axis; /* from the front, or -1 for the last */
} ShapeAttribute;

static const ShapeAttribute shape_attributes[] = {
    {"height",   3, 0 },
    {"height",   4, 1 },
    {"width",    3, 1 },
    {"width",    4, 2 },
    {"depth",    4, 0 },
    {"length",   2, 0 },
    {"features", 1, -1},
    {"channels", 0, -1},
};

static const char *const shape_kinds[] = {"a value of no axes", "a vector", "a sequence", "an image",
                                          "a volume"};

static Datum shape_list(Elaborator *e, const Shape *shape) {
    DatumList *list = ARENA_NEW(e->arena, DatumList);
    list->count = shape->rank;
    list->items = ARENA_ARRAY(e->arena, Datum, (size_t)shape->rank);
    for (int i = 0; i < shape->rank; i++) list->items[i] = DATUM_OF(integer, DATUM_INT, shape->dim[i]);
    return DATUM_OF(list, DATUM_LIST, list);
}

static const char attribute_words[] = "shape rank height width depth length channels features";

bool name_is_attribute(const char *name) {
    return word_among(name, attribute_words);
}

Datum attribute_get(Elaborator *e, const Expr *expr, Datum of) {
    if (!name_is_attribute(expr->text)) {
        const ForeignWord *foreign = foreign_find(FOREIGN_ATTRIBUTE, "", expr->text);
        report(e, expr->text_span, E_UNKNOWN_ATTRIBUTE, datum_text(e, of), expr->text,
               foreign_hint(e, foreign, suggestion_of(e, expr->text, attribute_words)));
        foreign_help(e, foreign);
        return datum_error;
    }
    if (of.kind != DATUM_VALUE) {
        report(e, expr->left->span, E_ATTRIBUTE_KIND, expr->text, datum_text(e, of));
        return datum_error;
    }
    const Shape *shape = &graph_value(e->graph, of.value)->shape;
    if (!strcmp(expr->text, "shape")) return shape_list(e, shape);
    if (!strcmp(expr->text, "rank")) return DATUM_OF(integer, DATUM_INT, shape->rank);
    for (int i = 0; i < COUNT(shape_attributes); i++) {
        const ShapeAttribute *row = &shape_attributes[i];
        if (strcmp(row->name, expr->text) || (row->rank && row->rank != shape->rank)) continue;
        return DATUM_OF(integer, DATUM_INT, shape->dim[row->axis < 0 ? shape->rank - 1 : row->axis]);
    }
    const char *kind = shape->rank <= 4 ? shape_kinds[shape->rank] : "a value of many axes";
    report(e, expr->span, E_ATTRIBUTE_RANK, kind, shape_text(e->arena, shape), expr->text);
    return datum_error;
}
