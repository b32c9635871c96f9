/* What a file that is no safetensors file is instead, for people who give the weights of another framework.
 */
#ifndef CNN_FOREIGN_FILE_H
#define CNN_FOREIGN_FILE_H

#include "base/file.h"

enum { FOREIGN_BEGIN = 8 }; /* bytes that tell formats apart */

/* A failure that names the format of a file that begins so, and how safetensors come of it; STATUS_OK where
 * the bytes are of no format that is known. The reader stands behind them and is read on. */
int cnn_foreign_file_refuse(Reader *reader, const unsigned char begin[FOREIGN_BEGIN], Failure *failure);

#endif
