/* Every form that a compiled model needs, with all passes run over it; and the memory that they take. */
#include "passes/pass.h"

static Graph *planned_form(PassContext pc) {
    Graph *graph = form_create(&pc);
    passes_run(&pc, graph);
    return graph;
}

/* The probe and the double-precision check are for code that is made, not for what is known of a model. */
static bool form_wanted(const Context *cx, const Model *model, Form form) {
    if (form == FORM_INFERENCE) return true;
    if (form == FORM_PROBE) return !cx->options.check;
    if (!model->train || cx->options.inference) return false;
    return form != FORM_CHECK || (cx->options.gradcheck && !cx->options.check);
}

/* Equal strides from sample to sample make equal kernels of equal layers, whatever the form. The check's
 * kernels are its own. */
static void agree_on_strides(Graph *forms[FORM_COUNT]) {
    int64_t scratch = 0, batch = 0;
    for (int i = 0; i < FORM_COUNT; i++) {
        if (!forms[i] || i == FORM_CHECK) continue;
        if (forms[i]->scratch_stride > scratch) scratch = forms[i]->scratch_stride;
        if (forms[i]->batch_stride > batch) batch = forms[i]->batch_stride;
    }
    for (int i = 0; i < FORM_COUNT; i++) {
        if (!forms[i] || i == FORM_CHECK) continue;
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
        bool now = i != FORM_PROBE && form_wanted(cx, model, (Form)i);
        forms[i] = now ? planned_form((PassContext){&quiet, model, machine, (Form)i, NULL}) : NULL;
    }
    MemoryTotals totals = {.inference = inference_memory(forms[FORM_INFERENCE]) * (int64_t)sizeof(float)};
    agree_on_strides(forms);
    if (form_wanted(cx, model, FORM_PROBE))
        forms[FORM_PROBE] =
            planned_form((PassContext){&quiet, model, machine, FORM_PROBE, forms[FORM_INFERENCE]});
    if (!forms[FORM_TRAINING]) return totals;
    totals.training = training_memory(forms[FORM_TRAINING], model->train) * (int64_t)sizeof(float);
    return totals;
}
