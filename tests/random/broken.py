"""Layers that break one constraint by one, for a shape: {constraint: lines}, the last line being the wrong one. The ranges
of arguments come from the compiler's own table."""
import math
import re


def sized(values):
    return "x".join(map(str, values))


def of_windows(shape):
    extents, channels, rank = shape[:-1], shape[-1], len(shape) - 1
    n, ones = extents[0], [1] * (rank - 1)
    big, other = sized([n + 1] + ones), sized([1] * (rank + 1 if rank < 3 else 2))
    pairs = ", [0, 0]" * (rank - 1)
    r = {}
    for kind, head in (("conv", "2, "), ("depthwise", ""), ("maxpool", ""), ("avgpool", "")):
        r[f"{kind} window"] = [f"{kind}({head}{big})"]
        r[f"{kind} rank"] = [f"{kind}({head}{other})"]
        r[f"{kind} stride rank"] = [f"{kind}({head}1, stride={other})"]
        r[f"{kind} padding rank"] = [f"{kind}({head}1, padding={[[0, 0]] * (rank + 1)})"]
        r[f"{kind} padded window"] = [f"{kind}({head}{sized([n + 3] + ones)}, padding=[[1, 1]{pairs}])"]
    for kind, head in (("conv", "2, "), ("depthwise", "")):
        r[f"{kind} dilation"] = [f"{kind}({head}{sized([2] + ones)}, dilation={sized([n] + ones)})"]
        r[f"{kind} dilation rank"] = [f"{kind}({head}1, dilation={other})"]
        r[f"{kind} weights"] = [f"{kind}({head}1, weights={'[' * rank}1, 2{']' * rank})"]
        r[f"{kind} weights rank"] = [f"{kind}({head}1, weights={'[' * (rank + 1)}1{']' * (rank + 1)})"]
    r["conv groups of channels"] = [f"conv({channels + 1}, 1, groups={channels + 1})"]
    r["conv_transpose groups of channels"] = [f"conv_transpose({channels + 1}, 1, groups={channels + 1})"]
    if channels > 1:
        r["conv groups of filters"] = [f"conv({channels + 1}, 1, groups={channels})"]
        r["conv_transpose groups of filters"] = [f"conv_transpose({channels + 1}, 1, groups={channels})"]
    r["conv whole weights"] = [f"conv(2, 1, weights=[{'[' * (rank + 1)}1{']' * (rank + 1)}])"]
    r["conv_transpose weights"] = [f"conv_transpose(2, 1, weights={'[' * rank}1, 2{']' * rank})"]
    r["conv_transpose rank"] = [f"conv_transpose(2, {other})"]
    r["conv_transpose output_padding"] = [f"conv_transpose(2, 2, stride=2, output_padding={sized([2] + [1] * (rank - 1))})"]
    r["conv_transpose output_padding rank"] = [f"conv_transpose(2, 2, stride=3, output_padding={other})"]
    r["conv_transpose same and output_padding"] = ["conv_transpose(2, 2, stride=2, padding=same, output_padding=1)"]
    r["conv_transpose padding"] = [f"conv_transpose(2, 1, padding=[[{n}, 0]{pairs}])"]
    for kind in ("maxpool", "avgpool"):
        r[f"{kind} padding"] = [f"{kind}({sized([1] * rank)}, padding=1)"]
    for kind in ("adaptive_avgpool", "adaptive_maxpool", "upsample", "depth_to_space"):
        r[f"{kind} rank"] = [f"{kind}({other})"]
    r["depth_to_space channels"] = [f"depth_to_space({sized([channels + 1] + ones)})"]
    r["upsample align"] = ["upsample(2, align_corners=true)"]
    r["pad reflect"] = [f"pad([[{n}, 0]{pairs}], mode=reflect)"]
    r["pad rank"], r["crop rank"] = [f"pad({[[1, 1]] * (rank + 1)})"], [f"crop({[[0, 0]] * (rank + 1)})"]
    r["pad mode and value"] = ["pad(1, mode=replicate, value=2)"]
    r["crop"] = [f"crop([[{n - 1}, 1]{pairs}])"]
    r["dense of an image"] = ["dense(3)"]
    r["permute twice"], r["permute axis"] = [f"permute({', '.join(['0'] * (rank + 1))})"], [
        f"permute({', '.join(map(str, range(1, rank + 2)))})"]
    r["permute few"] = [f"permute({', '.join(map(str, range(rank)))})"]
    # Merges: what differs by one.
    wider = f"odd = it -> pad([[1, 0]{pairs}])"
    deeper = "odd = it -> pad_channels(0, 1)"
    for kind in ("add", "subtract", "multiply", "maximum"):
        r[f"{kind} space"] = [wider, f"{kind}(it, odd)"]
        r[f"{kind} channels"] = [deeper, f"{kind}(odd, it)"]
        r[f"{kind} vector"] = ["odd = it -> global_avgpool -> pad_channels(1, 0)", f"{kind}(odd, it)"]
    r["maximum spreads"] = ["odd = it -> global_avgpool", "maximum(it, odd)"]
    r["concat space"], r["concat rank"] = [wider, "it -> concat(odd)"], ["odd = it -> flatten", "concat(it, odd)"]
    r["add third"] = ["whole = it", wider, "add(it, whole, odd)"]
    if rank > 1: r["embedding of an image"] = ["embedding(5, 2)"]
    return r


def of_vectors(shape):
    n = shape[0]
    r = {f"{text.split('(')[0]} of a vector": [text] for text in (
        "conv(4, 1)", "depthwise(1)", "conv_transpose(2, 1)", "maxpool(1)", "avgpool(1)", "global_avgpool", "global_maxpool",
        "adaptive_avgpool(1)", "adaptive_maxpool(1)", "upsample(2)", "depth_to_space(1)", "pad(1)", "crop(0)")}
    r["dense weights"] = [f"dense(1, weights=[{[1] * (n + 1)}])"]
    r["dense weights units"] = [f"dense(2, weights=[{[1] * n}])"]
    for kind in ("add", "subtract", "multiply", "maximum"):
        r[f"{kind} features"] = ["odd = it -> pad_channels(0, 1)", f"{kind}(it, odd)"]
    r["permute of a vector"] = ["permute(1)"]
    return r


def of_all(shape):
    channels = shape[-1]
    r = {"reshape elements": [f"reshape({math.prod(shape) + 1})"], "reshape rank": ["reshape(1, 1, 1, 1, 1)"],
         "groupnorm groups": [f"groupnorm({channels + 1})"], "channel_shuffle groups": [f"channel_shuffle({channels + 1})"],
         "channels last": [f"channels(0, {channels})"], "channels order": ["channels(1, 0)"],
         "argument unknown": ["relu(size=3)"], "layer unknown": ["convolve(3)"], "argument missing": ["dropout"],
         "argument twice": ["dropout(0.5, rate=0.5)"], "word unknown": ["activation(cosine)"], "too many": ["dropout(0.5, true, 1)"],
         "positional late": ["dropout(rate=0.5, true)"], "name unknown": ["it -> add(nothing)"], "one value": ["it -> add()"],
         "two numbers": ["it -> add(1, 2)"], "number for concat": ["it -> concat(1)"], "number for maximum": ["it -> maximum(1)"],
         "layer as argument": ["add(relu, it)"], "pipeline as argument": ["it -> add(it -> relu)"], "input again": ["input(3)"],
         "assert": ["assert it.rank == 9"], "value in a pipeline": ["odd = it", "relu -> odd"]}
    return r


def ranges(table):
    """Every argument with a range, one step outside of it, the rest of the call being what is required. A
    range is that of the argument alone, whatever the shape."""
    r = {}
    for kind, rows in table.items():
        for name, takes, default in rows:
            out = []
            low = re.search(r"from (-?[\d.]+)", takes)
            if low: out.append(float(low.group(1)) - (1 if re.match("integer|size", takes) else 0.25))
            above, below = re.search(r"above (-?[\d.]+)", takes), re.search(r"below (-?[\d.]+)", takes)
            if above: out.append(float(above.group(1)))
            if below: out.append(float(below.group(1)))
            high = re.search(r" to (\d[\d.]*)", takes)
            if high: out.append(float(high.group(1)) + (1 if re.match("integer|size", takes) else 0.25))
            for value in out:
                others = [f"{n}={'[1]' if t.startswith('sizes') else 1}" for n, t, d in rows if d == "required" and n != name]
                text = f"{value:.0f}" if value == int(value) else f"{value:g}"
                text = f"[{text}]" if takes.startswith("sizes") else f"[[{text}, {text}]]" if "pairs" in takes else text
                r[f"{kind} {name}={value:g}"] = [f"{kind}({', '.join(others + [f'{name}={text}'])})"]
            if takes == "true or false": r[f"{kind} {name}=2"] = [
                f"{kind}({', '.join([f'{n}=1' for n, t, d in rows if d == 'required'] + [f'{name}=2'])})"]
    return r


def constraints(shape):
    return of_all(shape) | (of_vectors(shape) if len(shape) == 1 else of_windows(shape))
