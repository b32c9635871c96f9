#!/usr/bin/env python3
"""Makes reference/drops.npz with PyTorch (2.13, CPU, float64): for each case of drop_cases.py the gradients of every sample
where its elements are kept, taken from PyTorch's own dropout over as many draws as it takes. Run by hand; the tests read
what it wrote."""
import os
import sys

import numpy as np
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import drop_cases as cases  # noqa: E402


def dropped(name, z):
    """PyTorch's layer of that kind; it takes channels first."""
    _, shape, layer = cases.CASES[name]
    p = cases.rate(name)
    if layer.startswith("drop_path"): return nn.Dropout1d(p)(z.flatten(1)[None])[0].view_as(z)  # samples as channels
    x = z.movedim(-1, 1)
    if "spatial" in layer and len(shape) == 1: return nn.Dropout1d(p)(z[:, :, None])[:, :, 0]
    if "spatial" in layer: return {3: nn.Dropout1d, 4: nn.Dropout2d, 5: nn.Dropout3d}[x.dim()](p)(x).movedim(1, -1)
    return nn.Dropout(p)(z)


def run(name):
    samples, shape, _ = cases.CASES[name]
    before, after = (torch.tensor(w, dtype=torch.float64, requires_grad=True) for w in cases.weights(name).values())
    x, t = torch.eye(samples, dtype=torch.float64), torch.tensor(cases.targets(name))
    forward = np.full((samples, *after.shape), np.nan)
    backward = np.full((samples, before.shape[0]), np.nan)
    for seed in range(1 if cases.rate(name) in (0, 1) else 400):
        torch.manual_seed(seed)
        y = dropped(name, (x @ before.T).view(samples, *shape)).flatten(1) @ after.T
        mask = np.zeros((samples, before.shape[0]), bool)
        for s in range(samples):
            loss = nn.functional.l1_loss(y[s], t[s]) / samples
            of_after, of_before = (g.numpy() for g in torch.autograd.grad(loss, (after, before), retain_graph=True))
            kept = of_before[:, s] != 0
            mask[s] = kept
            assert not of_after[:, ~kept].any() and not np.delete(of_before, s, 1).any()
            known = kept & ~np.isnan(backward[s])
            assert np.allclose(of_before[known, s], backward[s, known], rtol=1e-12, atol=0)
            assert np.allclose(of_after[:, known], forward[s][:, known], rtol=1e-12, atol=0)
            backward[s, kept], forward[s][:, kept] = of_before[kept, s], of_after[:, kept]
        rows = cases.draws(name, mask.reshape(samples, *shape))
        assert (rows == rows[:, :1]).all()
        if not np.isnan(backward).any(): break
    assert cases.rate(name) == 1 or not np.isnan(backward).any(), name
    return {f"{name}/after": forward, f"{name}/before": backward}


if __name__ == "__main__":
    rows = {}
    for name in cases.CASES: rows |= run(name)
    np.savez_compressed(os.path.join(HERE, "reference", "drops.npz"), **{key: value.astype("f") for key, value in rows.items()})
