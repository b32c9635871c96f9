/* The file whose name is nearest to one that is missing, for "is it ...?". */
#ifndef CNN_NEAREST_FILE_H
#define CNN_NEAREST_FILE_H

/* Of the names in path's folder, from the heap; NULL where none is near, or memory lacks. */
char *cnn_nearest_file(const char *path);

#endif
