"""Prints every circle among the files of a folder: files that use each other's symbols, directly or through others of the
folder. A file should be readable with only those below it in mind. Usage: circles.py BUILD_DIR, in the root of the tree;
reads the archives of object files that were built there."""
import collections
import pathlib
import re
import subprocess
import sys

# The language's own recursion: an expression holds calls, whose arguments are expressions; a block is called in a pipeline,
# which is a statement, of which blocks are made.
LANGUAGE = [{"arguments", "expression", "function"}, {"block", "pipeline", "statement"}]
# Tables: that they name the data of their rows' files does not count, only what they call.
TABLES = {"data_format", "format", "verbs"}


def symbols(archive):
    """By object file: what it defines for others, by name whether that is data; and what it uses of others. Names in the
    archive are unique."""
    defines, uses = collections.defaultdict(dict), collections.defaultdict(set)
    lines = subprocess.run(["nm", "--print-file-name", archive], capture_output=True, text=True, check=True).stdout
    for line in lines.splitlines():
        match = re.match(r".*?([^:/]+)[.]c[.]o: *[0-9a-f]* ([A-Za-z]) (\S+)$", line)
        if not match:
            continue
        file, kind, name = match.groups()
        if kind == "U":
            uses[file].add(name)
        elif kind.isupper():
            defines[file][name] = kind in "BDR"
    return defines, uses


def components(graph):
    """Strongly connected components of more than one node, by Tarjan's algorithm."""
    number, low, stack, found = {}, {}, [], []

    def visit(node):
        number[node] = low[node] = len(number)
        stack.append(node)
        for to in graph[node]:
            if to not in number:
                visit(to)
                low[node] = min(low[node], low[to])
            elif to in stack:
                low[node] = min(low[node], number[to])
        if low[node] == number[node]:
            place = stack.index(node)
            part = stack[place:]
            del stack[place:]
            if len(part) > 1:
                found.append(sorted(part))

    for node in sorted(graph):
        if node not in number:
            visit(node)
    return found


def folders(root):
    """By the stem of a source file, also of one that is generated from it: its folder."""
    return {p.stem: p.parent for p in root.rglob("*") if p.suffix in (".c", ".l", ".y")}


def check(root, archive):
    defines, uses = symbols(archive)
    folder = folders(root)
    home = {name: file for file in defines for name in defines[file]}
    inside = collections.defaultdict(lambda: collections.defaultdict(dict))
    for file in uses:
        if file not in folder:
            continue
        here = inside[folder[file]][file]
        for name in sorted(uses[file]):
            other = home.get(name)
            if file in TABLES and other and defines[other][name]:
                continue
            if other and other != file and folder.get(other) == folder[file]:
                here.setdefault(other, name)
                inside[folder[file]][other]
    for where in sorted(inside):
        for circle in components(inside[where]):
            if set(circle) in LANGUAGE:
                continue
            steps = [f"{a} uses {n} of {b}" for a in circle for b, n in inside[where][a].items() if b in circle]
            yield f"{where}: {len(circle)} files in a circle: {'; '.join(steps)}"


build = pathlib.Path(sys.argv[1])
for problem in [*check(pathlib.Path("compiler"), build / "libcompiler.a"), *check(pathlib.Path("runtime"), build / "libcnnrt.a")]:
    print(problem)
