/* The table of data formats, made from formats.def. */
#include "sema/data_format.h"

#include "runtime/abi.h"

#define FORMAT(number, word) extern const DataFormat data_format_##word;
#define PLANNED(word)
#include "runtime/formats.def"
#undef FORMAT
#undef PLANNED

static const DataFormat *const table[] = {
#define FORMAT(number, word) [CNN_FORMAT_##number] = &data_format_##word,
#define PLANNED(word)
#include "runtime/formats.def"
#undef FORMAT
#undef PLANNED
};

const char data_format_names[] =
#define FORMAT(number, word) #word " "
#define PLANNED(word)
#include "runtime/formats.def"
#undef FORMAT
#undef PLANNED
    "";

const char data_format_words[] =
#define FORMAT(number, word) #word " "
#define PLANNED(word)        #word " "
#include "runtime/formats.def"
#undef FORMAT
#undef PLANNED
    "";

const DataFormat *data_format_at(int number) {
    return number >= 0 && number < COUNT(table) ? table[number] : NULL;
}

int data_format_number(const char *name) {
    for (int i = 0; i < COUNT(table); i++)
        if (table[i] && !strcmp(table[i]->name, name)) return i;
    return CNN_FORMAT_NONE;
}

const DataKey *data_format_key(int n, const DataFormat **format) {
    for (int i = 0; i < COUNT(table); i++) {
        if (!table[i]) continue;
        *format = table[i];
        if (n < table[i]->key_count) return &table[i]->keys[n];
        n -= table[i]->key_count;
    }
    return NULL;
}
