#!/usr/bin/env python3
"""Nothing of the compiler's table goes without a reference made by PyTorch: coverage.py PAGE, which is what
tests/reference_page prints, a line for every layer, activation, loss, optimizer and schedule that no case has, or no case
in one, two or three spatial axes, and for every argument that no case gives a value of its own."""
import os
import re
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "random")]
import drop_cases  # noqa: E402
import layer_cases  # noqa: E402
import table  # noqa: E402
import training_cases  # noqa: E402

VECTORS = {"dense", "embedding"}  # these take no other shape


def referenced(name):
    """The cases that a file of references has."""
    with np.load(os.path.join(HERE, "reference", name)) as file:
        return {key.partition("/")[0] for key in str(file["names"]).split("\n")}


def missing_arguments(rows, texts):
    found = {(kind, argument, value) for text in texts for kind, argument, value in table.given(text, rows)}
    for kind in rows:
        for argument, _, default in rows[kind]:
            if not any(k == kind and a == argument and value != default for k, a, value in found):
                yield f"no case gives {argument} of {kind} a value of its own"


def missing_layers(page):
    rows, known = table.layers(page), referenced("layers.npz")
    texts = {name: row[1] for name, row in layer_cases.CASES.items()}
    for name in texts:
        if name not in known: yield f"the case {name} has no reference: make_layers.py"
    for kind in rows:
        shapes = [layer_cases.CASES[name][0] for name, text in texts.items() if re.search(rf"(^|-> ){kind}\b", text)]
        if not shapes: yield f"no case has the layer {kind}"
        for axes in (1, 2, 3):
            if kind not in VECTORS and axes + 1 not in map(len, shapes): yield f"no case has {kind} in {axes} spatial axes"
    for word in table.layers(page, ("Activations",)):
        for use in (f"activation({word})", f"activation={word})"):
            if not any(use in text for text in texts.values()): yield f"no case has {use}"
    yield from missing_arguments(rows, texts.values())
    with np.load(os.path.join(HERE, "reference", "drops.npz")) as file: known = {key.partition("/")[0] for key in file}
    for name in set(drop_cases.CASES) - known: yield f"the case {name} of what is dropped has no reference: make_drops.py"
    for kind in set(rows) & {"dropout", "drop_path"}:
        if not any(row[2].startswith(kind) for row in drop_cases.CASES.values()): yield f"no case of {kind} drops"


def missing_settings(page):
    losses = [row[2] for row in layer_cases.CASES.values()]
    lines = [line.partition(" = ")[2] for case in training_cases.CASES.values() for line in case]
    known = referenced("training.npz")
    with np.load(os.path.join(HERE, "reference", "training.npz")) as file:
        if len(file["rates"]) != len(training_cases.CASES): yield "cases without learning rates: make_training.py"
    for case in training_cases.CASES:
        if training_cases.steps(case) and case not in known: yield f"the case {case} has no reference: make_training.py"
    for section, texts in (("Losses", losses), ("Optimizers", lines), ("Schedules", lines)):
        rows = table.layers(page, (section,))
        for kind in rows:
            if not any(re.match(rf"{kind}\b", text) for text in texts): yield f"no case has {kind}"
        yield from missing_arguments(rows, texts)


if __name__ == "__main__":
    with open(sys.argv[1]) as file: page = file.read()
    for line in (*missing_layers(page), *missing_settings(page)): print(line)
