/* SIGINT, SIGTERM, SIGHUP and every other signal that would kill a process from outside. While a training
 * runs the first one only asks it to stop; every other ends the program at once, with status 130, but never
 * in the middle of a save. The one state of the process that signals force upon it lives here. */
#ifndef CNN_INTERRUPT_H
#define CNN_INTERRUPT_H

#include <stdbool.h>

/* Signals end the program, but for those that whoever started it wants ignored (nohup). A closed pipe and
 * the limit on the size of files are errors of the write that meets them, and no signals. */
void cnn_interrupt_install(void);
/* From here on the first signal is only noted. */
void cnn_interrupt_defer(bool defer);
bool cnn_interrupted(void);
/* Between the two no signal arrives: a temporary file that is being written is renamed or removed first. */
void cnn_interrupt_hold(void);
void cnn_interrupt_release(void);

#endif
