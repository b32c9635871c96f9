/* Formats by their first bytes. A zip archive is told by the name of its first member. */
#include "weights/foreign_file.h"

#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static const char from_torch[] =
    "in Python: safetensors.torch.save_file(torch.load(FILE, weights_only=True), \"w.safetensors\")";
static const char from_arrays[] =
    "in Python: safetensors.numpy.save_file({name: array, ...}, \"w.safetensors\"), in PyTorch's layouts";
static const char from_text[] = "the weights themselves are needed";

typedef struct Format {
    int at; /* of the magic bytes */
    const char *magic;
    int length;
    const char *name, *cure;
} Format;

static const Format formats[] = {
    {0, "\x80\x02",          2, "a PyTorch file (pickle)",                                     from_torch         },
    {0, "\x80\x03",          2, "a Python pickle",                                             from_torch         },
    {0, "\x80\x04",          2, "a Python pickle",                                             from_torch         },
    {0, "\x80\x05",          2, "a Python pickle",                                             from_torch         },
    {0, "\x89HDF\r\n\x1a\n", 8, "a Keras file (HDF5)",                                         from_arrays        },
    {0, "\x93NUMPY",         6, "a NumPy array",                                               from_arrays        },
    {0, "\0\0\0\0\2\0\0\0",  8, "a darknet weight file",                                       from_arrays        },
    {4, "TFL3",              4, "a TensorFlow Lite file",                                      from_arrays        },
    {0, "GGUF",              4, "a GGUF file",                                                 from_arrays        },
    {0, "\x1f\x8b\x08",      3, "gzip data",                                                   "gunzip unpacks it"},
    {0, "version ",          8, "a text, such as Git LFS leaves in the place of a large file", from_text          },
    {0, "<!DOCTYP",          8, "a web page",                                                  from_text          },
    {0, "<html",             5, "a web page",                                                  from_text          },
};

/* By a part of the first member's name. */
static const Format archives[] = {
    {0, "data.pkl",      8,  "a PyTorch file (zip)",  from_torch },
    {0, "version",       7,  "a PyTorch file (zip)",  from_torch },
    {0, ".npy",          4,  "a NumPy archive (npz)", from_arrays},
    {0, "metadata.json", 13, "a Keras file (zip)",    from_arrays},
    {0, "config.json",   11, "a Keras file (zip)",    from_arrays},
};
static const Format any_archive = {0, "", 0, "a zip archive", "unpack it first"};

/* Protocol buffers: field 1, the version of the format, then the producer's name or another field. */
static const Format onnx = {0, "", 0, "an ONNX model", from_arrays};

static bool is_onnx(const unsigned char begin[FOREIGN_BEGIN]) {
    return begin[0] == 8 && begin[1] >= 1 && begin[1] <= 20 && (begin[2] & 7) == 2 && begin[2] >= 0x12 &&
           begin[2] <= 0x42;
}

/* A local header: 30 bytes, with the length of the name at 26, then the name. */
static const Format *find_archive(Reader *reader) {
    enum { REST = 30 - FOREIGN_BEGIN, NAME_LENGTH = 26 - FOREIGN_BEGIN, LONGEST = 255 };
    unsigned char rest[REST];
    char name[LONGEST + 1] = "";
    Failure ignored = {0};
    if (cnn_reader_read(reader, rest, REST, "", &ignored)) return &any_archive;
    size_t length = rest[NAME_LENGTH];
    if (cnn_reader_read(reader, name, length, "", &ignored)) return &any_archive;
    for (int i = 0; i < COUNT(archives); i++)
        if (strstr(name, archives[i].magic)) return &archives[i];
    return &any_archive;
}

static const Format *find_format(Reader *reader, const unsigned char begin[FOREIGN_BEGIN]) {
    if (!memcmp(begin, "PK\3\4", 4)) return find_archive(reader);
    for (int i = 0; i < COUNT(formats); i++)
        if (!memcmp(begin + formats[i].at, formats[i].magic, (size_t)formats[i].length)) return &formats[i];
    return is_onnx(begin) ? &onnx : NULL;
}

int cnn_foreign_file_refuse(Reader *reader, const unsigned char begin[FOREIGN_BEGIN], Failure *failure) {
    const Format *format = find_format(reader, begin);
    if (!format) return STATUS_OK;
    return cnn_fail(failure, STATUS_MALFORMED, "%s: %s where a safetensors file was expected; %s",
                    cnn_reader_path(reader), format->name, format->cure);
}
