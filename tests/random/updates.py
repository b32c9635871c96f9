"""The first step of every optimizer, in double precision, from the language's page alone."""
import re

import numpy as np

DEFAULTS = {"sgd": dict(lr=0.01, momentum=0, nesterov=False, weight_decay=0), "rmsprop": dict(lr=0.001, decay=0.9, epsilon=1e-7),
            "adam": dict(lr=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0),
            "adamw": dict(lr=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01), "adagrad": dict(lr=0.01)}
DECAYS = ("conv", "depthwise", "conv_transpose", "dense")  # kernels and dense weights, no biases, no norms
ROUNDING = 2.0 ** -23  # of the decay as a float32 and of decay w, a half each


def roundings(text, decays):
    """How often a step rounds a weight: once where it is moved, and adamw shortens it before that."""
    return 2 if decays and text.startswith("adamw") else 1


def first_step(text, w, g, decays):
    """The change of the parameters `w` with gradients `g`, and how far the rounding of g + decay w in float32 can move
    it: adam divides that sum by its own size, so where the two cancel the sign of the rounding is the step."""
    change = first_change(text, w, g, decays)
    return change, sum(np.abs(first_change(text, w, g * (1 + share), decays) - change) for share in (-ROUNDING, ROUNDING))


def first_change(text, w, g, decays):
    kind = text.split("(")[0]
    o = dict(DEFAULTS[kind])
    for key, value in re.findall(r"(\w+)=([\w.]+)", text):
        o[key] = value == "true" if value in ("true", "false") else float(value)
    decay = o.get("weight_decay", 0) if decays else 0
    if kind == "sgd":
        g = g + decay * w
        return -o["lr"] * (g + o["momentum"] * g if o["nesterov"] else g)
    if kind == "rmsprop":
        return -o["lr"] * g / (np.sqrt((1 - o["decay"]) * g * g) + o["epsilon"])
    if kind == "adagrad":
        return -o["lr"] * g / (np.sqrt(g * g) + 1e-10)
    if kind == "adam": g = g + decay * w
    change = -o["lr"] * g / (np.abs(g) + o["epsilon"])  # both moments are corrected for their start at zero
    return change - o["lr"] * decay * w if kind == "adamw" else change
