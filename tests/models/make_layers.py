#!/usr/bin/env python3
"""Makes reference/layers.npz with PyTorch (2.13, CPU, float64): of each case of layer_cases.py the output in inference, and
in training mode the loss, every gradient and the statistics that are kept, as projections (references.py), with their
shapes. Run by hand; the tests read what it wrote."""
import os
import sys

import numpy as np
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import layer_cases as cases  # noqa: E402
import layers_in_torch as mine  # noqa: E402
import references as numbers  # noqa: E402


def tensors(layer, name):
    """The layer's parameters and statistics by the compiler's names."""
    kind = cases.CASES[name][1].split("(")[0]
    found = dict(layer.named_parameters()) | {key: b for key, b in layer.named_buffers() if "running" in key}
    if isinstance(layer, mine.Pooled): return {f"{key.partition('.')[0]}.{key.rpartition('.')[2]}": p for key, p in found.items()}
    return {f"{kind}_1.{'prelu.' * key.startswith('after.')}{key.rpartition('.')[2]}": p for key, p in found.items()}


def trained(name, channels, named, bias=True):
    """A scale before the layer, channels first."""
    for part in ("weight", "bias")[: 1 + bias]:
        named[f"{name}.{part}"] = torch.tensor(cases.start(f"{name}.{part}", (channels,)), dtype=torch.float64, requires_grad=True)
    return lambda x: mine.spread(named[f"{name}.weight"][None], x) * x + \
        (mine.spread(named[f"{name}.bias"][None], x) if bias else 0)


def merge(name, channels, named):
    """The function of the input that a case of several values is."""
    values, made = mine.values_of(name), {}
    for value, scale in (("a", "first"), ("b", "b"), ("v", "v"), ("w", "w")):
        if value in values: made[value] = trained(scale, channels, named, bias=value != "w")

    def forward(x):
        places = tuple(range(2, x.dim()))
        found = {"raw": x, "few": x[:, 1:3], "a": x, "b": x, "v": x.mean(places) if places else x, "w": x.amax(places)
                 if places else x}
        return mine.MERGES[name](*[made[v](found[v]) if v in made else found[v] for v in values])

    return forward


def function_of(name, x, layer, named):
    """The case as a function of nothing, channels last."""
    if name in mine.MERGES:
        inner = merge(name, x.shape[-1], named)
    elif name in cases.EMBEDDINGS:
        return lambda: layer(x)
    else:
        before = trained("first", x.shape[-1], named)
        inner = lambda x: layer(before(x))  # noqa: E731
    return lambda: inner(x.movedim(-1, 1)).movedim(1, -1)


def run(name):
    x = torch.tensor(cases.samples(name))
    x = x.long() if name in cases.EMBEDDINGS else x.requires_grad_()
    layer = (mine.LAYERS[name]() if name in mine.LAYERS else nn.Identity()).double()
    named = tensors(layer, name)
    for key, p in named.items():
        if name not in cases.KEEPS: p.data.copy_(torch.tensor(cases.start(key, tuple(p.shape))))
    forward = function_of(name, x, layer, named)
    layer.eval()
    rows = {"output": mine.BEHIND.get(name, nn.Identity())(forward()).detach().numpy()}
    layer.train()
    y = forward()
    targets = torch.tensor(cases.targets(name, tuple(y.shape)))
    loss = mine.LOSSES.get(name, nn.MSELoss())
    loss = loss(y.movedim(-1, 1) if isinstance(loss, nn.CrossEntropyLoss) else y, targets)
    loss.backward()
    rows["loss"] = np.array(loss.item())
    rows |= {key: p.grad.numpy() for key, p in named.items() if p.grad is not None}
    rows |= {key: p.numpy() for key, p in named.items() if "running" in key}
    if x.grad is not None: rows["input"] = x.grad.numpy()
    return {f"{name}/{key} {'x'.join(map(str, value.shape))}": numbers.project(key, value) for key, value in rows.items()}


if __name__ == "__main__":
    both = list(mine.LAYERS) + list(mine.MERGES)
    assert set(both) == set(cases.CASES) and len(both) == len(cases.CASES), set(both) ^ set(cases.CASES)
    rows = {}
    for name in cases.CASES: rows |= run(name)
    np.savez_compressed(os.path.join(HERE, "reference", "layers.npz"), names=np.array("\n".join(rows)),
                        rows=np.array(list(rows.values()), np.float32))
