"""Numbers that every machine makes alike: pseudo-random weights, data and projections from SplitMix64, and the file formats.

Needs numpy alone. The reference files hold, for each tensor, its norm and its inner products with fixed vectors of +1 and
-1: the mean of the squared differences of those products is an unbiased estimate of the squared L2 distance."""
import json
import struct

import numpy as np

PROJECTIONS = 32


def words(name, count, stream=0):
    """`count` 64-bit words, a function of the name and the stream alone."""
    seed = np.uint64(1469598103934665603)
    with np.errstate(over="ignore"):
        for byte in name.encode():
            seed = (seed ^ np.uint64(byte)) * np.uint64(1099511628211)
        seed = seed + np.uint64(stream) * np.uint64(0xD1B54A32D192ED03)
        z = seed + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(name, shape):
    """float64 in [-1, 1), multiples of 2^-15."""
    count = int(np.prod(shape, dtype=np.int64))
    return ((words(name, count) >> np.uint64(48)).astype(np.float64) / 32768 - 1).reshape(shape)


def initial(name, shape):
    """A parameter's value before training: what its name and shape ask for."""
    if name.endswith("running_mean"):
        return np.zeros(shape, np.float32)
    if name.endswith("running_var"):
        return np.ones(shape, np.float32)
    draw = uniform(name, shape)
    if name.endswith("bias"):
        return (0.1 * draw).astype(np.float32)
    if len(shape) == 1:
        return (1 + 0.1 * draw).astype(np.float32)
    fan_in = int(np.prod(shape[1:], dtype=np.int64))
    return (draw * np.sqrt(6 / fan_in)).astype(np.float32)


def samples(name, count, shape):
    """Pictures, channels last: a smooth pattern a class and noise; and their classes."""
    classes = np.arange(count, dtype=np.int64) * 7 % 10
    axes = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    pictures = np.empty((count, *shape), np.float32)
    for i, label in enumerate(classes):
        wave = sum(((label * (k + 3)) % 5 - 2) * axis for k, axis in enumerate(axes))
        noise = uniform(f"{name} sample {i}", shape)
        pictures[i] = (0.5 + 0.25 * np.sign(wave % 7 - 3) + 0.25 * noise).astype(np.float32)
    return pictures, classes


def sample(name, shape, reach=2, below=0, batch=5):
    """Samples of a layer's case: multiples of 2^-14 in [-reach, reach), or whole numbers from 0 to below `below`."""
    draw = uniform(f"{name} input", (batch, *shape))
    return np.floor((draw + 1) / 2 * below) if below else reach * draw


def targets(name, shape, classes, binary):
    """Targets for outputs of that shape: a class a place, zeros and ones, or numbers."""
    draw = uniform(f"{name} target", shape[:-1] if classes else shape)
    if classes:
        return np.floor((draw + 1) / 2 * shape[-1]).astype(np.int64)
    return (draw > 0).astype(np.float64) if binary else draw


def project(name, values):
    """The norm of a tensor and its inner products with the fixed vectors."""
    flat = np.asarray(values, np.float64).ravel()
    result = np.empty(1 + PROJECTIONS)
    result[0] = np.linalg.norm(flat)
    bits = words("projection " + name, flat.size)
    for i in range(PROJECTIONS):
        sign = ((bits >> np.uint64(i)) & np.uint64(1)).astype(np.float64) * 2 - 1
        result[1 + i] = flat @ sign
    return result


def relative_error(name, values, reference):
    """Estimate of |values - what the reference was made of| / |the latter|."""
    ours = project(name, values)
    distance = np.sqrt(np.mean((ours[1:] - reference[1:]) ** 2))
    return distance / max(reference[0], 1e-30)


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [offset, offset + 4 * value.size]}
        offset += 4 * value.size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for value in tensors.values():
            file.write(np.ascontiguousarray(value, "<f4").tobytes())


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "F32", name
        values = np.frombuffer(data[8 + length + begin : 8 + length + end], "<f4")
        tensors[name] = values.reshape(entry["shape"])
    return tensors
