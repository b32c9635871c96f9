/* Runs the rows of passes.def over a form, verifies the graph after each, prints it where that was asked for.
 */
#include "graph/text.h"
#include "passes/pass.h"

static const Pass passes[] = {
#define PASS(name, help) {#name, help, name##_run},
#include "passes/passes.def"
#undef PASS
};

const Pass *pass_table(int *count) {
    *count = COUNT(passes);
    return passes;
}

static void run_pass(PassContext *pc, Graph *graph, const Pass *pass) {
    pass->run(pc, graph);
    graph_verify(graph, pass->name);
    const char *print_after = pc->cx->options.print_after;
    if (print_after && !strcmp(print_after, pass->name)) graph_print(stdout, graph);
}

void passes_run(PassContext *pc, Graph *graph) {
    graph_verify(graph, "lowering");
    for (int i = 0; i < COUNT(passes); i++) run_pass(pc, graph, &passes[i]);
}

bool passes_run_text(Context *cx, const Machine *machine, const Source *source) {
    PassContext pc = {.cx = cx, .machine = machine};
    Graph *graph = graph_read(cx, source);
    if (!graph) return false;
    const char *name = cx->options.print_after;
    if (!name) graph_print(stdout, graph);
    for (int i = 0; name && i < COUNT(passes); i++)
        if (!strcmp(name, passes[i].name)) run_pass(&pc, graph, &passes[i]);
    return true;
}
