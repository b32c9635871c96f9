/* Words of other frameworks, a row each in foreign.def, and what is meant by them. Whoever reports an unknown
 * word asks here first, so that `Conv2D` is answered with conv and `in_channels` with the reason why there is
 * no such argument. */
#ifndef CNNC_DIAG_FOREIGN_H
#define CNNC_DIAG_FOREIGN_H

typedef enum ForeignPlace {
    FOREIGN_LAYER,     /* a layer's name */
    FOREIGN_ARGUMENT,  /* an argument's name; of: the layer's, optimizer's, ... */
    FOREIGN_WORD,      /* a value that is a word; of: the argument or the setting (activations,
                          whichever argument takes them), for a mode the layer */
    FOREIGN_SETTING,   /* a setting's name; of: data or train */
    FOREIGN_FUNCTION,  /* a function's name in an expression */
    FOREIGN_VALUE,     /* a name alone in an expression */
    FOREIGN_MODULE,    /* a name before a point */
    FOREIGN_ATTRIBUTE, /* a name behind a point */
    FOREIGN_START,     /* what begins a declaration or a statement; of: top or body */
    FOREIGN_BETWEEN,   /* a word between two values */
    FOREIGN_SIGN       /* signs of two characters and more */
} ForeignPlace;

typedef struct ForeignWord {
    ForeignPlace place;
    const char *of, *words; /* blank-separated */
    const char *here;       /* as the user would write it; empty where there is no such thing */
    const char *note;       /* without `here` the reason, else a line of help or empty */
} ForeignWord;

/* The row of a word at its place, NULL where nobody knows it. of NULL: whatever it belongs
 * to. The case of letters and underscores make no difference. */
const ForeignWord *foreign_find(ForeignPlace place, const char *of, const char *word);

/* All rows, for tests. */
const ForeignWord *foreign_rows(int *count);

#endif
