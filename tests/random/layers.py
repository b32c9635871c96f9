"""What the generator knows of each layer of one input: a function a kind draws its arguments for a shape and says what
comes out, by the language's page. `draw` is the model being made: its random numbers, its budget of multiply-adds."""
import math

import numpy as np

import reference

SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33]
ELEMENTS = {1: 2000, 2: 4000, 3: 4000}  # by spatial axes
ACTIVATIONS = sorted(reference.ACTIVATIONS)


class Layer:
    """`arguments` are the reference's; `text` is the call."""

    def __init__(self, arguments, shape, text):
        self.arguments, self.shape, self.text = arguments, list(shape), text


def call(kind, items):
    return f"{kind}({', '.join(items)})" if items else kind


def nested(values):
    """An array as a list of the language."""
    if np.ndim(values) == 0:
        return f"{float(values):g}"
    return "[" + ", ".join(nested(v) for v in values) + "]"


def initialiser(draw, key, a, items):
    """An init= whose values can be told."""
    name, value = draw.random.choice([("zeros", None), ("ones", None), ("constant", -0.5), ("uniform", 0.25), ("normal", 0.5)])
    a[key] = name, value
    items.append(f"{key}={name}" + (f"({value})" if value is not None else ""))


def learned(draw, a, items, shape, rank, fixed=True):
    """What all layers with weights take: how these start, whether they are trained, a fixed kernel."""
    r, count = draw.random, math.prod(shape)
    roll, whole = r.random(), len(shape) == rank or r.random() < 0.5
    extents = shape if whole else shape[len(shape) - rank:]
    if fixed and roll < 0.12 and math.prod(extents) <= 150:
        step = 1 if draw.exact else 0.25
        kernel = np.array([r.randint(-2, 2) * step for _ in range(math.prod(extents))]).reshape(extents)
        kernel.flat[0] = kernel.flat[0] or step  # where all is zero, so is every sign
        a["fixed"] = np.broadcast_to(kernel, shape)
        items.append(f"weights={nested(kernel)}")
        a["frozen"] = r.random() < 0.6
        if not a["frozen"]: items.append("trainable=true")
    elif roll < 0.2:
        initialiser(draw, "init", a, items)
    elif roll < 0.27:
        a["frozen"] = True
        items.append("trainable=false")
    if a.get("bias") and r.random() < 0.1:
        initialiser(draw, "bias_init", a, items)
    if count == 0: raise ValueError(shape)


def windows(draw, extents, same):
    """kernel, stride, dilation, padding (as the reference has it) and padding's text, fitting the extents."""
    r, rank = draw.random, len(extents)
    kernel = [r.choice([k for k in (1, 1, 2, 3, 3, 3, 4, 5, 7) if same or k <= n]) for n in extents]
    stride, dilation, padding, text = [1] * rank, [1] * rank, "same", "same"
    if not same:
        stride = [r.choice([1, 1, 1, 2, 3]) for _ in extents]
        if r.random() < 0.25:
            dilation = [2 if 2 * (k - 1) + 1 <= n else 1 for k, n in zip(kernel, extents)]
        padding = text = r.choice(["valid", "same", "list", "number"])
        if padding == "list":
            padding = [[r.randrange(0, k), r.randrange(0, k)] for k in kernel]
            text = str(padding)
        elif padding == "number":
            p = r.randint(0, min(kernel))
            padding, text = [[p, p]] * rank, str(p)
    return kernel, stride, dilation, padding, text


def convolution(draw, kind, shape, same):
    r, extents, channels = draw.random, shape[:-1], shape[-1]
    if not extents: return None
    kernel, stride, dilation, padding, padding_text = windows(draw, extents, same)
    groups = r.choice([1, 1] + [g for g in (1, 2, 3, 4, 5, 8, 17) if channels % g == 0])
    filters = channels if same else groups * r.choice([1, 2, 3, 4, 5, 7, 8, 9, 16, 17])
    a = dict(kernel=kernel, stride=stride, dilation=dilation, padding=padding, output_padding=[0] * len(extents),
             activation=draw.activation(), flip=r.random() < 0.1, bias=r.random() < 0.7)
    where = "kernel=" if r.random() < 0.4 else ""  # by name, so that a block's parameter may take its place
    items = [where + draw.size(kernel)]
    if kind == "depthwise":
        multiplier = 1 if same else r.choice([1, 1, 2, 3])
        groups, filters = channels, channels * multiplier
        if multiplier > 1: items.append(f"multiplier={draw.number(multiplier)}")
    else:
        items.insert(0, "it.channels" if same and r.random() < 0.3 else draw.number(filters))
        if groups > 1: items.append(f"groups={draw.number(groups)}")
    a["groups"] = groups
    if padding_text != "valid": items.append(f"padding={padding_text}")
    if any(s != 1 for s in stride): items.append(f"stride={draw.size(stride)}")
    if any(d != 1 for d in dilation): items.append(f"dilation={draw.size(dilation)}")
    if kind == "conv_transpose":
        if same: return None
        if padding != "same" and r.random() < 0.4:
            a["output_padding"] = [r.randrange(s) for s in stride]
            items.append(f"output_padding={draw.size(a['output_padding'])}")
        pads = [(0, 0)] * len(extents) if padding == "valid" else padding
        sizes = [n * s for n, s in zip(extents, stride)] if padding == "same" else \
            [(n - 1) * s - b - e + d * (k - 1) + o + 1
             for n, k, s, d, o, (b, e) in zip(extents, kernel, stride, dilation, a["output_padding"], pads)]
        work, weight = extents, [channels, filters // groups] + kernel
    else:
        pads = reference.paddings(padding, extents, kernel, stride, dilation)
        work = sizes = reference.window_sizes(extents, kernel, stride, dilation, pads)
        weight = [filters, channels // groups] + kernel
    if min(sizes) < 1 or math.prod(sizes) * filters > 3 * ELEMENTS[len(extents)]: return None
    if not draw.afford(math.prod(work) * math.prod(weight[1:]) * weight[0]): return None
    if not a["bias"]: items.append("bias=false")
    if a["flip"]: items.append("flip=true")
    if a["activation"] != "none": items.append(f"activation={a['activation']}")
    learned(draw, a, items, weight, len(extents))
    return Layer(a, sizes + [filters], call(kind, items))


def pool(draw, kind, shape, same):
    r, extents = draw.random, shape[:-1]
    if not extents: return None
    ceil = not same and r.random() < 0.3  # a partial window alone is one too
    kernel = [r.choice([k for k in (1, 2, 2, 3, 4) if k <= n + ceil]) for n in extents]
    default = not same and r.random() < 0.3
    stride = [1] * len(extents) if same else kernel if default else [r.choice([1, 2, 2, 3]) for _ in extents]
    padding = text = "same" if same else r.choice(["valid", "valid", "same", "list", "number"])
    if padding == "list":
        padding = [[r.randrange(0, k // 2 + 1), r.randrange(0, k // 2 + 1)] for k in kernel]
        text = str(padding)
    elif padding == "number":
        p = r.randrange(0, min(kernel))
        padding, text = [[p, p]] * len(extents), str(p)
    a = dict(kernel=kernel, stride=stride, padding=padding, ceil=ceil,
             count_padding=kind == "avgpool" and r.random() < 0.3)
    pads = reference.paddings(padding, extents, kernel, stride, [1] * len(extents))
    sizes = reference.window_sizes(extents, kernel, stride, [1] * len(extents), pads, a["ceil"])
    if min(sizes) < 1: return None
    items = [draw.size(kernel)]
    if not default: items.append(f"stride={draw.size(stride)}")
    if text != "valid": items.append(f"padding={text}")
    if a["ceil"]: items.append("ceil=true")
    if a["count_padding"]: items.append("count_padding=true")
    return Layer(a, sizes + shape[-1:], call(kind, items))


def dense(draw, kind, shape, same):
    if len(shape) != 1: return None
    r, units = draw.random, shape[0] if same else draw.random.choice([1, 2, 3, 5, 8, 9, 16, 17, 33])
    if not draw.afford(units * shape[0]): return None
    a = {"activation": draw.activation(), "bias": r.random() < 0.8}
    items = ["it.features" if same and r.random() < 0.3 else draw.number(units)]
    if not a["bias"]: items.append("bias=false")
    if a["activation"] != "none": items.append(f"activation={a['activation']}")
    learned(draw, a, items, [units, shape[0]], 2)
    return Layer(a, [units], call(kind, items))


def elementwise(draw, kind, shape, same):
    r, a, items = draw.random, {}, []
    if kind == "leaky_relu" and r.random() < 0.7:
        a["slope"] = r.choice([0, 0.2, 1])
        items = [f"slope={a['slope']}"]
    if kind == "elu" and r.random() < 0.7:
        a["alpha"] = r.choice([0.5, 1.5])
        items = [f"alpha={a['alpha']}"]
    return Layer(a, shape, call(kind, items))


def activation(draw, kind, shape, same):
    name = draw.random.choice([n for n in ACTIVATIONS if not draw.exact or n == "relu"])
    return Layer({"activation": name}, shape, f"activation({name})")


def epsilon(draw, a, items):
    a["epsilon"] = draw.random.choice([1e-5, 1e-5, 1e-3, 0.1])
    if a["epsilon"] != 1e-5: items.append(f"epsilon={a['epsilon']}")


def batchnorm(draw, kind, shape, same):
    r, a, items = draw.random, {}, []
    epsilon(draw, a, items)
    if r.random() < 0.2: items.append(f"momentum={r.choice([0, 0.5, 0.99])}")
    for word in ("scale", "shift"):
        if r.random() < 0.15: items.append(f"{word}=false")
    return Layer(a, shape, call(kind, items))


def layernorm(draw, kind, shape, same):
    a, items = {}, []
    if shape[-1] < 3: return None  # of two numbers nothing but a sign remains
    epsilon(draw, a, items)
    return Layer(a, shape, call(kind, items))


def groupnorm(draw, kind, shape, same):
    a = {"groups": draw.random.choice([g for g in (1, 2, 3, 4, 8) if shape[-1] % g == 0])}
    if math.prod(shape) // a["groups"] < 4: return None
    items = [draw.number(a["groups"])]
    epsilon(draw, a, items)
    return Layer(a, shape, call(kind, items))


def softmax(draw, kind, shape, same):
    return Layer({}, shape, kind) if shape[-1] > 2 else None


def lrn(draw, kind, shape, same):
    r, items = draw.random, []
    a = dict(size=r.choice([1, 2, 3, 5, 20]), alpha=r.choice([1e-4, 0.5]), beta=r.choice([0.75, 0.75, 0.5, 1, 0.3]),
             k=r.choice([1, 1, 2]))
    for key, default in (("size", 5), ("alpha", 1e-4), ("beta", 0.75), ("k", 1)):
        if a[key] != default: items.append(f"{key}={a[key]}")
    return Layer(a, shape, call(kind, items))


def scale(draw, kind, shape, same):
    a, items = {}, []
    if draw.random.random() < 0.5: items.append("bias=true")
    if draw.random.random() < 0.2: initialiser(draw, "init", a, items)
    return Layer(a, shape, call(kind, items))


def dropping(draw, kind, shape, same):
    spatial = kind == "dropout" and draw.random.random() < 0.3 and len(shape) > 1
    return Layer({}, shape, call(kind, ["0.25"] + ["spatial=true"] * spatial))


def shuffle(draw, kind, shape, same):
    groups = draw.random.choice([g for g in (1, 2, 3, 4, 8) if shape[-1] % g == 0])
    return Layer({"groups": groups}, shape, call(kind, [draw.number(groups)]))


def flatten(draw, kind, shape, same):
    return Layer({}, [math.prod(shape)], kind) if not same else None


def global_pool(draw, kind, shape, same):
    return Layer({}, shape[-1:], kind) if len(shape) > 1 and not same else None


def adaptive(draw, kind, shape, same):
    if len(shape) == 1: return None
    size = shape[:-1] if same else [draw.random.choice([1, 2, 3, 4, n]) for n in shape[:-1]]
    return Layer({"size": size}, size + shape[-1:], call(kind, [draw.size(size)]))


def reshape(draw, kind, shape, same):
    r, dims = draw.random, list(shape)
    if same: return None
    r.shuffle(dims)
    if len(dims) > 1 and r.random() < 0.4:
        dims[:2] = [dims[0] * dims[1]]
    elif len(dims) < 4 and dims[0] % 2 == 0:
        dims[:1] = [dims[0] // 2, 2]
    text = ", ".join(map(str, dims))
    return Layer({"dims": dims}, dims, f"reshape([{text}])" if r.random() < 0.3 else f"reshape({text})")


def permute(draw, kind, shape, same):
    axes = list(range(len(shape)))
    if same or len(shape) == 1: return None
    draw.random.shuffle(axes)
    return Layer({"axes": axes}, [shape[i] for i in axes], f"permute({', '.join(map(str, axes))})")


def upsample(draw, kind, shape, same):
    r, rank = draw.random, len(shape) - 1
    if same or not rank: return None
    mode = r.choice(["nearest", "bilinear"]) if not draw.exact else "nearest"
    f = [r.choice([1, 2, 3]) for _ in range(rank)]
    a = dict(factor=f, mode=mode, align=mode == "bilinear" and r.random() < 0.4)
    items = [draw.size(f)] + ([f"mode={mode}"] if mode != "nearest" or r.random() < 0.3 else []) + \
        ["align_corners=true"] * a["align"]
    return Layer(a, [n * i for n, i in zip(shape, f)] + shape[-1:], call(kind, items))


def borders(draw, most):
    """Pairs and their text: a list of pairs, or one size for all sides."""
    r = draw.random
    if r.random() < 0.3:
        width = r.randint(0, min(most))
        return [[width, width] for _ in most], str(width)
    pairs = [[r.randint(0, m), r.randint(0, m)] for m in most]
    return pairs, str(pairs)


def pad(draw, kind, shape, same):
    r = draw.random
    if same or len(shape) == 1: return None
    mode = r.choice(["zeros", "reflect", "replicate", "value"])
    pads, text = borders(draw, [min(2, n - 1) if mode == "reflect" else 2 for n in shape[:-1]])
    a = {"mode": mode, "pads": pads, "value": r.choice([-1, 2, 3])}
    items = [text] + ([f"value={a['value']}"] if mode == "value" else [f"mode={mode}"])
    return Layer(a, [n + b + e for n, (b, e) in zip(shape, pads)] + shape[-1:], call(kind, items))


def crop(draw, kind, shape, same):
    if same or len(shape) == 1: return None
    pads, text = borders(draw, [(n - 1) // 2 for n in shape[:-1]])
    return Layer({"pads": pads}, [n - b - e for n, (b, e) in zip(shape, pads)] + shape[-1:], call(kind, [text]))


def pad_channels(draw, kind, shape, same):
    begin, end = draw.random.randint(0, 2), draw.random.randint(0, 3)
    if same: return None
    return Layer({"begin": begin, "end": end}, shape[:-1] + [shape[-1] + begin + end], f"pad_channels({begin}, {end})")


def channels(draw, kind, shape, same):
    first = draw.random.randrange(shape[-1])
    last = draw.random.randrange(first, shape[-1])
    if same: return None
    return Layer({"first": first, "last": last}, shape[:-1] + [last - first + 1], f"channels({first}, {last})")


def depth_to_space(draw, kind, shape, same):
    rank, r = len(shape) - 1, draw.random
    factor = [r.choice([1, 2, 3]) for _ in range(rank)]
    if same or not rank or shape[-1] % math.prod(factor): return None
    return Layer({"factor": factor}, [n * f for n, f in zip(shape, factor)] + [shape[-1] // math.prod(factor)],
                 call(kind, [draw.size(factor)]))


LAYERS = {kind: elementwise for kind in ACTIVATIONS} | {
    "conv": convolution, "depthwise": convolution, "conv_transpose": convolution, "dense": dense, "maxpool": pool,
    "avgpool": pool, "prelu": elementwise, "activation": activation, "batchnorm": batchnorm, "layernorm": layernorm,
    "groupnorm": groupnorm, "softmax": softmax, "log_softmax": softmax, "lrn": lrn, "scale": scale, "dropout": dropping,
    "drop_path": dropping, "channel_shuffle": shuffle, "flatten": flatten, "global_avgpool": global_pool,
    "global_maxpool": global_pool, "adaptive_avgpool": adaptive, "adaptive_maxpool": adaptive, "reshape": reshape,
    "permute": permute, "upsample": upsample, "pad": pad, "crop": crop, "pad_channels": pad_channels,
    "channels": channels, "depth_to_space": depth_to_space}
MERGES = ["add", "subtract", "multiply", "maximum", "concat"]
# With integers in, integers come out.
EXACT = set("""conv depthwise conv_transpose dense relu activation prelu maxpool flatten crop pad pad_channels channels reshape
    permute channel_shuffle depth_to_space upsample adaptive_maxpool global_maxpool scale dropout drop_path""".split())
