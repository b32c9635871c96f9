"""Prints every #include "..." that doesn't point to a lower floor: within the same folder is fine, to another folder of the
same floor or upwards is not; and every file that stands on no floor. Run in the root of the tree."""
import pathlib
import re

# A place is a folder, or the stem of a file that lies beside the folders. A family of operators is a place of its own:
# it includes itself and ops/parts alone.
COMPILER = {"base": 0, "diag": 1, "syntax": 2, "graph": 3, "emit": 4,
            "ops/parts": 5, "ops/conv": 6, "ops/dense": 6, "ops/norm": 6, "ops/pool": 6, "ops/activation": 6, "ops/move": 6,
            "ops/train": 6, "ops": 7,
            "sema": 8, "passes": 8, "codegen": 8, "output": 8, "emit_kinds": 9, "command_line": 10, "explain": 10, "fmt": 10, "main": 11}  # fmt: skip
RUNTIME = {"abi": 0, "exit_status": 0, "formats": 0, "initialisers": 0, "printable": 0, "follow_links": 0, "base": 1, "data": 2, "weights": 2, "run": 3, "verbs": 4,
           "embed": 4}  # fmt: skip
# What both programs include, of the runtime.
SHARED = {"runtime/abi.h", "runtime/abi.def", "runtime/exit_status.h", "runtime/formats.def", "runtime/initialisers.def",
          "runtime/printable.h", "runtime/follow_links.h"}
# The gradient of a normalisation before a pool walks the pool's windows.
EXCEPTIONS = {("ops/norm", "ops/pool")}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def place(path):
    """Of a path in compiler/ or runtime/."""
    if len(path.parts) == 1:
        return path.stem
    return "/".join(path.parts[:-1][:2]) if path.parts[0] == "ops" else path.parts[0]


def check(root, floors):
    for file in sorted(p for p in root.rglob("*") if p.suffix in (".c", ".h", ".l", ".y", ".def")):
        here = place(file.relative_to(root))
        if here not in floors:
            yield f"{file}: {here} is on no floor"
            continue
        for name in INCLUDE.findall(file.read_text()):
            if name in SHARED:
                continue
            there = place(pathlib.PurePath(name))
            if there not in floors:
                yield f'{file}: "{name}" is on no floor'
            elif there != here and floors[there] >= floors[here] and (here, there) not in EXCEPTIONS:
                yield f'{file}: "{name}" is not on a lower floor'


for problem in [*check(pathlib.Path("compiler"), COMPILER), *check(pathlib.Path("runtime"), RUNTIME)]:
    print(problem)
