/* The target: looked up by name in LLVM, measured by what LLVM makes of a few vector instructions for it. */
#define _GNU_SOURCE
#include "emit/machine.h"

#include "base/leaving.h"
#include "base/say.h"
#include "base/vec.h"
#include "emit/refusals.h"
#include "runtime/exit_status.h"

#include <errno.h>
#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BUILT_POINTER_BYTES = 8, SHARE_OF_LAST_CACHE = 4 /* of a worker, in second-level caches */ };

/* LLVM says on standard error, and only there, that it does not know a processor or a feature. */
typedef struct StderrCapture {
    int saved, file;
} StderrCapture;

static StderrCapture stderr_capture_begin(void) {
    fflush(stderr);
    StderrCapture capture = {dup(STDERR_FILENO), memfd_create("stderr", MFD_CLOEXEC)};
    bool captures = capture.saved >= 0 && capture.file >= 0;
    if (captures) leaving_speak_to(capture.saved);
    if (captures && dup2(capture.file, STDERR_FILENO) >= 0) return capture;
    leaving_speak_to(STDERR_FILENO);
    if (capture.saved >= 0) close(capture.saved);
    if (capture.file >= 0) close(capture.file);
    return (StderrCapture){-1, -1};
}

static const char *stderr_capture_end(StderrCapture capture, Arena *arena) {
    if (capture.file < 0) return "";
    fflush(stderr);
    while (dup2(capture.saved, STDERR_FILENO) < 0 && errno == EINTR) {
    }
    leaving_speak_to(STDERR_FILENO);
    close(capture.saved);
    char text[1024];
    ssize_t length = pread(capture.file, text, sizeof text - 1, 0);
    close(capture.file);
    return arena_strndup(arena, text, length > 0 ? (size_t)length : 0);
}

/* Assembly of y[0..15] = a[0..15] * b[0..15] + c[0..15] for the target, to see which registers it takes. */
static const char *probe_assembly(Context *cx, const Machine *machine) {
    LLVMContextRef context = LLVMContextCreate();
    refusals_watch(machine, context);
    LLVMModuleRef module = LLVMModuleCreateWithNameInContext("probe", context);
    LLVMTypeRef vector = LLVMVectorType(LLVMFloatTypeInContext(context), 16);
    LLVMTypeRef pointer = LLVMPointerTypeInContext(context, 0);
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(context),
                                        (LLVMTypeRef[]){pointer, pointer, pointer}, 3, false);
    LLVMValueRef function = LLVMAddFunction(module, "probe", type);
    LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
                            LLVMCreateStringAttribute(context, "prefer-vector-width", 19, "512", 3));
    LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
                            LLVMCreateStringAttribute(context, "min-legal-vector-width", 22, "512", 3));
    LLVMBuilderRef b = LLVMCreateBuilderInContext(context);
    LLVMPositionBuilderAtEnd(b, LLVMAppendBasicBlockInContext(context, function, ""));
    LLVMValueRef operands[3];
    for (unsigned i = 0; i < 3; i++) operands[i] = LLVMBuildLoad2(b, vector, LLVMGetParam(function, i), "");
    unsigned id = LLVMLookupIntrinsicID("llvm.fmuladd", 12);
    LLVMValueRef fmuladd = LLVMGetIntrinsicDeclaration(module, id, &vector, 1);
    LLVMValueRef sum = LLVMBuildCall2(b, LLVMGlobalGetValueType(fmuladd), fmuladd, operands, 3, "");
    LLVMBuildStore(b, sum, LLVMGetParam(function, 0));
    LLVMBuildRetVoid(b);
    LLVMSetTarget(module, machine->triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine->llvm);
    LLVMSetModuleDataLayout(module, layout);
    LLVMDisposeTargetData(layout);

    char *error = NULL;
    LLVMMemoryBufferRef buffer = NULL;
    const char *text = "";
    if (!LLVMTargetMachineEmitToMemoryBuffer(machine->llvm, module, LLVMAssemblyFile, &error, &buffer)) {
        memory_or_leave(buffer);
        text = arena_strndup(cx->arena, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
        LLVMDisposeMemoryBuffer(buffer);
    }
    LLVMDisposeMessage(error);
    LLVMDisposeBuilder(b);
    LLVMDisposeModule(module);
    LLVMContextDispose(context);
    refusals_end();
    return text;
}

/* What the instructions reveal. Rows in order; the first whose text occurs in the assembly holds. */
static void measure(Machine *machine, const char *assembly) {
    static const struct {
        const char *text;
        int floats, registers;
    } rows[] = {
        {"zmm",     16, 32},
        {"ymm",     8,  16},
        {"xmm",     4,  16},
        {"fmla\tv", 4,  32},
        {"fmla.4s", 4,  32},
        {"vmla",    4,  16},
        {"vfma",    4,  16},
    };
    machine->vector_floats = 1;
    machine->registers = 16;
    for (int i = 0; i < COUNT(rows); i++) {
        if (!strstr(assembly, rows[i].text)) continue;
        machine->vector_floats = rows[i].floats;
        machine->registers = rows[i].registers;
        break;
    }
    /* Without fused multiply-add a product needs a register of its own. */
    bool fused = strstr(assembly, "fmadd") || strstr(assembly, "fmla") || strstr(assembly, "vfma");
    if (!fused) machine->registers -= 2;
    machine->fma_ports = 2;
}

/* The caches of this machine, or where code is made for another one, those of a small core. */
static int64_t cache_bytes(const Machine *machine, int name, int64_t fallback) {
    long bytes = machine->native ? sysconf(name) : 0;
    return bytes > 0 ? bytes : fallback;
}

/* What every processor of an architecture has, where LLVM's "generic" is less than that. The ABI of RISC-V
 * follows from the features: with `d`, numbers are handed over in registers for them (lp64d), as every Linux
 * distribution has it. */
typedef struct Baseline {
    const char *triple, *cpu, *features; /* triple: how it begins */
} Baseline;

static const Baseline baselines[] = {
    {"x86_64",  "x86-64",       ""              },
    {"riscv64", "generic-rv64", "+m,+a,+f,+d,+c"},
    {"",        "generic",      ""              },
};

static const Baseline *baseline_of(const char *triple) {
    const Baseline *row = baselines;
    while (strncmp(triple, row->triple, strlen(row->triple))) row++;
    return row;
}

/* The processor and its features by name, "native" and "baseline" resolved. */
static void resolve_cpu(Context *cx, Machine *machine) {
    const Options *options = &cx->options;
    machine->cpu = options->cpu ? options->cpu : options->target ? "baseline" : "native";
    machine->features = "";
    machine->asked = options->features ? options->features : "";
    machine->chosen = options->target || options->cpu || options->features;
    machine->native = !strcmp(machine->cpu, "native");
    if (machine->native) {
        char *cpu = memory_or_leave(LLVMGetHostCPUName());
        char *features = memory_or_leave(LLVMGetHostCPUFeatures());
        machine->cpu = arena_strdup(cx->arena, cpu);
        machine->features = arena_strdup(cx->arena, features);
        LLVMDisposeMessage(cpu);
        LLVMDisposeMessage(features);
    } else if (!strcmp(machine->cpu, "baseline")) {
        const Baseline *baseline = baseline_of(machine->triple);
        machine->cpu = baseline->cpu;
        machine->features = baseline->features;
    }
    if (options->features && *options->features)
        machine->features = arena_printf(cx->arena, "%s%s%s", machine->features,
                                         *machine->features ? "," : "", options->features);
}

static int pointer_bytes(const Machine *machine) {
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine->llvm);
    int bytes = (int)LLVMPointerSize(layout);
    LLVMDisposeTargetData(layout);
    return bytes;
}

/* What LLVM makes code for, and nobody trains a net on by itself. */
static bool is_no_processor(const char *triple) {
    static const char *const prefixes[] = {"amdgcn", "bpf", "dxil", "nvptx", "r600", "spir"};
    for (int i = 0; i < COUNT(prefixes); i++)
        if (!strncmp(triple, prefixes[i], strlen(prefixes[i]))) return true;
    return false;
}

Machine *machine_create(Context *cx) {
    LLVMInitializeAllTargetInfos();
    LLVMInitializeAllTargets();
    LLVMInitializeAllTargetMCs();
    LLVMInitializeAllAsmPrinters();
    LLVMInitializeAllAsmParsers();
    Machine *machine = ARENA_NEW(cx->arena, Machine);
    char *triple = memory_or_leave(cx->options.target ? LLVMNormalizeTargetTriple(cx->options.target)
                                                      : LLVMGetDefaultTargetTriple());
    machine->triple = arena_strdup(cx->arena, triple);
    LLVMDisposeMessage(triple);

    char *error = NULL;
    LLVMTargetRef target = NULL;
    if (LLVMGetTargetFromTriple(machine->triple, &target, &error)) {
        say_error("unknown target '%s'", cx->options.target ? cx->options.target : machine->triple);
        LLVMDisposeMessage(error);
        return NULL;
    }
    if (is_no_processor(machine->triple)) {
        say_error("--target=%s: it is no general-purpose processor, and code is made for those alone",
                  cx->options.target);
        return NULL;
    }
    resolve_cpu(cx, machine);
    StderrCapture capture = stderr_capture_begin();
    static const LLVMCodeGenOptLevel levels[] = {LLVMCodeGenLevelNone, LLVMCodeGenLevelLess,
                                                 LLVMCodeGenLevelDefault, LLVMCodeGenLevelAggressive};
    machine->llvm =
        LLVMCreateTargetMachine(target, machine->triple, machine->cpu, machine->features,
                                levels[cx->options.optimization & 3], LLVMRelocPIC, LLVMCodeModelDefault);
    const char *said = stderr_capture_end(capture, cx->arena);
    if (!machine->llvm || strstr(said, "not a recognized")) {
        bool processor = !machine->llvm || strstr(said, "recognized processor");
        say_error("unknown %s for %s: '%s'", processor ? "CPU" : "feature", machine->triple,
                  processor ? machine->cpu : cx->options.features);
        machine_destroy(machine);
        return NULL;
    }
    machine->pointer_bytes = pointer_bytes(machine);
    if (machine->pointer_bytes != BUILT_POINTER_BYTES) {
        say_error("--target=%s is not built yet: its pointers have %d bits, and code is made for "
                  "machines of %d bits alone",
                  cx->options.target ? cx->options.target : machine->triple, 8 * machine->pointer_bytes,
                  8 * BUILT_POINTER_BYTES);
        machine_destroy(machine);
        return NULL;
    }
    const char *assembly = probe_assembly(cx, machine);
    measure(machine, assembly);
    machine->l1_bytes = cache_bytes(machine, _SC_LEVEL1_DCACHE_SIZE, 32 * 1024);
    machine->l2_bytes = cache_bytes(machine, _SC_LEVEL2_CACHE_SIZE, 512 * 1024);
    const Options *options = &cx->options;
    if (options->l1_bytes) machine->l1_bytes = options->l1_bytes;
    if (options->l2_bytes) machine->l2_bytes = options->l2_bytes;
    if (options->fma_ports) machine->fma_ports = (int)options->fma_ports;
    if (options->verbose)
        fprintf(stderr,
                "cnnc: %s: registers of %d floats, %d of them, %d multiply-add ports, caches of %lldK and "
                "%lldK\n",
                machine->cpu, machine->vector_floats, machine->registers, machine->fma_ports,
                (long long)machine->l1_bytes / 1024, (long long)machine->l2_bytes / 1024);
    return machine;
}

int64_t machine_near_bytes(const Machine *machine) {
    return SHARE_OF_LAST_CACHE * machine->l2_bytes;
}

double machine_traffic(const Machine *machine, double bytes, double reach) {
    static const double near = 32, last = 16, far = 8; /* bytes a cycle, of one core among busy ones */
    bool fits = reach <= (double)machine->l2_bytes;
    return bytes / (fits ? near : reach <= 2 * (double)machine_near_bytes(machine) ? last : far);
}

void machine_destroy(Machine *machine) {
    if (machine && machine->llvm) LLVMDisposeTargetMachine(machine->llvm);
    if (machine) machine->llvm = NULL;
}
