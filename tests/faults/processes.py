"""Both programs as whole processes: every N-th call of every kind fails, is interrupted or moves less than it was asked for.

Usage: processes.py COMPILER PRELOADED.so SCENARIO [WORD...], in an empty folder; words choose scenes and kinds of calls.
CNNC_TEST_LONG=1 walks every allocation, else the first and the last ones and some between fail. What is asserted of every
single run is in Judge.judge(); failing_calls.c says how calls fail.
"""
import gzip
import json
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time

KINDS = ["malloc", "thread", "spawn", "mmap", "open", "read", "write", "fsync", "close", "rename", "unlink", "stat", "mode",
         "seek", "folder", "duplicate", "wait"]
REASONS = {"malloc": "out of memory", "mmap": "", "thread": "", "spawn": "Resource temporarily unavailable",
           "open": "Too many open files", "read": "Input/output error", "write": "No space left on device",
           "fsync": "Input/output error", "close": "Input/output error", "rename": "Permission denied",
           "unlink": "", "stat": "Permission denied", "mode": "Permission denied", "seek": "Input/output error",
           "folder": "", "duplicate": "", "wait": ""}
MEMORY = ("malloc", "mmap", "thread")
NO_MEMORY = "out of memory", "Cannot allocate memory", "insufficient memory", "no stack of"
INVISIBLE = {"interrupted": ("open", "read", "write", "fsync", "close", "wait"), "short": ("read", "write")}
LONG = os.environ.get("CNNC_TEST_LONG")
PATIENCE = 120

passed, failed = 0, 0


def fail(name, *lines):
    global failed
    failed += 1
    print("FAIL:", name)
    for line in lines:
        print("   ", line)


class Scene:
    """A command and what is expected of it.

    outputs: the files that it writes, of which `old` is in each before. status: its exit status where nothing fails; usual:
    others besides 4 and 5 where something does. stdin: what it reads there. each: so many of its first allocations fail one
    by one, last: so many of its last, spread: so many of the others; of an `expensive` one fewer in the long form, too,
    and fewer failures for good."""

    def __init__(self, name, command, outputs=(), status=0, stdin=None, each=0, spread=0, last=0, expensive=False,
                 old=b"older\n", usual=()):
        self.name, self.command, self.outputs, self.old = name, command, outputs, old
        self.status, self.stdin, self.usual = status, stdin, usual
        self.each, self.last, self.expensive = each, last, expensive
        self.spread = spread * (50 if LONG else 1)


class Server:
    """The program, held before its main by the preloaded library, and run anew for every order."""

    def __init__(self, command, library):
        to_child, self.orders = os.pipe()
        self.answers, from_child = os.pipe()
        variables = dict(os.environ, FAULT_ORDERS=str(to_child), FAULT_ANSWERS=str(from_child), FAULT_COUNTS="counts",
                         LD_PRELOAD=library)
        self.process = subprocess.Popen(command, env=variables, pass_fds=(to_child, from_child), start_new_session=True)
        os.close(to_child)
        os.close(from_child)

    def run(self, kind, first=0, run=1, mode="error"):
        """The exit status, negative after a signal; None: it hangs, and so does the server."""
        os.write(self.orders, f"{kind} {first} {run} {mode}\n".encode())
        if not select.select([self.answers], [], [], PATIENCE)[0]:
            return None
        answer = os.read(self.answers, 4)
        if len(answer) < 4:
            sys.exit(f"the preloaded library gave up: {open('err').read() if os.path.exists('err') else ''}")
        return os.waitstatus_to_exitcode(struct.unpack("<i", answer)[0])

    def close(self):
        os.close(self.orders)
        os.close(self.answers)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def counts():
    numbers = struct.unpack(f"<{len(KINDS) + 1}q", open("counts", "rb").read(8 * len(KINDS) + 8))
    return dict(zip(KINDS, numbers)), numbers[-1]


def content(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def printed(path):
    return (content(path) or b"").decode(errors="replace")


class Judge:
    """Knows what the command does where nothing fails, from two runs of it."""

    def __init__(self, scene, server):
        self.scene, self.server = scene, server
        self.stable = True
        seen = []
        for _ in range(2):
            self.prepare()
            status = server.run("all")
            if status != scene.status:
                sys.exit(f"{scene.name}: exit {status}\n{printed('err')}")
            seen.append((printed("out"), printed("err"), {path: content(path) for path in scene.outputs}))
        self.counts, _ = counts()
        self.out, self.err, self.new = seen[0]
        self.stable = seen[0] == seen[1]
        self.expected = set(os.listdir("."))

    def prepare(self):
        for path in self.scene.outputs:
            with open(path, "wb") as file:
                file.write(self.scene.old)

    def whole(self, path, data):
        """New and complete. What holds times and speeds differs from run to run: a log of JSON lines, of others the size."""
        new = self.new[path]
        if data == new:
            return True
        if path.endswith("jsonl"):
            return not data or all(json.loads(line) for line in data.decode().splitlines())
        if path.endswith(("program", ".o")):  # a call that fails may lose what is known of the machine, and other code comes out
            return data[:4] == b"\x7fELF" and len(data) > len(new) // 2
        return len(data) == len(new) and not self.stable

    def spoilt_files(self, kind, status):
        for path in self.scene.outputs:
            data = content(path)
            if data is None:
                yield f"{path} is gone"
            elif data == self.scene.old:
                if status == self.scene.status and data != self.new[path]:
                    yield f"{path} was not written"
            elif not self.whole(path, data):
                yield f"{path} is neither the old nor the new, with {len(data)} bytes where the new has {len(self.new[path])}"
        for path in sorted(set(os.listdir(".")) - self.expected):
            if kind != "unlink":
                yield f"{path} is left behind"
            os.unlink(path)

    def spoilt_words(self, kind, status, out, err, lost):
        """lost: the streams to which a write failed."""
        usual = set(self.err.splitlines())
        more = [line for line in err.splitlines() if line not in usual and not line.startswith("help:")]
        if status == self.scene.status:
            if self.stable and out != self.out and 1 not in lost:
                yield "standard output differs"
            if not self.stable and "--json" in self.scene.command:
                json.loads(out)
            if [line for line in more if "note:" not in line and REASONS[kind] not in line and self.stable]:
                yield "standard error differs"
            return
        if status == 1:
            return  # a diagnostic of several lines
        if len(more) != 1 and 2 not in lost:
            yield f"{len(more)} lines on standard error where one was expected"
        elif more and "error:" not in more[0]:
            yield "no error is told of"
        elif more and not any(words.lower() in more[0].lower() for words in (REASONS[kind], *NO_MEMORY)):
            yield f"the line does not say '{REASONS[kind]}'"
        elif more and kind not in MEMORY and not self.names_file(more[0]):
            yield "the line names no file"

    def names_file(self, line):
        names = list(self.scene.outputs) + [word for word in self.scene.command if "." in word]
        names += ["standard output", "<stdin>", "the linker", "libcnnrt.a", "images.idx", "labels.idx", "block.cnn"]
        return any(name in line for name in names)

    def judge(self, what, kind, status):
        out, err = printed("out"), printed("err")
        lost = () if kind != "write" else (1, 2) if "after" in what else (counts()[1],)
        wanted = [self.scene.status]
        if what.split()[1] not in INVISIBLE:
            wanted += [5 if kind in MEMORY else 4, *self.scene.usual]
        faults = []
        if status is None:
            faults.append(f"it still runs after {PATIENCE} s")
        elif status not in wanted:
            faults.append(f"exit {status} where one of {sorted(set(wanted))} was expected")
        faults += self.spoilt_files(kind, status)
        try:
            faults += self.spoilt_words(kind, status, out, err, lost)
        except ValueError as error:
            faults.append(f"no JSON: {error}")
        if faults:
            fail(f"{self.scene.name}, {what}", *faults, f"exit {status}", *err.splitlines()[:4])
            return
        global passed
        passed += 1


def numbers_of(kind, count, scene):
    """Which calls of `count` fail: all; of allocations the first and last ones and others drawn by chance, more of the early."""
    if (LONG and not scene.expensive) or kind != "malloc" or count <= scene.each + scene.last + scene.spread:
        return range(1, count + 1)
    draw = random.Random(scene.name)
    drawn = {scene.each + 1 + int((count - scene.each) * draw.random() ** 2) for _ in range(scene.spread)}
    return sorted({*range(1, scene.each + 1), *range(count - scene.last, count + 1), *drawn})


def play(scene, library, words):
    server = Server(scene.command, library)
    if os.path.exists("in"):
        os.unlink("in")
    if scene.stdin is not None:
        with open("in", "wb") as file:
            file.write(scene.stdin)
    judge = Judge(scene, server)

    def one(what, kind, *order):
        nonlocal server
        judge.prepare()
        status = server.run(kind, *order)
        judge.judge(what, kind, status)
        if status is None:
            server.close()
            server = judge.server = Server(scene.command, library)

    for kind in KINDS:
        if words and kind not in words and words & set(KINDS):
            continue
        numbers = numbers_of(kind, judge.counts[kind], scene)
        for number in numbers:
            one(f"{kind} {number}", kind, number)
        # What fails for good; a first allocation that fails ends most runs anyway. No child is waited for in vain for ever.
        for number in numbers[::(5 if scene.expensive else 1) * (10 if kind == "malloc" else 1)] if kind != "wait" else ():
            one(f"{kind} {number} and all after it", kind, number, 1 << 40)
        for mode, wanted in INVISIBLE.items():
            if judge.counts[kind] and kind in wanted:
                one(f"{kind} {mode}", kind, 0, 1, mode)
    server.close()


MODEL = """import "block.cnn"
model tiny {
  input(6, 6, 1)
  part(4)
  flatten
  dense(2, activation=softmax)
}
data {
  format = idx
  path = "."
  classes = ["a", "b"]
  train = ["images.idx", "labels.idx"]
  test = ["images.idx", "labels.idx"]
}
train {
  loss = cross_entropy
  epochs = 2
  batch = 8
}
"""
BLOCK = "block part(filters) { conv(filters, 3, padding=1) -> batchnorm -> relu }\n"


def npy(path, kind, shape, data):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}".encode()
    header += b" " * (117 - len(header)) + b"\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data)


def make_inputs(compiler):
    files = {"tiny.cnn": MODEL, "block.cnn": BLOCK, "wrong.cnn": MODEL.replace("dense(2", "dens(2").replace("8\n", "0\n")}
    files["least.cnn"] = "model least { input(4); dense(2) -> relu }\n"
    files["loose.cnn"] = MODEL.replace("  flatten\n", "flatten\n")
    for path, text in files.items():
        with open(path, "w") as file:
            file.write(text)
    with open("images.idx", "wb") as file:
        file.write(struct.pack(">HBB3I", 0, 8, 3, 40, 6, 6) + bytes(i * 7 % 251 for i in range(40 * 36)))
    with gzip.open("labels.idx.gz", "wb") as file:
        file.write(struct.pack(">HBBI", 0, 8, 1, 40) + bytes(i % 2 for i in range(40)))
    npy("x.npy", "<f4", (3, 6, 6, 1), struct.pack("<108f", *(i % 97 / 97 for i in range(108))))
    npy("t.npy", "<i4", (3,), struct.pack("<3i", 0, 1, 0))
    with open("image.pgm", "wb") as file:
        file.write(b"P5 6 6 255\n" + bytes(range(36)))
    subprocess.run([compiler, "fmt", "tiny.cnn"], check=True)
    for path, magic, sizes, data in (("images.gz", 3, (100, 28, 28), bytes(i % 251 for i in range(78400))),
                                     ("labels.gz", 1, (100,), bytes(i % 10 for i in range(100)))):
        with gzip.open(path, "wb") as file:
            file.write(struct.pack(f">HBB{len(sizes)}I", 0, 8, magic, *sizes) + data)
    subprocess.run([compiler, "--gradcheck", "tiny.cnn", "-o", "tiny"], check=True)
    subprocess.run(["./tiny", "init", "--output", "weights.safetensors"], check=True)


def scenes(compiler, scenario):
    weights, loose = ["--weights", "weights.safetensors"], content("loose.cnn")
    files = ("image.png", "array.npy", "target.safetensors")
    return [
        # An import that cannot be read is an error of the model.
        Scene("check", [compiler, "--check", "tiny.cnn"], each=400, spread=120, last=100, usual=(1,)),
        Scene("check as JSON", [compiler, "--check", "--format=json", "tiny.cnn"], spread=50, last=80, usual=(1,)),
        Scene("errors as JSON", [compiler, "--check", "--format=json", "wrong.cnn"], status=1, each=200, spread=100),
        Scene("check of standard input", [compiler, "--check", "-"], stdin=MODEL.encode(), spread=20, usual=(1,)),
        Scene("object", [compiler, "--emit=obj", "least.cnn", "-o", "made.o"], ("made.o", "made.h"), spread=30, last=10),
        Scene("program", [compiler, "least.cnn", "-o", "program"], ("program",), spread=30, expensive=True),
        Scene("assembly", [compiler, "--emit=asm", "least.cnn", "-o", "made.s"], ("made.s",), spread=10, expensive=True),
        Scene("drawing", [compiler, "--emit=dot", "tiny.cnn", "-o", "made.dot"], ("made.dot",), spread=50, last=120, usual=(1,)),
        Scene("fmt", [compiler, "fmt", "made.cnn"], ("made.cnn",), each=300, old=loose),
        Scene("fmt --check", [compiler, "fmt", "--check", "tiny.cnn"], each=300),
        Scene("fmt of standard input", [compiler, "fmt", "-"], stdin=loose, each=300),
        Scene("explain", [compiler, "explain", "E0100"], each=300),
        Scene("help", [compiler, "--help"], each=300),
        Scene("train", ["./tiny", "train", "--threads", "3", "--log", "log.jsonl", "--save", "saved.safetensors"],
              ("log.jsonl", "saved.safetensors"), each=500),
        Scene("eval", ["./tiny", "eval", "--json", "--threads", "2"] + weights, each=500),
        Scene("predict", ["./tiny", "predict", "--threads", "2"] + weights + ["image.pgm"], each=500),
        Scene("predict as JSON", ["./tiny", "predict", "--json"] + weights + ["image.pgm"], each=500),
        Scene("run", ["./tiny", "run", "--threads", "2"] + weights + ["--input", "x.npy", "--output", "y.npy"], ("y.npy",),
              each=500),
        Scene("gradients",
              ["./tiny", "gradients"] + weights + ["--input", "x.npy", "--target", "t.npy", "--output", "g.safetensors"],
              ("g.safetensors",), each=500),
        Scene("init", ["./tiny", "init", "--output", "i.safetensors"], ("i.safetensors",), each=500),
        Scene("gradcheck", ["./tiny", "gradcheck", "--samples", "1"], each=500),
        Scene("summary", ["./tiny", "summary", "--json"], each=500),
        Scene("bench", ["./tiny", "bench", "--seconds", "0.001", "--json", "--threads", "2"], each=500),
        Scene("files of every kind", [scenario, "images.gz", "labels.gz"], files, each=500),
    ]


def main():
    compiler, library, scenario = sys.argv[1], os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
    words = set(sys.argv[4:])
    make_inputs(compiler)
    for scene in scenes(compiler, scenario):
        named = [word for word in words if word not in KINDS]
        if named and not any(word in scene.name for word in named):
            continue
        begin, before = time.monotonic(), passed + failed
        play(scene, library, words)
        print(f"{scene.name}: {passed + failed - before} runs, {time.monotonic() - begin:.1f} s", file=sys.stderr)
    print(f"processes: {passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
