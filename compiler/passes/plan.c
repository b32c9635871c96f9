/* Every form that a compiled model needs, with all passes run over it; and the memory that they take. */
#include "passes/pass.h"

static Graph *planned_form(PassContext pc, Form form) {
    Graph *graph = form_create(&pc, form);
    passes_run(&pc, graph);
    return graph;
}

/* What is looked into and what is computed in double precision is for code that is made, not for what is
 * known of a model. */
static bool form_wanted(const Context *cx, const Model *model, Form which) {
    const FormTraits *form = form_traits(which);
    if (form->loss && (!model->train || cx->options.inference)) return false;
    if (form->doubles && !cx->options.gradcheck) return false;
    return !cx->options.check || !(form->doubles || form->like_inference);
}

/* Equal strides from sample to sample make equal kernels of equal layers, whatever the form. Kernels of
 * doubles are their own. */
static void agree_on_strides(Graph *forms[FORM_COUNT]) {
    int64_t scratch = 0, batch = 0;
    for (int i = 0; i < FORM_COUNT; i++) {
        if (!forms[i] || forms[i]->form->doubles) continue;
        if (forms[i]->scratch_stride > scratch) scratch = forms[i]->scratch_stride;
        if (forms[i]->batch_stride > batch) batch = forms[i]->batch_stride;
    }
    for (int i = 0; i < FORM_COUNT; i++) {
        if (!forms[i] || forms[i]->form->doubles) continue;
        forms[i]->scratch_stride = scratch;
        forms[i]->batch_stride = batch;
    }
}

static int64_t inference_memory(const Graph *inference) {
    return inference->parameter_elements + inference->packed_elements + inference->shared_elements +
           inference->scratch_stride + inference->workspace_elements;
}

/* What the runtime allocates for a step with one thread (runtime/run/program.c, trainer.c), the few
 * numbers of loss and metric aside. */
static int64_t training_memory(const Graph *training, const TrainSettings *train) {
    int64_t slots = op_slots(train->optimizer, train->optimizer_attrs);
    return training->parameter_elements + slots * training->trained_elements +
           training->lanes * training->lane_elements + training->packed_elements + training->shared_elements +
           training->scratch_stride * training->micro_batch + training->workspace_elements +
           training->batch_stride * train->batch;
}

MemoryTotals forms_plan(Context *cx, const Model *model, const Machine *machine, Graph *forms[FORM_COUNT]) {
    Context quiet = *cx;
    if (cx->options.check) quiet.options.print_after = NULL;
    for (int i = 0; i < FORM_COUNT; i++) {
        bool now = !form_traits((Form)i)->like_inference && form_wanted(cx, model, (Form)i);
        forms[i] = now ? planned_form((PassContext){&quiet, model, machine, NULL}, (Form)i) : NULL;
    }
    MemoryTotals totals = {.inference = inference_memory(forms[FORM_INFERENCE]) * (int64_t)sizeof(float)};
    agree_on_strides(forms);
    for (int i = 0; i < FORM_COUNT; i++) {
        PassContext beside = {&quiet, model, machine, forms[FORM_INFERENCE]};
        if (form_traits((Form)i)->like_inference && form_wanted(cx, model, (Form)i))
            forms[i] = planned_form(beside, (Form)i);
    }
    if (!forms[FORM_TRAINING]) return totals;
    totals.training = training_memory(forms[FORM_TRAINING], model->train) * (int64_t)sizeof(float);
    return totals;
}
