/* The data block: one row a setting, each checked against its kind and, where it speaks of the model's
 * shapes, against them. */
#include "sema/setting.h"

#include <inttypes.h>

static bool set_format(SettingCall *s, DataSettings *data) {
    const char *word = setting_word(s, "idx cifar npy csv images");
    if (!word) return false;
    const char *planned = op_planned(word);
    if (planned || word_among(word, "csv images")) {
        report(s->e, s->at, E_PLANNED, planned ? planned : "data format", word);
        return false;
    }
    data->format = word;
    return true;
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
SET_FILES(classes)

static bool set_validation(SettingCall *s, DataSettings *data) {
    return setting_real(s, 0, false, 1, true, &data->validation);
}

static bool set_scale(SettingCall *s, DataSettings *data) {
    return setting_real(s, -1e300, false, 1e300, false, &data->scale);
}

/* One number, or one a channel of the input. */
static bool channel_numbers(SettingCall *s, bool positive, double **numbers, int *count) {
    bool list = s->datum.kind == DATUM_LIST;
    if (!list && !datum_is_number(s->datum)) return setting_type(s, "a number or a list of them");
    *count = list ? s->datum.list->count : 1;
    *numbers = ARENA_ARRAY(s->e->arena, double, (size_t)*count + 1);
    for (int i = 0; i < *count; i++) {
        SettingCall item = *s;
        item.datum = list ? s->datum.list->items[i] : s->datum;
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

static bool set_labels(SettingCall *s, DataSettings *data) {
    const char *word = setting_word(s, "fine coarse");
    if (!word) return false;
    data->cifar100 = true;
    data->coarse = !strcmp(word, "coarse");
    return true;
}

static bool set_label(SettingCall *s, DataSettings *data) {
    (void)data;
    return s->datum.kind == DATUM_STRING || setting_type(s, "a string");
}

typedef struct DataRow {
    const char *name;
    bool (*set)(SettingCall *s, DataSettings *data);
    bool word;
} DataRow;

static const DataRow rows[] = {
    {"format",     set_format,     true },
    {"path",       set_path,       false},
    {"train",      set_train,      false},
    {"test",       set_test,       false},
    {"scale",      set_scale,      false},
    {"validation", set_validation, false},
    {"mean",       set_mean,       false},
    {"std",        set_std,        false},
    {"classes",    set_classes,    false},
    {"resize",     set_resize,     false},
    {"labels",     set_labels,     true },
    {"label",      set_label,      false},
};

static const char row_words[] =
    "format path train test scale validation mean std classes resize labels label augment";

static const DataRow *find_row(const char *name) {
    for (int i = 0; i < COUNT(rows); i++)
        if (!strcmp(rows[i].name, name)) return &rows[i];
    return NULL;
}

static void check_files(Elaborator *e, const Decl *decl, const DataSettings *data) {
    bool pair = !strcmp(data->format, "idx") || !strcmp(data->format, "npy");
    const Setting *train = setting_find(decl, "train"), *test = setting_find(decl, "test");
    const Setting *labels = setting_find(decl, "labels");
    const Setting *label = setting_find(decl, "label");
    if (pair && train && data->train.items && data->train.count != 2)
        report(e, train->value->span, E_FILE_COUNT, "train", data->format, data->train.count);
    if (pair && test && data->test.items && data->test.count != 2)
        report(e, test->value->span, E_FILE_COUNT, "test", data->format, data->test.count);
    if (label) report(e, label->span, E_LABEL_COLUMN);
    if (labels && strcmp(data->format, "cifar")) report(e, labels->span, E_LABELS_FORMAT, data->format);
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
    DataSettings *data = ARENA_NEW(e->arena, DataSettings);
    data->path = "";
    data->scale = 1;
    data->span = decl->span;
    for (int i = 0; i < decl->settings.count; i++) {
        const Setting *setting = &decl->settings.items[i];
        const DataRow *row = find_row(setting->name);
        SettingCall call = {.e = e, .setting = setting};
        if (!row) {
            const ForeignWord *foreign = foreign_find(FOREIGN_SETTING, "data", setting->name);
            report(e, setting->name_span, E_UNKNOWN_SETTING, "data", setting->name,
                   foreign_hint(e, foreign, suggestion_of(e, setting->name, row_words)));
            foreign_help(e, foreign);
        } else if (setting_open(&call, decl, row->word))
            row->set(&call, data);
    }
    if (decl->augment && decl->augment->statements.count)
        report(e, decl->augment_span.source ? decl->augment_span : decl->augment->span, E_PLANNED, "setting",
               "augment");
    if (!setting_find(decl, "format")) {
        report(e, decl->span, E_SETTING_MISSING, "data", "format");
        help(e, "format = idx, cifar or npy");
    } else if (data->format) {
        check_files(e, decl, data);
    }
    check_classes(e, decl, data);
    return data;
}
