/* How a program ends, the compiler and every compiled model alike. Functions that can fail give one of these,
 * too: what their failure means for the program. */
#ifndef CNN_EXIT_STATUS_H
#define CNN_EXIT_STATUS_H

typedef enum Status {
    STATUS_OK = 0,
    STATUS_MODEL = 1,     /* the model is wrong; a file that `fmt --check` would change */
    STATUS_USAGE = 2,     /* wrong usage, or asked for what there is not */
    STATUS_MALFORMED = 3, /* an input is malformed or does not fit */
    STATUS_FILE = 4,      /* a file cannot be opened, read or written, or a tool that was called failed */
    STATUS_MEMORY = 5,    /* out of memory */
    STATUS_DIVERGED = 6,  /* training met a value that is not finite */
    STATUS_PEER_LOST = 7, /* a peer of a distributed run was lost */
    STATUS_PROCESSOR = 8, /* the processor lacks what the program was compiled for */
    STATUS_INTERNAL = 70, /* a fault of the compiler itself */
    STATUS_INTERRUPTED = 130
} Status;

#endif
