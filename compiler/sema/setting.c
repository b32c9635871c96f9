/* See setting.h. */
#include "sema/setting.h"

#include <inttypes.h>

void unknown_setting(Elaborator *e, const Setting *setting, const BlockKind *kind) {
    const char *words = arena_printf(e->arena, "%s %s", kind->settings, kind->nested);
    report(e, setting->name_span, E_UNKNOWN_SETTING, kind->name, setting->name,
           suggestion_of(e, setting->name, words));
}

void check_nested(Elaborator *e, const Decl *decl, const BlockKind *kind) {
    for (int i = 0; i < decl->nested.count; i++) {
        const Nested *nested = &decl->nested.items[i];
        const char *name = nested->name;
        if (word_among(name, kind->nested)) {
            if (nested->values.count) report(e, nested->name_span, E_PLANNED, "setting", name);
            continue;
        }
        bool setting = word_among(name, kind->settings);
        report(e, nested->name_span, E_UNKNOWN_BLOCK, kind->name, name,
               setting ? "" : suggestion_of(e, name, kind->nested));
        if (setting) help(e, "it is a setting: %s = ...", name);
        if (word_among(name, kind->other_nested)) help(e, "it stands in %s", kind->other);
    }
}

const Setting *setting_find(const Decl *decl, const char *name) {
    for (int i = 0; i < decl->settings.count; i++)
        if (!strcmp(decl->settings.items[i].name, name)) return &decl->settings.items[i];
    return NULL;
}

bool setting_open(SettingCall *s, const Decl *decl, bool word) {
    const Setting *first = setting_find(decl, s->setting->name);
    if (first != s->setting) {
        report(s->e, s->setting->name_span, E_SETTING_TWICE, s->setting->name);
        note(s->e, first->span, "the first one stands here");
        return false;
    }
    s->at = s->setting->value->span;
    s->datum = word ? evaluate_word(s->e, s->setting->value) : evaluate(s->e, s->setting->value);
    return s->datum.kind != DATUM_ERROR;
}

SettingCall setting_item(const SettingCall *s, int i) {
    SettingCall item = *s;
    if (s->datum.kind != DATUM_LIST) return item;
    item.datum = s->datum.list->items[i];
    item.at = item_span(s->setting->value, i, s->at);
    return item;
}

bool setting_type(SettingCall *s, const char *wants) {
    report(s->e, s->at, E_SETTING_TYPE, s->setting->name, wants, datum_text(s->e, s->datum));
    return false;
}

const char *setting_word(SettingCall *s, const char *words) {
    if (s->datum.kind != DATUM_WORD) {
        setting_type(s, arena_printf(s->e->arena, "one of the words %s", words_text(s->e, words)));
        return NULL;
    }
    if (word_among(s->datum.text, words)) return s->datum.text;
    report(s->e, s->at, E_SETTING_WORD, s->setting->name, s->datum.text,
           suggestion_of(s->e, s->datum.text, words));
    help(s->e, "it takes %s", words_text(s->e, words));
    return NULL;
}

const char **setting_strings(SettingCall *s, int *count) {
    bool list = s->datum.kind == DATUM_LIST;
    *count = list ? s->datum.list->count : 1;
    const char **texts = ARENA_ARRAY(s->e->arena, const char *, (size_t)*count + 1);
    for (int i = 0; i < *count; i++) {
        Datum item = list ? s->datum.list->items[i] : s->datum;
        if (item.kind != DATUM_STRING) {
            SettingCall wrong = setting_item(s, i);
            setting_type(&wrong, "a string or a list of strings");
            *count = 0;
            return NULL;
        }
        texts[i] = item.text;
    }
    return texts;
}

bool setting_real(SettingCall *s, double min, bool above, double max, bool below, double *real) {
    if (!datum_is_number(s->datum)) return setting_type(s, "a number");
    *real = datum_number(s->datum);
    if ((above ? *real > min : *real >= min) && (below ? *real < max : *real <= max)) return true;
    const char *range = max >= 1e300
                            ? arena_printf(s->e->arena, "%s %.15g", above ? "above" : "at least", min)
                            : arena_printf(s->e->arena, "%s %.15g to %s%.15g", above ? "above" : "from", min,
                                           below ? "below " : "", max);
    report(s->e, s->at, E_SETTING_RANGE, s->setting->name, range, datum_text(s->e, s->datum));
    return false;
}

bool setting_integer(SettingCall *s, int64_t min, int64_t max, int64_t *integer) {
    if (!datum_whole(s->datum, integer)) return setting_type(s, "an integer");
    if (*integer >= min && *integer <= max) return true;
    report(s->e, s->at, E_SETTING_RANGE, s->setting->name,
           *integer < min ? arena_printf(s->e->arena, "at least %" PRId64, min)
                          : arena_printf(s->e->arena, "at most %" PRId64, max),
           datum_text(s->e, s->datum));
    return false;
}
