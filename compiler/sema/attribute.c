/* One datum to one typed argument: kinds, ranges, words, sizes spread over the axes, paddings, initialisers,
 * tensors. And one copy of equal argument arrays, for models of a million layers. */
#include "sema/elaborator.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>

/* What an argument is being made of, and for. */
typedef struct Conversion {
    Elaborator *e;
    const Op *op;
    const Param *param;
    Datum datum;
    Span at;
    const Expr *expr; /* what was written; NULL for a default */
} Conversion;

static bool takes_words(const Param *param) {
    return param->type == PARAM_WORD || param->type == PARAM_PADDING || param->type == PARAM_INIT;
}

/* What the rows of foreign words know the argument by: what several layers have, or the layer. */
static const char *words_owner(const Conversion *c) {
    return c->param->type == PARAM_INIT ? "init" : c->param->type == PARAM_PADDING ? "padding" : c->op->name;
}

Span item_span(const Expr *list, int i, Span at) {
    return list && list->kind == EXPR_LIST && i < list->items.count ? list->items.items[i]->span : at;
}

static const Expr *item_expr(const Expr *list, int i) {
    return list && list->kind == EXPR_LIST && i < list->items.count ? list->items.items[i] : NULL;
}

/* The i-th item of the datum, which is a list; or the datum itself. */
static Conversion item_conversion(const Conversion *c, const Datum *items, int i) {
    Conversion item = *c;
    bool one = items == &c->datum;
    item.datum = items[i];
    item.at = one ? c->at : item_span(c->expr, i, c->at);
    return item;
}

static bool wrong_type(const Conversion *c, const char *wants) {
    report(c->e, c->at, E_ARGUMENT_TYPE, c->param->name, c->op->name, wants, datum_text(c->e, c->datum));
    if (c->datum.kind == DATUM_VALUE)
        help(c->e, "a layer takes its input from the left: x -> %s(...)", c->op->name);
    if (takes_words(c->param)) quoted_help(c->e, words_owner(c), c->datum);
    return false;
}

static bool has_lower(const Param *param) {
    return param->min != 0 || param->max != 0 || param->above;
}

static bool has_upper(const Param *param) {
    return (param->max > param->min || (param->max == param->min && param->max != 0)) &&
           isfinite(param->max) && param->max < 0x1p62;
}

static const char *range_text(Elaborator *e, const Param *param) {
    bool lower = has_lower(param) && isfinite(param->min) && param->min > -0x1p62, upper = has_upper(param);
    const char *low = arena_printf(e->arena, "%.15g", param->min),
               *high = arena_printf(e->arena, "%.15g", param->max);
    if (lower && upper)
        return arena_printf(e->arena, "%s %s to %s%s", param->above ? "above" : "from", low,
                            param->below ? "below " : "", high);
    if (lower) return arena_printf(e->arena, "%s %s", param->above ? "above" : "at least", low);
    return arena_printf(e->arena, "%s %s", param->below ? "below" : "at most", high);
}

static bool in_range(const Conversion *c, double number) {
    const Param *param = c->param;
    bool low = has_lower(param) && (param->above ? number <= param->min : number < param->min);
    bool high = has_upper(param) && (param->below ? number >= param->max : number > param->max);
    if (!low && !high) return true;
    report(c->e, c->at, E_ARGUMENT_RANGE, param->name, c->op->name, range_text(c->e, param),
           datum_text(c->e, c->datum));
    return false;
}

static bool convert_int(const Conversion *c, Attr *attr) {
    attr->kind = ATTR_INT;
    if (!datum_whole(c->datum, &attr->integer)) return wrong_type(c, "an integer");
    return in_range(c, (double)attr->integer);
}

static bool convert_real(const Conversion *c, Attr *attr) {
    if (!datum_is_number(c->datum)) return wrong_type(c, "a number");
    attr->kind = ATTR_REAL;
    attr->real = datum_number(c->datum);
    return in_range(c, attr->real);
}

static bool not_negative(const Conversion *c, int64_t extent) {
    if (extent >= 0) return true;
    report(c->e, c->at, E_ARGUMENT_RANGE, c->param->name, c->op->name, "at least 0",
           arena_printf(c->e->arena, "%" PRId64, extent));
    return false;
}

static bool convert_size(const Conversion *c, int spatial, Attr *attr) {
    bool whole;
    attr->kind = ATTR_SIZE;
    if (!datum_size(c->datum, &attr->size, &whole)) return wrong_type(c, "a size, such as 3 or 3x5");
    for (int i = 0; i < attr->size.rank; i++)
        if (!in_range(c, (double)attr->size.dim[i]) || !not_negative(c, attr->size.dim[i])) return false;
    if (!whole || spatial < 2 || spatial > SPATIAL_MAX) return true;
    attr->size.rank = spatial;
    for (int i = 1; i < spatial; i++) attr->size.dim[i] = attr->size.dim[0];
    return true;
}

/* [[begin, end], ...] */
static bool convert_pairs(const Conversion *c, const char *wants, Padding *padding) {
    const DatumList *list = c->datum.list;
    if (list->count < 1 || list->count > SPATIAL_MAX) return wrong_type(c, wants);
    padding->rank = list->count;
    for (int i = 0; i < list->count; i++) {
        Conversion pair = item_conversion(c, list->items, i);
        if (pair.datum.kind != DATUM_LIST || pair.datum.list->count != 2)
            return wrong_type(&pair, "pairs [begin, end]");
        pair.expr = item_expr(c->expr, i);
        for (int k = 0; k < 2; k++) {
            Conversion item = item_conversion(&pair, pair.datum.list->items, k);
            int64_t *extent = k ? &padding->end[i] : &padding->begin[i];
            if (!datum_whole(item.datum, extent)) return wrong_type(&item, "integers");
            if (!not_negative(&item, *extent)) return false;
        }
    }
    return true;
}

static bool convert_explicit(const Conversion *c, int spatial, const char *wants, Attr *attr) {
    Padding *padding = &attr->padding;
    Size size;
    bool whole = false;
    padding->kind = PADDING_EXPLICIT;
    bool pairs =
        c->datum.kind == DATUM_LIST && c->datum.list->count && c->datum.list->items[0].kind == DATUM_LIST;
    if (pairs) {
        if (!convert_pairs(c, wants, padding)) return false;
    } else {
        if (!datum_size(c->datum, &size, &whole)) return wrong_type(c, wants);
        padding->rank = size.rank;
        for (int i = 0; i < size.rank; i++) padding->begin[i] = padding->end[i] = size.dim[i];
    }
    for (int i = 0; i < padding->rank; i++)
        if (!not_negative(c, padding->begin[i]) || !not_negative(c, padding->end[i])) return false;
    if (!whole || spatial < 2 || spatial > SPATIAL_MAX) return true;
    padding->rank = spatial;
    for (int i = 1; i < spatial; i++) padding->begin[i] = padding->end[i] = padding->begin[0];
    return true;
}

static bool wrong_word(const Conversion *c, const char *words) {
    const ForeignWord *foreign = foreign_find(FOREIGN_WORD, words_owner(c), c->datum.text);
    report(c->e, c->at, E_ARGUMENT_WORD, c->param->name, c->op->name, c->datum.text,
           foreign_hint(c->e, foreign, suggestion_of(c->e, c->datum.text, words)));
    foreign_help(c->e, foreign);
    bool padding = c->param->type == PARAM_PADDING;
    help(c->e, "it takes %s%s", words_text(c->e, words), padding ? ", a size or [[begin, end], ...]" : "");
    return false;
}

static bool convert_padding(const Conversion *c, int spatial, Attr *attr) {
    attr->kind = ATTR_PADDING;
    if (c->datum.kind != DATUM_WORD)
        return convert_explicit(c, spatial, "valid, same, a size or [[begin, end], ...]", attr);
    attr->padding.kind = !strcmp(c->datum.text, "same") ? PADDING_SAME : PADDING_VALID;
    return word_among(c->datum.text, "valid same") ? true : wrong_word(c, "valid same");
}

static bool convert_word(const Conversion *c, Attr *attr) {
    if (c->datum.kind != DATUM_WORD)
        return wrong_type(c, c->param->words ? words_text(c->e, c->param->words) : "a word");
    if (c->param->words && !word_among(c->datum.text, c->param->words)) return wrong_word(c, c->param->words);
    const char *copy = map_get(c->e->words, c->datum.text);
    attr->kind = ATTR_WORD;
    attr->word = copy ? copy : c->datum.text;
    return true;
}

/* An initialiser that can be written: NULL or the name of its argument, and whether that is above 0. */
typedef struct Initialiser {
    const char *word, *argument;
    InitKind kind;
    bool above;
} Initialiser;

static const Initialiser initialisers[] = {
#define FIXED(name, word, argument) {#word, argument, INIT_##name, false},
#define DRAWN(name, word, argument) {#word, argument, INIT_##name, true},
#define GIVEN(name, word)
#include "runtime/initialisers.def"
#undef FIXED
#undef DRAWN
};

/* Their words, those that draw first. */
static const char init_words[] =
#define FIXED(name, word, argument)
#define DRAWN(name, word, argument) #word " "
#include "runtime/initialisers.def"
#undef FIXED
#undef DRAWN
#define FIXED(name, word, argument) #word " "
#define DRAWN(name, word, argument)
#include "runtime/initialisers.def"
#undef FIXED
#undef DRAWN
#undef GIVEN
    ;

static const Initialiser *find_initialiser(const char *word) {
    for (int i = 0; i < COUNT(initialisers); i++)
        if (!strcmp(initialisers[i].word, word)) return &initialisers[i];
    return NULL;
}

static bool convert_init(const Conversion *c, Attr *attr) {
    bool with_value = c->datum.kind == DATUM_CALL;
    if (!with_value && c->datum.kind != DATUM_WORD) return wrong_type(c, "an initialiser, such as he_normal");
    Conversion inner = *c;
    const char *name = with_value ? c->datum.call->name : c->datum.text;
    if (with_value) inner.datum = DATUM_OF(text, DATUM_WORD, name);
    const Initialiser *initialiser = find_initialiser(name);
    if (!initialiser) return wrong_word(&inner, init_words);
    attr->kind = ATTR_INIT;
    attr->init = (Init){.kind = initialiser->kind};
    bool wants_value = initialiser->argument != NULL;
    const CallArguments *arguments = with_value ? &c->datum.call->arguments : NULL;
    int given = arguments ? arguments->count : 0;
    if (given != wants_value) {
        report(c->e, c->at, E_INIT_ARGUMENTS, name, wants_value ? "one number" : "no argument", given);
        if (wants_value) help(c->e, "%s(0.02), for instance", name);
        return false;
    }
    if (!wants_value) return true;
    const char *key = initialiser->argument;
    const CallArgument *argument = &arguments->items[0];
    if (argument->name && strcmp(argument->name, key)) {
        report(c->e, argument->name_span, E_UNKNOWN_ARGUMENT, name, argument->name,
               arena_printf(c->e->arena, "; it is '%s'", key));
        return false;
    }
    Param value = {.name = key, .above = initialiser->above};
    Op named = {.name = name};
    Conversion number = {c->e, &named, &value, argument->datum, argument->span, argument->expr};
    Attr real = {0};
    if (!convert_real(&number, &real)) return false;
    attr->init.value = real.real;
    return true;
}

/* at: where the list stands, and after false what is wrong in it. */
static bool fill_tensor(const DatumList *list, const Shape *shape, int axis, double **next, const Expr *expr,
                        Span *at) {
    if (list->count != shape->dim[axis]) return false;
    for (int i = 0; i < list->count; i++) {
        Datum item = list->items[i];
        Span place = item_span(expr, i, *at);
        bool fine = datum_is_number(item);
        if (axis + 1 < shape->rank)
            fine = item.kind == DATUM_LIST &&
                   fill_tensor(item.list, shape, axis + 1, next, item_expr(expr, i), &place);
        else if (fine)
            *(*next)++ = datum_number(item);
        if (fine) continue;
        *at = place;
        return false;
    }
    return true;
}

static bool convert_tensor(const Conversion *c, Attr *attr) {
    if (c->datum.kind != DATUM_LIST) return wrong_type(c, "none or a nested list of numbers");
    Shape shape = {0};
    for (Datum at = c->datum; at.kind == DATUM_LIST && shape.rank < SHAPE_MAX_RANK; at = at.list->items[0]) {
        shape.dim[shape.rank++] = at.list->count;
        if (!at.list->count) return wrong_type(c, "lists that are not empty");
    }
    int64_t elements = shape_elements(&shape);
    double *values = elements < 0 ? NULL : ARENA_ARRAY(c->e->arena, double, (size_t)elements), *next = values;
    Span at = c->at;
    if (!values || !fill_tensor(c->datum.list, &shape, 0, &next, c->expr, &at)) {
        report(c->e, at, E_TENSOR, c->param->name, c->op->name, shape_text(c->e->arena, &shape));
        return false;
    }
    for (int64_t i = 0; i < elements; i++) {
        if (fabs(values[i]) <= FLT_MAX) continue;
        report(c->e, c->at, E_FLOAT_RANGE, c->param->name, c->op->name, values[i]);
        return false;
    }
    attr->kind = ATTR_TENSOR;
    attr->tensor.shape = shape;
    attr->tensor.values = values;
    return true;
}

static bool convert_dims(const Conversion *c, Attr *attr) {
    const Datum *items = &c->datum;
    int count = 1;
    if (c->datum.kind == DATUM_LIST) items = c->datum.list->items, count = c->datum.list->count;
    attr->kind = ATTR_DIMS;
    attr->dims.rank = 0;
    if (count > SHAPE_MAX_RANK || c->datum.kind == DATUM_SIZE)
        return wrong_type(c, "up to 8 integers or a list");
    for (int i = 0; i < count; i++) {
        int64_t extent;
        Conversion item = item_conversion(c, items, i);
        if (!datum_whole(items[i], &extent)) return wrong_type(&item, "integers");
        if (!in_range(&item, (double)extent) || !not_negative(&item, extent)) return false;
        attr->dims.dim[attr->dims.rank++] = extent;
    }
    return true;
}

static bool convert_integers(const Conversion *c, Attr *attr) {
    const Datum *items = &c->datum;
    int count = 1;
    if (c->datum.kind == DATUM_LIST) items = c->datum.list->items, count = c->datum.list->count;
    double *values = ARENA_ARRAY(c->e->arena, double, (size_t)count + 1);
    for (int i = 0; i < count; i++) {
        int64_t integer;
        Conversion item = item_conversion(c, items, i);
        if (!datum_whole(items[i], &integer)) return wrong_type(&item, "integers");
        values[i] = (double)integer;
        if (!in_range(&item, values[i])) return false;
    }
    attr->kind = ATTR_TENSOR;
    attr->tensor = (Tensor){
        .shape = {.rank = 1, .dim = {count}},
          .values = values
    };
    return true;
}

bool attribute_convert(Elaborator *e, const Op *op, const Param *param, Datum datum, Span at,
                       const Expr *expr, int spatial, Attr *attr) {
    Conversion c = {e, op, param, datum, at, expr};
    bool may_be_none = param->type == PARAM_TENSOR || param->type == PARAM_SCALAR ||
                       (param->fallback && !strcmp(param->fallback, "none"));
    if (datum.kind == DATUM_NONE && may_be_none) {
        attr->kind = ATTR_NONE;
        return true;
    }
    switch (param->type) {
    case PARAM_INT: return convert_int(&c, attr);
    case PARAM_REAL:
    case PARAM_SCALAR: return convert_real(&c, attr);
    case PARAM_BOOL:
        if (datum.kind != DATUM_BOOL) return wrong_type(&c, "true or false");
        attr->kind = ATTR_BOOL;
        attr->boolean = datum.boolean;
        return true;
    case PARAM_SIZE: return convert_size(&c, spatial, attr);
    case PARAM_PADDING: return convert_padding(&c, spatial, attr);
    case PARAM_PADS:
        attr->kind = ATTR_PADDING;
        return convert_explicit(&c, spatial, "a size or [[begin, end], ...]", attr);
    case PARAM_WORD: return convert_word(&c, attr);
    case PARAM_INIT: return convert_init(&c, attr);
    case PARAM_TENSOR: return convert_tensor(&c, attr);
    case PARAM_DIMS: return convert_dims(&c, attr);
    case PARAM_INTEGERS: return convert_integers(&c, attr);
    }
    return false;
}
