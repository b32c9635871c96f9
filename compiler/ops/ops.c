/* The table of operators, made from ops.def. */
#include "graph/op.h"

#include <stdlib.h>
#include <string.h>

#define OP(row) extern const Op op_##row;
#define PLANNED(name, kind)
#include "ops/ops.def"
#undef OP
#undef PLANNED

static const Op *const table[] = {
#define OP(row) &op_##row,
#define PLANNED(name, kind)
#include "ops/ops.def"
#undef OP
#undef PLANNED
};

static const Op *const roles[OPROLE_COUNT] = {
    [OPROLE_LOAD] = &op_load,
    [OPROLE_STORE] = &op_store,
    [OPROLE_SUM] = &op_add,
    [OPROLE_DEFAULT_OPTIMIZER] = &op_sgd,
    [OPROLE_DEFAULT_SCHEDULE] = &op_constant,
};

typedef struct Planned {
    const char *name, *kind;
} Planned;

static const Planned planned[] = {
#define OP(row)
#define PLANNED(name, kind) {name, kind},
#include "ops/ops.def"
#undef OP
#undef PLANNED
};

static int compare_name(const void *name, const void *entry) {
    const Op *const *op = entry;
    return strcmp(name, (*op)->name);
}

/* A row out of order would make others unfindable, so a miss is the moment to look. */
static void check_order(void) {
    for (int i = 1; i < COUNT(table); i++)
        if (strcmp(table[i - 1]->name, table[i]->name) >= 0)
            internal_error("'%s' stands out of order in ops.def", table[i]->name);
}

const Op *op_find(const char *name) {
    const Op *const *found = bsearch(name, table, COUNT(table), sizeof *table, compare_name);
    if (!found) check_order();
    return found ? *found : NULL;
}

const Op *const *op_table(int *count) {
    *count = COUNT(table);
    return table;
}

const Kernel *op_kernel(const Op *op, const char *name) {
    for (int i = 0; op->kernels && op->kernels[i]; i++)
        if (!strcmp(op->kernels[i]->name, name)) return op->kernels[i];
    return NULL;
}

const Kernel *op_last_kernel(const Op *op) {
    const Kernel *last = NULL;
    for (int i = 0; op->kernels && op->kernels[i]; i++) last = op->kernels[i];
    return last;
}

const Op *op_of_role(OpRole role) {
    return roles[role];
}

int op_slots(const Op *op, const Attr *attrs) {
    return op->stateless && op->stateless(attrs) ? 0 : op->slots;
}

const char *op_planned(const char *name) {
    for (int i = 0; i < COUNT(planned); i++)
        if (!strcmp(planned[i].name, name)) return planned[i].kind;
    return NULL;
}
