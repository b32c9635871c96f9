"""Every kernel of a model's code works on registers: the function of each, in LLVM's IR as it was emitted, holds vectors of floats.
One that does not runs over single elements. Their names are printed, as operator.kernel, and the exit status is 1.

vectors.py IR-FILE
"""
import re
import sys

KERNEL = re.compile(r'define [^@]*@"?([a-z0-9_]+\.[a-z0-9_]+)\.\d+"?\(ptr noalias')
VECTOR = re.compile(r"<\d+ x float>")


def kernels(lines):
    """Pairs: a function's name, and whether vectors occur in it."""
    name, vectors = None, False
    for line in lines:
        begins = KERNEL.match(line)
        if begins:
            name, vectors = begins[1], False
        elif name and line.startswith("}"):
            yield name, vectors
            name = None
        elif name and VECTOR.search(line):
            vectors = True


def main():
    with open(sys.argv[1]) as file:
        found = list(kernels(file))
    scalar = sorted({name for name, vectors in found if not vectors})
    if not found:
        sys.exit("no kernel in the file")
    if scalar:
        sys.exit("over single elements: " + ", ".join(scalar))


main()
