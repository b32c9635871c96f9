"""Random valid models from a seed, and broken ones: 3 to 12 layers, branches, blocks, one to three spatial axes.
A Model holds its text, its layers in the order of the summary's rows, and the shapes that the language promises."""
import math
import random

import reference

SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33]
BATCHES = [1, 2, 3, 32, 33]
ELEMENTS = {1: 2000, 2: 4000, 3: 4000}
MACS = 400_000
ACTIVATIONS = sorted(reference.ACTIVATIONS)
EXACT = {"conv", "depthwise", "dense", "relu", "maxpool", "flatten", "add", "concat", "crop", "pad", "pad:zeros", "subtract"}


class Node:
    def __init__(self, kind, arguments, inputs, shape, line):
        self.kind, self.arguments, self.inputs, self.shape, self.line = kind, arguments, inputs, shape, line


def size_text(values):
    return "x".join(map(str, values))


class Model:
    def __init__(self, seed, kinds, exact=False):
        self.random, self.kinds, self.exact = random.Random(seed), kinds & EXACT if exact else kinds, exact
        self.lines, self.nodes, self.blocks, self.macs, self.names = [], [], [], 0, 0
        self.build()

    # Shapes are without the batch; node -1 is the input.
    def shape(self, at):
        return self.nodes[at].shape if at >= 0 else self.input

    def add(self, kind, arguments, inputs, shape, text, prefix=""):
        """A layer on a line of its own; returns its node."""
        self.nodes.append(Node(kind, arguments, inputs, list(shape), len(self.lines) + 1))
        self.lines.append(f"{prefix}{text}")
        return len(self.nodes) - 1

    def windowed(self, extents, channels, same_shape):
        """kernel, stride, dilation, padding and their text, fitting the extents."""
        r, rank = self.random, len(extents)
        kernel = [r.choice([k for k in (1, 1, 2, 3, 3, 3, 4, 5, 7) if same_shape or k <= max(n, 1)]) for n in extents]
        stride, dilation, padding = [1] * rank, [1] * rank, "same"
        if not same_shape:
            stride = [r.choice([1, 1, 1, 2, 3]) for _ in extents]
            padding = r.choice(["valid", "same", "list"])
            if r.random() < 0.25:
                dilation = [2 if 2 * (k - 1) + 1 <= n else 1 for k, n in zip(kernel, extents)]
            if padding == "list":
                padding = [[r.randrange(0, k), r.randrange(0, k)] for k in kernel]
        return kernel, stride, dilation, padding

    def activation(self):
        names = ["none", "relu"] if self.exact else ["none", "none", "relu", "relu"] + ACTIVATIONS
        return self.random.choice([n for n in names if n == "none" or n in self.kinds])

    def convolution(self, kind, at, same_shape, prefix):
        r, shape = self.random, self.shape(at)
        extents, channels = shape[:-1], shape[-1]
        kernel, stride, dilation, padding = self.windowed(extents, channels, same_shape)
        groups = r.choice([g for g in (1, 1, 1, 2, 3, 4) if channels % g == 0])
        filters = channels if same_shape else groups * r.choice([1, 2, 3, 4, 5, 8, 9, 16, 17])
        bias, flip, a = r.random() < 0.7, kind == "conv" and r.random() < 0.15, self.activation()
        options = [] if padding == "valid" else [f"padding={padding}"]
        if any(s != 1 for s in stride): options.append(f"stride={size_text(stride)}")
        if any(d != 1 for d in dilation): options.append(f"dilation={size_text(dilation)}")
        if not bias: options.append("bias=false")
        if flip: options.append("flip=true")
        if a != "none": options.append(f"activation={a}")
        if kind == "depthwise":
            groups, multiplier = channels, 1 if same_shape else r.choice([1, 1, 2, 3])
            filters, head = channels * multiplier, [size_text(kernel)]
            if multiplier > 1: options.append(f"multiplier={multiplier}")
        else:
            head = [str(filters), size_text(kernel)]
            if groups > 1: options.append(f"groups={groups}")
        arguments = dict(kernel=kernel, stride=stride, dilation=dilation, padding=padding, groups=groups,
                         activation=a, flip=flip, output_padding=0)
        if kind == "conv_transpose":
            if padding not in ("valid", "same"):
                return None
            if padding == "valid" and min(stride) > 1 and r.random() < 0.5:
                arguments["output_padding"] = 1
                options.append("output_padding=1")
            sizes = [n * s if padding == "same" else (n - 1) * s + d * (k - 1) + 1 + arguments["output_padding"]
                     for n, k, s, d in zip(extents, kernel, stride, dilation)]
            work = extents
        else:
            pads = reference.paddings(padding, extents, kernel, stride, dilation)
            work = sizes = reference.window_sizes(extents, kernel, stride, dilation, pads)
        if min(sizes) < 1 or math.prod(sizes) * filters > 3 * ELEMENTS[len(extents)]:
            return None
        macs = math.prod(work) * math.prod(kernel) * filters * channels // groups
        if self.macs + macs > MACS:
            return None
        self.macs += macs
        return self.add(kind, arguments, [at], sizes + [filters], f"{kind}({', '.join(head + options)})", prefix)

    def pooling(self, kind, at, same_shape, prefix):
        r, shape = self.random, self.shape(at)
        extents = shape[:-1]
        kernel = [r.choice([k for k in (1, 2, 2, 3, 4) if k <= n]) for n in extents]
        stride = [1] * len(extents) if same_shape else [r.choice([1, 2, 2, 3]) for _ in extents]
        padding = "same" if same_shape else r.choice(["valid", "valid", "same", "list"])
        if padding == "list":
            padding = [[r.randrange(0, k // 2 + 1), r.randrange(0, k // 2 + 1)] for k in kernel]
        a = dict(kernel=kernel, stride=stride, padding=padding, ceil=not same_shape and r.random() < 0.3,
                 count_padding=kind == "avgpool" and r.random() < 0.3)
        pads = reference.paddings(padding, extents, kernel, stride, [1] * len(extents))
        sizes = reference.window_sizes(extents, kernel, stride, [1] * len(extents), pads, a["ceil"])
        text = f"{kind}({size_text(kernel)}, stride={size_text(stride)}, padding={padding}"
        text += ", ceil=true" * a["ceil"] + ", count_padding=true" * a["count_padding"] + ")"
        return self.add(kind, a, [at], sizes + shape[-1:], text, prefix) if min(sizes) > 0 else None

    def simple(self, at, kind, same_shape, prefix):
        """Layers of one input that are neither a convolution nor a pool."""
        r, shape = self.random, self.shape(at)
        extents, channels, a, out, text = shape[:-1], shape[-1], {}, list(shape), None
        divisors = [d for d in (1, 2, 3, 4, 8) if channels % d == 0]
        if kind in ACTIVATIONS + ["prelu", "layernorm", "batchnorm", "softmax", "log_softmax"]:
            text = kind
            if kind == "leaky_relu": a, text = {"slope": 0.2}, "leaky_relu(0.2)"
            if kind == "elu": a, text = {"alpha": 0.5}, "elu(alpha=0.5)"
            if kind in ("layernorm", "softmax", "log_softmax") and channels < 3: return None
        elif kind == "groupnorm":
            a["groups"] = r.choice(divisors)
            if math.prod(extents) * channels // a["groups"] < 4: return None
            text = f"groupnorm({a['groups']})"
        elif kind == "lrn":
            a.update(size=r.choice([1, 3, 5]), alpha=r.choice([1e-4, 0.5]))
            text = f"lrn(size={a['size']}, alpha={a['alpha']})"
        elif kind == "scale": text = r.choice(["scale", "scale(bias=true)"])
        elif kind in ("dropout", "drop_path"): text = f"{kind}(0.25)"
        elif kind == "channel_shuffle":
            a["groups"] = r.choice(divisors)
            text = f"channel_shuffle({a['groups']})"
        elif same_shape: return None
        elif kind == "dense":
            if extents: return None
            units = r.choice([1, 2, 3, 5, 8, 9, 16, 17, 33])
            if self.macs + units * channels > MACS: return None
            self.macs += units * channels
            a, bias = {"activation": self.activation()}, r.random() < 0.8
            out = [units]
            text = f"dense({units}" + ", bias=false" * (not bias)
            text += (f", activation={a['activation']}" if a["activation"] != "none" else "") + ")"
        elif kind == "flatten":
            if not extents: return None
            out, text = [math.prod(shape)], "flatten"
        elif not extents: return None
        elif kind in ("global_avgpool", "global_maxpool"): out, text = [channels], kind
        elif kind in ("adaptive_avgpool", "adaptive_maxpool"):
            a["size"] = [r.choice([1, 2, 3, 4, n]) for n in extents]
            out, text = a["size"] + [channels], f"{kind}({size_text(a['size'])})"
        elif kind == "reshape":
            order = list(shape)
            r.shuffle(order)
            a["dims"], out, text = order, order, f"reshape({', '.join(map(str, order))})"
        elif kind == "permute":
            axes = list(range(len(shape)))
            r.shuffle(axes)
            a["axes"], out, text = axes, [shape[i] for i in axes], f"permute({', '.join(map(str, axes))})"
        elif kind == "upsample":
            mode = r.choice(["nearest", "bilinear"]) if len(extents) == 2 else "nearest"
            f = [r.choice([1, 2, 3]) for _ in extents]
            a.update(factor=f, mode=mode, align=mode == "bilinear" and r.random() < 0.4)
            out = [n * i for n, i in zip(extents, f)] + [channels]
            text = f"upsample({size_text(f)}, mode={mode}" + ", align_corners=true" * a["align"] + ")"
        elif kind == "pad":
            mode = r.choice([m for m in ("zeros", "reflect", "replicate") if f"pad:{m}" in self.kinds])
            most = [min(2, n - 1) if mode == "reflect" else 2 for n in extents]
            a.update(mode=mode, pads=[[r.randint(0, m), r.randint(0, m)] for m in most])
            out = [n + b + e for n, (b, e) in zip(extents, a["pads"])] + [channels]
            text = f"pad({a['pads']}, mode={mode})"
        elif kind == "crop":
            a["pads"] = [[r.randint(0, (n - 1) // 2), r.randint(0, (n - 1) // 2)] for n in extents]
            out = [n - b - e for n, (b, e) in zip(extents, a["pads"])] + [channels]
            text = f"crop({a['pads']})"
        elif kind == "pad_channels":
            a.update(begin=r.randint(0, 2), end=r.randint(0, 3))
            out[-1], text = channels + a["begin"] + a["end"], f"pad_channels({a['begin']}, {a['end']})"
        elif kind == "channels":
            a["first"] = r.randrange(channels)
            a["last"] = r.randrange(a["first"], channels)
            out[-1], text = a["last"] - a["first"] + 1, f"channels({a['first']}, {a['last']})"
        elif kind == "depth_to_space":
            a["factor"] = f = r.choice([1, 2])
            if len(extents) != 2 or channels % f ** 2: return None
            out, text = [n * f for n in extents] + [channels // f ** 2], f"depth_to_space({f})"
        else:
            return None
        if math.prod(out) > 3 * ELEMENTS[max(len(shape) - 1, 1)]: return None
        return self.add(kind, a, [at], out, text, prefix)

    def layer(self, at, same_shape=False, prefix="  "):
        """A random layer on node `at`; returns its node."""
        while True:
            kind = self.random.choice(self.choices)
            vector = len(self.shape(at)) == 1
            if kind in ("conv", "conv_transpose", "depthwise"):
                made = None if vector or same_shape and kind == "conv_transpose" else \
                    self.convolution(kind, at, same_shape, prefix)
            elif kind in ("maxpool", "avgpool"):
                made = None if vector else self.pooling(kind, at, same_shape, prefix)
            else:
                made = self.simple(at, kind, same_shape, prefix)
            if made is not None:
                return made

    def branch(self, at):
        """Two or three paths of layers that keep the shape, merged."""
        names, values = [], []
        for _ in range(self.random.choice([2, 2, 3])):
            name, self.names = f"path_{self.names}", self.names + 1
            names.append(name)
            first = self.layer(at, True, f"  {name} = it -> ")
            if self.random.random() < 0.4:
                first = self.layer(first, True, f"  {name} = {name} -> ")
            values.append(first)
        kind = self.random.choice([k for k in ("add", "concat", "concat", "subtract", "multiply", "maximum")
                                   if k in self.kinds and (k != "concat" or len(self.shape(at)) > 0)])
        shape = list(self.shape(at))
        if kind == "concat": shape[-1] *= len(values)
        if math.prod(shape) > 6 * ELEMENTS[max(len(shape) - 1, 1)]: kind, shape = "add", list(self.shape(at))
        return self.add(kind, {}, values, shape, f"{kind}({', '.join(names)})", "  ")

    def residual(self, at):
        """A block with a skip. Its text stands before the model; its lines are counted once the text is whole."""
        kept, self.lines = self.lines, []
        first, last = len(self.nodes), at
        for _ in range(self.random.choice([1, 2])):
            last = self.layer(last, True, "  ")
        last = self.add("add", {}, [last, at], self.shape(at), "add(it, skip)", "  ")
        name = f"residual_{len(self.blocks)}"
        self.blocks.append((name, self.lines, first, len(self.nodes)))
        self.lines = kept
        self.lines.append(f"  {name}")
        return last

    def build(self):
        r = self.random
        rank = r.choice([1, 2, 2, 2, 3])
        while True:
            self.input = [r.choice(SIZES) for _ in range(rank)] + [r.choice([1, 2, 3, 4, 5, 8, 9, 16, 17])]
            if math.prod(self.input) <= ELEMENTS[rank]: break
        heavy = [k for k in ("conv", "conv", "conv", "depthwise", "dense", "dense", "maxpool", "avgpool",
                             "batchnorm", "conv_transpose") if k in self.kinds]
        self.choices = heavy * 2 + sorted(k for k in self.kinds if k not in ("concat", "maximum") and ":" not in k)
        self.lines.append(f"  input({', '.join(map(str, self.input))})")
        wanted, at = r.randint(3, 10), -1
        while len(self.nodes) < wanted:
            roll = r.random()
            at = self.branch(at) if roll < 0.12 else self.residual(at) if roll < 0.25 else self.layer(at)
        if len(self.shape(at)) > 1:
            pool = r.choice([k for k in ("flatten", "global_avgpool") if k in self.kinds])
            shape = self.shape(at)
            at = self.add(pool, {}, [at], [math.prod(shape) if pool == "flatten" else shape[-1]], pool, "  ")
        self.classes = r.choice([2, 3, 5, 10])
        self.add("dense", {}, [at], [self.classes], f"dense({self.classes})", "  ")
        self.loss = r.choice(["cross_entropy", "cross_entropy(label_smoothing=0.1)", "mse", "huber",
                              "binary_cross_entropy"])
        self.batch = r.choice(BATCHES)
        self.optimizer = r.choice(["sgd(lr=0.01)", "sgd(lr=0.01, momentum=0.9)", "adam(lr=0.001)"])

    def text(self, broken=None):
        """The file. With `broken` = (index into lines, text), that line goes in after it. Sets `broken_line`."""
        out = []
        for name, lines, _, _ in self.blocks:
            out += [f"block {name}() {{", "  skip = in"] + lines + ["}", ""]
        out.append("model m {")
        for i, line in enumerate(self.lines):
            out.append(line)
            if broken and broken[0] == i:
                out.append("  " + broken[1])
                self.broken_line = len(out)
        out += ["}", "data {", "  format = npy", '  path = "."', '  train = ["X.npy", "T.npy"]', "}", "train {",
                f"  loss = {self.loss}", f"  optimizer = {self.optimizer}", f"  batch = {self.batch}", "}"]
        return "\n".join(out) + "\n"

    def top(self):
        """(index of a line of the model, shape of the current value after it)."""
        result, at = [(0, self.input)], 0
        ends = {b[0]: b[3] - 1 for b in self.blocks}
        for i, line in enumerate(self.lines[1:], 1):
            word = line.strip()
            if word in ends: result.append((i, self.nodes[ends[word]].shape))
            elif "=" in line.split("(")[0] or word.startswith("assert"): continue
            else:
                node = next(n for n in self.nodes if n.line == i + 1 and not self.inside(n))
                result.append((i, node.shape))
        return result

    def inside(self, node):
        at = self.nodes.index(node)
        return any(first <= at < end for _, _, first, end in self.blocks)

    def broken(self):
        """A text with one layer that breaks one constraint by one."""
        r = self.random
        i, shape = r.choice(self.top())
        if len(shape) == 1:
            bad = r.choice([f"reshape({shape[0] + 1})", "conv(4, 1)", "maxpool(1)", "global_avgpool"])
        else:
            n, c, rank = shape[0], shape[-1], len(shape) - 1
            big = size_text([n + 1] + [1] * (rank - 1))
            bad = r.choice([f"conv(4, {big})", f"maxpool({big})", f"avgpool({big})", "dense(3)",
                            f"conv({c + 1}, 1, groups={c + 1})", f"reshape({math.prod(shape) + 1})",
                            f"conv(4, {size_text([1] * (rank % 3 + 1 if rank != 3 else 2))})" if rank > 1 else
                            "conv(4, 1x1)", f"pad({n}, mode=reflect)" if "pad:reflect" in self.kinds else "dense(3)",
                            f"crop([[{n}, 0]{', [0, 0]' * (rank - 1)}])" if "crop" in self.kinds else "dense(2)",
                            f"groupnorm({c + 1})" if "groupnorm" in self.kinds else "dense(1)"])
        return self.text((i, bad)), self.broken_line, bad
