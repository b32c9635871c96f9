/* The embedding interface of an object: the functions that output/header.c declares, each a call of the
 * runtime's (runtime/embed.h), with the model's description where an instance does not know it yet.
 * Everything else in the object is hidden, so that any number of models can be linked into one program. */
#include "codegen/module.h"

/* What is passed on and given back: p a pointer, z a size, i an int, v nothing. */
typedef struct Entry {
    const char *suffix;
    char result;
    bool describes; /* the description comes before the arguments */
    const char *arguments;
} Entry;

static const Entry entries[] = {
    {"size",    'z', true,  ""    },
    {"init",    'p', true,  "p"   },
    {"create",  'p', true,  ""    },
    {"destroy", 'v', false, "p"   },
    {"load",    'i', false, "pp"  },
    {"forward", 'i', false, "pppz"},
    {"error",   'p', false, "i"   },
    {"detail",  'p', false, "p"   },
};

static LLVMTypeRef letter_type(Module *module, char letter) {
    Emit *e = &module->emit;
    switch (letter) {
    case 'p': return e->pointer;
    case 'i': return e->i32;
    case 'z': return LLVMIntPtrTypeInContext(e->context, LLVMGetModuleDataLayout(e->module));
    default: return e->void_type;
    }
}

static void emit_entry(Module *module, const Entry *entry, LLVMValueRef description) {
    Emit *e = &module->emit;
    enum { MOST = 8 };
    LLVMTypeRef types[MOST], result = letter_type(module, entry->result);
    LLVMValueRef arguments[MOST];
    unsigned own = 0, extra = entry->describes;
    types[0] = e->pointer;
    for (const char *c = entry->arguments; *c; c++) types[extra + own++] = letter_type(module, *c);
    LLVMTypeRef called_type = LLVMFunctionType(result, types, extra + own, false);
    LLVMValueRef called =
        LLVMAddFunction(e->module, arena_printf(e->cx->arena, "cnn_embed_%s", entry->suffix), called_type);
    const char *name = arena_printf(e->cx->arena, "%s_%s", module->model->interface, entry->suffix);
    LLVMValueRef function =
        LLVMAddFunction(e->module, name, LLVMFunctionType(result, types + extra, own, false));
    LLVMPositionBuilderAtEnd(e->builder, LLVMAppendBasicBlockInContext(e->context, function, "entry"));
    arguments[0] = description;
    for (unsigned i = 0; i < own; i++) arguments[extra + i] = LLVMGetParam(function, i);
    LLVMValueRef value = LLVMBuildCall2(e->builder, called_type, called, arguments, extra + own, "");
    LLVMSetTailCall(value, true);
    if (entry->result == 'v')
        LLVMBuildRetVoid(e->builder);
    else
        LLVMBuildRet(e->builder, value);
}

void embedding_emit(Module *module, LLVMValueRef description) {
    LLVMSetLinkage(description, LLVMPrivateLinkage);
    for (int i = 0; i < COUNT(entries); i++) emit_entry(module, &entries[i], description);
}
