/* No output is the program itself or one of the files that the verb reads. */
#ifndef CNN_SPARE_INPUTS_H
#define CNN_SPARE_INPUTS_H

#include "verbs/session.h"

/* Every output that the command line names; STATUS_USAGE for one that would overwrite an input. */
int cnn_session_spare_inputs(Session *session);
/* The same for one path, which the option names or stands for. */
int cnn_session_spare_from(Session *session, OptionId option, const char *path);

#endif
