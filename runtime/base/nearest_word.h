/* The candidate nearest to a misspelt word, for "did you mean". */
#ifndef CNN_NEAREST_WORD_H
#define CNN_NEAREST_WORD_H

/* NULL where none is near. */
const char *cnn_nearest(const char *word, const char *const *candidates, int count);

#endif
