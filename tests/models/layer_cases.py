"""Layers, and losses, that are compared with PyTorch one at a time, options at odd values: name -> (shape of a sample, the
layer, its loss). layers_in_torch.py has the same in PyTorch's own terms, compare_layers.py compares. A trained scale
stands before the layer, so that each has something to train and a gradient to pass on."""
import re

import references as numbers

IMAGE, LINE, VOLUME, VECTOR = (7, 9, 6), (11, 5), (5, 4, 3, 4), (13,)

LAYERS = {
    "conv": (IMAGE, "conv(4, 3x5, stride=2x1, padding=[[0, 2], [1, 1]], dilation=2x1)"),
    "conv_groups": (IMAGE, "conv(9, 3x2, groups=3, padding=1, stride=1x2, bias=false)"),
    "conv_flip": (LINE, "conv(3, 4, flip=true, stride=3, padding=2)"),
    "conv_flip_image": (IMAGE, "conv(4, 2x3, flip=true, padding=0x1, groups=2)"),
    "conv_volume": (VOLUME, "conv(3, 3x2x2, padding=[[1, 1], [0, 1], [1, 0]], stride=2x1x1)"),
    "conv_volume_groups": (VOLUME, "conv(6, 2x3x1, groups=2, stride=1x2x3, padding=1x0x2, dilation=2x1x1)"),
    "conv_line": (LINE, "conv(4, 3, dilation=3, padding=[[2, 3]])"),
    "conv_same": (IMAGE, "conv(5, 4x3, padding=same, stride=1x2)"),
    "conv_same_line": (LINE, "conv(6, 5, padding=same, stride=3)"),
    "conv_same_volume": (VOLUME, "conv(5, 2x3x2, padding=same)"),
    "conv_weights": (IMAGE, "conv(2, 3x2, weights=[[1, -2], [0.5, 3], [0, -1.5]], bias_init=constant(0.4))"),
    "conv_weights_trained": (LINE, "conv(2, 2, weights=[[[1, 2], [0, -1], [3, 0.5], [-2, 1], [1, 1]], "
                                   "[[0.25, 0], [-1, 2], [1, -3], [0, 0], [2, -0.5]]], trainable=true)"),
    "conv_frozen": (VOLUME, "conv(3, 2, init=constant(0.3), bias_init=ones, trainable=false)"),
    "conv_init": (IMAGE, "conv(3, 2x1, init=constant(-0.25), bias_init=constant(0.5))"),
    "depthwise": (IMAGE, "depthwise(3x4, multiplier=3, stride=2, padding=2, dilation=1x2)"),
    "depthwise_line": (LINE, "depthwise(4, multiplier=2, padding=[[3, 0]], bias=false)"),
    "depthwise_volume": (VOLUME, "depthwise(2x3x3, padding=1, stride=3x1x2)"),
    "depthwise_same": (IMAGE, "depthwise(3x2, padding=same, stride=3x1)"),
    "depthwise_flip": (IMAGE, "depthwise(2x3, flip=true, dilation=3x2)"),
    "depthwise_weights": (LINE, "depthwise(3, multiplier=2, weights=[2, -1, 0.5])"),
    "depthwise_weights_trained": (LINE, "depthwise(3, weights=[2, -1, 0.5], trainable=true)"),
    "depthwise_init": (IMAGE, "depthwise(2, init=ones, bias_init=constant(-2), trainable=false)"),
    "conv_transpose": (IMAGE, "conv_transpose(4, 3x4, stride=3x2, padding=1, output_padding=2x1, dilation=1x2)"),
    "conv_transpose_groups": (IMAGE, "conv_transpose(9, 3x2, stride=2x3, groups=3, bias=false)"),
    "conv_transpose_line": (LINE, "conv_transpose(7, 5, stride=3, padding=2, output_padding=1)"),
    "conv_transpose_volume": (VOLUME, "conv_transpose(3, 2x3x2, stride=2x1x3)"),
    "conv_transpose_pairs": (IMAGE, "conv_transpose(3, 4x3, stride=1x2, padding=[[2, 0], [0, 1]])"),
    "conv_transpose_same": (IMAGE, "conv_transpose(5, 4x5, stride=2x3, padding=same)"),
    "conv_transpose_flip": (VOLUME, "conv_transpose(4, 3x2x2, groups=2, flip=true, padding=1x0x1)"),
    "conv_transpose_weights": (LINE, "conv_transpose(3, 4, stride=2, weights=[1, -2, 0, 0.5], bias_init=ones)"),
    "conv_transpose_weights_trained": ((6, 2), "conv_transpose(3, 2, weights=[[[1, 2], [0, -1], [3, 0.5]], "
                                               "[[-2, 1], [1, 1], [0.25, 0]]], trainable=true)"),
    "conv_transpose_init": (IMAGE, "conv_transpose(3, 2, init=constant(0.2), trainable=false)"),
    "maxpool": (IMAGE, "maxpool(3x2, stride=2x3, padding=1, ceil=true)"),
    "maxpool_default": (IMAGE, "maxpool(2x3)"),
    "maxpool_line": (LINE, "maxpool(4, stride=3, padding=[[1, 2]])"),
    "maxpool_same": (IMAGE, "maxpool(3x4, stride=3, padding=same)"),
    "maxpool_volume": (VOLUME, "maxpool(2x2x3, stride=1x2x1)"),
    "maxpool_volume_ceil": (VOLUME, "maxpool(3x3x2, stride=3x2x2, padding=1x0x1, ceil=true)"),
    "avgpool": (IMAGE, "avgpool(3x4, stride=2, padding=1, ceil=true)"),
    "avgpool_counted": (IMAGE, "avgpool(3, stride=2x1, padding=1, count_padding=true)"),
    "avgpool_line": (LINE, "avgpool(4, stride=3, padding=2, ceil=true, count_padding=true)"),
    "avgpool_default": (LINE, "avgpool(3)"),
    "avgpool_same": (IMAGE, "avgpool(4x2, stride=1x3, padding=same)"),
    "avgpool_volume": (VOLUME, "avgpool(2x3x3, stride=2x2x1, padding=[[0, 1], [2, 1], [1, 0]])"),
    "adaptive_avgpool": (IMAGE, "adaptive_avgpool(3x4)"),
    "adaptive_avgpool_up": (LINE, "adaptive_avgpool(17)"),
    "adaptive_avgpool_volume": (VOLUME, "adaptive_avgpool(2x4x5)"),
    "adaptive_maxpool": (IMAGE, "adaptive_maxpool(4x5)"),
    "adaptive_maxpool_line": (LINE, "adaptive_maxpool(4)"),
    "adaptive_maxpool_volume": (VOLUME, "adaptive_maxpool(2x3x2)"),
    "global_avgpool": (VOLUME, "global_avgpool"), "global_avgpool_image": (IMAGE, "global_avgpool"),
    "global_avgpool_line": (LINE, "global_avgpool"),
    "global_maxpool": (IMAGE, "global_maxpool"), "global_maxpool_line": (LINE, "global_maxpool"),
    "global_maxpool_volume": (VOLUME, "global_maxpool"),
    "dense": (VECTOR, "dense(7)"),
    "dense_plain": (VECTOR, "dense(17, bias=false)"),
    "dense_weights": ((3,), "dense(2, weights=[[1, -2, 0.5], [0, 3, -1]], bias_init=constant(-0.7))"),
    "dense_weights_trained": ((3,), "dense(2, weights=[[1, -2, 0.5], [0, 3, -1]], trainable=true)"),
    "dense_init": (VECTOR, "dense(5, init=constant(0.1), bias_init=ones, trainable=false)"),
    "batchnorm": (IMAGE, "batchnorm(epsilon=0.01)"),
    "batchnorm_plain": (VECTOR, "batchnorm(epsilon=0.1, scale=false, shift=false)"),
    "batchnorm_line": (LINE, "batchnorm(momentum=0.3, scale=false)"),
    "batchnorm_volume": (VOLUME, "batchnorm(momentum=0, shift=false)"),
    "layernorm": (IMAGE, "layernorm(epsilon=0.02)"),
    "layernorm_vector": (VECTOR, "layernorm"),
    "layernorm_line": (LINE, "layernorm(epsilon=0.3)"),
    "layernorm_volume": (VOLUME, "layernorm"),
    "groupnorm": (IMAGE, "groupnorm(3, epsilon=0.03)"),
    "groupnorm_volume": (VOLUME, "groupnorm(2)"),
    "groupnorm_vector": ((15,), "groupnorm(3, epsilon=0.2)"),
    "groupnorm_one": (LINE, "groupnorm(1)"),
    "instance_norm": (LINE, "groupnorm(5)"),
    "lrn": (IMAGE, "lrn(3, alpha=0.7, beta=0.6, k=1.5)"),
    "lrn_even": (IMAGE, "lrn(4, alpha=0.9)"),
    "lrn_line": (LINE, "lrn(2, alpha=1.3, beta=1, k=0.5)"),
    "lrn_volume": (VOLUME, "lrn(9, alpha=3, beta=0.3)"),
    "lrn_vector": (VECTOR, "lrn(alpha=0.8, k=2)"),
    "prelu": (IMAGE, "prelu"), "prelu_line": (LINE, "prelu"), "prelu_volume": (VOLUME, "prelu"), "prelu_vector": (VECTOR, "prelu"),
    "leaky_relu": (IMAGE, "leaky_relu(slope=0.3)"), "leaky_relu_rising": (LINE, "leaky_relu(slope=-0.2)"),
    "leaky_relu_straight": (VOLUME, "leaky_relu(slope=1.5)"),
    "elu": (IMAGE, "elu(alpha=0.7)"), "elu_large": (LINE, "elu(alpha=2.5)"), "elu_none": (VOLUME, "elu(alpha=0)"),
    "softmax": (IMAGE, "softmax"), "softmax_line": (LINE, "softmax"), "softmax_volume": (VOLUME, "softmax"),
    "softmax_vector": (VECTOR, "softmax"),
    "log_softmax": (LINE, "log_softmax"), "log_softmax_image": (IMAGE, "log_softmax"),
    "log_softmax_volume": (VOLUME, "log_softmax"), "log_softmax_vector": (VECTOR, "log_softmax"),
    "upsample": (IMAGE, "upsample(2x3)"), "upsample_line": (LINE, "upsample(5)"),
    "upsample_volume": (VOLUME, "upsample(1x3x2, mode=nearest)"),
    "bilinear": (IMAGE, "upsample(3x2, mode=bilinear)"),
    "bilinear_aligned": (IMAGE, "upsample(2x3, mode=bilinear, align_corners=true)"),
    "linear": (LINE, "upsample(3, mode=bilinear)"),
    "linear_aligned": (LINE, "upsample(4, mode=bilinear, align_corners=true)"),
    "trilinear": (VOLUME, "upsample(2x1x3, mode=bilinear)"),
    "trilinear_aligned": (VOLUME, "upsample(2x3x1, mode=bilinear, align_corners=true)"),
    "pad": (IMAGE, "pad([[1, 2], [0, 3]])"), "pad_line": (LINE, "pad(2, mode=zeros)"), "pad_volume": (VOLUME, "pad(1x0x3)"),
    "pad_value": (IMAGE, "pad([[2, 0], [1, 1]], value=-1.5)"),
    "pad_value_volume": (VOLUME, "pad([[0, 1], [2, 0], [1, 3]], value=0.25)"),
    "pad_reflect": (IMAGE, "pad([[3, 1], [2, 4]], mode=reflect)"),
    "pad_reflect_line": (LINE, "pad([[10, 7]], mode=reflect)"),
    "pad_reflect_volume": (VOLUME, "pad([[4, 0], [1, 3], [2, 1]], mode=reflect)"),
    "pad_replicate": (VOLUME, "pad([[1, 2], [0, 3], [2, 1]], mode=replicate)"),
    "pad_replicate_image": (IMAGE, "pad(2x3, mode=replicate)"),
    "pad_replicate_line": (LINE, "pad([[0, 13]], mode=replicate)"),
    "crop": (IMAGE, "crop([[2, 1], [0, 5]])"), "crop_line": (LINE, "crop(3)"), "crop_volume": (VOLUME, "crop([[0, 3], [1, 1], [2, 0]])"),
    "channels": (IMAGE, "channels(1, 3)"), "channels_line": (LINE, "channels(4, 4)"), "channels_volume": (VOLUME, "channels(0, 2)"),
    "channels_vector": (VECTOR, "channels(2, 12)"),
    "pad_channels": (IMAGE, "pad_channels(2, 3)"), "pad_channels_line": (LINE, "pad_channels(0, 4)"),
    "pad_channels_volume": (VOLUME, "pad_channels(5, 0)"), "pad_channels_vector": (VECTOR, "pad_channels(1, 2)"),
    "reshape": (IMAGE, "reshape(9, 14, 3)"), "reshape_list": (VOLUME, "reshape([2 * 5, 24])"), "reshape_line": (LINE, "reshape(55)"),
    "reshape_vector": ((24,), "reshape(2, 3, 1, 4)"),
    "flatten": (IMAGE, "flatten"), "flatten_line": (LINE, "flatten"), "flatten_volume": (VOLUME, "flatten"),
    "flatten_vector": (VECTOR, "flatten"),
    "permute": (IMAGE, "permute(2, 0, 1)"), "permute_line": (LINE, "permute(1, 0)"), "permute_volume": (VOLUME, "permute([3, 1, 0, 2])"),
    "depth_to_space": ((3, 4, 12), "depth_to_space(2)"), "depth_to_space_line": ((5, 6), "depth_to_space(3)"),
    "depth_to_space_oblong": ((4, 3, 12), "depth_to_space(2x3)"),
    "depth_to_space_volume": ((2, 3, 2, 24), "depth_to_space(2x1x3)"),
    "channel_shuffle": (IMAGE, "channel_shuffle(3)"), "channel_shuffle_line": ((7, 12), "channel_shuffle(4)"),
    "channel_shuffle_volume": (VOLUME, "channel_shuffle(2)"), "channel_shuffle_vector": ((15,), "channel_shuffle(5)"),
    "scale": (IMAGE, "scale"), "scale_line": (LINE, "scale(bias=true)"), "scale_volume": (VOLUME, "scale(bias=true)"),
    "scale_vector": (VECTOR, "scale(bias=false)"), "scale_init": (LINE, "scale(init=constant(-1.25), bias=true)"),
    # In inference, and where gradients are asked for, nothing is dropped; drop_cases.py has what is.
    "dropout": (IMAGE, "dropout(0.4)"), "dropout_line": (LINE, "dropout(0.3, spatial=true)"), "dropout_volume": (VOLUME, "dropout(0)"),
    "dropout_vector": (VECTOR, "dropout(1)"), "drop_path": (IMAGE, "drop_path(0.6)"), "drop_path_line": (LINE, "drop_path(0)"),
    "drop_path_volume": (VOLUME, "drop_path(1)"),
}

# Layers of several values: `a` is what the trained scale before the layer makes of the input, `b` another, `raw` the input,
# `v` and `w` vectors a channel.
VALUES = {"b": 'raw -> scale(bias=true, name="b")', "v": 'raw -> global_avgpool -> scale(bias=true, name="v")',
          "w": 'raw -> global_maxpool -> scale(name="w")', "few": "raw -> channels(1, 2)"}
LAYERS |= {
    "add": (IMAGE, "add(a, b)"), "add_spread": (IMAGE, "add(a, v, -1.5, b)"), "add_first": (LINE, "add(w, a, v)"),
    "add_twice": (VOLUME, "add(a, a, b)"), "add_number": (VECTOR, "a -> add(0.25)"), "add_volume": (VOLUME, "v -> add(b, 2, a)"),
    "subtract": (IMAGE, "subtract(a, b)"), "subtract_spread": (IMAGE, "subtract(a, v, 0.75, b)"),
    "subtract_first": (LINE, "subtract(v, a, w)"), "subtract_from": (VECTOR, "subtract(2.5, a, b)"),
    "subtract_twice": (VOLUME, "b -> subtract(a, a)"), "subtract_volume": (VOLUME, "subtract(-1, v, b, w)"),
    "multiply": (IMAGE, "multiply(a, b)"), "multiply_spread": (IMAGE, "multiply(a, v, -0.5, b)"),
    "multiply_first": (LINE, "multiply(w, a, v)"), "multiply_twice": (VOLUME, "multiply(a, a, b)"),
    "multiply_number": (VECTOR, "multiply(3, b)"), "multiply_volume": (VOLUME, "b -> multiply(v, a)"),
    "maximum": (IMAGE, "maximum(a, b)"), "maximum_three": (LINE, "maximum(b, raw, a)"), "maximum_volume": (VOLUME, "raw -> maximum(b)"),
    "maximum_vector": (VECTOR, "maximum(b, a)"),
    "concat": (IMAGE, "concat(a, b)"), "concat_line": (LINE, "concat(few, a, few, b)"), "concat_volume": (VOLUME, "b -> concat(a, b, few)"),
    "concat_vector": (VECTOR, "concat(a, few, raw)"),
}

# A pool behind a normalisation: windows that cover all, that leave rows and columns over, with gaps between them, that overlap, are
# padded or cut off; activations that make equal what differed; and other readers of what is pooled, or of what is normalised, so that
# gradients meet.
LAYERS |= {
    "pooled": (IMAGE, "conv(5, 3, padding=1, bias=false) -> batchnorm(epsilon=0.01) -> relu -> maxpool(2)"),
    "pooled_whole": (IMAGE, "conv(17, 2, bias=false) -> batchnorm(scale=false) -> maxpool(2x4)"),
    "pooled_gaps": (IMAGE, "conv(33, 2x3, padding=1, bias=false) -> batchnorm(shift=false) -> relu -> maxpool(2, stride=3x4)"),
    "pooled_many": (IMAGE, "conv(7, 1, bias=false) -> batchnorm -> relu -> maxpool(5)"),
    "pooled_padded": (IMAGE, "conv(6, 2, bias=false) -> batchnorm -> relu -> maxpool(3, padding=1)"),
    "pooled_cut": (IMAGE, "conv(6, 3, padding=1, bias=false) -> batchnorm -> relu -> maxpool(2, ceil=true)"),
    "pooled_overlap": (IMAGE, "conv(6, 2, bias=false) -> batchnorm -> relu -> maxpool(3, stride=2)"),
    "pooled_behind": (IMAGE, "conv(5, 2, activation=relu) -> batchnorm -> maxpool(3x2)"),
    "pooled_bare": (IMAGE, "conv(9, 3, bias=false) -> batchnorm(scale=false, shift=false) -> relu -> maxpool(2)"),
    "pooled_six": (IMAGE, "conv(20, 3, bias=false) -> batchnorm -> relu6 -> maxpool(2x3)"),
    "pooled_leaky": (IMAGE, "conv(18, 3, bias=false) -> batchnorm -> leaky_relu(slope=0.25) -> maxpool(2)"),
    "pooled_bent": (IMAGE, "conv(6, 2, bias=false) -> batchnorm -> tanh -> maxpool(3)"),
    "pooled_line": (LINE, "conv(6, 2, bias=false) -> batchnorm(epsilon=0.02) -> relu -> maxpool(3)"),
    "pooled_line_gaps": (LINE, "conv(18, 3, padding=1, bias=false) -> batchnorm -> relu -> maxpool(2, stride=4)"),
    "pooled_volume": (VOLUME, "conv(6, 2, padding=1, bias=false) -> batchnorm(epsilon=0.03) -> relu -> maxpool(2)"),
    "pooled_volume_odd": (VOLUME, "conv(3, 3x1x1, padding=1x0x0, bias=false) -> batchnorm -> relu -> maxpool(2x3x1)"),
    "pooled_again": (IMAGE, "conv(5, 3, padding=1, bias=false) -> batchnorm -> relu\n  whole = it\n  whole -> maxpool(2)\n"
                            "  pooled = it\n  whole -> avgpool(2) -> add(pooled)"),
    "pooled_beside": (IMAGE, "conv(5, 2x4, bias=false) -> batchnorm(epsilon=0.05)\n  normal = it\n  normal -> relu -> maxpool(3x2)\n"
                             "  pooled = it\n  normal -> avgpool(3x2) -> add(pooled)"),
    "pooled_line_again": (LINE, "conv(4, 2, bias=false) -> batchnorm -> relu\n  whole = it\n  whole -> maxpool(2)\n  pooled = it\n"
                                "  whole -> maxpool(2, ceil=true) -> add(pooled)"),
}

# Every activation by itself, by its word, and as an argument; further off zero than other samples.
SPACES = {"": IMAGE, "_line": LINE, "_volume": VOLUME, "_vector": VECTOR}
PLAIN = ("gelu", "hard_sigmoid", "hard_swish", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "tanh")
WORDS = sorted(PLAIN + ("elu", "leaky_relu", "log_softmax", "prelu", "softmax"))
LEARNED = (("dense", VECTOR, "dense(9"), ("depthwise", LINE, "depthwise(3, multiplier=2"),
           ("conv_transpose", IMAGE, "conv_transpose(5, 2x3, stride=2"), ("conv_line", LINE, "conv(7, 3, padding=1"))
FAR = {word + space: (SPACES[space], word) for word in PLAIN for space in SPACES}
FAR |= {f"activation_{word}": (list(SPACES.values())[i % 4], f"activation({word})") for i, word in enumerate(WORDS)}
FAR |= {f"conv_{word}": (IMAGE, f"conv(7, 3x2, padding=1, activation={word})") for word in WORDS}
FAR |= {f"{kind}_{word}": (shape, f"{text}, activation={word})")
        for i, word in enumerate(WORDS) for kind, shape, text in (LEARNED[i % 4], LEARNED[(i + 1) % 4])}
LAYERS |= FAR

LOSSES = {
    "loss_cross_entropy": (VECTOR, "dense(7)", "cross_entropy(label_smoothing=0.2)"),
    "loss_places": (IMAGE, "conv(4, 2)", "cross_entropy"),
    "loss_softmax": (VECTOR, "dense(7, activation=softmax)", "cross_entropy(label_smoothing=0.05)"),
    "loss_log_softmax": (IMAGE, "conv(4, 2, activation=log_softmax)", "cross_entropy"),
    "loss_binary": (IMAGE, "conv(3, 2)", "binary_cross_entropy"),
    "loss_sigmoid": (VECTOR, "dense(6, activation=sigmoid)", "binary_cross_entropy"),
    "loss_mse": (LINE, "conv(3, 2)", "mse"),
    "loss_mae": (IMAGE, "conv(3, 2)", "mae"),
    "loss_huber": (IMAGE, "conv(3, 2)", "huber(delta=0.4)"),
    "loss_huber_default": (VECTOR, "dense(3)", "huber"),
}
EMBEDDINGS = {"embedding": ((9,), "embedding(23, 5)", "mse"), "embedding_narrow": ((17,), "embedding(3, 1)", "mse")}
CASES = {name: row + ("mse",) for name, row in LAYERS.items()} | LOSSES | EMBEDDINGS
# Weights stay as `init` makes them.
KEEPS = {name for name, row in CASES.items() if "weights=" in row[1] or "init=" in row[1]}


def vocabulary(name):
    """How many whole numbers the samples of an embedding's case are of; 0: any other case."""
    return int(re.search(r"\((\d+)", CASES[name][1]).group(1)) if name in EMBEDDINGS else 0


def reach(name):
    """Samples are between minus that and that."""
    return 8 if name in FAR else 2


def start(name, shape):
    """A parameter's value before training; running statistics are some that have run."""
    draw = numbers.uniform(name, shape)
    if name.endswith("running_mean"): return (0.3 * draw).astype("f")
    return (1 + 0.5 * draw).astype("f") if name.endswith("running_var") else numbers.initial(name, shape)


def samples(name):
    return numbers.sample(name, CASES[name][0], reach(name), vocabulary(name))


def targets(name, shape):
    loss = CASES[name][2]
    return numbers.targets(name, shape, loss.startswith("cross"), loss.startswith("binary"))


def source(name):
    """The case as a .cnn file."""
    shape, layer, loss = CASES[name]
    words = set(re.findall(r"\b[a-z]+\b", layer))
    lines = [f"input({', '.join(map(str, shape))})"]
    used = [value for value in VALUES if value in words]
    merge = bool(used) or "raw" in words
    if merge: lines.append("raw = it")
    if "a" in words or not merge and name not in EMBEDDINGS: lines.append('scale(bias=true, name="first")')
    if "a" in words: lines.append("a = it")
    for value in used:
        line = VALUES[value]
        lines.append(f"{value} = " + (re.sub(r"global_\w+ -> ", "", line) if len(shape) == 1 else line))
    train = f"loss = {loss}"
    if "batchnorm" in layer:  # which keeps statistics in training
        train += "; epochs = 1; batch = 5"
        lines = ['format = npy; path = "."; train = ["x.npy", "t.npy"]'] + lines
    data = f"data {{ {lines.pop(0)} }}\n" if "batchnorm" in layer else ""
    return "model m {\n" + "".join(f"  {line}\n" for line in lines + [layer]) + f"}}\n{data}train {{ {train} }}\n"
