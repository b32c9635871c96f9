/* The data block: one row a setting, each checked against its kind and, where it speaks of the model's
 * shapes, against them. */
#include "sema/data_format.h"

#include <inttypes.h>

static bool set_format(SettingCall *s, DataSettings *data) {
    const char *word = setting_word(s, data_format_words);
    if (!word) return false;
    data->format = data_format_number(word);
    if (data->format) return true;
    report(s->e, s->at, E_PLANNED, "data format", word);
    return false;
}

static bool set_path(SettingCall *s, DataSettings *data) {
    if (s->datum.kind != DATUM_STRING) return setting_type(s, "a string");
    data->path = s->datum.text;
    return true;
}

#define SET_FILES(member)                                                                                    \
    static bool set_##member(SettingCall *s, DataSettings *data) {                                           \
        int count;                                                                                           \
        const char **texts = setting_strings(s, &count);                                                     \
        data->member.items = texts;                                                                          \
        data->member.count = data->member.capacity = count;                                                  \
        return texts != NULL;                                                                                \
    }
SET_FILES(train)
SET_FILES(test)

static bool set_classes(SettingCall *s, DataSettings *data) {
    int count;
    const char **names = setting_strings(s, &count);
    data->classes.items = names;
    data->classes.count = data->classes.capacity = count;
    Map *seen = map_create(s->e->arena);
    for (int i = 0; i < count; i++) {
        SettingCall item = setting_item(s, i);
        const SettingCall *other = map_get(seen, names[i]);
        if (!other) {
            map_set(seen, names[i], arena_copy(s->e->arena, &item, sizeof item));
            continue;
        }
        report(s->e, item.at, W_CLASS_TWICE, names[i]);
        note(s->e, other->at, "the first one stands here");
    }
    return names != NULL;
}

static bool set_validation(SettingCall *s, DataSettings *data) {
    return setting_real(s, 0, false, 1, true, &data->validation);
}

static bool set_scale(SettingCall *s, DataSettings *data) {
    if (!setting_real(s, -1e300, false, 1e300, false, &data->scale)) return false;
    if (data->scale == 0) {
        report(s->e, s->at, W_SCALE_ZERO);
        help(s->e, "scale = 1/255 makes 0 to 1 of bytes; 1//255 is 0");
    }
    return true;
}

/* One number, or one a channel of the input. */
static bool channel_numbers(SettingCall *s, bool positive, double **numbers, int *count) {
    bool list = s->datum.kind == DATUM_LIST;
    if (!list && !datum_is_number(s->datum)) return setting_type(s, "a number or a list of them");
    *count = list ? s->datum.list->count : 1;
    *numbers = ARENA_ARRAY(s->e->arena, double, (size_t)*count + 1);
    for (int i = 0; i < *count; i++) {
        SettingCall item = setting_item(s, i);
        if (!setting_real(&item, positive ? 0 : -1e300, positive, 1e300, false, &(*numbers)[i])) return false;
    }
    const Graph *graph = s->e->graph;
    if (!list || graph->input < 0) return true;
    int64_t channels = shape_channels(&graph_value(graph, graph->input)->shape);
    if (*count == 1 || *count == channels) return true;
    report(s->e, s->at, E_CHANNEL_COUNT, s->setting->name, *count, channels);
    return false;
}

static bool set_mean(SettingCall *s, DataSettings *data) {
    bool fine = channel_numbers(s, false, &data->mean.items, &data->mean.count);
    data->mean.capacity = data->mean.count;
    return fine;
}

static bool set_std(SettingCall *s, DataSettings *data) {
    bool fine = channel_numbers(s, true, &data->std.items, &data->std.count);
    data->std.capacity = data->std.count;
    return fine;
}

static bool set_resize(SettingCall *s, DataSettings *data) {
    Size size;
    bool whole;
    if (!datum_size(s->datum, &size, &whole) || size.rank > 2 || (!whole && size.rank < 2))
        return setting_type(s, "a size HxW, such as 32x32");
    if (whole) size.dim[1] = size.dim[0];
    const Graph *graph = s->e->graph;
    if (size.dim[0] < 1 || size.dim[1] < 1) {
        report(s->e, s->at, E_SETTING_RANGE, s->setting->name, "at least 1", datum_text(s->e, s->datum));
        return false;
    }
    data->resize_height = size.dim[0];
    data->resize_width = size.dim[1];
    if (graph->input < 0) return true;
    const Value *input = graph_value(graph, graph->input);
    if (input->shape.rank == 3 && input->shape.dim[0] == size.dim[0] && input->shape.dim[1] == size.dim[1])
        return true;
    report(s->e, s->at, E_RESIZE, size.dim[0], size.dim[1], shape_text(s->e->arena, &input->shape));
    note(s->e, input->origin, "the input is declared here");
    return false;
}

static bool set_label(SettingCall *s, DataSettings *data) {
    (void)data;
    return s->datum.kind == DATUM_STRING || setting_type(s, "a string");
}

static void label_misplaced(Elaborator *e, Span at, const char *format) {
    (void)format;
    report(e, at, E_LABEL_COLUMN);
}

/* What every format knows; `label` belongs to csv. */
static const DataKey keys[] = {
    {.name = "format", .set = set_format, .word = true},
    {.name = "path", .set = set_path},
    {.name = "train", .set = set_train},
    {.name = "test", .set = set_test},
    {.name = "scale", .set = set_scale},
    {.name = "validation", .set = set_validation},
    {.name = "mean", .set = set_mean},
    {.name = "std", .set = set_std},
    {.name = "classes", .set = set_classes},
    {.name = "resize", .set = set_resize},
    {.name = "label", .set = set_label, .misplaced = label_misplaced},
};

/* The n-th of all keys, and the format that alone knows it, or NULL; NULL behind the last. */
static const DataKey *key_at(int n, const DataFormat **format) {
    *format = NULL;
    return n < COUNT(keys) ? &keys[n] : data_format_key(n - COUNT(keys), format);
}

static const DataKey *find_key(const char *name) {
    const DataFormat *format;
    const DataKey *key;
    for (int i = 0; (key = key_at(i, &format)) && strcmp(key->name, name) != 0; i++) {
    }
    return key;
}

static const char *key_words(Elaborator *e) {
    const char *words = "";
    const DataFormat *format;
    const DataKey *key;
    for (int i = 0; (key = key_at(i, &format)); i++)
        words = arena_printf(e->arena, "%s %s", words, key->name);
    return words + 1;
}

static void check_pair(Elaborator *e, const Decl *decl, const char *key, const char *format, bool given,
                       int count) {
    const Setting *setting = setting_find(decl, key);
    if (setting && given && count != 2) report(e, setting->value->span, E_FILE_COUNT, key, format, count);
}

static void check_format(Elaborator *e, const Decl *decl, const DataSettings *data) {
    const DataFormat *format = data_format_at(data->format), *owner;
    const DataKey *key;
    if (format->pair) {
        check_pair(e, decl, "train", format->name, data->train.items, data->train.count);
        check_pair(e, decl, "test", format->name, data->test.items, data->test.count);
    }
    for (int i = 0; (key = key_at(i, &owner)); i++) {
        const Setting *setting = setting_find(decl, key->name);
        if (setting && key->misplaced && owner != format) key->misplaced(e, setting->name_span, format->name);
    }
}

/* "idx, cifar or npy" */
static const char *built_formats(Elaborator *e) {
    const char *text = "", *word, *after;
    for (int i = 0; (word = word_at(e->arena, data_format_names, i)); i++) {
        after = word_at(e->arena, data_format_names, i + 1);
        text = arena_printf(e->arena, "%s%s%s", text, i == 0 ? "" : after ? ", " : " or ", word);
    }
    return text;
}

static void check_classes(Elaborator *e, const Decl *decl, const DataSettings *data) {
    if (!data->classes.count || e->graph->output < 0) return;
    const Value *output = graph_value(e->graph, e->graph->output);
    int64_t channels = shape_channels(&output->shape);
    if (channels == data->classes.count) return;
    report(e, setting_find(decl, "classes")->value->span, E_CLASS_COUNT, data->classes.count, channels);
    if (output->layer >= 0)
        note(e, output->origin, "%s makes it %s", e->graph->layers.items[output->layer].name,
             shape_text(e->arena, &output->shape));
}

DataSettings *check_data(Elaborator *e, const Decl *decl) {
    const BlockKind kind = {"data", key_words(e), "augment", "rates losses", "train"};
    DataSettings *data = ARENA_NEW(e->arena, DataSettings);
    data->path = "";
    data->scale = 1;
    data->span = decl->span;
    for (int i = 0; i < decl->settings.count; i++) {
        const Setting *setting = &decl->settings.items[i];
        const DataKey *key = find_key(setting->name);
        SettingCall call = {.e = e, .setting = setting};
        if (!key)
            unknown_setting(e, setting, &kind);
        else if (setting_open(&call, decl, key->word))
            key->set(&call, data);
    }
    check_nested(e, decl, &kind);
    if (!setting_find(decl, "format")) {
        report(e, decl->span, E_SETTING_MISSING, "data", "format");
        help(e, "format = %s", built_formats(e));
    } else if (data->format) {
        check_format(e, decl, data);
    }
    check_classes(e, decl, data);
    return data;
}
