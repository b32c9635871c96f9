"""Random models through the compiler and its programs: check.py CNNC PAGE FIRST COUNT [KEEP_DIR]; PAGE is what
tests/reference_page prints. A line `GROUP seed text` on standard output for every failure, a line `group NAME checks
failures` for every group, and a last line of what was done; every seed is judged for itself."""
import collections
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np

import broken
import generate
import layers
import reference
import table
import updates

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models"))
from references import read_safetensors, write_safetensors  # noqa: E402

VARIANTS = [["-O0"], ["--strict"], ["--no-fuse"], ["--kernel=*=reference"], ["--cpu=haswell"], ["--cpu=baseline"],
            ["--kernel=*=winograd2"], ["--kernel=*=winograd4"], ["--kernel=*=winograd6"],
            ["--kernel=*=sparse"], ["--kernel=*=direct"]]
if "CNNC_TEST_COMPILER" in os.environ:  # it compiles for a processor of its own
    VARIANTS = [options for options in VARIANTS if not options[0].startswith("--cpu")]
WILD, TOLERANCE, GRADIENT_TOLERANCE = 1e3, 2e-5, 2e-4
EXACT_LIMIT = 2 ** 18  # of a sum, so that its parts stay below 2^24 in any order
BROKEN = 3  # a seed
COVERAGE = 4000  # models that are only written, to see what the generator makes
counts, failures = collections.Counter(), collections.Counter()


class Wild(Exception):
    pass


def call(*command):
    # A busy machine may leave a program waiting for minutes.
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=600)
    return done.returncode, done.stdout, done.stderr


def distance(a, b):
    """The largest difference as a share of the largest value; infinite where shapes differ or values are not finite."""
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return math.inf
    return float(np.abs(a - b).max(initial=0) / max(np.abs(b).max(initial=0), 1e-3))


class Judge:
    def __init__(self, cnnc, seed, keep):
        self.cnnc, self.seed, self.keep = cnnc, seed, keep
        self.exact = seed % 5 == 0  # by direct kernels alone: others round
        self.always = ["--strict"] if self.exact else []
        self.model = generate.Model(seed, self.exact)
        self.random = np.random.default_rng(seed)
        self.bad = False

    def hold(self, group, true, text):
        counts[group] += 1
        if not true:
            failures[group] += 1
            self.bad = True
            print(f"{group} {self.seed} {' '.join(str(text).split())[:300]}", flush=True)
        return true

    def compiles(self, name, *options):
        status, _, error = call(self.cnnc, "m.cnn", "-o", name, *self.always, *options)
        return self.hold("compiles", status == 0, f"{options} exit {status}: {error}")

    def shapes(self):
        status, out, error = call(self.cnnc, "--check", "--format=json", "m.cnn")
        if not self.hold("shapes", status == 0, f"--check exit {status}: {error}"):
            return False
        self.rows = json.loads(out)["layers"]
        mine = [(n.kind, n.shape) for n in self.model.nodes]
        theirs = [(r["kind"], r["output"]) for r in self.rows]
        wrong = next(((i, m, t) for i, (m, t) in enumerate(zip(mine, theirs)) if m != t), None)
        return self.hold("shapes", wrong is None and len(mine) == len(theirs), f"wanted, found: {wrong}")

    def weights(self):
        status, _, error = call("./default", "init", "--output", "W.safetensors")
        if not self.hold("runs", status == 0, error):
            return False
        self.tensors, r = read_safetensors("W.safetensors"), self.random
        self.initial()
        for name, value in self.tensors.items():
            if self.exact:
                self.tensors[name] = r.integers(-2, 3, value.shape).astype("f")
            elif name.endswith("running_var"):
                self.tensors[name] = r.uniform(0.5, 2, value.shape).astype("f")
            else:
                self.tensors[name] = (value + 0.1 * r.standard_normal(value.shape)).astype("f")
        write_safetensors("W.safetensors", self.tensors)
        return True

    def initial(self):
        """Fixed weights are those of the file, and constants what they say."""
        for node, row in zip(self.model.nodes, self.rows):
            for key, tensor in (("init", "weight"), ("bias_init", "bias"), ("fixed", "weight")):
                if key not in node.arguments: continue
                found, wanted = self.tensors[f"{row['name']}.{tensor}"], node.arguments[key]
                if key == "fixed":
                    good = found.shape == wanted.shape and (found == wanted).all()
                elif wanted[0] == "uniform":
                    good = (np.abs(found) <= wanted[1]).all() and (found.size < 20 or np.ptp(found) > wanted[1] / 2)
                elif wanted[0] == "normal":
                    good = found.size < 20 or 0.4 < found.std() / wanted[1] < 1.8
                else:
                    good = (found == {"zeros": 0, "ones": 1}.get(wanted[0], wanted[1])).all()
                self.hold("initial", good, f"{row['name']}: {key} is {found.ravel()[:5]}, not {wanted}")

    def frozen(self):
        """Names of what is not trained."""
        return {name for node, row in zip(self.model.nodes, self.rows) if node.arguments.get("frozen")
                for name in (row["name"] + ".weight", row["name"] + ".bias") if name in self.tensors}

    def data(self, samples):
        shape, r = (samples, *self.model.input), self.random
        x = (r.integers(-4, 5, shape) if self.exact else r.standard_normal(shape)).astype("f")
        if self.model.vocabulary: x = r.integers(0, self.model.vocabulary, shape).astype("f")
        places = (samples, *self.model.nodes[-1].shape)
        if self.model.loss.startswith("cross"):
            t = r.integers(0, self.model.classes, places[:-1])
        elif self.model.loss.startswith("binary"):
            t = r.integers(0, 2, places).astype("f")
        else:
            t = r.standard_normal(places).astype("f")
        np.save("X.npy", x)
        np.save("T.npy", t)
        return x

    def expected(self, x):
        values = {-1: x.astype(float)}
        for i, (node, row) in enumerate(zip(self.model.nodes, self.rows)):
            own = {k[len(row["name"]) + 1:]: v.astype(float) for k, v in self.tensors.items()
                   if k.rpartition(".")[0] == row["name"]}
            values[i] = reference.forward(node.kind, node.arguments, [values[j] for j in node.inputs], own)
            if np.abs(values[i]).max(initial=0) > (EXACT_LIMIT if self.exact else WILD):
                raise Wild
        return values

    def run(self, program, output, *options):
        status, _, error = call("./" + program, "run", "--weights", "W.safetensors", "--input", "X.npy", "--output",
                                output, *options)
        return np.load(output) if self.hold("runs", status == 0, f"{program} exit {status}: {error}") else None

    def gradients(self, program):
        status, _, error = call("./" + program, "gradients", "--weights", "W.safetensors", "--input", "X.npy",
                                "--target", "T.npy", "--output", "G.safetensors")
        ok = self.hold("runs", status == 0, f"{program} gradients exit {status}: {error}")
        return read_safetensors("G.safetensors") if ok else None

    def forward(self):
        x = self.data(self.model.batch)
        values = self.expected(x)
        last = len(self.rows) - 1
        for at in {last, int(self.random.integers(0, last + 1)), *self.model.idles}:
            y = self.run("default", "Y.npy", *([] if at == last else ["--layer", self.rows[at]["name"]]))
            if y is None: return
            self.hold("shapes", list(y.shape[1:]) == self.model.nodes[at].shape, f"run gives {y.shape}")
            d = distance(y, values[at])
            self.hold("exact" if self.exact else "reference", d <= (0 if self.exact else TOLERANCE),
                      f"{self.rows[at]['name']} {self.model.nodes[at].kind} is off by {d:.2e}")

    def variant(self, options):
        """Two sets of data: a float that lands on the other side of a kink is no fault, twice is."""
        if not self.compiles("variant", *options): return
        worst, name = math.inf, ""
        for _ in range(2):
            self.data(self.model.batch)
            a, b = self.run("default", "Y.npy"), self.run("variant", "V.npy")
            g, h = self.gradients("default"), self.gradients("variant")
            if any(v is None for v in (a, b, g, h)): return
            if not self.hold("variants", distance(b, a) <= (0 if self.exact else TOLERANCE),
                             f"{options}: output off by {distance(b, a):.2e}"): return
            if g.keys() != h.keys(): break
            largest = max(np.abs(v).max(initial=0) for v in g.values())
            errors = {k: float(np.abs(h[k] - g[k]).max(initial=0) / max(np.abs(g[k]).max(initial=0), 1e-2 * largest, 1e-6))
                      if np.isfinite(h[k]).all() else math.inf for k in g}
            name = max(errors, key=errors.get)
            worst = min(worst, errors[name])
            if worst <= GRADIENT_TOLERANCE: break
        self.hold("gradients", worst <= GRADIENT_TOLERANCE, f"{options}: {name} off by {worst:.2e}")

    def threads(self):
        self.data(2 * self.model.batch + 1)
        files = []
        for n in (1, 2, 3):
            status, _, error = call("./default", "train", "--data", ".", "--epochs", "1", "--threads", str(n), "--quiet",
                                    "--init", "W.safetensors", "--save", "S.safetensors")
            if status == 6: return
            if not self.hold("runs", status == 0, f"train exit {status}: {error}"): return
            with open("S.safetensors", "rb") as file: files.append(file.read())
        self.hold("threads", len(set(files)) == 1, "weights differ with the number of threads")
        after = read_safetensors("S.safetensors")
        for name in self.frozen():
            self.hold("frozen", (after[name] == self.tensors[name]).all(), f"{name} was trained")

    def update(self):
        """One step of training is what the optimizer's formula makes of the gradients."""
        if any(node.kind in ("dropout", "drop_path") for node in self.model.nodes): return
        self.data(self.model.batch)
        gradients = self.gradients("default")
        status, _, error = call("./default", "train", "--data", ".", "--epochs", "1", "--shuffle", "off", "--quiet",
                                "--threads", "1", "--init", "W.safetensors", "--save", "S.safetensors")
        if gradients is None or status == 6: return
        if not self.hold("runs", status == 0, f"train exit {status}: {error}"): return
        after, frozen = read_safetensors("S.safetensors"), self.frozen()
        kinds = {row["name"]: node.kind for node, row in zip(self.model.nodes, self.rows)}
        for name, before in self.tensors.items():
            if name.partition(".")[2].startswith("running_") or "running_" in name: continue
            if not self.hold("frozen", (name in gradients) != (name in frozen), f"{name}: gradient or not"): continue
            if name in frozen: continue
            decays = kinds[name.rpartition(".")[0]] in updates.DECAYS and name.endswith("weight")
            change, spread = updates.first_step(self.model.optimizer, before.astype(float),
                                                gradients[name].astype(float), decays)
            error = np.linalg.norm(after[name].astype(float) - before - change)
            half_ulps = updates.roundings(self.model.optimizer, decays) * 2.0 ** -24
            limit = 5e-6 * np.linalg.norm(change) + half_ulps * np.linalg.norm(before + change) + np.linalg.norm(spread)
            self.hold("updates", error <= limit, f"{name} after a step of {self.model.optimizer}: off by {error:.2e}, "
                      f"not {limit:.2e}")

    def gradcheck(self):
        status, out, error = call("./default", "gradcheck", "--samples", "3")
        wrong = [line for line in out.splitlines() if "WRONG" in line]
        self.hold("gradcheck", status == 0, f"exit {status}: {error} {wrong}")

    def broken(self, place, constraint, lines):
        """The model with these lines in: exactly one error, on the last of them."""
        with open("broken.cnn", "w") as file: file.write(self.model.text(place, lines))
        status, _, error = call(self.cnnc, "--check", "--format=json", "broken.cnn")
        try:
            found = [m for m in map(json.loads, error.splitlines()) if m["severity"] == "error"]
        except ValueError:
            found = []
        line = self.model.extra_line
        return self.hold("broken", status == 1 and [m["line"] for m in found] == [line],
                         f"{constraint}: {lines} on line {line}: exit {status}, errors "
                         f"{[(m['line'], m['message']) for m in found]}")

    def some_broken(self, ranges):
        r = self.model.random
        for _ in range(BROKEN):
            place = r.choice(self.model.places)
            rules = broken.constraints(place[2]) | ranges
            constraint = r.choice(sorted(rules))
            if not self.broken(place, constraint, rules[constraint]): break

    def judge(self, thorough):
        with open("m.cnn", "w") as file: file.write(self.model.text())
        if self.shapes() and self.compiles("default", "--gradcheck") and self.weights():
            self.forward()
            variants = VARIANTS if thorough else [VARIANTS[self.seed % len(VARIANTS)]]
            for options in variants: self.variant(options)
            self.threads()
            self.update()
            self.gradcheck()

    def keep_failed(self):
        if self.bad and self.keep:
            shutil.copytree(".", os.path.join(self.keep, str(self.seed)), dirs_exist_ok=True)


def hold(group, true, text):
    counts[group] += 1
    if not true:
        failures[group] += 1
        print(group, "-", text, flush=True)


def covers(rows):
    """The generator knows every layer that the compiler has, and gives every argument of every one."""
    known = set(layers.LAYERS) | set(layers.MERGES) | {"embedding"}
    for kind in sorted(set(rows) | known):
        hold("known", kind in known, f"the generator does not make the layer {kind}: layers.py")
        hold("known", kind in rows, f"the compiler has no layer {kind}")
    drawn = set()
    for seed in range(COVERAGE):
        drawn |= table.arguments_of(generate.Model(seed).text(), rows)
    for kind in sorted(known & set(rows)):
        for argument, _, _ in rows[kind]:
            hold("known", (kind, argument) in drawn, f"the generator never gives {kind} its {argument}")


def every_constraint(cnnc, ranges, keep):
    """Each broken once, in the first model where it can be."""
    done = set()
    for seed in range(COVERAGE):
        judge = Judge(cnnc, seed, keep)
        for place in judge.model.random.sample(judge.model.places, min(2, len(judge.model.places))):
            rules = broken.constraints(place[2]) | (ranges if seed < len(ranges) else {})
            new = sorted(set(rules) - done)[:8]
            done.update(new)
            for constraint in new: judge.broken(place, constraint, rules[constraint])


def main():
    cnnc, first, count = os.path.abspath(sys.argv[1]), int(sys.argv[3]), int(sys.argv[4])
    keep = os.path.abspath(sys.argv[5]) if len(sys.argv) > 5 else None
    thorough = bool(os.environ.get("CNNC_RANDOM_THOROUGH"))
    with open(sys.argv[2]) as file: rows = table.layers(file.read())
    ranges = broken.ranges(rows)
    wild = 0
    with tempfile.TemporaryDirectory() as folder, np.errstate(over="ignore"):
        os.chdir(folder)
        covers(rows)
        every_constraint(cnnc, ranges, keep)
        for seed in range(first, first + count):
            judge = Judge(cnnc, seed, keep)
            try:
                judge.judge(thorough)
            except Wild:
                wild += 1
            except (subprocess.TimeoutExpired, ValueError, OSError) as error:
                failures["harness"] += 1
                judge.bad = True
                print("harness", seed, repr(error)[:300], flush=True)
            judge.keep_failed()
            judge.some_broken(ranges)
        os.chdir("/")
    for group in sorted(counts | failures):
        print("group", group, counts[group], failures[group])
    print(f"{count} models, {wild} too wild")


main()
