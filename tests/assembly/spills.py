"""Innermost loops of tiles in x86 assembly that store vector registers to the stack: spills.py OUTPUTS GRADIENTS
FILE.s... prints a line for each with more stores among 100 multiply-adds than that, in kernels of outputs and of
gradients, and how many loops it saw; exit 1 where there is one.
Reading from the stack what was computed before the loop is no fault: it takes the place of a load."""
import re
import sys

LABEL = re.compile(r"([.\w$]+):")
JUMP = re.compile(r"\tj\w+\t([.\w$]+)")
VECTOR = re.compile(r"%[xyz]mm\d")
# Without fused multiply-adds an addition of a product is two instructions.
PRODUCT = re.compile(r"\tv?f?(madd\w+|mul)ps\t")


def functions(lines):
    """Each function's name and lines."""
    name, body = None, []
    for line in lines:
        if line.startswith("\t.type\t") and line.endswith("@function"):
            name, body = line.split("\t")[2].split(",")[0], []
        elif line.startswith(".Lfunc_end"):
            yield name, body
            name = None
        elif name:
            body.append(line)


def innermost_loops(body):
    """Where a jump leads back over no other such jump: the lines from its target to the jump."""
    at, jumps = {}, []
    for i, line in enumerate(body):
        if label := LABEL.match(line):
            at[label[1]] = i
        elif (jump := JUMP.match(line)) and jump[1] in at:
            jumps.append((at[jump[1]], i))
    for first, last in jumps:
        if not any((a, b) != (first, last) and first <= a and b <= last for a, b in jumps):
            yield body[first : last + 1]


def on_stack(body):
    """What an operand on the stack looks like: %rbp is a frame only where the function makes it one."""
    framed = any(line.startswith("\tmovq\t%rsp, %rbp") for line in body)
    return re.compile(r"\(%r[sb]p" if framed else r"\(%rsp")


BROADCAST = re.compile(r"\t(vbroadcastss|v?movss)\t-?\d*\((?!%r[si]p).*|\tvf?madd\w+\t-?\d*\(.*\{1to")


def is_tile(name, loop):
    """Numbers from memory times registers; Winograd's transforms of 16 to 36 registers at once are none."""
    if name.startswith("depthwise"):
        return True
    return name.startswith(("conv", "dense")) and any(BROADCAST.match(line) for line in loop)


loops, wrong = 0, 0
for path in sys.argv[3:]:
    for name, body in functions(open(path).read().splitlines()):
        stack = on_stack(body)
        for loop in innermost_loops(body):
            products = sum(bool(PRODUCT.match(line)) for line in loop)
            if not products or not is_tile(name, loop):
                continue
            loops += 1
            # The last operand is the one that is written.
            spilled = [line for line in loop if VECTOR.search(line) and stack.search(line.split(",")[-1])]
            loaded = sum(bool(VECTOR.search(line) and stack.search(line)) for line in loop) - len(spilled)
            most = int(sys.argv[2 if "_grad" in name else 1])
            if 100 * len(spilled) > most * products:
                wrong += 1
                label = loop[0].rstrip(":")
                print(f"{path}: {name} {label}: {len(spilled)} stores and {loaded} loads among {products} products")
print(f"{loops} loops, {wrong} with vector registers on the stack")
sys.exit(wrong > 0 or not loops)
