/* The batches of a training: while one is trained, workers who have nothing to do copy the samples and
 * targets of the next one, in its order, one behind another into one of two slots; what they did not get to
 * is copied when that batch is asked for, by all. A batch is not copied, but read where the data set
 * has its samples, where the pool runs one thread at a time and so has no idle worker, and for some batches
 * after one of which too much was left to copy: what does not fit the caches is read no sooner for having
 * been copied. The slots count with the data set's memory, not with the model's. */
#ifndef CNN_DATA_LOADER_H
#define CNN_DATA_LOADER_H

#include "base/threads.h"
#include "data/dataset.h"

typedef struct Loader Loader;

/* batch: samples of the largest one. What the data set holds stays where it is until the loader is closed;
 * the pool takes no other idle work meanwhile. */
int cnn_loader_open(Loader **loader, const Dataset *dataset, Threads *pool, int64_t batch, Failure *failure);
void cnn_loader_close(Loader *loader); /* NULL is fine */

/* Begins an epoch over the data set's samples order[0 .. count), the caller's: they stay as they are until
 * all batches were asked for, another epoch begins, or the loader is closed. */
void cnn_loader_begin(Loader *loader, const uint32_t *order, int64_t count);
/* The epoch's next batch, good until this is called again; false where there is none. */
bool cnn_loader_next(Loader *loader, Batch *batch);

#endif
