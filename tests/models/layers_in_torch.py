"""The cases of layer_cases.py in PyTorch's own terms, written apart from the .cnn text that they are compared with: LAYERS
makes a module for each, which takes and gives channels first; those of MERGES take the values that their function names.
Weights have the names that the compiler gives to them."""
import inspect
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from layer_cases import PLAIN, WORDS


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.forward = function


class Wrapped(nn.Module):
    """A module with something before and behind it."""

    def __init__(self, inner, before=None, behind=None):
        super().__init__()
        self.inner, self.before, self.behind = inner, before, behind

    def forward(self, x):
        x = self.inner(self.before(x) if self.before else x)
        return self.behind(x) if self.behind else x


class Activated(nn.Module):
    def __init__(self, inner, word, channels):
        super().__init__()
        self.inner, self.after = inner, activation(word, channels)

    def forward(self, x):
        return self.after(self.inner(x))


def activation(word, channels=0):
    if word == "prelu": return nn.PReLU(channels)
    return {"gelu": nn.GELU, "hard_sigmoid": nn.Hardsigmoid, "hard_swish": nn.Hardswish, "mish": nn.Mish, "relu": nn.ReLU,
            "relu6": nn.ReLU6, "selu": nn.SELU, "sigmoid": nn.Sigmoid, "silu": nn.SiLU, "softplus": nn.Softplus,
            "tanh": nn.Tanh, "elu": nn.ELU, "leaky_relu": nn.LeakyReLU, "softmax": lambda: nn.Softmax(1),
            "log_softmax": lambda: nn.LogSoftmax(1)}[word]()


class Mirrored(nn.Module):
    """A convolution whose kernel is turned about before."""

    def __init__(self, inner, function, **options):
        super().__init__()
        self.inner, self.function, self.options = inner, function, options

    def forward(self, x):
        w = self.inner.weight
        return self.function(x, w.flip(tuple(range(2, w.dim()))), self.inner.bias, **self.options)


class Norm(nn.Module):
    """Batch normalisation with a factor or a summand alone."""

    def __init__(self, inner, alone):
        super().__init__()
        self.inner, self.alone = inner, alone
        self.register_parameter(alone, nn.Parameter(torch.empty(inner.num_features)))

    def forward(self, x):
        y = self.inner(x)
        return y * spread(self.weight[None], x) if self.alone == "weight" else y + spread(self.bias[None], x)


class Factor(nn.Module):
    def __init__(self, channels, bias=False):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels)) if bias else None

    def forward(self, x):
        y = torch.einsum("nc...,c->nc...", x, self.weight)
        return y if self.bias is None else y + spread(self.bias[None], x)


class LastNorm(nn.LayerNorm):
    """Over the channels of every place."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Pooled(nn.Module):
    """A convolution and its normalisation, by the compiler's names, and what stands behind them."""

    def __init__(self, conv, norm, behind, between=None):
        super().__init__()
        self.conv_1, self.batchnorm_1, self.behind, self.between = conv, norm, behind, between or nn.Identity()

    def forward(self, x):
        return self.behind(self.batchnorm_1(self.between(self.conv_1(x))))


def functional(function, *arguments, **options):
    return lambda: Function(lambda x: function(x, *arguments, **options))


def last(function):
    """Of channels last."""
    return lambda: Function(lambda x: function(x.movedim(1, -1)).movedim(-1, 1))


def padded(pads, make, value=0.0):
    """F.pad's order: the last axis first."""
    return lambda: Wrapped(make(), before=lambda x: F.pad(x, pads, value=value))


def cut(make, *ranges):
    return lambda: Wrapped(make(), behind=lambda y: y[(slice(None), slice(None)) + tuple(slice(*r) for r in ranges)])


def spread(v, x):
    return v.reshape(*v.shape, *[1] * (x.dim() - v.dim()))


def average(pads, pool):
    """The mean of what is not padding."""
    return lambda: Function(lambda x: pool(F.pad(x, pads)) / pool(F.pad(torch.ones_like(x), pads)))


def filled(make, weight=None, bias=None, frozen=False):
    """Weights that the .cnn text gives: a kernel for all filters and channels, or all of it, or one number."""
    def made():
        module = make()
        layer = module if hasattr(module, "weight") else module.inner
        if weight is not None: layer.weight.data = torch.tensor(weight, dtype=torch.float64).expand_as(layer.weight).clone()
        layer.bias.data = torch.full_like(layer.bias, 0.0 if bias is None else bias, dtype=torch.float64)
        return module.requires_grad_(not frozen)

    return made


def tiles(x, factors):
    """Blocks of channels become space, axis by axis: the first factor's steps are the slowest of a block."""
    for axis, f in reversed(list(enumerate(factors, 2))):
        *shape, = x.shape
        parts = x.unflatten(1, (shape[1] // f, f)).movedim(2, axis + 1)
        x = parts.flatten(axis, axis + 1)
    return x


INFINITE = float("-inf")
COLUMN = [[1, -2], [0.5, 3], [0, -1.5]]
PAIRS = [[[1, 2], [0, -1], [3, 0.5], [-2, 1], [1, 1]], [[0.25, 0], [-1, 2], [1, -3], [0, 0], [2, -0.5]]]
ROWS = [[1, -2, 0.5], [0, 3, -1]]
LAYERS = {
    "conv": padded((1, 1, 0, 2), lambda: nn.Conv2d(6, 4, (3, 5), stride=(2, 1), dilation=(2, 1))),
    "conv_groups": lambda: nn.Conv2d(6, 9, (3, 2), groups=3, padding=1, stride=(1, 2), bias=False),
    "conv_flip": lambda: Mirrored(nn.Conv1d(5, 3, 4), F.conv1d, stride=3, padding=2),
    "conv_flip_image": lambda: Mirrored(nn.Conv2d(6, 4, (2, 3), groups=2), F.conv2d, padding=(0, 1), groups=2),
    "conv_volume": padded((1, 0, 0, 1, 1, 1), lambda: nn.Conv3d(4, 3, (3, 2, 2), stride=(2, 1, 1))),
    "conv_volume_groups": lambda: nn.Conv3d(4, 6, (2, 3, 1), groups=2, stride=(1, 2, 3), padding=(1, 0, 2), dilation=(2, 1, 1)),
    "conv_line": padded((2, 3), lambda: nn.Conv1d(5, 4, 3, dilation=3)),
    "conv_same": padded((1, 1, 1, 2), lambda: nn.Conv2d(6, 5, (4, 3), stride=(1, 2))),
    "conv_same_line": padded((1, 2), lambda: nn.Conv1d(5, 6, 5, stride=3)),
    "conv_same_volume": lambda: nn.Conv3d(4, 5, (2, 3, 2), padding="same"),
    "conv_weights": filled(lambda: nn.Conv2d(6, 2, (3, 2)), COLUMN, 0.4, frozen=True),
    "conv_weights_trained": filled(lambda: nn.Conv1d(5, 2, 2), PAIRS),
    "conv_frozen": filled(lambda: nn.Conv3d(4, 3, 2), 0.3, 1, frozen=True),
    "conv_init": filled(lambda: nn.Conv2d(6, 3, (2, 1)), -0.25, 0.5),
    "depthwise": lambda: nn.Conv2d(6, 18, (3, 4), groups=6, stride=2, padding=2, dilation=(1, 2)),
    "depthwise_line": padded((3, 0), lambda: nn.Conv1d(5, 10, 4, groups=5, bias=False)),
    "depthwise_volume": lambda: nn.Conv3d(4, 4, (2, 3, 3), groups=4, padding=1, stride=(3, 1, 2)),
    "depthwise_same": padded((0, 1, 1, 1), lambda: nn.Conv2d(6, 6, (3, 2), groups=6, stride=(3, 1))),
    "depthwise_flip": lambda: Mirrored(nn.Conv2d(6, 6, (2, 3), groups=6), F.conv2d, dilation=(3, 2), groups=6),
    "depthwise_weights": filled(lambda: nn.Conv1d(5, 10, 3, groups=5), [2, -1, 0.5], frozen=True),
    "depthwise_weights_trained": filled(lambda: nn.Conv1d(5, 5, 3, groups=5), [2, -1, 0.5]),
    "depthwise_init": filled(lambda: nn.Conv2d(6, 6, 2, groups=6), 1, -2, frozen=True),
    "conv_transpose": lambda: nn.ConvTranspose2d(6, 4, (3, 4), stride=(3, 2), padding=1, output_padding=(2, 1),
                                                 dilation=(1, 2)),
    "conv_transpose_groups": lambda: nn.ConvTranspose2d(6, 9, (3, 2), stride=(2, 3), groups=3, bias=False),
    "conv_transpose_line": lambda: nn.ConvTranspose1d(5, 7, 5, stride=3, padding=2, output_padding=1),
    "conv_transpose_volume": lambda: nn.ConvTranspose3d(4, 3, (2, 3, 2), stride=(2, 1, 3)),
    "conv_transpose_pairs": cut(lambda: nn.ConvTranspose2d(6, 3, (4, 3), stride=(1, 2)), (2, None), (0, -1)),
    "conv_transpose_same": cut(lambda: nn.ConvTranspose2d(6, 5, (4, 5), stride=(2, 3)), (1, 15), (1, 28)),
    "conv_transpose_flip": lambda: Mirrored(nn.ConvTranspose3d(4, 4, (3, 2, 2), groups=2), F.conv_transpose3d, groups=2,
                                            padding=(1, 0, 1)),
    "conv_transpose_weights": filled(lambda: nn.ConvTranspose1d(5, 3, 4, stride=2), [1, -2, 0, 0.5], 1, frozen=True),
    "conv_transpose_weights_trained": filled(lambda: nn.ConvTranspose1d(2, 3, 2), [[[1, 2], [0, -1], [3, 0.5]],
                                                                                 [[-2, 1], [1, 1], [0.25, 0]]]),
    "conv_transpose_init": filled(lambda: nn.ConvTranspose2d(6, 3, 2), 0.2, frozen=True),
    "maxpool": lambda: nn.MaxPool2d((3, 2), stride=(2, 3), padding=1, ceil_mode=True),
    "maxpool_default": lambda: nn.MaxPool2d((2, 3)),
    "maxpool_line": padded((1, 2), lambda: nn.MaxPool1d(4, stride=3), INFINITE),
    "maxpool_same": padded((0, 1, 1, 1), lambda: nn.MaxPool2d((3, 4), stride=3), INFINITE),
    "maxpool_volume": lambda: nn.MaxPool3d((2, 2, 3), stride=(1, 2, 1)),
    "maxpool_volume_ceil": lambda: nn.MaxPool3d((3, 3, 2), stride=(3, 2, 2), padding=(1, 0, 1), ceil_mode=True),
    "avgpool": lambda: nn.AvgPool2d((3, 4), stride=2, padding=1, ceil_mode=True, count_include_pad=False),
    "avgpool_counted": lambda: nn.AvgPool2d(3, stride=(2, 1), padding=1),
    "avgpool_line": lambda: nn.AvgPool1d(4, stride=3, padding=2, ceil_mode=True),
    "avgpool_default": lambda: nn.AvgPool1d(3),
    "avgpool_same": average((0, 0, 1, 2), nn.AvgPool2d((4, 2), stride=(1, 3))),
    "avgpool_volume": average((1, 0, 2, 1, 0, 1), nn.AvgPool3d((2, 3, 3), stride=(2, 2, 1))),
    "adaptive_avgpool": lambda: nn.AdaptiveAvgPool2d((3, 4)),
    "adaptive_avgpool_up": lambda: nn.AdaptiveAvgPool1d(17),
    "adaptive_avgpool_volume": lambda: nn.AdaptiveAvgPool3d((2, 4, 5)),
    "adaptive_maxpool": lambda: nn.AdaptiveMaxPool2d((4, 5)),
    "adaptive_maxpool_line": lambda: nn.AdaptiveMaxPool1d(4),
    "adaptive_maxpool_volume": lambda: nn.AdaptiveMaxPool3d((2, 3, 2)),
    "global_avgpool": functional(torch.mean, dim=(2, 3, 4)), "global_avgpool_image": functional(torch.mean, dim=(2, 3)),
    "global_avgpool_line": functional(torch.mean, dim=2),
    "global_maxpool": functional(torch.amax, dim=(2, 3)), "global_maxpool_line": functional(torch.amax, dim=2),
    "global_maxpool_volume": functional(torch.amax, dim=(2, 3, 4)),
    "dense": lambda: nn.Linear(13, 7),
    "dense_plain": lambda: nn.Linear(13, 17, bias=False),
    "dense_weights": filled(lambda: nn.Linear(3, 2), ROWS, -0.7, frozen=True),
    "dense_weights_trained": filled(lambda: nn.Linear(3, 2), ROWS),
    "dense_init": filled(lambda: nn.Linear(13, 5), 0.1, 1, frozen=True),
    "batchnorm": lambda: nn.BatchNorm2d(6, eps=0.01),
    "batchnorm_plain": lambda: nn.BatchNorm1d(13, eps=0.1, affine=False),
    "batchnorm_line": lambda: Norm(nn.BatchNorm1d(5, momentum=0.7, affine=False), "bias"),
    "batchnorm_volume": lambda: Norm(nn.BatchNorm3d(4, momentum=1.0, affine=False), "weight"),
    "layernorm": lambda: LastNorm(6, eps=0.02),
    "layernorm_vector": lambda: nn.LayerNorm(13),
    "layernorm_line": lambda: LastNorm(5, eps=0.3), "layernorm_volume": lambda: LastNorm(4),
    "groupnorm": lambda: nn.GroupNorm(3, 6, eps=0.03),
    "groupnorm_volume": lambda: nn.GroupNorm(2, 4),
    "groupnorm_vector": lambda: nn.GroupNorm(3, 15, eps=0.2), "groupnorm_one": lambda: nn.GroupNorm(1, 5),
    "instance_norm": lambda: nn.InstanceNorm1d(5, affine=True),
    "lrn": lambda: nn.LocalResponseNorm(3, alpha=0.7, beta=0.6, k=1.5),
    "lrn_even": lambda: nn.LocalResponseNorm(4, alpha=0.9),
    "lrn_line": lambda: nn.LocalResponseNorm(2, alpha=1.3, beta=1.0, k=0.5),
    "lrn_volume": lambda: nn.LocalResponseNorm(9, alpha=3.0, beta=0.3),
    "lrn_vector": lambda: Wrapped(nn.LocalResponseNorm(5, alpha=0.8, k=2.0), lambda x: x.unsqueeze(2), lambda y: y.squeeze(2)),
    "prelu": lambda: nn.PReLU(6), "prelu_line": lambda: nn.PReLU(5), "prelu_volume": lambda: nn.PReLU(4),
    "prelu_vector": lambda: nn.PReLU(13),
    "leaky_relu": lambda: nn.LeakyReLU(0.3), "leaky_relu_rising": lambda: nn.LeakyReLU(-0.2),
    "leaky_relu_straight": lambda: nn.LeakyReLU(1.5),
    "elu": lambda: nn.ELU(0.7), "elu_large": lambda: nn.ELU(2.5), "elu_none": lambda: nn.ELU(0.0),
    "upsample": lambda: nn.Upsample(scale_factor=(2, 3)), "upsample_line": lambda: nn.Upsample(scale_factor=5),
    "upsample_volume": lambda: nn.Upsample(scale_factor=(1, 3, 2)),
    "bilinear": lambda: nn.Upsample(scale_factor=(3, 2), mode="bilinear"),
    "bilinear_aligned": lambda: nn.Upsample(scale_factor=(2, 3), mode="bilinear", align_corners=True),
    "linear": lambda: nn.Upsample(scale_factor=3, mode="linear"),
    "linear_aligned": lambda: nn.Upsample(scale_factor=4, mode="linear", align_corners=True),
    "trilinear": lambda: nn.Upsample(scale_factor=(2, 1, 3), mode="trilinear"),
    "trilinear_aligned": lambda: nn.Upsample(scale_factor=(2, 3, 1), mode="trilinear", align_corners=True),
    "pad": functional(F.pad, (0, 3, 1, 2)), "pad_line": functional(F.pad, (2, 2)), "pad_volume": functional(F.pad, (3, 3, 0, 0, 1, 1)),
    "pad_value": functional(F.pad, (1, 1, 2, 0), value=-1.5),
    "pad_value_volume": lambda: nn.ConstantPad3d((1, 3, 2, 0, 0, 1), 0.25),
    "pad_reflect": lambda: nn.ReflectionPad2d((2, 4, 3, 1)), "pad_reflect_line": lambda: nn.ReflectionPad1d((10, 7)),
    "pad_reflect_volume": lambda: nn.ReflectionPad3d((2, 1, 1, 3, 4, 0)),
    "pad_replicate": lambda: nn.ReplicationPad3d((2, 1, 0, 3, 1, 2)), "pad_replicate_image": lambda: nn.ReplicationPad2d((3, 3, 2, 2)),
    "pad_replicate_line": lambda: nn.ReplicationPad1d((0, 13)),
    "crop": functional(F.pad, (0, -5, -2, -1)), "crop_line": functional(F.pad, (-3, -3)),
    "crop_volume": functional(F.pad, (-2, 0, -1, -1, 0, -3)),
    "channels": functional(torch.narrow, 1, 1, 3), "channels_line": functional(torch.narrow, 1, 4, 1),
    "channels_volume": functional(torch.narrow, 1, 0, 3), "channels_vector": functional(torch.narrow, 1, 2, 11),
    "pad_channels": functional(F.pad, (0, 0, 0, 0, 2, 3)), "pad_channels_line": functional(F.pad, (0, 0, 0, 4)),
    "pad_channels_volume": functional(F.pad, (0, 0, 0, 0, 0, 0, 5, 0)), "pad_channels_vector": functional(F.pad, (1, 2)),
    "reshape": last(lambda x: x.reshape(-1, 9, 14, 3)), "reshape_list": last(lambda x: x.reshape(-1, 10, 24)),
    "reshape_line": last(lambda x: x.reshape(-1, 55)), "reshape_vector": last(lambda x: x.reshape(-1, 2, 3, 1, 4)),
    "flatten": last(nn.Flatten()), "flatten_line": last(nn.Flatten()), "flatten_volume": last(nn.Flatten()),
    "flatten_vector": nn.Flatten,
    "permute": last(lambda x: x.permute(0, 3, 1, 2)), "permute_line": last(lambda x: x.transpose(1, 2)),
    "permute_volume": last(lambda x: x.permute(0, 4, 2, 1, 3)),
    "depth_to_space": lambda: nn.PixelShuffle(2), "depth_to_space_line": functional(tiles, (3,)),
    "depth_to_space_oblong": functional(tiles, (2, 3)), "depth_to_space_volume": functional(tiles, (2, 1, 3)),
    "channel_shuffle": lambda: nn.ChannelShuffle(3), "channel_shuffle_line": lambda: nn.ChannelShuffle(4),
    "channel_shuffle_volume": lambda: nn.ChannelShuffle(2),
    "channel_shuffle_vector": lambda: Wrapped(nn.ChannelShuffle(5), lambda x: x[:, :, None], lambda y: y[:, :, 0]),
    "scale": lambda: Factor(6), "scale_line": lambda: Factor(5, bias=True), "scale_volume": lambda: Factor(4, bias=True),
    "scale_vector": lambda: Factor(13), "scale_init": filled(lambda: Factor(5, bias=True), -1.25),
    "dropout": functional(F.dropout, 0.4, training=False), "dropout_line": functional(F.dropout1d, 0.3, training=False),
    "dropout_volume": functional(F.dropout, 0.0), "dropout_vector": functional(F.dropout, 1.0, training=False),
    "drop_path": functional(F.dropout, 0.6, training=False), "drop_path_line": functional(F.dropout, 0.0),
    "drop_path_volume": functional(F.dropout, 1.0, training=False),
    "loss_cross_entropy": lambda: nn.Linear(13, 7), "loss_places": lambda: nn.Conv2d(6, 4, 2),
    "loss_softmax": lambda: nn.Linear(13, 7), "loss_log_softmax": lambda: nn.Conv2d(6, 4, 2),
    "loss_binary": lambda: nn.Conv2d(6, 3, 2), "loss_sigmoid": lambda: nn.Linear(13, 6), "loss_mse": lambda: nn.Conv1d(5, 3, 2),
    "loss_mae": lambda: nn.Conv2d(6, 3, 2), "loss_huber": lambda: nn.Conv2d(6, 3, 2), "loss_huber_default": lambda: nn.Linear(13, 3),
    "embedding": lambda: nn.Embedding(23, 5), "embedding_narrow": lambda: nn.Embedding(3, 1),
}
# What stands behind the logits of a loss.
BEHIND = {"loss_softmax": nn.Softmax(-1), "loss_log_softmax": nn.LogSoftmax(-1), "loss_sigmoid": nn.Sigmoid()}
LOSSES = {"loss_cross_entropy": nn.CrossEntropyLoss(label_smoothing=0.2), "loss_places": nn.CrossEntropyLoss(),
          "loss_softmax": nn.CrossEntropyLoss(label_smoothing=0.05), "loss_log_softmax": nn.CrossEntropyLoss(),
          "loss_binary": nn.BCEWithLogitsLoss(), "loss_sigmoid": nn.BCEWithLogitsLoss(), "loss_mae": nn.L1Loss(),
          "loss_huber": nn.HuberLoss(delta=0.4), "loss_huber_default": nn.HuberLoss()}
LAYERS |= {"softmax" + space: lambda: nn.Softmax(1) for space in ("", "_line", "_volume", "_vector")}
LAYERS |= {"log_softmax" + space: lambda: nn.LogSoftmax(1) for space in ("", "_image", "_volume", "_vector")}
LAYERS |= {word + space: partial(activation, word) for word in PLAIN for space in ("", "_line", "_volume", "_vector")}
CHANNELS = (6, 5, 4, 13)
LEARNED = (("dense", lambda: nn.Linear(13, 9), 9), ("depthwise", lambda: nn.Conv1d(5, 10, 3, groups=5), 10),
           ("conv_transpose", lambda: nn.ConvTranspose2d(6, 5, (2, 3), stride=2), 5),
           ("conv_line", lambda: nn.Conv1d(5, 7, 3, padding=1), 7))


def learned(make, channels, word):
    return lambda: Activated(make(), word, channels)


for i, word in enumerate(WORDS):
    LAYERS[f"activation_{word}"] = partial(activation, word, CHANNELS[i % 4])
    LAYERS[f"conv_{word}"] = learned(lambda: nn.Conv2d(6, 7, (3, 2), padding=1), 7, word)
    for kind, make, channels in (LEARNED[i % 4], LEARNED[(i + 1) % 4]):
        LAYERS[f"{kind}_{word}"] = learned(make, channels, word)


def rectified(pool, *arguments, **options):
    return lambda y: pool(F.relu(y), *arguments, **options)


def image(channels, kernel, behind, eps=1e-5, **options):
    return lambda: Pooled(nn.Conv2d(6, channels, kernel, bias=False, **options), nn.BatchNorm2d(channels, eps=eps), behind)


LAYERS |= {
    "pooled": image(5, 3, rectified(F.max_pool2d, 2), eps=0.01, padding=1),
    "pooled_whole": lambda: Pooled(nn.Conv2d(6, 17, 2, bias=False), Norm(nn.BatchNorm2d(17, affine=False), "bias"),
                                   lambda y: F.max_pool2d(y, (2, 4))),
    "pooled_gaps": lambda: Pooled(nn.Conv2d(6, 33, (2, 3), padding=1, bias=False), Norm(nn.BatchNorm2d(33, affine=False), "weight"),
                                  rectified(F.max_pool2d, 2, stride=(3, 4))),
    "pooled_many": image(7, 1, rectified(F.max_pool2d, 5)),
    "pooled_padded": image(6, 2, rectified(F.max_pool2d, 3, padding=1)),
    "pooled_cut": image(6, 3, rectified(F.max_pool2d, 2, ceil_mode=True), padding=1),
    "pooled_overlap": image(6, 2, rectified(F.max_pool2d, 3, stride=2)),
    "pooled_behind": lambda: Pooled(nn.Conv2d(6, 5, 2), nn.BatchNorm2d(5), lambda y: F.max_pool2d(y, (3, 2)), between=nn.ReLU()),
    "pooled_bare": lambda: Pooled(nn.Conv2d(6, 9, 3, bias=False), nn.BatchNorm2d(9, affine=False), rectified(F.max_pool2d, 2)),
    "pooled_six": image(20, 3, lambda y: F.max_pool2d(F.relu6(y), (2, 3))),
    "pooled_leaky": image(18, 3, lambda y: F.max_pool2d(F.leaky_relu(y, 0.25), 2)),
    "pooled_bent": image(6, 2, lambda y: F.max_pool2d(torch.tanh(y), 3)),
    "pooled_line": lambda: Pooled(nn.Conv1d(5, 6, 2, bias=False), nn.BatchNorm1d(6, eps=0.02), rectified(F.max_pool1d, 3)),
    "pooled_line_gaps": lambda: Pooled(nn.Conv1d(5, 18, 3, padding=1, bias=False), nn.BatchNorm1d(18),
                                       rectified(F.max_pool1d, 2, stride=4)),
    "pooled_volume": lambda: Pooled(nn.Conv3d(4, 6, 2, padding=1, bias=False), nn.BatchNorm3d(6, eps=0.03), rectified(F.max_pool3d, 2)),
    "pooled_volume_odd": lambda: Pooled(nn.Conv3d(4, 3, (3, 1, 1), padding=(1, 0, 0), bias=False), nn.BatchNorm3d(3),
                                        rectified(F.max_pool3d, (2, 3, 1))),
    "pooled_again": image(5, 3, lambda y: F.avg_pool2d(F.relu(y), 2) + F.max_pool2d(F.relu(y), 2), padding=1),
    "pooled_beside": image(5, (2, 4), lambda y: F.max_pool2d(F.relu(y), (3, 2)) + F.avg_pool2d(y, (3, 2)), eps=0.05),
    "pooled_line_again": lambda: Pooled(nn.Conv1d(5, 4, 2, bias=False), nn.BatchNorm1d(4),
                                        lambda y: F.max_pool1d(F.relu(y), 2) + F.max_pool1d(F.relu(y), 2, ceil_mode=True)),
}

MERGES = {
    "add": lambda a, b: a + b, "add_spread": lambda a, b, v: a + b + spread(v, a) - 1.5,
    "add_first": lambda a, v, w: spread(v + w, a) + a, "add_twice": lambda a, b: 2 * a + b, "add_number": lambda a: a + 0.25,
    "add_volume": lambda a, b, v: torch.stack([spread(v, a).expand_as(a), a + 2, b]).sum(0),
    "subtract": lambda a, b: a - b, "subtract_spread": lambda a, b, v: a - spread(v, a) - 0.75 - b,
    "subtract_first": lambda a, v, w: spread(v - w, a) - a, "subtract_from": lambda a, b: 2.5 - a - b,
    "subtract_twice": lambda a, b: b - 2 * a, "subtract_volume": lambda b, v, w: -1 - spread(v + w, b) - b,
    "multiply": lambda a, b: a * b, "multiply_spread": lambda a, b, v: torch.einsum("nc...,nc->nc...", a * b, v) / -2,
    "multiply_first": lambda a, v, w: torch.einsum("nc...,nc,nc->nc...", a, v, w), "multiply_twice": lambda a, b: a ** 2 * b,
    "multiply_number": lambda b: 3 * b, "multiply_volume": lambda a, b, v: torch.einsum("nc...,nc,nc...->nc...", b, v, a),
    "maximum": lambda a, b: torch.maximum(a, b), "maximum_three": lambda a, b, raw: torch.stack([a, b, raw]).amax(0),
    "maximum_volume": lambda b, raw: torch.maximum(raw, b), "maximum_vector": lambda a, b: torch.maximum(b, a),
    "concat": lambda a, b: torch.cat([a, b], 1), "concat_line": lambda a, b, few: torch.cat([few, a, few, b], 1),
    "concat_volume": lambda a, b, few: torch.cat([b, a, b, few], 1), "concat_vector": lambda a, raw, few: torch.cat([a, few, raw], 1),
}


def values_of(name):
    """The names of the values that a merge takes."""
    return list(inspect.signature(MERGES[name]).parameters)
