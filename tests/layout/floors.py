"""Prints every #include "..." that doesn't point to a lower floor: sideways within the same folder is fine, to another
folder of the same floor or upwards is not. Run in the root of the tree."""
import pathlib
import re

COMPILER = {"base": 0, "diag": 1, "syntax": 2, "graph": 3, "emit": 4, "ops": 5,
            "sema": 6, "passes": 6, "codegen": 6, "output": 6, "command_line": 7, "explain": 7, "fmt": 7, "main": 8}  # fmt: skip
# Files of the runtime by floor; a name is a folder or the stem of a file.
RUNTIME = [
    {"abi"},
    {"status", "log", "rng", "aligned", "nearest_word"},
    {"threads", "file", "file_read", "file_write"},
    {"data", "init", "safetensors", "weights", "metrics", "program", "parameter_walk"},
    {"session", "train", "trainer", "eval", "evaluate", "predict", "run", "gradients", "gradcheck", "bench", "description"},
    {"main"},
]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def compiler_place(path):
    return path.parts[0] if len(path.parts) > 1 else path.stem


def check_compiler():
    root = pathlib.Path("compiler")
    for file in sorted(p for p in root.rglob("*") if p.suffix in (".c", ".h", ".l", ".y", ".def")):
        here = compiler_place(file.relative_to(root))
        if here not in COMPILER:
            yield f"{file}: {here} is on no floor"
            continue
        for name in INCLUDE.findall(file.read_text()):
            if name == "runtime/abi.h":
                continue
            there = compiler_place(pathlib.PurePath(name))
            if (root / here / name).exists() and "/" not in name:
                there = here
            if there not in COMPILER:
                yield f'{file}: "{name}" is on no floor'
            elif there != here and COMPILER[there] >= COMPILER[here]:
                yield f'{file}: "{name}" is not on a lower floor'


def check_runtime():
    """The runtime's finer floors are read off its includes: no cycle between families of files (weights.c, weights.h)."""
    root = pathlib.Path("runtime")
    graph = {}
    for file in sorted(p for p in root.rglob("*") if p.suffix in (".c", ".h")):
        stem = str(file.relative_to(root).with_suffix(""))
        for name in INCLUDE.findall(file.read_text()):
            if name.startswith("compiler/") or name.startswith("graph/"):
                yield f'{file}: "{name}" belongs to the compiler'
            name = name.removeprefix("runtime/")
            target = (root / name) if (root / name).exists() else (file.parent / name)
            if not target.exists():
                yield f'{file}: there is no "{name}"'
                continue
            there = str(target.resolve().relative_to(root.resolve()).with_suffix(""))
            if family(there) != family(stem):
                graph.setdefault(family(stem), set()).add(family(there))
            here_floor, there_floor = floor(stem), floor(there)
            if here_floor is not None and there_floor is not None and there_floor > here_floor:
                yield f'{file}: "{name}" is on a higher floor'
    state = {}

    def visit(node, path):
        state[node] = 1
        for target in sorted(graph.get(node, ())):
            if state.get(target) == 1:
                yield f"runtime: {' -> '.join(path + [node, target])} is a cycle"
            elif target not in state:
                yield from visit(target, path + [node])
        state[node] = 2

    for node in sorted(graph):
        if node not in state:
            yield from visit(node, [])


def family(stem):
    """safetensors.c, safetensors_header.h and safetensors_write.c are one part."""
    return stem.split("_")[0]


def floor(stem):
    first = stem.split("/")[0]
    return next((i for i, names in enumerate(RUNTIME) if first in names), None)


for problem in [*check_compiler(), *check_runtime()]:
    print(problem)
