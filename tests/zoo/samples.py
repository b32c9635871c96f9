"""Made-up samples for models of any shape, and judgement of what comes of them. The shape is in what `summary --json` prints.

input SUMMARY FILE; output FILE SHAPE; data SUMMARY SAMPLES TARGETS CLASSES|same; falling LOG; names FILE NAME...;
subset FILE FILE
"""
import json
import struct
import sys

import numpy


def shapes(summary):
    with open(summary) as file:
        text = json.load(file)
    # Samples of words are whole numbers below the vocabulary.
    words = any(layer["kind"] == "embedding" for layer in text["layers"])
    return text["input"], text["output"], words


def make_input(summary, path):
    shape, _, words = shapes(summary)
    random = numpy.random.default_rng(1)
    sample = random.integers(0, 40, shape) if words else random.random(shape)
    numpy.save(path, sample.astype(numpy.float32)[None])


def judge_output(path, shape):
    result = numpy.load(path)
    wanted = tuple(int(size) for size in shape.split("x"))
    assert result.shape == wanted, result.shape
    assert numpy.isfinite(result).all()
    assert result.size == 1 or result.std() > 0, "all values are the same"


def make_data(summary, samples_path, targets_path, classes):
    """A class is a picture of its own with noise on it, so that a few steps are enough to learn something."""
    shape, output, words = shapes(summary)
    random = numpy.random.default_rng(2)
    count = 32
    kinds = 4 if classes == "same" else min(int(classes), 4)
    kind = random.integers(0, kinds, count)
    if words:
        samples = random.integers(0, 10, [count] + shape) + 10 * kind.reshape([count] + [1] * len(shape))
    else:
        samples = 0.7 * random.random([kinds] + shape)[kind] + 0.3 * random.random([count] + shape)
    samples = samples.astype(numpy.float32)
    if classes == "same":
        targets = samples
    else:
        targets = numpy.broadcast_to(kind.reshape([count] + [1] * (len(output) - 1)), [count] + output[:-1])
        targets = numpy.ascontiguousarray(targets).astype(numpy.int64)
    numpy.save(samples_path, samples)
    numpy.save(targets_path, targets)


def judge_falling(path):
    with open(path) as file:
        losses = [json.loads(line)["loss"] for line in file]
    assert numpy.isfinite(losses).all() and min(losses[1:]) < losses[0], losses


def tensor_names(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return set(json.loads(file.read(length))) - {"__metadata__"}


def judge_names(path, *names):
    missing = set(names) - tensor_names(path)
    assert not missing, f"{missing} not among {sorted(tensor_names(path))}"


def judge_subset(few, many):
    assert tensor_names(few) < tensor_names(many), tensor_names(few) - tensor_names(many)


commands = {"input": make_input, "output": judge_output, "data": make_data, "falling": judge_falling, "names": judge_names,
            "subset": judge_subset}
commands[sys.argv[1]](*sys.argv[2:])
