#!/usr/bin/env python3
"""Makes reference/*.npz with PyTorch (2.13, CPU, float64): a model's output, the gradients of the mean loss, and the
parameters after 100 steps of SGD, as projections (references.py). Run by hand; the tests read what it wrote.

Every model is written here in PyTorch's own terms, apart from the .cnn files it is compared with."""
import os
import sys
from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import references as numbers

HERE = os.path.dirname(os.path.abspath(__file__))
PROBE, BATCH, BATCHES, STEPS, MOMENTUM = 4, 16, 10, 100, 0.9
KEPT = (1, 10, 100)  # the steps after which parameters are compared


class ChannelsLastFlatten(nn.Module):
    """Flattens by rows, columns, channels, as a channels-last program does."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


class Basic(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.conv_1 = nn.Conv2d(channels, filters, 3, stride, bias=False)
        self.batchnorm_1 = nn.BatchNorm2d(filters)
        self.conv_2 = nn.Conv2d(filters, filters, 3, bias=False)
        self.batchnorm_2 = nn.BatchNorm2d(filters)
        self.relu_1, self.relu_2 = nn.ReLU(), nn.ReLU()
        self.stride = stride
        if stride != 1 or channels != filters:
            self.conv_3 = nn.Conv2d(channels, filters, 1, stride, bias=False)
            self.batchnorm_3 = nn.BatchNorm2d(filters)

    def forward(self, x):
        # "same": with stride 2 and an even size the odd row goes at the end.
        padding = (1, 1, 1, 1) if self.stride == 1 else (0, 1, 0, 1)
        y = self.relu_1(self.batchnorm_1(self.conv_1(F.pad(x, padding))))
        y = self.batchnorm_2(self.conv_2(F.pad(y, (1, 1, 1, 1))))
        if hasattr(self, "conv_3"):
            x = self.batchnorm_3(self.conv_3(x))
        return self.relu_2(y + x)


class GlobalAverage(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def resnet20():
    layers = [("conv_1", nn.Conv2d(3, 16, 3, padding=1, bias=False)), ("batchnorm_1", nn.BatchNorm2d(16)), ("relu", nn.ReLU())]
    channels, number = 16, 0
    for filters in (16, 32, 64):
        for i in range(3):
            number += 1
            layers.append((f"basic_{number}", Basic(channels, filters, 2 if i == 0 and filters != 16 else 1)))
            channels = filters
    return layers + [("average", GlobalAverage()), ("dense_1", nn.Linear(64, 10))]


def convnet(channels, filters, dense):
    """conv 3x3, ReLU, with 2x2 pooling between; then dense layers."""
    layers = []
    for i, count in enumerate(filters):
        layers += [(f"conv_{i + 1}", nn.Conv2d(channels, count, 3)), (f"relu_{i}", nn.ReLU())]
        if i + 1 < len(filters):
            layers.append((f"pool_{i}", nn.MaxPool2d(2)))
        channels = count
    layers.append(("flatten", ChannelsLastFlatten()))
    for i, (inputs, units) in enumerate(zip(dense, dense[1:])):
        layers.append((f"dense_{i + 1}", nn.Linear(inputs, units)))
        if i + 2 < len(dense):
            layers.append((f"dense_relu_{i}", nn.ReLU()))
    return layers


def lenet5():
    return [
        ("conv_1", nn.Conv2d(1, 6, 5, padding=2)), ("tanh_1", nn.Tanh()), ("pool_1", nn.AvgPool2d(2)),
        ("conv_2", nn.Conv2d(6, 16, 5)), ("tanh_2", nn.Tanh()), ("pool_2", nn.AvgPool2d(2)),
        ("flatten", ChannelsLastFlatten()),
        ("dense_1", nn.Linear(400, 120)), ("tanh_3", nn.Tanh()),
        ("dense_2", nn.Linear(120, 84)), ("tanh_4", nn.Tanh()), ("dense_3", nn.Linear(84, 10)),
    ]  # fmt: skip


# Shape of a sample, the model, the learning rate. A net with kinks (ReLU, pooling by maximum) amplifies rounding from step
# to step whatever computes it, so those learn slowly; lenet5 is smooth and is held to the strict bound.
MODELS = {
    "keras_sequential": ((28, 28, 1), lambda: convnet(1, (32, 64, 64), (576, 64, 10)), 0.001),
    "keras_functional": ((28, 28, 1), lambda: convnet(1, (32, 64, 128), (1152, 10)), 0.001),
    "cifar10_tutorial": ((32, 32, 3), lambda: convnet(3, (32, 64, 64), (1024, 64, 10)), 0.001),
    "lenet5": ((28, 28, 1), lenet5, 0.01),
    "resnet20": ((32, 32, 3), resnet20, 0.001),
}


def fresh(build, dtype):
    model = nn.Sequential(OrderedDict(build())).to(dtype)
    state = {}
    for name, value in model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(numbers.initial(name, tuple(value.shape)), dtype=dtype)
    model.load_state_dict(state, strict=False)
    return model


def margin(model, x):
    """How far the values before each kink are from it, at least, relative to their spread."""
    smallest = [np.inf]

    def before_relu(_, inputs):
        values = inputs[0].abs()
        smallest[0] = min(smallest[0], (values.min() / values.std()).item())

    def before_pool(_, inputs):
        values = inputs[0]
        windows = values.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
        top = windows.topk(2, dim=-1).values
        gaps = (top[..., 0] - top[..., 1])[top[..., 0] > 0]
        smallest[0] = min(smallest[0], (gaps.min() / values.std()).item())

    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(before_relu)
        elif isinstance(module, nn.MaxPool2d):
            module.register_forward_pre_hook(before_pool)
    model.train()
    with torch.no_grad():
        model(x)
    return smallest[0]


def tensors(pictures, classes, dtype):
    return torch.tensor(pictures, dtype=dtype).permute(0, 3, 1, 2).contiguous(), torch.tensor(classes)


def choose_stream(name, shape, build):
    """The probe whose gradients depend least on which way a near tie falls."""
    best = (-1, 0)
    for stream in range(24):
        x, _ = tensors(*numbers.samples(f"{name} {stream}", PROBE, shape), torch.float64)
        best = max(best, (margin(fresh(build, torch.float64), x), stream))
    return best[1]


def reference(name, shape, build, rate, stream, dtype=torch.float64):
    """Everything that is known of a model, by name; tensors as rows of projections."""
    x, y = tensors(*numbers.samples(f"{name} {stream}", PROBE, shape), dtype)
    model, result = fresh(build, dtype), {}
    model.eval()
    with torch.no_grad():
        result["logits"] = model(x).numpy()
    model.train()
    x.requires_grad_()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    result["loss"] = np.array(loss.item())
    result["gradient/input"] = numbers.project("input", x.grad.permute(0, 2, 3, 1).numpy())
    for key, parameter in model.named_parameters():
        result["gradient/" + key] = numbers.project(key, parameter.grad.numpy())

    x, y = tensors(*numbers.samples(name, BATCH * BATCHES, shape), dtype)
    model = fresh(build, dtype)
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=MOMENTUM)
    losses = []
    for step in range(1, STEPS + 1):
        rows = slice((step - 1) % BATCHES * BATCH, ((step - 1) % BATCHES + 1) * BATCH)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step in KEPT:
            for key, value in model.state_dict().items():
                if not key.endswith("num_batches_tracked"):
                    change = value.numpy() - numbers.initial(key, tuple(value.shape))
                    result[f"step{step}/{key}"] = numbers.project(key, change)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{name}: {parameters} parameters, loss {losses[0]:.4f} to {losses[-1]:.4f}")
    return result


def save(path, result, stream, rate, drifts):
    """One matrix of all the projections, with the names of its rows: an array a tensor would be mostly headers."""
    rows = [key for key in result if "/" in key]
    np.savez(path, names=np.array("\n".join(rows)), rows=np.array([result[key] for key in rows]),
             drifts=np.array([drifts[key] for key in rows]), logits=result["logits"], loss=result["loss"],
             stream=stream, rate=rate)  # fmt: skip


def drift(exact, rough):
    """How far each tensor of the same run in PyTorch's float32 strays: what no implementation can be asked to beat by much."""
    errors, worst = {}, {}
    for key, row in exact.items():
        if "/" in key:
            errors[key] = np.sqrt(np.mean((row[1:] - rough[key][1:]) ** 2)) / max(row[0], 1e-30)
            group = key.split("/")[0]
            worst[group] = max(worst.get(group, (0, "")), (errors[key], key))
    print("   ", ", ".join(f"{error:.1e} ({key})" for error, key in worst.values()), flush=True)
    return errors


if __name__ == "__main__":
    os.makedirs(os.path.join(HERE, "reference"), exist_ok=True)
    for name, (shape, build, rate) in MODELS.items():
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            stream = choose_stream(name, shape, build)
            exact = reference(name, shape, build, rate, stream)
            drifts = drift(exact, reference(name, shape, build, rate, stream, torch.float32))
            save(os.path.join(HERE, "reference", name + ".npz"), exact, stream, rate, drifts)
