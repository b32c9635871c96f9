"""The forward pass of every layer in double precision, in inference mode, written from the language's page alone.
A node is (kind, arguments, inputs); parameters are those of the weight file. No code is shared with the compiler."""
import itertools
import math
import numpy as np

erf = np.vectorize(math.erf, otypes=[float])


def softplus(x):
    return np.logaddexp(0, x)


def sigmoid(x):
    return np.exp(-softplus(-x))


ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0), "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x, slope=0.01: np.where(x > 0, x, slope * x),
    "elu": lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2))), "silu": lambda x: x * sigmoid(x),
    "hard_swish": lambda x: x * np.clip(x + 3, 0, 6) / 6, "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "sigmoid": sigmoid, "tanh": np.tanh, "softplus": softplus, "mish": lambda x: x * np.tanh(softplus(x)),
}


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def paddings(padding, extents, kernel, stride, dilation):
    """[(begin, end)] of each axis."""
    result = []
    for axis, (n, k, s, d) in enumerate(zip(extents, kernel, stride, dilation)):
        if padding == "valid":
            result.append((0, 0))
        elif padding == "same":
            total = max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
            result.append((total // 2, total - total // 2))
        else:
            result.append(tuple(padding[axis]))
    return result


def window_sizes(extents, kernel, stride, dilation, pads, ceil=False):
    sizes = []
    for n, k, s, d, (begin, end) in zip(extents, kernel, stride, dilation, pads):
        room = n + begin + end - d * (k - 1) - 1
        size = (-(-room // s) if ceil else room // s) + 1
        if ceil and (size - 1) * s >= n + begin:
            size -= 1
        sizes.append(size if room >= 0 or ceil else 0)
    return sizes


def padded(x, pads, value=0.0, mode="constant"):
    widths = [(0, 0)] + list(pads) + [(0, 0)]
    return np.pad(x, widths, mode, constant_values=value) if mode == "constant" else np.pad(x, widths, mode)


def taps(x, kernel, stride, dilation, sizes):
    """(offset, the elements under that tap of the kernel)."""
    for offset in itertools.product(*map(range, kernel)):
        cut = tuple(slice(o * d, o * d + (n - 1) * s + 1, s) for o, d, n, s in zip(offset, dilation, sizes, stride))
        yield offset, x[(slice(None),) + cut]


def conv(x, a, weight, bias):
    extents, groups = x.shape[1:-1], a["groups"]
    pads = paddings(a["padding"], extents, a["kernel"], a["stride"], a["dilation"])
    sizes = window_sizes(extents, a["kernel"], a["stride"], a["dilation"], pads)
    if a.get("flip"):
        weight = np.flip(weight, tuple(range(2, weight.ndim)))
    filters = weight.shape[0]
    y = np.zeros((x.shape[0], *sizes, groups, filters // groups))
    grouped = weight.reshape(groups, filters // groups, *weight.shape[1:])
    for offset, part in taps(padded(x, pads), a["kernel"], a["stride"], a["dilation"], sizes):
        part = part.reshape(*part.shape[:-1], groups, -1)
        y += np.einsum("...gc,gfc->...gf", part, grouped[(slice(None),) * 3 + offset])
    y = y.reshape(*y.shape[:-2], filters)
    return y if bias is None else y + bias


def conv_transpose(x, a, weight, bias):
    extents, groups = x.shape[1:-1], a["groups"]
    if a.get("flip"):
        weight = np.flip(weight, tuple(range(2, weight.ndim)))
    full, begin, sizes = [], [], []
    for axis, (n, k, s, d) in enumerate(zip(extents, a["kernel"], a["stride"], a["dilation"])):
        reach = (n - 1) * s + d * (k - 1) + 1
        if a["padding"] == "same":
            first, size = max(0, d * (k - 1) + 1 - s) // 2, n * s
        else:
            pad = (0, 0) if a["padding"] == "valid" else a["padding"][axis]
            first, size = pad[0], reach - pad[0] - pad[1] + a["output_padding"][axis]
        full.append(max(reach, first + size))
        begin.append(first)
        sizes.append(size)
    channels, share = weight.shape[:2]
    y = np.zeros((x.shape[0], *full, groups, share))
    xs = x.reshape(*x.shape[:-1], groups, channels // groups)
    ws = weight.reshape(groups, channels // groups, *weight.shape[1:])
    for offset in itertools.product(*map(range, a["kernel"])):
        cut = tuple(slice(o * d, o * d + (n - 1) * s + 1, s)
                    for o, d, n, s in zip(offset, a["dilation"], extents, a["stride"]))
        y[(slice(None),) + cut] += np.einsum("...gc,gcf->...gf", xs, ws[(slice(None),) * 3 + offset])
    y = y.reshape(x.shape[0], *full, groups * share)
    y = y[(slice(None),) + tuple(slice(b, b + n) for b, n in zip(begin, sizes))]
    return y if bias is None else y + bias


def pool(x, a, maximum):
    extents, one = x.shape[1:-1], [1] * (x.ndim - 2)
    pads = paddings(a["padding"], extents, a["kernel"], a["stride"], one)
    sizes = window_sizes(extents, a["kernel"], a["stride"], one, pads, a["ceil"])
    y = np.empty((x.shape[0], *sizes, x.shape[-1]))
    for place in itertools.product(*map(range, sizes)):
        cut, count = [], 1
        for i, s, k, n, (begin, end) in zip(place, a["stride"], a["kernel"], extents, pads):
            first, last = i * s - begin, i * s - begin + k
            count *= min(last, n + end) - first
            cut.append(slice(max(first, 0), min(last, n)))
        window = x[(slice(None),) + tuple(cut)]
        axes = tuple(range(1, x.ndim - 1))
        if maximum:
            value = window.max(axes)
        else:
            inside = math.prod(window.shape[1:-1])
            value = window.sum(axes) / (count if a["count_padding"] else inside)
        y[(slice(None),) + place] = value
    return y


def adaptive(x, sizes, reduce):
    y = np.empty((x.shape[0], *sizes, x.shape[-1]))
    for place in itertools.product(*map(range, sizes)):
        cut = tuple(slice(i * n // m, -(-(i + 1) * n // m)) for i, n, m in zip(place, x.shape[1:-1], sizes))
        y[(slice(None),) + place] = reduce(x[(slice(None),) + cut], axis=tuple(range(1, x.ndim - 1)))
    return y


def upsample(x, factor, mode, align):
    for axis, f in enumerate(factor, 1):
        n = x.shape[axis]
        at = np.arange(n * f)
        if mode == "nearest":
            x = np.take(x, at // f, axis)
            continue
        where = at * ((n - 1) / max(n * f - 1, 1)) if align else np.maximum((at + 0.5) / f - 0.5, 0)
        low = np.minimum(where.astype(int), n - 1)
        part = (where - low).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
        x = np.take(x, low, axis) * (1 - part) + np.take(x, np.minimum(low + 1, n - 1), axis) * part
    return x


def normalised(x, axes, epsilon):
    mean = x.mean(axes, keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True) + epsilon)


def groupnorm(x, groups, epsilon):
    y = x.reshape(x.shape[0], -1, groups, x.shape[-1] // groups)
    return normalised(y, (1, 3), epsilon).reshape(x.shape)


def lrn(x, size, alpha, beta, k):
    channels, total = x.shape[-1], np.zeros_like(x)
    for c in range(channels):
        first = c - size // 2
        total[..., c] = (x[..., max(first, 0):min(first + size, channels)] ** 2).sum(-1)
    return x / (k + alpha / size * total) ** beta


def merge(kind, values):
    """From left to right; a vector a sample is spread over the places of the largest, a number over all."""
    if kind == "concat":
        return np.concatenate(values, -1)
    rank = max(np.ndim(v) for v in values)
    values = [v.reshape(v.shape[0], *[1] * (rank - 2), v.shape[-1]) if 0 < np.ndim(v) < rank else v for v in values]
    y = values[0]
    for v in values[1:]:
        y = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "maximum": np.maximum}[kind](y, v)
    return y


def depth_to_space(x, f):
    n, extents, rank = x.shape[0], x.shape[1:-1], x.ndim - 2
    c = x.shape[-1] // math.prod(f)
    y = x.reshape(n, *extents, c, *f)
    order = [0] + [i for axis in range(rank) for i in (1 + axis, 2 + rank + axis)] + [1 + rank]
    return y.transpose(order).reshape(n, *[e * k for e, k in zip(extents, f)], c)


def forward(kind, a, inputs, p):
    """The output of a layer; `p` are its parameters by name."""
    x = inputs[0]
    if kind in ("conv", "depthwise"):
        y = conv(x, a, p["weight"], p.get("bias"))
    elif kind == "conv_transpose":
        y = conv_transpose(x, a, p["weight"], p.get("bias"))
    elif kind == "dense":
        y = x @ p["weight"].T + p.get("bias", 0)
    elif kind in ("maxpool", "avgpool"):
        y = pool(x, a, kind == "maxpool")
    elif kind in ("adaptive_avgpool", "adaptive_maxpool"):
        y = adaptive(x, a["size"], np.mean if "avg" in kind else np.max)
    elif kind in ("global_avgpool", "global_maxpool"):
        y = (np.mean if "avg" in kind else np.max)(x, axis=tuple(range(1, x.ndim - 1)))
    elif kind in ("flatten", "reshape"):
        y = x.reshape(x.shape[0], *(a["dims"] if kind == "reshape" else [-1]))
    elif kind == "permute":
        y = x.transpose([0] + [i + 1 for i in a["axes"]])
    elif kind in ("dropout", "drop_path", "activation"):
        y = x
    elif kind == "embedding":
        y = p["weight"][x.astype(int)]
    elif kind == "batchnorm":
        y = (x - p["running_mean"]) / np.sqrt(p["running_var"] + a["epsilon"]) * p.get("weight", 1) + p.get("bias", 0)
    elif kind == "layernorm":
        y = normalised(x, -1, a["epsilon"]) * p["weight"] + p["bias"]
    elif kind == "groupnorm":
        y = groupnorm(x, a["groups"], a["epsilon"]) * p["weight"] + p["bias"]
    elif kind == "lrn":
        y = lrn(x, a["size"], a["alpha"], a["beta"], a["k"])
    elif kind == "prelu":
        y = np.where(x > 0, x, p["weight"] * x)
    elif kind == "scale":
        y = x * p["weight"] + p.get("bias", 0)
    elif kind in ("softmax", "log_softmax"):
        y = log_softmax(x) if kind == "log_softmax" else np.exp(log_softmax(x))
    elif kind in ("add", "subtract", "multiply", "maximum", "concat"):
        values = list(inputs)
        if "number" in a:
            values.insert(a["position"], a["number"])
        y = merge(kind, values)
    elif kind == "upsample":
        y = upsample(x, a["factor"], a["mode"], a["align"])
    elif kind == "pad":
        y = padded(x, a["pads"], a["value"] if a["mode"] == "value" else 0.0,
                   {"reflect": "reflect", "replicate": "edge"}.get(a["mode"], "constant"))
    elif kind == "crop":
        y = x[(slice(None),) + tuple(slice(b, n - e) for (b, e), n in zip(a["pads"], x.shape[1:-1]))]
    elif kind == "pad_channels":
        y = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(a["begin"], a["end"])])
    elif kind == "channels":
        y = x[..., a["first"]:a["last"] + 1]
    elif kind == "channel_shuffle":
        y = x.reshape(*x.shape[:-1], a["groups"], -1).swapaxes(-1, -2).reshape(x.shape)
    elif kind == "depth_to_space":
        y = depth_to_space(x, a["factor"])
    else:
        extra = {key: a[key] for key in ("slope", "alpha") if key in a}
        y = ACTIVATIONS[kind](x, **extra)
    word = a.get("activation", "none")
    return np.exp(log_softmax(y)) if word == "softmax" else ACTIVATIONS[word](y) if word != "none" else y
