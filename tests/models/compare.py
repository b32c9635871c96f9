#!/usr/bin/env python3
"""Compares what a compiled model computes with the committed references. Needs numpy, never PyTorch.

compare.py golden FILE.npy EXPECTED.npy
compare.py shapes CASE-INDEX SUMMARY.json
compare.py prepare MODEL FOLDER         writes probe.npy, targets.npy, train.npy, labels.npy and initial.safetensors
compare.py output MODEL OUTPUT.npy
compare.py gradients MODEL G.safetensors
compare.py steps MODEL STEP W.safetensors
compare.py rate MODEL                   prints the learning rate"""
import json
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import references  # noqa: E402

SHAPES = {"keras_sequential": (28, 28, 1), "keras_functional": (28, 28, 1), "lenet5": (28, 28, 1),
          "cifar10_tutorial": (32, 32, 3), "resnet20": (32, 32, 3)}  # fmt: skip
PROBE, TRAINING = 4, 160
HALF_ULP = 2.0**-24


class Reference:
    def __init__(self, model):
        data = np.load(os.path.join(HERE, "reference", model + ".npz"))
        self.rows = dict(zip(str(data["names"]).split("\n"), data["rows"]))
        self.logits, self.loss = data["logits"], float(data["loss"])
        self.drifts = dict(zip(self.rows, data["drifts"]))
        self.stream, self.rate = int(data["stream"]), float(data["rate"])

    def parameters(self):
        return [key.removeprefix("step1/") for key in self.rows if key.startswith("step1/")]


def golden(path, expected_path):
    ours, expected = np.load(path), np.load(expected_path)
    if ours.shape != expected.shape or ours.dtype != np.float32:
        return f"{ours.dtype}{ours.shape} where float32{expected.shape} was expected"
    if np.all(expected == np.round(expected)):
        wrong = ours.view(np.uint32) != expected.view(np.uint32)
        wrong &= (ours != 0) | (expected != 0)  # -0 is 0
    else:
        wrong = np.abs(ours - expected) > 1e-6
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        return f"{int(wrong.sum())} values differ; at {where} {ours[where]} where {expected[where]} was expected"


def shapes(index, summary_path):
    case = json.load(open(os.path.join(HERE, "golden", "shapes.json")))[int(index)]
    summary = json.load(open(summary_path))
    for what, ours, expected in (
        ("outputs", [layer["output"] for layer in summary["layers"]], case["outputs"]),
        ("parameters", [layer["parameters"] for layer in summary["layers"]], case["parameters"]),
        ("total", summary["parameters"], case["total"]),
        ("bytes", summary["bytes"], 4 * case["total"]),
        ("output", summary["output"], case["outputs"][-1]),
    ):
        if ours != expected:
            return f"{case['name']}: {what} {ours} where {expected} was expected"


def parameter_shapes(model):
    """Names and shapes as `init` writes them, so that they are the program's own."""
    return {name: value.shape for name, value in references.read_safetensors(model).items()}


def prepare(model, folder):
    reference = Reference(model)
    shape = SHAPES[model]
    shapes = parameter_shapes(os.path.join(folder, "init.safetensors"))
    missing = set(reference.parameters()) ^ set(shapes)
    if missing:
        return f"tensors on one side only: {sorted(missing)}"
    x, y = references.samples(f"{model} {reference.stream}", PROBE, shape)
    np.save(os.path.join(folder, "probe.npy"), x)
    np.save(os.path.join(folder, "targets.npy"), y)
    x, y = references.samples(model, TRAINING, shape)
    np.save(os.path.join(folder, "train.npy"), x)
    np.save(os.path.join(folder, "labels.npy"), y)
    weights = {name: references.initial(name, size) for name, size in shapes.items()}
    references.write_safetensors(os.path.join(folder, "initial.safetensors"), weights)


def softmax(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def output(model, path):
    reference, ours = Reference(model), np.load(path).astype(np.float64)
    expected = reference.logits
    if abs(ours.sum() - len(ours)) < 1e-4 and (ours >= 0).all():
        expected = softmax(expected)
    error = np.abs(ours - expected).max() / max(1, np.abs(expected).max())
    if not error <= 5e-6:
        return f"the output is off by {error:.1e}"


def gradients(model, path):
    reference, ours = Reference(model), references.read_safetensors(path)
    wanted = {key.removeprefix("gradient/"): row for key, row in reference.rows.items() if key.startswith("gradient/")}
    extra = set(wanted) ^ (set(ours) - {"loss"})
    if extra:
        return f"tensors on one side only: {sorted(extra)}"
    loss = float(ours["loss"].ravel()[0])
    if not abs(loss - reference.loss) <= 2e-6 * max(1, reference.loss):
        return f"loss {loss} where {reference.loss} was expected"
    # float32 PyTorch itself is up to 1e-6 from the reference, after batch normalisation 4e-6.
    bound = 2e-5 if model == "resnet20" else 5e-6
    errors = {name: references.relative_error(name, ours[name], row) for name, row in wanted.items()}
    return over(errors, {name: bound for name in errors})


def over(errors, bounds):
    bad = [name for name in errors if not errors[name] <= bounds[name]]
    if bad:
        worst = max(bad, key=lambda name: errors[name] / bounds[name])
        return f"{len(bad)} of {len(errors)} tensors are off; {worst} by {errors[worst]:.1e}, {bounds[worst]:.1e} allowed"


def steps(model, step, path):
    reference, ours, step = Reference(model), references.read_safetensors(path), int(step)
    smooth = model == "lenet5"
    # A kink that falls the other way moves a few gradients at once; a smooth model has none.
    # What it moves first, and how far, depends on the order of summation.
    worst = max(value for key, value in reference.drifts.items() if key.startswith(f"step{step}/"))
    least = 5e-6 if smooth else max(5e-3, 4 * worst)
    errors, bounds = {}, {}
    for name in reference.parameters():
        start = references.initial(name, ours[name].shape)
        row = reference.rows[f"step{step}/{name}"]
        bound = max(least, 6 * reference.drifts[f"step{step}/{name}"])
        errors[name] = references.relative_error(name, ours[name].astype(np.float64) - start, row)
        bounds[name] = bound + 2 * np.sqrt(step) * HALF_ULP * np.linalg.norm(ours[name]) / max(row[0], 1e-30)
    return over(errors, bounds)


def rate(model):
    print(Reference(model).rate)


problem = globals()[sys.argv[1]](*sys.argv[2:])
if problem:
    sys.exit(problem)
