#!/usr/bin/env python3
"""Makes reference/layers.npz with PyTorch (2.13, CPU, float64): of each case of layer_cases.py the output in inference, and
in training mode the loss and every gradient, as projections (references.py). Run by hand; the tests read what it wrote.
Layers are written here in PyTorch's own terms, apart from the .cnn text they are compared with."""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import references as numbers  # noqa: E402
from layer_cases import CASES  # noqa: E402


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.forward = function


class Flipped(nn.Conv1d):
    def forward(self, x):
        return F.conv1d(x, self.weight.flip(2), self.bias, self.stride, self.padding)


class Padded(nn.Module):
    """F.pad's order: the last axis first."""

    def __init__(self, pads, module):
        super().__init__()
        self.pads, self.inner = pads, module

    def forward(self, x):
        return self.inner(F.pad(x, self.pads))


class LastNorm(nn.LayerNorm):
    """Over the channels of every place."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def permuted(x):  # channels last (h, w, c) -> (c, h, w), whose last axis is the new channels
    return x.movedim(1, -1).permute(0, 3, 1, 2).movedim(-1, 1)


def functional(function, *arguments, **options):
    return lambda: Function(lambda x: function(x, *arguments, **options))


LAYERS = {
    "conv": lambda: Padded((1, 1, 0, 2), nn.Conv2d(6, 4, (3, 5), stride=(2, 1), dilation=(2, 1))),
    "conv_groups": lambda: nn.Conv2d(6, 9, (3, 2), groups=3, padding=1, stride=(1, 2), bias=False),
    "conv_flip": lambda: Flipped(5, 3, 4, stride=3, padding=2),
    "conv_volume": lambda: Padded((1, 0, 0, 1, 1, 1), nn.Conv3d(4, 3, (3, 2, 2), stride=(2, 1, 1))),
    "conv_same": lambda: Padded((1, 1, 1, 2), nn.Conv2d(6, 5, (4, 3), stride=(1, 2))),
    "depthwise": lambda: nn.Conv2d(6, 18, (3, 4), groups=6, stride=2, padding=2, dilation=(1, 2)),
    "conv_transpose": lambda: nn.ConvTranspose2d(6, 4, (3, 4), stride=(3, 2), padding=1, output_padding=(2, 1),
                                                 dilation=(1, 2)),
    "conv_transpose_groups": lambda: nn.ConvTranspose2d(6, 9, (3, 2), stride=(2, 3), groups=3, bias=False),
    "conv_transpose_line": lambda: nn.ConvTranspose1d(5, 7, 5, stride=3, padding=2, output_padding=1),
    "conv_transpose_volume": lambda: nn.ConvTranspose3d(4, 3, (2, 3, 2), stride=(2, 1, 3)),
    "maxpool": lambda: nn.MaxPool2d((3, 2), stride=(2, 3), padding=1, ceil_mode=True),
    "maxpool_volume": lambda: nn.MaxPool3d((2, 2, 3), stride=(1, 2, 1)),
    "avgpool": lambda: nn.AvgPool2d((3, 4), stride=2, padding=1, ceil_mode=True, count_include_pad=False),
    "avgpool_counted": lambda: nn.AvgPool2d(3, stride=(2, 1), padding=1),
    "avgpool_line": lambda: nn.AvgPool1d(4, stride=3, padding=2, ceil_mode=True),
    "adaptive_avgpool": lambda: nn.AdaptiveAvgPool2d((3, 4)),
    "adaptive_avgpool_up": lambda: nn.AdaptiveAvgPool1d(17),
    "adaptive_maxpool": lambda: nn.AdaptiveMaxPool2d((4, 5)),
    "adaptive_maxpool_volume": lambda: nn.AdaptiveMaxPool3d((2, 3, 2)),
    "global_avgpool": functional(torch.mean, dim=(2, 3, 4)),
    "global_maxpool": functional(torch.amax, dim=(2, 3)),
    "dense": lambda: nn.Linear(13, 7),
    "dense_plain": lambda: nn.Linear(13, 17, bias=False),
    "batchnorm": lambda: nn.BatchNorm2d(6, eps=0.01),
    "batchnorm_plain": lambda: nn.BatchNorm1d(13, eps=0.1, affine=False),
    "layernorm": lambda: LastNorm(6, eps=0.02),
    "layernorm_vector": lambda: nn.LayerNorm(13),
    "groupnorm": lambda: nn.GroupNorm(3, 6, eps=0.03),
    "groupnorm_volume": lambda: nn.GroupNorm(2, 4),
    "instance_norm": lambda: nn.InstanceNorm1d(5, affine=True),
    "lrn": lambda: nn.LocalResponseNorm(3, alpha=0.7, beta=0.6, k=1.5),
    "lrn_even": lambda: nn.LocalResponseNorm(4, alpha=0.9),
    "prelu": lambda: nn.PReLU(6),
    "leaky_relu": lambda: nn.LeakyReLU(0.3),
    "elu": lambda: nn.ELU(0.7),
    "softmax": lambda: nn.Softmax(1),
    "log_softmax": lambda: nn.LogSoftmax(1),
    "upsample": lambda: nn.Upsample(scale_factor=(2, 3)),
    "bilinear": lambda: nn.Upsample(scale_factor=(3, 2), mode="bilinear"),
    "bilinear_aligned": lambda: nn.Upsample(scale_factor=(2, 3), mode="bilinear", align_corners=True),
    "linear": lambda: nn.Upsample(scale_factor=3, mode="linear"),
    "trilinear": lambda: nn.Upsample(scale_factor=(2, 1, 3), mode="trilinear"),
    "pad": functional(F.pad, (0, 3, 1, 2)),
    "pad_value": functional(F.pad, (1, 1, 2, 0), value=-1.5),
    "pad_reflect": lambda: nn.ReflectionPad2d((2, 4, 3, 1)),
    "pad_replicate": lambda: nn.ReplicationPad3d((2, 1, 0, 3, 1, 2)),
    "depth_to_space": lambda: nn.PixelShuffle(2),
    "channel_shuffle": lambda: nn.ChannelShuffle(3),
    "permute": functional(permuted),
    "relu": nn.ReLU, "relu6": nn.ReLU6, "selu": nn.SELU, "gelu": nn.GELU, "silu": nn.SiLU, "hard_swish": nn.Hardswish,
    "hard_sigmoid": nn.Hardsigmoid, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softplus": nn.Softplus, "mish": nn.Mish,
    "loss_cross_entropy": lambda: nn.Linear(13, 7), "loss_places": lambda: nn.Conv2d(6, 4, 2),
    "loss_binary": lambda: nn.Conv2d(6, 3, 2), "loss_mae": lambda: nn.Conv2d(6, 3, 2),
    "loss_huber": lambda: nn.Conv2d(6, 3, 2),
    "embedding": lambda: nn.Embedding(23, 5),
}
LOSSES = {"loss_cross_entropy": nn.CrossEntropyLoss(label_smoothing=0.2), "loss_places": nn.CrossEntropyLoss(),
          "loss_binary": nn.BCEWithLogitsLoss(), "loss_mae": nn.L1Loss(), "loss_huber": nn.HuberLoss(delta=0.4)}


def tensors(layer, kind):
    """The layer's parameters by the compiler's names; `layer` may be wrapped."""
    return {f"{kind}_1.{name.rpartition('.')[2]}": p for name, p in layer.named_parameters()}


def run(name):
    shape, text, _ = CASES[name]
    x = torch.tensor(numbers.sample(name, shape))
    layer, kind = LAYERS[name]().double(), text.split("(")[0]
    named = tensors(layer, kind)
    for key, p in named.items():
        p.data = torch.tensor(numbers.initial(key, tuple(p.shape)), dtype=torch.float64)
    if name == "embedding":
        x = x.long()
        forward = lambda: layer(x)  # noqa: E731
    else:
        for key in ("first.weight", "first.bias"):
            named[key] = torch.tensor(numbers.initial(key, shape[-1:]), dtype=torch.float64, requires_grad=True)
        x.requires_grad_()
        forward = lambda: layer((x * named["first.weight"] + named["first.bias"]).movedim(-1, 1)).movedim(1, -1)  # noqa: E731
    layer.eval()
    rows = {"output": forward().detach().numpy()}
    layer.train()
    y = forward()
    targets = torch.tensor(numbers.targets(name, tuple(y.shape), name in ("loss_cross_entropy", "loss_places"),
                                           name == "loss_binary"))
    loss = LOSSES.get(name, nn.MSELoss())
    loss = loss(y.movedim(-1, 1) if "cross" in name or "places" in name else y, targets)
    loss.backward()
    rows["loss"] = np.array([loss.item()])
    rows |= {key: p.grad.numpy() for key, p in named.items()}
    if x.grad is not None: rows["input"] = x.grad.numpy()
    return {f"{name}/{key}": numbers.project(key, value) for key, value in rows.items()}


if __name__ == "__main__":
    assert set(LAYERS) == set(CASES), set(LAYERS) ^ set(CASES)
    rows = {}
    for name in CASES: rows |= run(name)
    np.savez_compressed(os.path.join(HERE, "reference", "layers.npz"), names=np.array("\n".join(rows)),
                        rows=np.array(list(rows.values())))
