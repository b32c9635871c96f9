/* The data format cifar: the binary layouts of 10 and of 100 classes. */
#include "sema/data_format.h"

#include "runtime/abi.h"

static bool set_labels(SettingCall *s, DataSettings *data) {
    const char *word = setting_word(s, "fine coarse");
    if (!word) return false;
    data->cifar_labels = !strcmp(word, "fine") ? 1 : 2;
    return true;
}

static void labels_misplaced(Elaborator *e, Span at, const char *format) {
    report(e, at, E_LABELS_FORMAT, format);
}

static const DataKey keys[] = {
    {"labels", set_labels, true, "fine coarse", labels_misplaced},
};

const DataFormat data_format_cifar = {
    .name = "cifar", .class_targets = true, .keys = keys, .key_count = COUNT(keys)};
