#!/usr/bin/env python3
"""Makes reference/starts.npz with PyTorch (2.13, CPU): quantiles of what torch.nn.init draws for the layers and initialisers
of compare_starts.py. Run by hand; the tests read what it wrote."""
import os
import sys

import numpy as np
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from compare_starts import INITS, LAYERS  # noqa: E402

MODULES = {"conv": nn.Conv2d(64, 48, (3, 5), groups=2), "depthwise": nn.Conv2d(64, 768, 3, groups=64),
           "conv_transpose": nn.ConvTranspose2d(64, 32, (2, 3), groups=4), "dense": nn.Linear(1280, 20)}
DRAWS = {"he_normal": lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"), "glorot_normal": nn.init.xavier_normal_,
         "he_uniform": lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu"), "glorot_uniform": nn.init.xavier_uniform_,
         "normal(0.3)": lambda w: nn.init.normal_(w, std=0.3), "uniform(0.7)": lambda w: nn.init.uniform_(w, -0.7, 0.7)}
PARTS, ENOUGH = 64, 2_000_000

if __name__ == "__main__":
    torch.manual_seed(1)
    rows = {}
    for kind in LAYERS:
        for init in INITS:
            weight = MODULES[kind].weight.data
            drawn = [DRAWS[init](weight).flatten().clone().numpy() for _ in range(ENOUGH // weight.numel())]
            rows[f"{kind}/{init}"] = np.quantile(np.concatenate(drawn), np.linspace(0, 1, PARTS + 1)).astype("f")
    np.savez_compressed(os.path.join(HERE, "reference", "starts.npz"), **rows)
