/* A row a data format: what its files are, and the settings of the data block that it alone knows. The
 * format's file ends with the row, runtime/formats.def lists it. */
#ifndef CNNC_SEMA_DATA_FORMAT_H
#define CNNC_SEMA_DATA_FORMAT_H

#include "sema/setting.h"

typedef struct DataKey {
    const char *name;
    bool (*set)(SettingCall *s, DataSettings *data); /* false after an error */
    bool word;                                       /* the value is a word, no expression */
    const char *words; /* the words that it may be, where no other table has them; or NULL */
    /* Reports that the key stands in the data block of another format; NULL in the rows that all formats
     * know. */
    void (*misplaced)(Elaborator *e, Span at, const char *format);
} DataKey;

typedef struct DataFormat {
    const char *name;
    bool pair;          /* train and test are [samples, targets] each; otherwise lists of files */
    bool class_targets; /* the targets are one class a sample */
    const DataKey *keys;
    int key_count;
} DataFormat;

/* The row of a cnn_format; NULL where the number stands for none. */
const DataFormat *data_format_at(int number);
/* The cnn_format of that name; CNN_FORMAT_NONE where it is not built. */
int data_format_number(const char *name);
/* Names between blanks: of the formats that are built, and of those that the language has. */
extern const char data_format_names[], data_format_words[];
/* The n-th key that one of the formats knows, and the format; NULL behind the last. */
const DataKey *data_format_key(int n, const DataFormat **format);

#endif
