"""dropout and drop_path while training, beside PyTorch: name -> (samples, shape, the layer). Which elements are dropped is for
each side to draw, but what a kept one becomes, and its gradient, is not. Sample s is the s-th unit vector, so that
column s of the gradient of `before` is what comes back to its elements, exactly zero where they are dropped; the loss is an
absolute error far from its kink, so that no gradient depends on what else is dropped. make_drops.py makes the references,
compare_drops.py compares."""
import numpy as np

import references as numbers

UNITS, RATE = 3, 1024  # a learning rate beside which the weights' rounding is nothing
CASES = {
    "vector": (4, (24,), "dropout(0.3)"), "line": (4, (7, 5), "dropout(0.15)"), "image": (4, (3, 4, 3), "dropout(0.75)"),
    "volume": (4, (2, 3, 2, 3), "dropout(0.5)"), "none": (4, (7, 5), "dropout(0)"), "all": (4, (7, 5), "dropout(1)"),
    "spatial_vector": (6, (20,), "dropout(0.2, spatial=true)"), "spatial_line": (6, (5, 7), "dropout(0.4, spatial=true)"),
    "spatial_image": (6, (2, 3, 6), "dropout(0.6, spatial=true)"), "spatial_volume": (6, (2, 1, 3, 5), "dropout(0.35, spatial=true)"),
    "spatial_all": (3, (4, 5), "dropout(1, spatial=true)"),
    "path_vector": (24, (5,), "drop_path(0.3)"), "path_line": (24, (2, 3), "drop_path(0.6)"),
    "path_image": (24, (1, 3, 2), "drop_path(0.25)"), "path_volume": (24, (2, 1, 2, 2), "drop_path(0.7)"),
    "path_none": (5, (4, 2), "drop_path(0)"), "path_all": (5, (4, 2), "drop_path(1)"),
}


def rate(name):
    return float(CASES[name][2].split("(")[1].split(",")[0].rstrip(")"))


def draws(name, mask):
    """`mask`, (samples, *shape), as a row for each draw: those elements are dropped together."""
    _, shape, layer = CASES[name]
    if layer.startswith("drop_path"): return mask.reshape(len(mask), -1)
    if "spatial" in layer: return mask.reshape(len(mask), -1, shape[-1]).swapaxes(1, 2).reshape(-1, mask[0].size // shape[-1])
    return mask.reshape(-1, 1)


def weights(name):
    samples, shape, _ = CASES[name]
    elements = int(np.prod(shape))
    return {key: numbers.uniform(f"{name} {key}", size).astype("f")
            for key, size in (("before.weight", (elements, samples)), ("after.weight", (UNITS, elements)))}


def targets(name):
    return np.where(numbers.uniform(f"{name} target", (CASES[name][0], UNITS)) > 0, 1000.0, -1000.0)


def source(name):
    """The case as a .cnn file."""
    samples, shape, layer = CASES[name]
    return f"""model m {{
  input({samples})
  dense({int(np.prod(shape))}, bias=false, name="before") -> reshape({', '.join(map(str, shape))})
  {layer}
  flatten -> dense({UNITS}, bias=false, name="after")
}}
data {{ format = npy; path = "."; train = ["x.npy", "t.npy"] }}
train {{ loss = mae; optimizer = sgd(lr={RATE}); epochs = 1; batch = {samples} }}
"""
