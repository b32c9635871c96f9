/* Prints the reference of layers, activations, losses and optimizers from the operators' rows, as
 * compiler/LANGUAGE.md has it after its marker line. Takes nothing; gives Markdown on standard output. */
#include "output/reference.h"

#include <stdio.h>

static void kind_print(const char *title, OpKind kind) {
    int count = 0;
    const Op *const *ops = op_table(&count);
    printf("\n## %s\n", title);
    for (int i = 0; i < count; i++)
        if (ops[i]->kind == kind) {
            printf("\n### %s\n\n", ops[i]->name);
            reference_print(stdout, ops[i]);
        }
}

/* The words that have a row of their own as planned. */
static void planned_print(void) {
    static const struct {
        const char *name, *kind;
    } planned[] = {
#define FORMAT(number, word)
#define PLANNED(word) {#word, "data format"},
#include "runtime/formats.def"
#undef PLANNED
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
