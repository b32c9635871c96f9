/* One setting of a data or train block: its value, and the checks that several settings share. */
#ifndef CNNC_SEMA_SETTING_H
#define CNNC_SEMA_SETTING_H

#include "sema/elaborator.h"

typedef struct SettingCall {
    Elaborator *e;
    const Setting *setting;
    Datum datum;
    Span at; /* of the value */
} SettingCall;

/* What a block may hold: blank-separated words. */
typedef struct BlockKind {
    const char *name, *settings;
    const char *nested;       /* blocks that stand within it, none of which is built */
    const char *other_nested; /* those of the other block, and its name */
    const char *other;
} BlockKind;

void unknown_setting(Elaborator *e, const Setting *setting, const BlockKind *kind);
/* Every block within the block is one that it may hold. */
void check_nested(Elaborator *e, const Decl *decl, const BlockKind *kind);
const Setting *setting_find(const Decl *decl, const char *name);
/* Evaluates the value; false after an error, or where the setting stands a second time. */
bool setting_open(SettingCall *s, const Decl *decl, bool word);
/* The i-th item of its value, where that is a list; else the setting itself. */
SettingCall setting_item(const SettingCall *s, int i);
bool setting_type(SettingCall *s, const char *wants); /* reports; always false */
/* One of the words; NULL after an error. */
const char *setting_word(SettingCall *s, const char *words);
/* A string or a list of them; NULL after an error. */
const char **setting_strings(SettingCall *s, int *count);
bool setting_real(SettingCall *s, double min, bool above, double max, bool below, double *real);
bool setting_integer(SettingCall *s, int64_t min, int64_t max, int64_t *integer);

#endif
