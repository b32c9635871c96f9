/* The train block: loss and optimizer against their operators' tables, numbers against their ranges, and what
 * depends on the model's output against its shape. */
#include "sema/data_format.h"

#include <inttypes.h>
#include <math.h>

static const char row_words[] = "loss optimizer schedule epochs batch metrics clip_norm early_stop seed";

static const BlockKind kind = {"train", row_words, "rates losses", "augment", "data"};

static const char *suggest_kind(Elaborator *e, const char *word, OpKind kind) {
    VEC(const char *) names = {0};
    int count;
    const Op *const *table = op_table(&count);
    for (int i = 0; i < count; i++)
        if (table[i]->kind == kind) vec_push(e->arena, &names, table[i]->name);
    return suggestion(e, word, names.items, names.count);
}

/* A loss, an optimizer or a schedule: the operator and its arguments; NULL after an error. */
static const Op *choose(SettingCall *s, OpKind kind, const Attr **attrs) {
    Elaborator *e = s->e;
    if (s->datum.kind != DATUM_WORD && s->datum.kind != DATUM_CALL) {
        setting_type(s, kind == OPK_LOSS        ? "a loss, such as cross_entropy"
                        : kind == OPK_OPTIMIZER ? "an optimizer, such as sgd(lr=0.1)"
                                                : "a schedule, such as cosine");
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
    return loss->predicts == MEANING_PROBABILITIES;
}

static void check_metric_loss(SettingCall *s, const TrainSettings *train, const char *metric) {
    if (!train->loss) return;
    bool binary = train->loss->predicts == MEANING_PROBABILITY;
    bool fits = !strcmp(metric, "mae")        ? !is_classifier(train->loss)
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
    report(e, arguments->items[0].span, E_TOP_K_RANGE, k, classes);
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
    for (int i = 0; i < s->datum.list->count; i++) {
        SettingCall item = setting_item(s, i);
        set_metric(&item, train, item.datum);
    }
}

static const Op *choose_default(Elaborator *e, OpRole role, Span span, const Attr **attrs) {
    const Op *op = op_of_role(role);
    Attr *bound = ARENA_ARRAY(e->arena, Attr, (size_t)op->param_count + 1);
    CallArguments none = {0};
    bind_arguments(e, op, &none, 0, span, bound, NULL);
    *attrs = bound;
    return op;
}

static void check_rising(SettingCall *s, const Attr *list) {
    const Expr *written = s->datum.kind == DATUM_CALL ? s->datum.call->arguments.items[0].expr : NULL;
    for (int i = 1; i < list->tensor.shape.dim[0]; i++) {
        double before = list->tensor.values[i - 1], value = list->tensor.values[i];
        if (value > before) continue;
        report(s->e, item_span(written, i, list->span), E_MILESTONE_ORDER, value, before);
        return;
    }
}

static void set_schedule(SettingCall *s, TrainSettings *train) {
    if (s->datum.kind == DATUM_NONE) return;
    const Op *op = choose(s, OPK_SCHEDULE, &train->schedule_attrs);
    if (!op) return;
    train->schedule = op;
    for (int i = 0; i < op->param_count; i++)
        if (op->params[i].rising) check_rising(s, &train->schedule_attrs[i]);
}

static void set_setting(SettingCall *s, TrainSettings *train) {
    enum { LARGEST_BATCH = INT32_MAX };
    const char *name = s->setting->name;
    if (!strcmp(name, "loss")) {
        train->loss = choose(s, OPK_LOSS, &train->loss_attrs);
        train->loss_span = s->at;
    } else if (!strcmp(name, "optimizer")) {
        train->optimizer = choose(s, OPK_OPTIMIZER, &train->optimizer_attrs);
    } else if (!strcmp(name, "schedule")) {
        set_schedule(s, train);
    } else if (!strcmp(name, "clip_norm")) {
        if (s->datum.kind != DATUM_NONE) setting_real(s, 0, true, HUGE_VAL, true, &train->clip_norm);
    } else if (!strcmp(name, "early_stop")) {
        if (s->datum.kind != DATUM_NONE) setting_integer(s, 1, INT32_MAX, &train->early_stop);
    } else if (!strcmp(name, "epochs")) {
        setting_integer(s, 1, LARGEST_BATCH, &train->epochs);
    } else if (!strcmp(name, "batch")) {
        setting_integer(s, 1, LARGEST_BATCH, &train->batch);
    } else if (!strcmp(name, "seed")) {
        setting_integer(s, 0, INT64_MAX, &train->seed);
    } /* metrics: after the loss, wherever it stands */
}

/* Where the data has one class a sample, the loss and the output want one. */
static void check_targets(Elaborator *e, const TrainSettings *train, const DataSettings *data) {
    const DataFormat *format = data ? data_format_at(data->format) : NULL;
    if (!train->loss || !format || !format->class_targets || e->graph->output < 0) return;
    const Shape *output = &graph_value(e->graph, e->graph->output)->shape;
    if (is_classifier(train->loss) && output->rank == 1) return;
    report(e, train->loss_span, E_TARGETS, format->name, train->loss->name, shape_text(e->arena, output));
}

/* The statistics of a single value say nothing: its variance is 0, and the running one would go there. */
static void check_batch(Elaborator *e, const Decl *decl, TrainSettings *train) {
    train->smallest_batch = 1;
    for (int i = 0; i < e->graph->nodes.count; i++) {
        const Node *node = graph_node(e->graph, i);
        if (!node->op->batch_statistics) continue;
        const Shape *shape = &graph_value(e->graph, node->inputs.items[0])->shape;
        if (shape_elements(shape) > shape_channels(shape)) continue;
        train->smallest_batch = 2;
        if (train->batch > 1) continue;
        report(e, node->span, E_BATCH_OF_ONE, e->graph->layers.items[node->layer].name);
        note(e, setting_find(decl, "batch")->value->span, "the batch is set here");
        help(e, "batch = 32, say, or layernorm, which takes each sample by itself");
    }
}

TrainSettings *check_train(Elaborator *e, const Decl *decl, const DataSettings *data) {
    TrainSettings *train = ARENA_NEW(e->arena, TrainSettings);
    train->epochs = 10;
    train->batch = 32;
    train->seed = 1;
    train->span = decl->span;
    train->schedule = choose_default(e, OPROLE_DEFAULT_SCHEDULE, decl->span, &train->schedule_attrs);
    SettingCall metrics = {.e = e};
    for (int i = 0; i < decl->settings.count; i++) {
        SettingCall call = {.e = e, .setting = &decl->settings.items[i]};
        const char *name = call.setting->name;
        if (!word_among(name, row_words)) {
            unknown_setting(e, call.setting, &kind);
            continue;
        }
        bool word = word_among(name, "loss optimizer schedule metrics");
        if (!setting_open(&call, decl, word)) continue;
        if (!strcmp(name, "metrics")) metrics = call;
        set_setting(&call, train);
    }
    if (!setting_find(decl, "loss")) {
        report(e, decl->span, E_SETTING_MISSING, "train", "loss");
        help(e, "loss = cross_entropy for a classifier, mse for regression");
    }
    if (!setting_find(decl, "optimizer"))
        train->optimizer = choose_default(e, OPROLE_DEFAULT_OPTIMIZER, decl->span, &train->optimizer_attrs);
    if (metrics.setting) set_metrics(&metrics, train);
    if (!setting_find(decl, "metrics") && train->loss) {
        train->accuracy = train->loss->predicts != MEANING_NUMBERS;
        train->mae = !train->accuracy;
    }
    check_nested(e, decl, &kind);
    check_targets(e, train, data);
    check_batch(e, decl, train);
    return train;
}
