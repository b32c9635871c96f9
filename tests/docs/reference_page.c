/* Prints the reference of layers, activations, losses and optimizers from the operators' rows, as
 * compiler/LANGUAGE.md has it after its marker line. Takes nothing; gives Markdown on standard output. */
#include "graph/op.h"

#include <stdio.h>
#include <string.h>

/* A cell of a table: bars would end it. */
static void cell_print(const char *text) {
    for (const char *p = text ? text : ""; *p; p++) {
        if (*p == '|') putchar('\\');
        putchar(*p);
    }
}

static void type_print(const Param *param) {
    static const char *const names[] = {
        [PARAM_INT] = "integer", [PARAM_REAL] = "number",           [PARAM_BOOL] = "true or false",
        [PARAM_SIZE] = "size",   [PARAM_PADDING] = "padding",       [PARAM_PADS] = "size or pairs",
        [PARAM_WORD] = "word",   [PARAM_INIT] = "initialiser",      [PARAM_TENSOR] = "nested list",
        [PARAM_DIMS] = "sizes",  [PARAM_SCALAR] = "number or none", [PARAM_INTEGERS] = "list of integers"};
    printf("%s", names[param->type]);
    if (param->type == PARAM_WORD && param->words) {
        printf(": ");
        cell_print(param->words);
    }
    if (param->min == 0 && param->max == 0 && !param->above && !param->below) return;
    printf(", %s %g", param->above ? "above" : "from", param->min);
    if (param->max > param->min && param->max < 1e15)
        printf(" to %s%g", param->below ? "below " : "", param->max);
}

static void op_print(const Op *op) {
    printf("\n### %s\n\n%s\n", op->name, op->summary ? op->summary : "");
    if (op->formula) printf("\n    %s\n", op->formula);
    if (op->example) printf("\nFor example `%s`.\n", op->example);
    if (op->param_count == 0) return;
    printf("\n| argument | takes | default | meaning |\n| --- | --- | --- | --- |\n");
    for (int i = 0; i < op->param_count; i++) {
        const Param *param = &op->params[i];
        printf("| `%s` | ", param->name);
        type_print(param);
        if (!param->fallback) {
            printf(" | required | ");
        } else if (param->fallback[0] == '=') {
            printf(" | that of `%s` | ", param->fallback + 1);
        } else {
            printf(" | `%s` | ", param->fallback);
        }
        cell_print(param->help);
        printf(" |\n");
    }
}

static void kind_print(const char *title, OpKind kind) {
    int count = 0;
    const Op *const *ops = op_table(&count);
    printf("\n## %s\n", title);
    for (int i = 0; i < count; i++)
        if (ops[i]->kind == kind) op_print(ops[i]);
}

/* The words that have a row of their own as planned. */
static void planned_print(void) {
    static const struct {
        const char *name, *kind;
    } planned[] = {
#define OP(name)
#define PLANNED(name, kind) {name, kind},
#include "ops/ops.def"
    };
    printf("\n## Not built yet\n\nThe compiler knows these words of the language and says that they are not "
           "built:\n\n");
    for (size_t i = 0; i < sizeof planned / sizeof *planned; i++)
        printf("- %s `%s`\n", planned[i].kind, planned[i].name);
}

int main(void) {
    kind_print("Layers", OPK_LAYER);
    kind_print("Activations", OPK_ACTIVATION);
    kind_print("Losses", OPK_LOSS);
    kind_print("Optimizers", OPK_OPTIMIZER);
    kind_print("Schedules", OPK_SCHEDULE);
    planned_print();
    return 0;
}
