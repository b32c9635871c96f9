#!/usr/bin/env python3
"""First weights against reference/starts.npz (make_starts.py), which has the quantiles of PyTorch's draws for each layer with
weights and each initialiser that draws: compare_starts.py CNNC, a line a case: `ok CASE`, or `wrong CASE: why`."""
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import references as numbers  # noqa: E402
from compare_layers import call  # noqa: E402

LAYERS = {"conv": "conv(48, 3x5, groups=2", "depthwise": "depthwise(3, multiplier=12", "conv_transpose":
          "conv_transpose(32, 2x3, groups=4", "dense": "flatten -> dense(20"}
INITS = ("he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "normal(0.3)", "uniform(0.7)")
SOURCE = "model m {{\n  input(4, 5, 64)\n  raw = it\n" + "".join(
    f'  raw -> {text}, init={{0}}, name="{kind}")\n' for kind, text in LAYERS.items()) + "}}\n"


def problem(found, quantiles):
    """Kolmogorov and Smirnov: the two distributions are nowhere further apart than chance lets one in a thousand be; and
    nothing lies outside of a range that ends."""
    count, parts = found.size, len(quantiles) - 1
    share = np.searchsorted(np.sort(found), quantiles[1:-1]) / count
    distance = np.abs(share - np.arange(1, parts) / parts).max()
    if not distance <= 1.95 / np.sqrt(count): return f"{distance:.4f} off PyTorch's distribution"
    ends = abs(quantiles[-1] / quantiles[-2]) < 1.2 and np.abs(found).max() > 1.0001 * quantiles[-1]
    return f"{np.abs(found).max()} is outside of {quantiles[-1]}" if ends else ""


if __name__ == "__main__":
    reference = np.load(os.path.join(HERE, "reference", "starts.npz"))
    for init in INITS:
        with open("start.cnn", "w") as file: file.write(SOURCE.format(init))
        try:
            call(sys.argv[1], "start.cnn")
            call("./start", "init", "--output", "w.safetensors")
            tensors = numbers.read_safetensors("w.safetensors")
        except RuntimeError as error:
            print(f"wrong {init}: {error}")
            continue
        for kind in LAYERS:
            why = problem(tensors[f"{kind}.weight"].astype(float).ravel(), reference[f"{kind}/{init}"])
            print(f"wrong {kind} {init}: {why}" if why else f"ok {kind} {init}", flush=True)
