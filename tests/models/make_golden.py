#!/usr/bin/env python3
"""Turns worked examples (JSON: model, input, outputs by layer; shapes and parameter counts by layer) into golden/: for each
example NAME.cnn, NAME.input.npy and NAME.LAYER.npy, and shapes.json as it is. Run by hand when an example is added.
Usage: make_golden.py WORKED_EXAMPLES.json SHAPES.json"""
import json
import os
import sys

import numpy as np

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")


def main(examples, shapes):
    os.makedirs(FOLDER, exist_ok=True)
    for example in json.load(open(examples)):
        stem = os.path.join(FOLDER, example["name"])
        with open(stem + ".cnn", "w") as file:
            file.write(f"# {example['about']}\n{example['model']}\n")
        np.save(stem + ".input.npy", np.array([example["input"]], np.float32))
        for layer, value in example["outputs"].items():
            np.save(f"{stem}.{layer}.npy", np.array([value], np.float32))
    with open(os.path.join(FOLDER, "shapes.json"), "w") as file:
        cases = ",\n".join(" " + json.dumps(case) for case in json.load(open(shapes)))
        file.write(f"[\n{cases}\n]\n")


main(*sys.argv[1:])
