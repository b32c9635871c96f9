"""Prints every string outside compiler/ops and the table of forms that is the name of an operator or of a form: passes, code
generator, checks and runtime ask the rows for facts (compiler/graph/op.h, compiler/graph/form.h). Run in the root of the tree."""
import pathlib
import re

# Words that mean something else where they stand, a file and what they are there.
EXCEPTIONS = {
    ("compiler/emit/vector_math.c", "tanh"): "the C library's function",
    ("compiler/codegen/entry_points.c", "load"): "NAME_load of the interface for other programs",
    ("compiler/emit/machine.c", "probe"): "a function that is compiled to look at its assembly",
    ("compiler/graph/text_printer.c", "activation"): "a value's role in the printed form",
    ("compiler/graph/text_reader.c", "training"): "a graph's own mark in the printed form",
    ("compiler/output/summary_json.c", "inference"): "a key of the JSON: memory",
    ("compiler/output/summary_json.c", "training"): "a key of the JSON: memory",
    ("compiler/passes/forms.c", "scale"): "a setting of the data block, and the argument it becomes",
    ("compiler/sema/asserts.c", "inference"): "memory.inference",
    ("compiler/sema/data_block.c", "scale"): "a setting of the data block",
    ("compiler/sema/elaborate.c", "constant"): "what a name of the file can be",
    ("compiler/sema/function.c", "channels"): "a function of shapes",
    ("compiler/sema/train_block.c", "mae"): "a metric",
    ("runtime/run/metrics.c", "mae"): "a metric",
    ("runtime/verbs/verb_bench.c", "inference"): "a heading",
    ("runtime/verbs/verb_gradients.c", "gradients"): "a verb",
    ("runtime/verbs/verb_train.c", "training"): "whose loss a message speaks of",
}  # fmt: skip

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|\'(?:[^\'\\\n]|\\.)*\'|"((?:[^"\\\n]|\\.)*)"', re.S)


def names():
    ops = re.findall(r"^OP\((\w+)\)", pathlib.Path("compiler/ops/ops.def").read_text(), re.M)
    forms = re.findall(r'\.name = "(\w+)"', pathlib.Path("compiler/graph/form.c").read_text())
    forms.remove("model")  # a word of the language, and not the form of any program
    return {**{name: "an operator" for name in ops}, **{name: "a form" for name in forms}}


def sources():
    for root in ("compiler", "runtime"):
        for file in sorted(p for p in pathlib.Path(root).rglob("*") if p.suffix in (".c", ".h", ".l", ".y")):
            if not file.is_relative_to("compiler/ops") and file != pathlib.Path("compiler/graph/form.c"):
                yield file


def strings(file):
    """Every string of the file with its line; comments and #include lines hold none."""
    text = file.read_text()
    for match in TOKEN.finditer(text):
        line_start = text.rfind("\n", 0, match.start()) + 1
        if match[1] is not None and not text[line_start : match.start()].lstrip().startswith("#include"):
            yield text.count("\n", 0, match.start()) + 1, match[1]


known = names()
unused = dict(EXCEPTIONS)
for file in sources():
    for line, word in strings(file):
        if word not in known:
            continue
        if (str(file), word) in EXCEPTIONS:
            unused.pop((str(file), word), None)
        else:
            print(f'{file}:{line}: "{word}" is the name of {known[word]}')
for file, word in unused:
    print(f'{file}: "{word}" stands there no more: take it off the list of exceptions')
