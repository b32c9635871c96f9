/* The binary CIFAR layouts: records of one label byte (two for 100 classes: coarse, fine) and a 32x32 image,
 * one plane per channel. */
#ifndef CNN_DATA_CIFAR_H
#define CNN_DATA_CIFAR_H

#include "base/file.h"
#include "base/status.h"

typedef enum CifarLabels { CIFAR_10, CIFAR_100_FINE, CIFAR_100_COARSE } CifarLabels;

enum { CIFAR_SIDE = 32, CIFAR_PIXELS = 3072 };

/* Records so far; the blocks grow file by file. */
typedef struct CifarRecords {
    uint8_t *samples; /* 32x32x3, channels last */
    int32_t *labels;
    uint64_t count, capacity;
} CifarRecords;

/* Appends a file's records. files: this one and those to come, which are expected to be as long. Labels above
 * the layout's classes (10, 100, 20) are STATUS_MALFORMED, with the record's number. */
int cnn_cifar_parse(Reader *reader, CifarLabels layout, uint64_t files, CifarRecords *records,
                    Failure *failure);
void cnn_cifar_free(CifarRecords *records);

#endif
