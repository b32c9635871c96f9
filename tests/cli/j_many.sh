# Sourced by run.sh: more values side by side than one kernel joins, against a twin that makes them all at once.
mkdir many && cd many || exit 1
python3 - <<'PY'
import struct
N = 70
def model(name, layers):
    return (f"model {name} {{\n  input(5, 4, 3)\n  x = it\n{layers}  -> flatten -> dense(2)\n}}\n"
            "train { loss = cross_entropy }\n")
parts = "".join(f"  a{i} = x -> conv(1, 1)\n" for i in range(N))
open("apart.cnn", "w").write(model("apart", parts + "  concat(" + ", ".join(f"a{i}" for i in range(N)) + ")\n"))
open("whole.cnn", "w").write(model("whole", f"  x -> conv({N}, 1)\n"))
def npy(name, kind, shape, data):
    header = ("{'descr': '%s', 'fortran_order': False, 'shape': %s}" % (kind, shape)).encode()
    header += b" " * (117 - len(header)) + b"\n"
    open(name, "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data)
npy("x.npy", "<f4", "(7, 5, 4, 3)", struct.pack("<420f", *((i * 37 % 101) / 50 - 1 for i in range(420))))
npy("t.npy", "<i4", "(7,)", struct.pack("<7i", 0, 1, 1, 0, 1, 0, 0))
PY
check "many values: apart" "$CNNC" apart.cnn -o apart
check "many values: at once" "$CNNC" whole.cnn -o whole
check "many values: no kernel joins more than 32" python3 -c '
import re, subprocess, sys
text = subprocess.run([sys.argv[1], "--emit=llvm-ir", "-O0", "apart.cnn", "-o", "apart.ll"], check=True) and open("apart.ll").read()
arguments = [line.count("ptr ") for line in text.split("\n") if line.startswith("define") and "concat" in line]
assert arguments and max(arguments) <= 36, arguments' "$CNNC"
check "many values: weights" ./apart init --output apart.safetensors
cat >stack.py <<'PY'
import json, struct, sys
import numpy as np
def read(name):
    data = open(name, "rb").read()
    size, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    return {k: np.frombuffer(data[8 + size:][slice(*v["data_offsets"])], "<f4").reshape(v["shape"])
            for k, v in header.items() if k != "__metadata__"}
def stacked(tensors):
    made = {k: v for k, v in tensors.items() if not k.startswith("conv_")}
    for part in ("weight", "bias"):
        made["conv_1." + part] = np.concatenate([tensors[f"conv_{i}.{part}"] for i in range(1, 71)])
    return made
if sys.argv[1] == "stack":
    tensors, header, data = stacked(read("apart.safetensors")), {}, b""
    for name, value in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [len(data), len(data) + value.nbytes]}
        data += value.tobytes()
    text = json.dumps(header).encode()
    open("whole.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + data)
else:
    a, b = stacked(read("apart.g")), read("whole.g")
    assert a.keys() == b.keys(), (a.keys(), b.keys())
    for name in a:
        assert np.abs(a[name] - b[name]).max() <= 1e-5 * np.abs(b[name]).max() + 1e-7, name
    y, z = np.load("apart.npy"), np.load("whole.npy")
    assert np.abs(y - z).max() <= 1e-5 * np.abs(z).max(), (y, z)
PY
check "many values: stacked weights" python3 stack.py stack
for twin in apart whole; do
    check "many values: $twin runs" ./$twin run --weights $twin.safetensors --input x.npy --output $twin.npy
    check "many values: $twin's gradients" ./$twin gradients --weights $twin.safetensors --input x.npy --target t.npy --output $twin.g
done
check "many values: the twins agree" python3 stack.py compare
cd ..
