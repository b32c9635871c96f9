#!/usr/bin/env python3
"""Single layers, and losses, with odd options against reference/layers.npz (make_layers.py): compare_layers.py CNNC compiles
each case of layer_cases.py, runs it in the current folder and prints a line a case: `ok CASE`, or `wrong CASE: why`."""
import os
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import layer_cases as cases  # noqa: E402
import references as numbers  # noqa: E402

OUTPUT, GRADIENT = 2e-6, 5e-6  # relative L2, of single precision against double


def call(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode: raise RuntimeError(f"exit {done.returncode}: {' '.join(command)}: {done.stderr.strip()[-300:]}")


def run(cnnc, case):
    """The output in inference, the gradients and the loss in training, the statistics after a batch."""
    with open("layer.cnn", "w") as file: file.write(cases.source(case))
    call(cnnc, "--strict", "layer.cnn")  # direct sums, whose rounding is known
    call("./layer", "init", "--output", "w.safetensors")
    tensors = numbers.read_safetensors("w.safetensors")
    kept = [name for name in tensors if case in cases.KEEPS and name.partition(".")[0] not in ("first", *cases.VALUES)]
    numbers.write_safetensors("w.safetensors", {name: value if name in kept else cases.start(name, value.shape)
                                                for name, value in tensors.items()})
    np.save("x.npy", cases.samples(case).astype(np.float32))
    call("./layer", "run", "--weights", "w.safetensors", "--input", "x.npy", "--output", "y.npy")
    y = np.load("y.npy")
    targets = cases.targets(case, y.shape)
    np.save("t.npy", targets if targets.dtype == np.int64 else targets.astype(np.float32))
    call("./layer", "gradients", "--weights", "w.safetensors", "--input", "x.npy", "--target", "t.npy", "--output",
         "g.safetensors")
    found = numbers.read_safetensors("g.safetensors") | {"output": y}
    if any("running" in name for name in tensors):
        call("./layer", "train", "--init", "w.safetensors", "--shuffle", "off", "--quiet", "--save", "s.safetensors")
        found |= {name: value for name, value in numbers.read_safetensors("s.safetensors").items() if "running" in name}
    return found


def rounding(case, name, gradients):
    """What rounding may do to a sum whose terms cancel, as they do behind a normalisation: the sum of absolute terms times
    the units in the last place that so many additions lose."""
    if not name.startswith("first."): return 0
    terms = np.abs(gradients["input"].astype(np.float64))
    if name == "first.bias": terms = terms / np.abs(numbers.initial("first.weight", terms.shape[-1:]))
    else: terms = terms * cases.reach(case)  # times a sample over a weight, which is about 1
    count = terms.size // terms.shape[-1]
    return (4 * np.sqrt(count) + 4) * 2.0 ** -24 * np.linalg.norm(terms.reshape(count, -1).sum(0))


def problems(case, reference, found):
    wanted = {}
    for key, row in reference.items():
        if key.partition("/")[0] != case: continue
        name, _, shape = key.partition("/")[2].partition(" ")
        wanted[name] = shape, row
    for name, (shape, row) in wanted.items():
        if name not in found:
            yield f"there is no {name}, only {sorted(found)}"
            continue
        if "x".join(map(str, found[name].shape)) != shape: yield f"{name} has shape {found[name].shape}, not {shape}"
        distance = numbers.relative_error(name, found[name], row) * max(row[0], 1e-30)
        limit = max((OUTPUT if name in ("output", "loss") else GRADIENT) * row[0], rounding(case, name, found))
        if not distance <= limit: yield f"{name} is off by {distance:.2e}, more than {limit:.2e}"
    extra = set(found) - set(wanted) - ({"input"} if case in cases.EMBEDDINGS else set())
    if extra: yield f"nothing to compare {sorted(extra)} with"


if __name__ == "__main__":
    with np.load(os.path.join(HERE, "reference", "layers.npz")) as file:
        reference = dict(zip(str(file["names"]).split("\n"), file["rows"]))
    every = 5 if os.environ.get("CNNC_TEST_SANITIZE") else 1  # the sanitizers take several times as long
    for case in list(cases.CASES)[::every]:
        try:
            wrong = list(problems(case, reference, run(sys.argv[1], case)))
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            wrong = [str(error)]
        print(f"wrong {case}: {'; '.join(wrong)}" if wrong else f"ok {case}", flush=True)
