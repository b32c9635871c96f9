"""The nets of nets.py in PyTorch, as its users would write them: a maker of a fresh module a name. All end in logits."""
import torch
from torch import nn
from torch.nn import functional as F


def conv_relu(inputs, filters, kernel=3, **more):
    return [nn.Conv2d(inputs, filters, kernel, **more), nn.ReLU(inplace=True)]


def conv_norm(inputs, filters, kernel=3, **more):
    return [nn.Conv2d(inputs, filters, kernel, bias=False, **more), nn.BatchNorm2d(filters), nn.ReLU(inplace=True)]


def keras_sequential():
    layers = conv_relu(1, 32) + [nn.MaxPool2d(2)] + conv_relu(32, 64) + [nn.MaxPool2d(2)] + conv_relu(64, 64)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10))


def keras_functional():
    layers = conv_relu(1, 32) + [nn.MaxPool2d(2)] + conv_relu(32, 64) + [nn.MaxPool2d(2)] + conv_relu(64, 128)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(1152, 10))


def fashion():
    layers = conv_norm(1, 32, padding=1) + [nn.MaxPool2d(2)] + conv_norm(32, 64, padding=1) + [nn.MaxPool2d(2)]
    return nn.Sequential(*layers, *conv_norm(64, 64), nn.Flatten(), nn.Dropout(0.25), nn.Linear(1600, 10))


def lenet5():
    layers = [nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)]
    return nn.Sequential(*layers)


def vgg_small():
    layers, channels = [], 3
    for filters in (64, 128, 256):
        layers += conv_relu(channels, filters, padding=1) + conv_relu(filters, filters, padding=1) + [nn.MaxPool2d(2)]
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4096, 256), nn.ReLU(), nn.Linear(256, 10))


def mobilenet_96():
    layers, channels = conv_norm(3, 32, stride=2, padding=1), 32
    rows = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + 5 * [(512, 1)] + [(1024, 2), (1024, 1)]
    for filters, stride in rows:
        layers += conv_norm(channels, channels, stride=stride, padding=1, groups=channels)
        layers += conv_norm(channels, filters, 1)
        channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 10))


def m5_audio():
    layers, channels = [], 1
    for filters, kernel, stride in ((32, 80, 16), (32, 3, 1), (64, 3, 1), (64, 3, 1)):
        layers += [nn.Conv1d(channels, filters, kernel, stride), nn.BatchNorm1d(filters), nn.ReLU(inplace=True)]
        layers.append(nn.MaxPool1d(4))
        channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, 35))


class Basic(nn.Module):
    """ResNet's two 3x3 convolutions, with a way around that has no parameters."""

    def __init__(self, inputs, filters, stride):
        super().__init__()
        layers = conv_norm(inputs, filters, stride=stride, padding=1) + conv_norm(filters, filters, padding=1)
        self.main = nn.Sequential(*layers[:-1])
        self.stride, self.missing = stride, filters - inputs

    def forward(self, x):
        skip = x
        if self.missing:
            half = self.missing // 2
            skip = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, self.missing - half))
        return F.relu(self.main(x) + skip)


def resnet20():
    layers, channels = conv_norm(3, 16, padding=1), 16
    for filters in 3 * [16] + 3 * [32] + 3 * [64]:
        layers.append(Basic(channels, filters, 1 if filters == channels else 2))
        channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class Fire(nn.Module):
    def __init__(self, inputs, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Sequential(*conv_relu(inputs, squeeze, 1))
        self.small = nn.Sequential(*conv_relu(squeeze, expand, 1))
        self.large = nn.Sequential(*conv_relu(squeeze, expand, padding=1))

    def forward(self, x):
        narrow = self.squeeze(x)
        return torch.cat([self.small(narrow), self.large(narrow)], 1)


def squeezenet_96():
    layers, channels = conv_relu(3, 64, stride=2), 64
    for rows in (2 * [(16, 64)], 2 * [(32, 128)], 2 * [(48, 192)] + 2 * [(64, 256)]):
        layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        for squeeze, expand in rows:
            layers.append(Fire(channels, squeeze, expand))
            channels = 2 * expand
    return nn.Sequential(*layers, nn.Dropout(0.5), *conv_relu(512, 10, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList(self.pair(*sizes) for sizes in ((3, 16), (16, 32), (32, 64)))
        self.middle = self.pair(64, 128)
        self.up = nn.ModuleList(self.pair(*sizes) for sizes in ((192, 64), (96, 32), (48, 16)))
        self.last = nn.Conv2d(16, 4, 1)

    @staticmethod
    def pair(inputs, filters):
        return nn.Sequential(*conv_relu(inputs, filters, padding=1), *conv_relu(filters, filters, padding=1))

    def forward(self, x):
        beside = []
        for pair in self.down:
            beside.append(pair(x))
            x = F.max_pool2d(beside[-1], 2)
        x = self.middle(x)
        for pair in self.up:
            x = pair(torch.cat([beside.pop(), F.interpolate(x, scale_factor=2.0, mode="nearest")], 1))
        return self.last(x)


MAKERS = {maker.__name__: maker for maker in (keras_sequential, keras_functional, fashion, lenet5, vgg_small, mobilenet_96,
                                              m5_audio, resnet20, squeezenet_96)}  # fmt: skip
MAKERS["unet_small"] = UNet
