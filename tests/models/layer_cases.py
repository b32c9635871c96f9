"""Layers, and losses, that are compared with PyTorch one at a time, options at odd values: name -> (shape of a sample, the
layer, its loss). make_layers.py has the same in PyTorch's own terms, compare_layers.py compares. A trained scale
stands before the layer, so that each has something to train and a gradient to pass on."""

IMAGE, LINE, VOLUME, VECTOR = (7, 9, 6), (11, 5), (5, 4, 3, 4), (13,)

LAYERS = {
    "conv": (IMAGE, "conv(4, 3x5, stride=2x1, padding=[[0, 2], [1, 1]], dilation=2x1)"),
    "conv_groups": (IMAGE, "conv(9, 3x2, groups=3, padding=1, stride=1x2, bias=false)"),
    "conv_flip": (LINE, "conv(3, 4, flip=true, stride=3, padding=2)"),
    "conv_volume": (VOLUME, "conv(3, 3x2x2, padding=[[1, 1], [0, 1], [1, 0]], stride=2x1x1)"),
    "conv_same": (IMAGE, "conv(5, 4x3, padding=same, stride=1x2)"),
    "depthwise": (IMAGE, "depthwise(3x4, multiplier=3, stride=2, padding=2, dilation=1x2)"),
    "conv_transpose": (IMAGE, "conv_transpose(4, 3x4, stride=3x2, padding=1, output_padding=2x1, dilation=1x2)"),
    "conv_transpose_groups": (IMAGE, "conv_transpose(9, 3x2, stride=2x3, groups=3, bias=false)"),
    "conv_transpose_line": (LINE, "conv_transpose(7, 5, stride=3, padding=2, output_padding=1)"),
    "conv_transpose_volume": (VOLUME, "conv_transpose(3, 2x3x2, stride=2x1x3)"),
    "maxpool": (IMAGE, "maxpool(3x2, stride=2x3, padding=1, ceil=true)"),
    "maxpool_volume": (VOLUME, "maxpool(2x2x3, stride=1x2x1)"),
    "avgpool": (IMAGE, "avgpool(3x4, stride=2, padding=1, ceil=true)"),
    "avgpool_counted": (IMAGE, "avgpool(3, stride=2x1, padding=1, count_padding=true)"),
    "avgpool_line": (LINE, "avgpool(4, stride=3, padding=2, ceil=true, count_padding=true)"),
    "adaptive_avgpool": (IMAGE, "adaptive_avgpool(3x4)"),
    "adaptive_avgpool_up": (LINE, "adaptive_avgpool(17)"),
    "adaptive_maxpool": (IMAGE, "adaptive_maxpool(4x5)"),
    "adaptive_maxpool_volume": (VOLUME, "adaptive_maxpool(2x3x2)"),
    "global_avgpool": (VOLUME, "global_avgpool"),
    "global_maxpool": (IMAGE, "global_maxpool"),
    "dense": (VECTOR, "dense(7)"),
    "dense_plain": (VECTOR, "dense(17, bias=false)"),
    "batchnorm": (IMAGE, "batchnorm(epsilon=0.01)"),
    "batchnorm_plain": (VECTOR, "batchnorm(epsilon=0.1, scale=false, shift=false)"),
    "layernorm": (IMAGE, "layernorm(epsilon=0.02)"),
    "layernorm_vector": (VECTOR, "layernorm"),
    "groupnorm": (IMAGE, "groupnorm(3, epsilon=0.03)"),
    "groupnorm_volume": (VOLUME, "groupnorm(2)"),
    "instance_norm": (LINE, "groupnorm(5)"),
    "lrn": (IMAGE, "lrn(3, alpha=0.7, beta=0.6, k=1.5)"),
    "lrn_even": (IMAGE, "lrn(4, alpha=0.9)"),
    "prelu": (IMAGE, "prelu"),
    "leaky_relu": (IMAGE, "leaky_relu(slope=0.3)"),
    "elu": (IMAGE, "elu(alpha=0.7)"),
    "softmax": (IMAGE, "softmax"),
    "log_softmax": (LINE, "log_softmax"),
    "upsample": (IMAGE, "upsample(2x3)"),
    "bilinear": (IMAGE, "upsample(3x2, mode=bilinear)"),
    "bilinear_aligned": (IMAGE, "upsample(2x3, mode=bilinear, align_corners=true)"),
    "linear": (LINE, "upsample(3, mode=bilinear)"),
    "trilinear": (VOLUME, "upsample(2x1x3, mode=bilinear)"),
    "pad": (IMAGE, "pad([[1, 2], [0, 3]])"),
    "pad_value": (IMAGE, "pad([[2, 0], [1, 1]], value=-1.5)"),
    "pad_reflect": (IMAGE, "pad([[3, 1], [2, 4]], mode=reflect)"),
    "pad_replicate": (VOLUME, "pad([[1, 2], [0, 3], [2, 1]], mode=replicate)"),
    "depth_to_space": ((3, 4, 12), "depth_to_space(2)"),
    "channel_shuffle": (IMAGE, "channel_shuffle(3)"),
    "permute": (IMAGE, "permute(2, 0, 1)"),
}
LAYERS |= {word: (IMAGE, word) for word in ("relu", "relu6", "selu", "gelu", "silu", "hard_swish", "hard_sigmoid", "sigmoid",
                                            "tanh", "softplus", "mish")}
LOSSES = {
    "loss_cross_entropy": (VECTOR, "dense(7)", "cross_entropy(label_smoothing=0.2)"),
    "loss_places": (IMAGE, "conv(4, 2)", "cross_entropy"),
    "loss_binary": (IMAGE, "conv(3, 2)", "binary_cross_entropy"),
    "loss_mae": (IMAGE, "conv(3, 2)", "mae"),
    "loss_huber": (IMAGE, "conv(3, 2)", "huber(delta=0.4)"),
}
CASES = {name: row + ("mse",) for name, row in LAYERS.items()} | LOSSES
CASES["embedding"] = ((9,), "embedding(23, 5)", "mse")


def source(name):
    """The case as a .cnn file."""
    shape, layer, loss = CASES[name]
    first = "" if name == "embedding" else '  scale(bias=true, name="first")\n'
    return (f"model m {{\n  input({', '.join(map(str, shape))})\n{first}  {layer}\n}}\n"
            f"train {{ loss = {loss} }}\n")
