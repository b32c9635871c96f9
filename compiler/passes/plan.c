/* Every form that a compiled model needs, with all passes run over it; and the memory that they take. */
#include "passes/pass.h"

static Graph *planned_form(Context *cx, const Model *model, const Machine *machine, Form form) {
    PassContext pc = {cx, model, machine, form};
    Graph *graph = form_create(&pc);
    passes_run(&pc, graph);
    return graph;
}

static bool form_wanted(const Context *cx, const Model *model, Form form) {
    if (form == FORM_INFERENCE || form == FORM_PROBE) return true;
    if (!model->train || cx->options.inference) return false;
    return form != FORM_CHECK || cx->options.gradcheck;
}

/* Equal strides from sample to sample make equal kernels of equal layers, whatever the form. */
static void agree_on_strides(Graph *forms[FORM_COUNT]) {
    int64_t scratch = 0, batch = 0;
    for (int i = 0; i < FORM_COUNT; i++) {
        if (!forms[i] || i == FORM_PROBE) continue;
        if (forms[i]->scratch_stride > scratch) scratch = forms[i]->scratch_stride;
        if (forms[i]->batch_stride > batch) batch = forms[i]->batch_stride;
    }
    if (forms[FORM_PROBE]->scratch_stride > scratch) scratch = forms[FORM_PROBE]->scratch_stride;
    for (int i = 0; i < FORM_COUNT; i++) {
        if (!forms[i]) continue;
        forms[i]->scratch_stride = scratch;
        forms[i]->batch_stride = batch;
    }
}

void forms_plan(Context *cx, const Model *model, const Machine *machine, Graph *forms[FORM_COUNT]) {
    for (int i = 0; i < FORM_COUNT; i++)
        forms[i] = form_wanted(cx, model, (Form)i) ? planned_form(cx, model, machine, (Form)i) : NULL;
    agree_on_strides(forms);
}

MemoryTotals memory_totals(Context *cx, const Model *model, const Machine *machine) {
    Context quiet = *cx;
    quiet.options.print_after = NULL;
    const Graph *inference = planned_form(&quiet, model, machine, FORM_INFERENCE);
    MemoryTotals totals = {.inference = inference->parameter_elements + inference->packed_elements +
                                        inference->shared_elements + inference->scratch_stride +
                                        inference->workspace_elements};
    if (form_wanted(cx, model, FORM_TRAINING)) {
        const Graph *training = planned_form(&quiet, model, machine, FORM_TRAINING);
        const TrainSettings *train = model->train;
        int64_t slots = train->optimizer->slots ? train->optimizer->slots(train->optimizer_attrs) : 0;
        int64_t samples = training->micro_batch < train->batch ? training->micro_batch : train->batch;
        totals.training = training->parameter_elements + slots * training->trained_elements +
                          training->lanes * training->lane_elements + training->packed_elements +
                          training->shared_elements + training->scratch_stride * samples +
                          training->workspace_elements + training->batch_stride * train->batch;
    }
    totals.inference *= (int64_t)sizeof(float);
    totals.training *= (int64_t)sizeof(float);
    return totals;
}
