"""The settings of the train block that are compared with PyTorch, a case each: make_training.py makes their references,
compare_training.py writes their .cnn files. Both describe the same net."""

SHAPE, SAMPLES, BATCH, EPOCHS = (8, 8, 1), 160, 16, 10

MODEL = """model net {
  input(8, 8, 1)
  conv(4, 3, bias=false) -> batchnorm -> tanh
  flatten
  dense(10)
}
data {
  format = npy
  path = "."
  train = ["train.npy", "labels.npy"]
}
"""

# Compared after 1, 10 and 100 steps.
OPTIMIZERS = {
    "sgd": ["optimizer = sgd"],
    "sgd_decay": ["optimizer = sgd(lr=0.02, momentum=0.9, weight_decay=0.01)"],
    "sgd_nesterov": ["optimizer = sgd(lr=0.02, momentum=0.8, nesterov=true)"],
    "rmsprop": ["optimizer = rmsprop"],
    "rmsprop_decay": ["optimizer = rmsprop(lr=0.002, decay=0.99, epsilon=1e-3)"],
    "adam": ["optimizer = adam"],
    "adam_decay": ["optimizer = adam(lr=0.002, beta1=0.8, beta2=0.99, epsilon=1e-4, weight_decay=0.05)"],
    "adamw": ["optimizer = adamw"],
    "adamw_decay": ["optimizer = adamw(lr=0.005, weight_decay=0.2)"],
    "adamw_betas": ["optimizer = adamw(lr=0.002, beta1=0.7, beta2=0.95, epsilon=1e-5, weight_decay=0.3)"],
    "adagrad": ["optimizer = adagrad"],
    "adagrad_rate": ["optimizer = adagrad(lr=0.03)"],
    "clipped": ["optimizer = sgd(lr=0.05, momentum=0.9, weight_decay=0.01)", "clip_norm = 0.5"],
    "clipped_adam": ["optimizer = adam", "clip_norm = 0.2"],
    "smoothed": ["optimizer = sgd(lr=0.02)", "loss = cross_entropy(label_smoothing=0.1)"],
}

# Compared after all epochs, and the rate of every epoch.
SCHEDULES = {
    "constant": ["schedule = constant(warmup=3)"],
    "step": ["schedule = step(3, factor=0.5)"],
    "step_warmup": ["schedule = step(2, factor=0.3, warmup=2)"],
    "milestones": ["schedule = milestones([2, 5, 6])"],
    "milestones_factor": ["schedule = milestones([1, 4], factor=0.3, warmup=1.2)"],
    "exponential": ["schedule = exponential(0.8)"],
    "exponential_warmup": ["schedule = exponential(0.8, warmup=1.5)"],
    "cosine": ["schedule = cosine"],
    "cosine_warmup": ["schedule = cosine(to=0.002, warmup=2)"],
    "one_cycle": ["schedule = one_cycle(0.05)"],
    "one_cycle_warmup": ["schedule = one_cycle(0.04, warmup=3)"],
    "plateau": ["schedule = plateau(patience=1, factor=0.5)", "optimizer = sgd(lr=1e-6)"],
    "plateau_warmup": ["schedule = plateau(patience=2, factor=0.3, warmup=2.5)", "optimizer = sgd(lr=1e-6)"],
}

CASES = {**OPTIMIZERS, **{f"schedule_{name}": lines for name, lines in SCHEDULES.items()}}


def steps(case):
    """The steps after which parameters are compared. Those of plateau, which wants a loss that stands still, hardly move."""
    return () if "plateau" in case else (1, 10, 100) if case in OPTIMIZERS else (100,)


def settings(case):
    """The case's settings with the defaults of all cases, by name."""
    rows = {"loss": "cross_entropy", "optimizer": "sgd(lr=0.02, momentum=0.9)", "epochs": str(EPOCHS), "batch": str(BATCH)}
    for line in CASES[case]:
        name, value = line.split(" = ", 1)
        rows[name] = value
    return rows


def source(case):
    """The case as a .cnn file."""
    return MODEL + "train {\n" + "".join(f"  {name} = {value}\n" for name, value in settings(case).items()) + "}\n"
