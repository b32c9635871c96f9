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

void passes_run(PassContext *pc, Graph *graph) {
    const char *print_after = pc->cx->options.print_after;
    graph_verify(graph, "lowering");
    for (int i = 0; i < COUNT(passes); i++) {
        passes[i].run(pc, graph);
        graph_verify(graph, passes[i].name);
        if (print_after && !strcmp(print_after, passes[i].name)) graph_print(stdout, graph);
    }
}
