"""Makes the files that tests/faults/run.sh feeds to the programs. `files` writes good data and its faulty kin into the current
folder, `weights` a good weight file and its faulty kin."""
import json
import os
import shutil
import struct
import sys

import numpy as np

random = np.random.default_rng(7)


def put(path, data):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def npy_bytes(array, **changes):
    """NPY 1.0, with parts of the header replaced."""
    header = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape} | changes
    text = repr(header).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + array.tobytes()


def cut_everywhere(name, good, step):
    """A folder for each length of the file, with the other files whole."""
    data = good[name]
    for length in [*range(0, min(len(data), 24)), *range(24, len(data), step), len(data) - 1]:
        folder = f"cut/{name}_{length}"
        for other, content in good.items():
            put(f"{folder}/{other}", content)
        put(f"{folder}/{name}", data[:length])


def make_files():
    pictures, labels = random.integers(0, 256, (6, 6, 6), np.uint8), np.arange(6, dtype=np.uint8) % 2
    idx = {"images.idx": struct.pack(">IIII", 0x803, 6, 6, 6) + pictures.tobytes(),
           "labels.idx": struct.pack(">II", 0x801, 6) + labels.tobytes()}  # fmt: skip
    x, t = (pictures[..., None] / 255).astype(np.float32), labels.astype(np.int64)
    arrays = {"x.npy": npy_bytes(x), "t.npy": npy_bytes(t)}
    batch = b"".join(bytes([i]) + random.integers(0, 256, 3072, np.uint8).tobytes() for i in range(2))
    for files in (idx, arrays, {"batch.bin": batch}):
        for name, data in files.items():
            put(f"data/{name}", data)
    put("x.npy", arrays["x.npy"])
    cut_everywhere("images.idx", idx, 40)
    cut_everywhere("labels.idx", idx, 1)
    cut_everywhere("x.npy", arrays, 160)
    cut_everywhere("t.npy", arrays, 16)
    cut_everywhere("batch.bin", {"batch.bin": batch}, 1000)

    images, some = idx["images.idx"], idx["labels.idx"]
    for name, content, other in (
        ("more_promised", struct.pack(">IIII", 0x803, 7, 6, 6) + images[16:], some),
        ("huge_count", struct.pack(">IIII", 0x803, 0xFFFFFFFF, 6, 6) + images[16:], some),
        ("huge_extents", struct.pack(">IIII", 0x803, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF) + images[16:], some),
        ("none", struct.pack(">IIII", 0x803, 0, 6, 6), struct.pack(">II", 0x801, 0)),
        ("other_size", struct.pack(">IIII", 0x803, 4, 9, 6) + images[16:], some),
        ("other_type", struct.pack(">IIII", 0xD03, 6, 6, 6) + images[16:], some),
        ("rank", struct.pack(">II", 0x801, 216) + images[16:], some),
        ("more_bytes", images + b"x", some),
        ("fewer_labels", images, struct.pack(">II", 0x801, 5) + some[8:13]),
        ("label_range", images, some[:-1] + b"\x02"),
    ):
        put(f"lie/{name}/images.idx", content)
        put(f"lie/{name}/labels.idx", other)

    good = x[:2]
    for name, data in {
        "fortran": npy_bytes(good, fortran_order=True),
        "big_endian": npy_bytes(good.astype(">f4")),
        "complex": npy_bytes(good.astype(np.complex64)),
        "strings": npy_bytes(good, descr="<U4"),
        "none": npy_bytes(good[:0]),
        "more_bytes": npy_bytes(good) + b"\0",
        "wrong_shape": npy_bytes(good, shape=(2, 6, 6, 2)),
        "huge_shape": npy_bytes(good, shape=(1 << 62, 6, 6, 1)),
        "overflow": npy_bytes(good, shape=(1 << 32, 1 << 32, 6, 1)),
        "negative": npy_bytes(good, shape=(-2, 6, 6, 1)),
        "flat": npy_bytes(good, shape=(72,)),
        "magic": b"\x93NUMPX" + npy_bytes(good)[6:],
        "version": b"\x93NUMPY\x09\x00" + npy_bytes(good)[8:],
        "no_header": b"\x93NUMPY\x01\x00" + struct.pack("<H", 4) + b"{}\n\n",
        "long_header": b"\x93NUMPY\x02\x00" + struct.pack("<I", 70000) + b" " * 70000,
        "header_past_end": b"\x93NUMPY\x02\x00" + struct.pack("<I", 0xFFFFFFFF) + b"{",
        "not_finished": npy_bytes(good).replace(b"}", b" "),
        "empty": b"",
    }.items():
        put(f"shaped/{name}.npy", data)
    put("good/one.npy", npy_bytes(x[0]))
    put("good/double.npy", npy_bytes(good.astype(np.float64)))
    put("good/bytes.npy", npy_bytes(pictures[..., None]))
    put("good/version2.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", len(npy_bytes(good)) - good.nbytes - 10)
        + npy_bytes(good)[10:])  # fmt: skip


def safetensors(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def make_weights():
    shapes = {"conv_1.weight": (4, 1, 3, 3), "conv_1.bias": (4,), "dense_1.weight": (2, 64), "dense_1.bias": (2,)}
    values = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}

    def entries(dtype="F32", size=4, order=None):
        header, offset = {}, 0
        for name in order or shapes:
            length = size * int(np.prod(shapes[name]))
            header[name] = {"dtype": dtype, "shape": list(shapes[name]), "data_offsets": [offset, offset + length]}
            offset += length
        return header

    header, data = entries(), b"".join(value.tobytes() for value in values.values())
    whole = safetensors(header, data)
    put("tiny.safetensors", whole)
    put("arrays.safetensors", whole)

    def changed(name, **entry):
        copy = json.loads(json.dumps(header))
        copy[name].update(entry)
        return safetensors(copy, data)

    def without(name):
        return safetensors({key: value for key, value in header.items() if key != name}, data)

    text = json.dumps(header)
    nan = bytearray(data)
    nan[-4:] = struct.pack("<f", float("nan"))
    infinite = bytearray(data)
    infinite[:4] = struct.pack("<f", float("inf"))
    shifted = {key: dict(value) for key, value in header.items()}
    shifted["dense_1.bias"]["data_offsets"] = [end + 4 for end in header["dense_1.bias"]["data_offsets"]]
    for name, content in {
        "empty": b"", "seven_bytes": whole[:7], "header_alone": whole[:8],
        "header_longer_than_file": struct.pack("<Q", len(whole)) + whole[8:],
        "header_huge": struct.pack("<Q", 0xFFFFFFFFFFFFFFFF) + whole[8:],
        "header_over_100_mb": struct.pack("<Q", 100_000_001) + whole[8:],
        "header_no_json": safetensors(b"not json" * 4, data),
        "header_list": safetensors(b"[1, 2, 3]", data),
        "header_not_utf8": safetensors(text.replace("conv_1.bias", "conv\xff").encode("latin-1"), data),
        "header_deep": safetensors(b"[" * 100_000, data),
        "data_short": whole[:-4], "data_long": whole + b"\0\0\0\0",
        "gap": safetensors(shifted, data + b"\0\0\0\0"),
        "overlap": changed("conv_1.bias", data_offsets=[0, 16]),
        "reversed": changed("conv_1.bias", data_offsets=[160, 144]),
        "negative": changed("conv_1.bias", data_offsets=[-16, 0]),
        "fractional": changed("conv_1.bias", data_offsets=[144.5, 160.5]),
        "past_end": changed("dense_1.bias", data_offsets=[672, 68000]),
        "size_mismatch": changed("conv_1.bias", data_offsets=[144, 156]),
        "shape_overflow": changed("conv_1.bias", shape=[1 << 62, 1 << 62, 4]),
        "shape_negative": changed("conv_1.bias", shape=[-4]),
        "shape_other": changed("conv_1.weight", shape=[4, 3, 1, 3]),
        "shape_text": changed("conv_1.bias", shape="4"),
        "type_integer": changed("conv_1.bias", dtype="I32"),
        "type_unknown": changed("conv_1.bias", dtype="F99"),
        "type_missing": safetensors(text.replace('"dtype": "F32", ', "", 1).encode(), data),
        "duplicate": safetensors(("{" + text[1:-1] + ", " + text[1:]).encode(), data),
        "name_missing": without("dense_1.bias"),
        "name_unknown": safetensors(text.replace("dense_1.bias", "dense_9.bias").encode(), data),
        "not_a_number": safetensors(header, bytes(nan)), "infinite": safetensors(header, bytes(infinite)),
        "metadata_number": safetensors({"__metadata__": {"a": 1}} | header, data),
    }.items():  # fmt: skip
        put(f"bad/{name}.safetensors", content)

    order = list(shapes)[::-1]
    backward = entries(order=order)
    put("well/any_order.safetensors", safetensors({name: backward[name] for name in shapes},
        b"".join(values[name].tobytes() for name in order)))  # fmt: skip
    put("well/half.safetensors", safetensors(entries("F16", 2), b"".join(v.astype("<f2").tobytes() for v in values.values())))
    put("well/bfloat.safetensors", safetensors(entries("BF16", 2),
        b"".join((v.view(np.uint32) >> 16).astype("<u2").tobytes() for v in values.values())))  # fmt: skip
    put("well/metadata.safetensors", safetensors({"__metadata__": {"format": "pt"}} | header, data))
    put("well/spaces.safetensors", safetensors(text.encode() + b" " * 64, data))
    tracked = {"dense_1.num_batches_tracked": {"dtype": "I64", "shape": [], "data_offsets": [len(data), len(data) + 8]}}
    put("well/tracked.safetensors", safetensors(header | tracked, data + bytes(8)))


if sys.argv[1] == "files":
    for folder in ("cut", "lie", "shaped", "good", "data"):
        shutil.rmtree(folder, ignore_errors=True)
    make_files()
else:
    make_weights()
