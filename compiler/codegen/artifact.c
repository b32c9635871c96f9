/* The file that --emit asks for, written beside its target and renamed, so that a failure leaves the older
 * one as it was. */
#define _GNU_SOURCE
#include "base/interrupts.h"
#include "base/outfile.h"
#include "codegen/module.h"
#include "runtime/exit_status.h"

#include <llvm-c/BitWriter.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int file_error(const char *path) {
    fprintf(stderr, "cnnc: error: cannot write %s: %s\n", path, strerror(errno));
    return STATUS_FILE;
}

static bool is_special(const char *path) {
    struct stat info;
    return !stat(path, &info) && !S_ISREG(info.st_mode);
}

/* The folder and name of a temporary file beside the target. */
static char *temporary_name(Arena *arena, const char *target) {
    return arena_printf(arena, "%s.XXXXXX.tmp", target);
}

static LLVMMemoryBufferRef machine_code(Module *module, LLVMCodeGenFileType type) {
    char *message = NULL;
    LLVMMemoryBufferRef buffer = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(module->emit.machine->llvm, module->emit.module, type, &message,
                                            &buffer))
        internal_error("LLVM cannot emit code for %s: %s", module->emit.machine->triple, message);
    return buffer;
}

static int write_machine_code(Module *module, LLVMCodeGenFileType type, const char *path) {
    LLVMMemoryBufferRef buffer = machine_code(module, type);
    int status = outfile_write(path, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
    LLVMDisposeMemoryBuffer(buffer);
    return status;
}

/* Both files or neither: an object is no good without the header that belongs to it. */
static int write_object_and_header(Module *module, const char *path) {
    LLVMMemoryBufferRef buffer = machine_code(module, LLVMObjectFile);
    OutFile files[] = {
        {path,                LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer)                  },
        {module->header_path, module->header,             module->header ? strlen(module->header) : 0},
    };
    int status = outfile_write_group(files, module->header ? 2 : 1);
    LLVMDisposeMemoryBuffer(buffer);
    return status;
}

static int write_ir(Module *module, const char *path) {
    char *text = LLVMPrintModuleToString(module->emit.module);
    int status = outfile_write(path, text, strlen(text));
    LLVMDisposeMessage(text);
    return status;
}

static int write_bitcode(Module *module, const char *path) {
    LLVMMemoryBufferRef buffer = LLVMWriteBitcodeToMemoryBuffer(module->emit.module);
    int status = outfile_write(path, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
    LLVMDisposeMemoryBuffer(buffer);
    return status;
}

/* The object goes to a temporary file beside the program, and so does the program until it is whole. */
static int write_program(Module *module, const char *path) {
    Context *cx = module->emit.cx;
    if (is_special(path)) {
        errno = EINVAL;
        fprintf(stderr, "cnnc: error: cannot write a program to %s: it is no regular file\n", path);
        return STATUS_FILE;
    }
    char *object = arena_printf(cx->arena, "%s.XXXXXX.o", path);
    char *program = temporary_name(cx->arena, path);
    int file = mkostemps(object, 2, O_CLOEXEC);
    if (file < 0) return file_error(path);
    close(file);
    int status = write_machine_code(module, LLVMObjectFile, object);
    file = status ? -1 : mkostemps(program, 4, O_CLOEXEC);
    if (file < 0) {
        if (!status) status = file_error(path);
    } else {
        mode_t mask = umask(0);
        umask(mask);
        bool permitted = !fchmod(file, 0777 & ~mask);
        close(file);
        status = permitted ? link_program(cx, object, program) : file_error(program);
        if (!status && rename(program, path)) status = file_error(path);
        if (status) unlink(program);
    }
    if (!status && cx->options.save_temps)
        rename(object, arena_printf(cx->arena, "%s.o", path));
    else
        unlink(object);
    return status;
}

/* An interrupt reaches the linker at once, and the compiler when nothing temporary is left. */
static int write_program_undisturbed(Module *module, const char *path) {
    sigset_t before = interrupts_hold();
    int status = write_program(module, path);
    interrupts_release(before);
    return status;
}

int artifact_write(Module *module) {
    const Options *options = &module->emit.cx->options;
    const char *path = options->output;
    switch (options->emit) {
    case EMIT_EXE: return write_program_undisturbed(module, path);
    case EMIT_OBJ: return write_object_and_header(module, path);
    case EMIT_ASM: return write_machine_code(module, LLVMAssemblyFile, path);
    case EMIT_LLVM_IR: return write_ir(module, path);
    case EMIT_BITCODE: return write_bitcode(module, path);
    case EMIT_DOT: break;
    }
    internal_error("no way to emit kind %d", (int)options->emit);
}
