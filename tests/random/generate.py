"""Random valid models from a seed: 3 to 12 layers and what blocks repeat, one to three spatial axes, branches, merges that
spread, nested blocks with parameters, loops over lists. A Model holds its text, its layers in the order of the summary's
rows, and the shapes that the language promises."""
import copy
import math
import random
import re

from layers import ACTIVATIONS, ELEMENTS, EXACT, LAYERS, MERGES, SIZES, call

BATCHES = [1, 2, 3, 32, 33]
MACS = 400_000
COMMON = ["conv", "conv", "conv", "depthwise", "dense", "dense", "maxpool", "avgpool", "batchnorm", "conv_transpose"]
LEARNED = ["conv", "conv_transpose", "dense", "depthwise"]
OPTIMIZERS = ["sgd(lr=0.01)", "sgd(lr=0.01, momentum=0.9)", "sgd(lr=0.02, momentum=0.5, nesterov=true)",
              "sgd(lr=0.01, weight_decay=0.1)", "adam(lr=0.001)", "adam(lr=0.002, beta1=0.8, beta2=0.9, weight_decay=0.1)",
              "adamw(lr=0.001)", "adamw(lr=0.003, weight_decay=0.3)", "rmsprop", "rmsprop(lr=0.002, decay=0.5)", "adagrad"]


class Node:
    def __init__(self, kind, arguments, inputs, shape):
        self.kind, self.arguments, self.inputs, self.shape = kind, arguments, inputs, shape


class Block:
    """Text of a block's body; `shape` is that of the value after each of its lines."""

    def __init__(self, name, shape):
        self.name, self.shape, self.lines, self.parameters = name, shape, [], []

    def head(self):
        return f"block {self.name}({', '.join(n + (f'={d}' if d else '') for n, d in self.parameters)}) {{"


class Model:
    def __init__(self, seed, exact=False):
        self.random, self.aside, self.exact = random.Random(seed), random.Random(f"aside {seed}"), exact
        self.lines, self.nodes, self.blocks, self.macs, self.names, self.depth = [], [], [], 0, 0, 0
        self.idles = []  # nodes that nothing reads
        self.places = []  # (block or None, line after which another layer may stand, shape there)
        kinds = [k for k in sorted(LAYERS) if not exact or k in EXACT]
        self.choices = [k for k in COMMON if k in kinds] * 2 + kinds
        self.build()

    # What layers.py asks for.

    def afford(self, macs):
        if self.macs + macs > MACS: return False
        self.macs += macs
        return True

    def activation(self):
        return self.random.choice(["none", "relu"] if self.exact else ["none", "none", "relu", "relu"] + ACTIVATIONS)

    def number(self, n):
        """An integer, now and then as an expression."""
        roll = self.random.random()
        if roll < 0.85: return str(n)
        return self.random.choice([f"{2 * n} // 2", f"{n - 1} + 1", f"min({n}, {n + 3})", f"{n} if 2 > 1 else 0", f"-(-{n})",
                                   f"{3 * n + 1} % {2 * n + 1}", f"ceil({n - 0.5})"])

    def size(self, values):
        if len(set(values)) == 1 and self.random.random() < 0.5: return str(values[0])
        return str(list(values)) if self.random.random() < 0.15 else "x".join(map(str, values))

    # Shapes are without the batch; node -1 is the input.

    def shape(self, at):
        return self.nodes[at].shape if at >= 0 else self.input

    def add(self, kind, arguments, inputs, shape):
        self.nodes.append(Node(kind, arguments, inputs, list(shape)))
        return len(self.nodes) - 1

    def fresh(self, stem):
        self.names += 1
        return f"{stem}_{self.names}"

    def statement(self, text):
        self.lines.append("  " + text)

    def draw(self, at, same, kinds=None):
        """A layer on node `at`: its node and its call."""
        while True:
            kind = self.random.choice(kinds or self.choices)
            spent = self.macs
            made = LAYERS[kind](self, kind, list(self.shape(at)), same)
            if made and (same or math.prod(made.shape) <= 3 * ELEMENTS[max(len(made.shape) - 1, 1)]):
                return self.add(kind, made.arguments, [at], made.shape), made.text
            self.macs = spent

    def layer(self, at):
        at, text = self.draw(at, self.depth > 0)
        if self.depth == 0 and self.random.random() < 0.1:
            name = f'name="{self.fresh("own")}"'
            text = f"{text[:-1]}, {name})" if text.endswith(")") else f"{text}({name})"
        arrow = len(self.lines) > 1 and self.lines[-1].endswith(")") and "=" not in self.lines[-1].split("(")[0]
        self.statement("  -> " + text if arrow and self.random.random() < 0.15 else text)
        return at

    # What stands in the place of a layer.

    def merged(self, kind, at, values, names, number=None):
        """A merge of named values, one of them perhaps a number, at the head of a pipeline or after an arrow."""
        r, arguments, names = self.random, {}, list(names)
        if number is not None:
            position = r.randint(0, len(names))
            arguments.update(number=number, position=position)
            names.insert(position, str(number))
        largest = max((self.shape(v) for v in values), key=len)
        shape = list(largest)
        if kind == "concat": shape[-1] = sum(self.shape(v)[-1] for v in values)
        text = call(kind, names)
        if arguments.get("position") != 0 and (len(names) == 1 or r.random() < 0.4):
            text = f"{names[0]} -> {call(kind, names[1:])}"
        self.statement(text)
        return self.add(kind, arguments, values, shape)

    def branch(self, at):
        """Two or three paths of layers that keep the shape, merged."""
        names, values = [], []
        for _ in range(self.random.choice([2, 2, 3])):
            name = self.fresh("path")
            names.append(name)
            value, text = self.draw(at, True)
            self.statement(f"{name} = it -> {text}")
            if self.random.random() < 0.4:
                value, text = self.draw(value, True)
                self.statement(f"{name} = {name} -> {text}")
            values.append(value)
        kind, shape = self.random.choice(MERGES), self.shape(at)
        if kind == "multiply" and self.exact or self.depth and kind == "concat": kind = "add"
        if math.prod(shape) * 3 > 6 * ELEMENTS[max(len(shape) - 1, 1)] and kind == "concat": kind = "maximum"
        number = None
        if kind in ("add", "subtract", "multiply") and self.random.random() < 0.2:
            number = self.random.choice([2, -1, 3] if self.exact else [0.5, -2, 3])
        return self.merged(kind, at, values, names, number)

    def spread(self, at):
        """A vector a channel, or a number, meets the whole."""
        r, shape = self.random, self.shape(at)
        kind = r.choice(["add", "subtract"] if self.exact else ["add", "subtract", "multiply"])
        whole = self.fresh("whole")
        self.statement(f"{whole} = it")
        if len(shape) == 1 or r.random() < 0.3:
            return self.merged(kind, at, [at], [whole], r.choice([2, -1] if self.exact else [0.5, -2]))
        pool = r.choice(["global_maxpool"] if self.exact else ["global_avgpool", "global_maxpool"])
        vector, name = self.add(pool, {}, [at], shape[-1:]), self.fresh("vector")
        text = pool
        if r.random() < 0.6 and self.afford(shape[-1] ** 2):
            word = "none" if self.exact else r.choice(["sigmoid", "hard_sigmoid", "none"])
            vector = self.add("dense", {"activation": word}, [vector], shape[-1:])
            text += f" -> dense({shape[-1]}, activation={word})"
        self.statement(f"{name} = it -> {text}")
        values = [(at, whole), (vector, name)]
        r.shuffle(values)
        if r.random() < 0.2: values.append(r.choice(values))
        number = r.choice([1, 2]) if r.random() < 0.2 else None
        return self.merged(kind, at, [v for v, _ in values], [n for _, n in values], number)

    def looped(self, at):
        """A loop over a list, or over its places, that makes a layer a turn."""
        r, image = self.random, len(self.shape(at)) > 1
        counts = [r.choice([1, 2, 3, 5, 8, 9]) for _ in range(r.choice([1, 2, 3]))]
        turn, items, how, after = self.fresh("turn"), self.fresh("list"), r.random(), r.random() < 0.5
        if how < 0.4:
            head, item = f"for {turn} in {counts} {{", turn
        else:
            self.statement(f"{items} = {counts}")
            head = f"for {turn} in 0..len({items}) - 1 {{" if how < 0.7 else f"for {turn} in 1..{len(counts)} {{"
            item = f"{items}[{turn}]" if how < 0.7 else f"{items}[{turn} - 1]"
        body = f"conv({item}, 1)" if image else f"dense({item})"
        if after: body += f" -> {r.choice(['relu', 'relu()'])}" if r.random() < 0.5 else \
            f"; if {turn} >= 3 {{ relu }} else {{ pad_channels(0, {turn} % 2) }}"
        self.statement(f"{head} {body} }}")
        for i, count in enumerate(counts):
            shape = self.shape(at)[:-1] + [count]
            self.macs += math.prod(shape) * self.shape(at)[-1]
            a = dict(kernel=[1] * (len(shape) - 1), stride=[1] * (len(shape) - 1), dilation=[1] * (len(shape) - 1),
                     padding="valid", groups=1, activation="none", bias=True) if image else {"activation": "none"}
            at = self.add("conv" if image else "dense", a, [at], shape)
            value = count if how < 0.4 else i if how < 0.7 else i + 1
            if after and ("if" not in body or value >= 3):
                at = self.add("relu", {}, [at], shape)
            elif after:
                at = self.add("pad_channels", {"begin": 0, "end": value % 2}, [at], shape[:-1] + [count + value % 2])
        return at

    def parametrise(self, block, first):
        """Words and sizes of the block's body become its parameters: [(node, key, name, value as text)]."""
        found = []
        for i, line in enumerate(block.lines):
            match = re.search(r"\b(activation|kernel)=([a-z_]+\w*|\d[\dx]*|\[[\d, ]*\])", line)
            if not match or self.random.random() < 0.4: continue
            name, nodes = self.fresh("choice"), block.line_nodes[i]
            if nodes is None: continue
            default = match.group(2) if self.random.random() < 0.5 else None
            block.lines[i] = line[:match.start(2)] + name + line[match.end(2):]
            block.parameters.append((name, default))
            found.append((nodes - first, match.group(1), name, match.group(2)))
        block.parameters.sort(key=lambda p: p[1] is not None)
        return found

    def alternative(self, key, node):
        """Another value for a parameter that leaves the shape as it is: for the reference, and as text."""
        if key == "activation":
            word = self.random.choice(["relu"] if self.exact else ACTIVATIONS)
            return word, word
        fixed = "fixed" in node.arguments
        kernel = node.arguments["kernel"] if fixed else [self.random.choice([1, 2, 3]) for _ in node.arguments["kernel"]]
        return kernel, self.size(kernel)

    def residual(self, at):
        """A block with a skip: its text stands before the model, it is called once, several times or in a loop, and it
        may hold another one."""
        r, kept, self.lines = self.random, self.lines, []
        block, first, last = Block(f"residual_{len(self.blocks)}", list(self.shape(at))), len(self.nodes), at
        self.blocks.append(block)
        self.depth += 1
        block.line_nodes = []
        for _ in range(r.choice([1, 2])):
            nested = self.depth < 3 and r.random() < 0.25
            last = self.residual(last) if nested else self.layer(last)
            block.line_nodes += [None] * (len(self.lines) - len(block.line_nodes) - 1) + [None if nested else last]
        names, values = ["it", "skip"], [last, at]
        if r.random() < 0.3: names.reverse(), values.reverse()
        kind = r.choice(["add", "add", "add", "subtract", "maximum"])
        last = self.merged(kind, at, values, names, r.choice([1, 3]) if kind != "maximum" and r.random() < 0.15 else None)
        block.line_nodes.append(None)
        block.lines, self.lines = self.lines, kept
        self.depth -= 1
        for i in range(len(block.lines) - 1): self.places.append((block, i, block.shape))
        return self.called(block, first, last, at, self.parametrise(block, first))

    def called(self, block, first, last, at, parameters):
        r, size = self.random, len(self.nodes) - first
        cost = sum(math.prod(n.shape) * 9 * n.shape[-1] for n in self.nodes[first:] if n.kind in ("conv", "dense"))
        if self.depth or size > 8 or r.random() < 0.5 or not self.afford(cost):
            given = [(n, v) for _, _, n, v in parameters if dict(block.parameters)[n] is None or r.random() < 0.5]
            self.statement(call(block.name, [f"{n}={v}" for n, v in given]))
            return last
        turns, lists = r.choice([2, 3]), []
        nodes = self.nodes[first:]
        for node, key, name, value in parameters:
            others = [self.alternative(key, nodes[node]) for _ in range(turns - 1)]
            listed = self.fresh("list")
            self.statement(f"{listed} = [{', '.join([value] + [text for _, text in others])}]")
            lists.append((node, key, name, listed, others))
        turn, begin = self.fresh("turn"), r.choice([0, 1, 5])
        place = turn if begin == 0 else f"{turn} - {begin}"
        if lists:
            items = [f"{name}={listed}[{place}]" for _, _, name, listed, _ in lists]
            self.statement(f"for {turn} in {begin}..{begin + turns - 1} {{ {call(block.name, items)} }}")
        else:
            self.statement(f"repeat {turns} {{ {block.name} }}")
        for t in range(1, turns):
            shift = size * t
            for node in copy.deepcopy(nodes):
                node.inputs = [i + shift if i >= first else last for i in node.inputs]
                self.nodes.append(node)
            for node, key, _, _, others in lists:
                self.nodes[first + shift + node].arguments[key] = others[t - 1][0]
            last = len(self.nodes) - 1
        return last

    def idle(self, at):
        """A layer with weights, perhaps another behind it, whose value nothing reads; from random numbers of its own."""
        kept, macs = self.random, self.macs
        self.random, self.macs = self.aside, 0
        value, text = self.draw(at, False, LEARNED)
        if self.aside.random() < 0.5:
            value, more = self.draw(value, False)
            text += " -> " + more
        self.statement(f"{self.fresh('idle')} = it -> {text}")
        self.random, self.macs = kept, macs
        self.idles.append(value)

    # The whole.

    def head(self):
        r = self.random
        rank = r.choice([1, 1, 2, 2, 2, 3, 3])
        self.vocabulary = r.choice([1, 2, 7, 50]) if r.random() < 0.08 else 0
        while True:
            self.input = [r.choice(SIZES) for _ in range(rank)] + [r.choice([1, 2, 3, 4, 5, 8, 9, 16, 17])]
            if self.vocabulary: self.input = self.input[:1]
            elif r.random() < 0.08: self.input = self.input[-1:]
            if math.prod(self.input) <= ELEMENTS[rank]: break
        self.statement(f"input({', '.join(map(str, self.input))})")
        self.places.append((None, 0, self.input))
        if not self.vocabulary: return -1
        width = r.choice([1, 3, 4, 8, 9, 17])
        self.statement(f"embedding({self.vocabulary}, {width})")
        return self.add("embedding", {}, [-1], self.input + [width])

    def tail(self, at):
        """A class a sample, or a class a place."""
        r, shape = self.random, self.shape(at)
        self.classes = r.choice([2, 3, 5, 10])
        self.loss = r.choice(["cross_entropy", "cross_entropy(label_smoothing=0.1)", "mse", "mae", "huber",
                              "huber(delta=0.5)", "binary_cross_entropy"])
        word = "none"
        if not self.exact and r.random() < 0.3:
            word = "softmax" if "cross" in self.loss and "binary" not in self.loss else "sigmoid"
        if len(shape) > 1 and math.prod(shape[:-1]) < 200 and r.random() < 0.3:
            ones = [1] * (len(shape) - 1)
            a = dict(kernel=ones, stride=ones, dilation=ones, padding="valid", groups=1, activation="none")
            text = f"conv({self.classes}, 1)"
            at = self.add("conv", a, [at], shape[:-1] + [self.classes])
        else:
            if len(shape) > 1:
                pool = "flatten" if self.exact or r.random() < 0.5 else "global_avgpool"
                at = self.add(pool, {}, [at], [math.prod(shape) if pool == "flatten" else shape[-1]])
                self.statement(pool)
            text = f"dense({self.classes})"
            at = self.add("dense", {"activation": "none"}, [at], [self.classes])
        if word != "none" and r.random() < 0.5:
            self.nodes[at].arguments["activation"] = word
            text = text[:-1] + f", activation={word})"
        elif word != "none":
            word = "log_softmax" if word == "softmax" and r.random() < 0.5 else word
            text += " -> " + word
            at = self.add(word, {}, [at], self.shape(at))
        self.statement(text)

    def build(self):
        r, at = self.random, self.head()
        wanted = r.randint(3, 10)
        while len(self.nodes) < wanted:
            roll = r.random()
            make = self.branch if roll < 0.1 else self.residual if roll < 0.25 else self.spread if roll < 0.32 else \
                self.looped if roll < 0.37 else self.layer
            at = make(at)
            if self.aside.random() < 0.05:
                before = len(self.nodes)
                self.idle(at)
                wanted += len(self.nodes) - before
            self.places.append((None, len(self.lines) - 1, self.shape(at)))
        self.tail(at)
        self.batch = r.choice(BATCHES)
        # One value a channel of a batch has no variance: the compiler refuses it.
        if any(n.kind == "batchnorm" and math.prod(n.shape[:-1]) == 1 for n in self.nodes): self.batch = max(self.batch, 2)
        self.optimizer = r.choice(OPTIMIZERS)

    def text(self, place=None, extra=()):
        """The file. With a place, the lines `extra` stand there; `extra_line` is then that of the last of them."""
        out = []

        def body(owner, lines):
            for i, line in enumerate(lines):
                out.append(line)
                if place and place[:2] == (owner, i):
                    out.extend("  " + line for line in extra)
                    self.extra_line = len(out)

        for block in self.blocks:
            out += [block.head(), "  skip = in"]
            body(block, block.lines)
            out += ["}", ""]
        out.append("model m {")
        body(None, self.lines)
        out += ["}", "data {", "  format = npy", '  path = "."', '  train = ["X.npy", "T.npy"]', "}", "train {",
                f"  loss = {self.loss}", f"  optimizer = {self.optimizer}", f"  batch = {self.batch}", "}"]
        return "\n".join(out) + "\n"
