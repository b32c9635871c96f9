/* What writes the files that code ends in, each beside its target and renamed, so that a failure leaves the
 * older one as it was. */
#define _GNU_SOURCE
#include "base/interrupts.h"
#include "base/outfile.h"
#include "codegen/module.h"

#include <llvm-c/BitWriter.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_DONE = 0, EXIT_FILE = 4 };

static int file_error(const char *path) {
    fprintf(stderr, "cnnc: error: cannot write %s: %s\n", path, strerror(errno));
    return EXIT_FILE;
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
    char *text = LLVMPrintModuleToString(module->emit.module);
    int status = outfile_write(path, text, strlen(text));
    LLVMDisposeMessage(text);
    return status;
}

int artifact_write_bitcode(Module *module, const char *path) {
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
        return EXIT_FILE;
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
int artifact_write_program(Module *module, const char *path) {
    sigset_t before = interrupts_hold();
    int status = write_program(module, path);
    interrupts_release(before);
    return status;
}
