#!/usr/bin/env python3
"""Compares trainings with reference/training.npz (make_training.py). Needs numpy, never PyTorch.

compare_training.py cases                     prints the cases, a line each: the name and the steps that are compared
compare_training.py source CASE               prints its .cnn file
compare_training.py prepare INIT.safetensors  writes train.npy, labels.npy and initial.safetensors
compare_training.py steps CASE STEP W.safetensors
compare_training.py rates CASE LOG.jsonl"""
import json
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import references  # noqa: E402
import training_cases  # noqa: E402

data = np.load(os.path.join(HERE, "reference", "training.npz"))
rows = dict(zip(str(data["names"]).split("\n"), zip(data["rows"], data["drifts"])))


def cases():
    for case in training_cases.CASES:
        print(case, *training_cases.steps(case))


def source(case):
    print(training_cases.source(case), end="")


def prepare(path):
    x, y = references.samples("training", training_cases.SAMPLES, training_cases.SHAPE)
    np.save("train.npy", x)
    np.save("labels.npy", y)
    shapes = {name: value.shape for name, value in references.read_safetensors(path).items()}
    weights = {name: references.initial(name, shape) for name, shape in shapes.items()}
    references.write_safetensors("initial.safetensors", weights)


def steps(case, step, path):
    """The change of each tensor, within 5e-6 or thrice what PyTorch's own float32 strays."""
    ours, problems = references.read_safetensors(path), []
    for name in [key.split("/")[2] for key in rows if key.startswith(f"{case}/{step}/")]:
        row, drift = rows[f"{case}/{step}/{name}"]
        start = references.initial(name, ours[name].shape)
        error = references.relative_error(name, ours[name].astype(np.float64) - start, row)
        bound = max(5e-6, 3 * drift)
        if not error <= bound:
            problems.append(f"{name} is off by {error:.1e}, {bound:.1e} allowed")
    return "; ".join(problems)


def rates(case, path):
    expected = data["rates"][list(training_cases.CASES).index(case)]
    ours = [json.loads(line)["lr"] for line in open(path)]
    if len(ours) != len(expected) or not np.allclose(ours, expected, rtol=1e-6, atol=0):
        return f"rates {ours} where {list(expected)} were expected"


problem = globals()[sys.argv[1]](*sys.argv[2:])
if problem:
    sys.exit(problem)
