/* What writes the files that code ends in, each beside its target and renamed, so that a failure leaves the
 * older one as it was. */
#define _GNU_SOURCE
#include "base/leaving.h"
#include "base/outfile.h"
#include "base/say.h"
#include "codegen/module.h"
#include "runtime/exit_status.h"

#include <llvm-c/BitWriter.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int file_error(const char *path, int error) {
    say_error("cannot write %s: %s", path, strerror(error));
    return STATUS_FILE;
}

static bool is_special(const char *path) {
    struct stat info;
    return !stat(path, &info) && !S_ISREG(info.st_mode);
}

static LLVMMemoryBufferRef machine_code(Module *module, LLVMCodeGenFileType type) {
    char *message = NULL;
    LLVMMemoryBufferRef buffer = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(module->emit.machine->llvm, module->emit.module, type, &message,
                                            &buffer))
        internal_error("LLVM cannot emit code for %s: %s", module->emit.machine->triple, message);
    return memory_or_leave(buffer);
}

static int write_machine_code(Module *module, LLVMCodeGenFileType type, const char *path) {
    LLVMMemoryBufferRef buffer = machine_code(module, type);
    int status = outfile_write(path, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
    LLVMDisposeMemoryBuffer(buffer);
    return status;
}

/* Both files or neither: an object is no good without the header that belongs to it. */
int artifact_write_object(Module *module, const char *path) {
    LLVMMemoryBufferRef buffer = machine_code(module, LLVMObjectFile);
    OutFile files[] = {
        {path, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer)},
        module->companion
    };
    int status = outfile_write_group(files, module->companion.path ? 2 : 1);
    LLVMDisposeMemoryBuffer(buffer);
    return status;
}

int artifact_write_assembly(Module *module, const char *path) {
    return write_machine_code(module, LLVMAssemblyFile, path);
}

int artifact_write_ir(Module *module, const char *path) {
    char *text = memory_or_leave(LLVMPrintModuleToString(module->emit.module));
    int status = outfile_write(path, text, strlen(text));
    LLVMDisposeMessage(text);
    return status;
}

int artifact_write_bitcode(Module *module, const char *path) {
    LLVMMemoryBufferRef buffer = memory_or_leave(LLVMWriteBitcodeToMemoryBuffer(module->emit.module));
    int status = outfile_write(path, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
    LLVMDisposeMemoryBuffer(buffer);
    return status;
}

/* The object as a file for the linker, and the program that it makes of it, which will be `path`. */
static int link_staged(Module *module, const Staged *object, const Staged *program, const char *path) {
    LLVMMemoryBufferRef buffer = machine_code(module, LLVMObjectFile);
    const char *bytes = LLVMGetBufferStart(buffer);
    size_t size = LLVMGetBufferSize(buffer);
    int error = staged_fill(object, bytes, size);
    int status = error ? file_error(path, error)
                       : link_program(module->emit.cx, object->temporary, program->temporary);
    if (!status) status = link_judge(program->temporary, path, bytes, size);
    LLVMDisposeMemoryBuffer(buffer);
    return status;
}

/* The object goes to a temporary file beside the program, and so does the program until it is whole. */
int artifact_write_program(Module *module, const char *path) {
    Context *cx = module->emit.cx;
    Staged object = {0}, program = {0};
    if (is_special(path)) {
        say_error("cannot write a program to %s: it is no regular file", path);
        return STATUS_FILE;
    }
    const char *saved = cx->options.save_temps ? arena_printf(cx->arena, "%s.o", path) : path;
    int error = staged_open(&program, path, 0777);
    if (!error) error = staged_open(&object, saved, 0666);
    int status = error ? file_error(path, error) : link_staged(module, &object, &program, path);
    if (!status && (error = staged_commit(&program))) status = file_error(path, error);
    if (!status && cx->options.save_temps && (error = staged_commit(&object)))
        status = file_error(saved, error);
    staged_abandon(&object);
    staged_abandon(&program);
    return status;
}
