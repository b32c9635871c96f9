/* The train block: loss and optimizer against their operators' tables, numbers against their ranges, and what
 * depends on the model's output against its shape. */
#include "sema/setting.h"

#include <inttypes.h>

static const char row_words[] = "loss optimizer schedule epochs batch metrics clip_norm early_stop seed";

static const char *suggest_kind(Elaborator *e, const char *word, OpKind kind) {
    VEC(const char *) names = {0};
    int count;
    const Op *const *table = op_table(&count);
    for (int i = 0; i < count; i++)
        if (table[i]->kind == kind) vec_push(e->arena, &names, table[i]->name);
    return suggestion(e, word, names.items, names.count);
}

/* A loss or an optimizer: the operator and its arguments; NULL after an error. */
static const Op *choose(SettingCall *s, OpKind kind, const Attr **attrs) {
    Elaborator *e = s->e;
    if (s->datum.kind != DATUM_WORD && s->datum.kind != DATUM_CALL) {
        setting_type(s, kind == OPK_LOSS ? "a loss, such as cross_entropy"
                                         : "an optimizer, such as sgd(lr=0.1)");
        return NULL;
    }
    bool call = s->datum.kind == DATUM_CALL;
    const char *name = call ? s->datum.call->name : s->datum.text;
    const Op *op = op_find(name);
    if (!op || op->kind != kind) {
        if (!op && op_planned(name))
            report(e, s->at, E_PLANNED, op_planned(name), name);
        else
            report(e, s->at, E_SETTING_WORD, s->setting->name, name, suggest_kind(e, name, kind));
        return NULL;
    }
    CallArguments arguments = call ? s->datum.call->arguments : (CallArguments){0};
    Attr *bound = ARENA_ARRAY(e->arena, Attr, (size_t)op->param_count + 1);
    if (!bind_arguments(e, op, &arguments, 0, s->at, bound, NULL)) return NULL;
    *attrs = bound;
    return op;
}

static bool is_classifier(const Op *loss) {
    return !strcmp(loss->name, "cross_entropy");
}

static void check_metric_loss(SettingCall *s, const TrainSettings *train, const char *metric) {
    if (!train->loss) return;
    bool binary = !strcmp(train->loss->name, "binary_cross_entropy");
    bool fits = !strcmp(metric, "mae")        ? !is_classifier(train->loss) && !binary
                : !strcmp(metric, "accuracy") ? is_classifier(train->loss) || binary
                                              : is_classifier(train->loss);
    if (!fits) report(s->e, s->at, E_METRIC_LOSS, metric, train->loss->name);
}

static void set_top_k(SettingCall *s, TrainSettings *train, Datum metric) {
    Elaborator *e = s->e;
    const CallArguments *arguments = metric.kind == DATUM_CALL ? &metric.call->arguments : NULL;
    int64_t k;
    if (!arguments || arguments->count != 1 || !datum_whole(arguments->items[0].datum, &k)) {
        report(e, s->at, E_TOP_K);
        return;
    }
    train->top_k = k;
    const Graph *graph = e->graph;
    int64_t classes =
        graph->output < 0 ? INT64_MAX : shape_channels(&graph_value(graph, graph->output)->shape);
    if (k >= 1 && k <= classes) return;
    report(e, s->at, E_TOP_K_RANGE, k, classes);
}

static void set_metric(SettingCall *s, TrainSettings *train, Datum metric) {
    const char *name = metric.kind == DATUM_CALL   ? metric.call->name
                       : metric.kind == DATUM_WORD ? metric.text
                                                   : NULL;
    SettingCall item = *s;
    item.datum = metric;
    if (!name) {
        setting_type(&item, "accuracy, top_k(5) or mae");
        return;
    }
    bool word = word_among(name, "accuracy top_k mae");
    if (!word) {
        report(s->e, s->at, E_SETTING_WORD, s->setting->name, name,
               suggestion_of(s->e, name, "accuracy top_k mae"));
        help(s->e, "it takes accuracy, top_k(5) or mae");
        return;
    }
    if (!strcmp(name, "top_k"))
        set_top_k(s, train, metric);
    else if (metric.kind == DATUM_CALL && metric.call->arguments.count)
        report(s->e, s->at, E_TOO_MANY_ARGUMENTS, name, 0, "arguments");
    train->accuracy |= !strcmp(name, "accuracy");
    train->mae |= !strcmp(name, "mae");
    check_metric_loss(s, train, name);
}

static void set_metrics(SettingCall *s, TrainSettings *train) {
    if (s->datum.kind != DATUM_LIST) {
        set_metric(s, train, s->datum);
        return;
    }
    bool elements = s->setting->value->kind == EXPR_LIST;
    for (int i = 0; i < s->datum.list->count; i++) {
        SettingCall item = *s;
        if (elements) item.at = s->setting->value->items.items[i]->span;
        set_metric(&item, train, s->datum.list->items[i]);
    }
}

/* Settings that are not built: `none` and a constant schedule ask for nothing. */
static void set_planned(SettingCall *s) {
    bool nothing = s->datum.kind == DATUM_NONE || (s->datum.kind == DATUM_BOOL && !s->datum.boolean) ||
                   (s->datum.kind == DATUM_WORD && !strcmp(s->datum.text, "constant"));
    if (!nothing) report(s->e, s->setting->span, E_PLANNED, "setting", s->setting->name);
}

static void set_setting(SettingCall *s, TrainSettings *train) {
    enum { LARGEST_BATCH = INT32_MAX };
    const char *name = s->setting->name;
    if (!strcmp(name, "loss")) {
        train->loss = choose(s, OPK_LOSS, &train->loss_attrs);
        train->loss_span = s->at;
    } else if (!strcmp(name, "optimizer")) {
        train->optimizer = choose(s, OPK_OPTIMIZER, &train->optimizer_attrs);
    } else if (!strcmp(name, "epochs")) {
        setting_integer(s, 1, LARGEST_BATCH, &train->epochs);
    } else if (!strcmp(name, "batch")) {
        setting_integer(s, 1, LARGEST_BATCH, &train->batch);
    } else if (!strcmp(name, "seed")) {
        setting_integer(s, 0, INT64_MAX, &train->seed);
    } else if (!strcmp(name, "metrics")) {
        return; /* after the loss, wherever it stands */
    } else {
        set_planned(s);
    }
}

static void default_optimizer(Elaborator *e, TrainSettings *train, Span span) {
    const Op *op = op_find("sgd");
    if (!op) internal_error("there is no sgd");
    Attr *attrs = ARENA_ARRAY(e->arena, Attr, (size_t)op->param_count + 1);
    CallArguments none = {0};
    bind_arguments(e, op, &none, 0, span, attrs, NULL);
    train->optimizer = op;
    train->optimizer_attrs = attrs;
}

/* CIFAR's labels are one class a picture. */
static void check_targets(Elaborator *e, const TrainSettings *train, const DataSettings *data) {
    if (!train->loss || !data || !data->format || strcmp(data->format, "cifar") || e->graph->output < 0)
        return;
    const Shape *output = &graph_value(e->graph, e->graph->output)->shape;
    if (is_classifier(train->loss) && output->rank == 1) return;
    report(e, train->loss_span, E_TARGETS, data->format, train->loss->name, shape_text(e->arena, output));
}

TrainSettings *check_train(Elaborator *e, const Decl *decl, const DataSettings *data) {
    TrainSettings *train = ARENA_NEW(e->arena, TrainSettings);
    train->epochs = 10;
    train->batch = 32;
    train->seed = 1;
    train->span = decl->span;
    SettingCall metrics = {.e = e};
    for (int i = 0; i < decl->settings.count; i++) {
        SettingCall call = {.e = e, .setting = &decl->settings.items[i]};
        const char *name = call.setting->name;
        if (!word_among(name, row_words)) {
            report(e, call.setting->name_span, E_UNKNOWN_SETTING, "train", name,
                   suggestion_of(e, name, row_words));
            continue;
        }
        bool word = !strcmp(name, "loss") || !strcmp(name, "optimizer") || !strcmp(name, "metrics");
        if (!setting_open(&call, decl, word)) continue;
        if (!strcmp(name, "metrics")) metrics = call;
        set_setting(&call, train);
    }
    if (!setting_find(decl, "loss")) {
        report(e, decl->span, E_SETTING_MISSING, "train", "loss");
        help(e, "loss = cross_entropy for a classifier, mse for regression");
    }
    if (!setting_find(decl, "optimizer")) default_optimizer(e, train, decl->span);
    if (metrics.setting) set_metrics(&metrics, train);
    if (!setting_find(decl, "metrics") && train->loss) {
        train->accuracy = is_classifier(train->loss) || !strcmp(train->loss->name, "binary_cross_entropy");
        train->mae = !train->accuracy;
    }
    check_targets(e, train, data);
    return train;
}
