/* See refusals.h. LLVM's handler of fatal errors takes no argument of ours, hence the one variable. */
#include "emit/refusals.h"

#include "base/leaving.h"
#include "base/say.h"
#include "runtime/exit_status.h"

#include <llvm-c/Core.h>
#include <llvm-c/ErrorHandling.h>
#include <string.h>

static const Machine *watched;

/* LLVM shows the whole graph of an instruction that it cannot select, addresses included. */
static const char *plain_reason(Arena *arena, const char *reason) {
    if (strstr(reason, "annot select")) return "it has no instruction for what the code does";
    const char *unplaced = "<unknown>:0:0: ";
    if (!strncmp(reason, unplaced, strlen(unplaced))) reason += strlen(unplaced);
    return arena_strndup(arena, reason, strcspn(reason, "\n"));
}

static void refuse(const char *reason) {
    Arena *arena = arena_create();
    const char *plain = plain_reason(arena, reason);
    if (strstr(reason, "out of memory")) leave_out_of_memory();
    if (!watched || !watched->chosen) internal_error("LLVM: %s", plain);
    say_error("no code can be made for %s, CPU %s%s%s: %s", watched->triple, watched->cpu,
              *watched->asked ? ", features " : "", watched->asked, plain);
    leave(STATUS_USAGE);
}

static void on_diagnostic(LLVMDiagnosticInfoRef info, void *data) {
    (void)data;
    if (LLVMGetDiagInfoSeverity(info) == LLVMDSError) refuse(LLVMGetDiagInfoDescription(info));
}

void refusals_watch(const Machine *machine, LLVMContextRef context) {
    watched = machine;
    LLVMContextSetDiagnosticHandler(context, on_diagnostic, NULL);
    LLVMInstallFatalErrorHandler(refuse);
}

void refusals_end(void) {
    LLVMResetFatalErrorHandler();
    watched = NULL;
}
