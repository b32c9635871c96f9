/* The ways out of the compiler that no caller waits for: a signal, no memory left, a fault of its own. Each
 * takes away what must not outlive the process, its temporary files and the linker, and gives the exit
 * status. */
#ifndef CNNC_BASE_LEAVING_H
#define CNNC_BASE_LEAVING_H

#include <sys/types.h>

/* From here on no signal kills the compiler: what would kill it ends it with status 130, a crash with 70. A
 * signal that was ignored at the start stays so. Memory that LLVM, cJSON or the C++ library cannot get ends
 * it with 5. */
void leaving_install(void);

/* For every other thread that runs code of the compiler: a crash for want of stack is told as one, too. */
void leaving_watch_stack(void);

/* Ends the process with this status after everything temporary is removed. May be called from a signal
 * handler and from any thread; runs nothing that was registered with atexit. */
_Noreturn void leave(int status);

/* Says so on standard error, and leaves with status 5. */
_Noreturn void leave_out_of_memory(void);

/* What was given back by malloc and its like, where there was memory. */
void *memory_or_leave(void *memory);

/* A file that is removed on every way out until it is forgotten. Registered before it is created, so that
 * there is no moment at which it is there and unknown. At most LEAVING_FILES at a time; the name is copied.
 */
enum { LEAVING_FILES = 8 };
void leaving_remember(const char *path);
void leaving_forget(const char *path);

/* The process group of a program that the compiler waits for; 0: there is none. */
void leaving_watch_group(pid_t group);

/* Where the last words go, while what is printed on standard error goes elsewhere. */
void leaving_speak_to(int descriptor);

/* Between the two calls a signal waits: for the renames of files that belong together. */
void leaving_hold(void);
void leaving_release(void);

#endif
