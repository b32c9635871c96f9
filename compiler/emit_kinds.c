/* See emit_kinds.h. */
#include "emit_kinds.h"

#include "output/output.h"

static const Companion header = {".h", "the object and its header", header_print};

static const EmitKind kinds[] = {
    {.word = "exe", .suffix = "", .write = artifact_write_program},
    {.word = "obj", .suffix = ".o", .interface = true, .companion = &header, .write = artifact_write_object},
    {.word = "asm", .suffix = ".s", .write = artifact_write_assembly},
    {.word = "llvm-ir", .suffix = ".ll", .write = artifact_write_ir},
    {.word = "bitcode", .suffix = ".bc", .write = artifact_write_bitcode},
    {.word = "dot", .suffix = ".dot", .print = dot_print},
    {.word = "lib"},
    {.word = "shared"},
    {.word = "onnx"},
    {.word = "wasm"},
};

const EmitKind *emit_kind_at(int n) {
    return n < COUNT(kinds) ? &kinds[n] : NULL;
}

bool emit_kind_is_built(const EmitKind *kind) {
    return kind->print || kind->write;
}
