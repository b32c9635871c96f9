# Sourced by run.sh: what --check says that training a batch needs is what the program allocates for it; reading a data set takes its size
# and no more; a probe that keeps every layer's value costs training nothing.
if [ -z "$SANITIZE" ]; then # a sanitizer has an allocator of its own
    check "the preloaded library builds" $CC -std=gnu11 -O1 -w -fPIC -shared "$HERE/heap_peak.c" -o heap_peak.so
    python3 - <<'PY'
import struct
open("batch-images", "wb").write(struct.pack(">HBB3I", 0, 8, 3, 64, 28, 28) + bytes(i * 7 % 251 for i in range(784 * 64)))
open("batch-labels", "wb").write(struct.pack(">HBBI", 0, 8, 1, 64) + bytes(i % 10 for i in range(64)))
for k in range(1, 6):
    records = (bytes([i % 10]) + bytes(i * j % 251 for j in range(3072)) for i in range(26))
    open(f"data_batch_{k}.bin", "wb").write(b"".join(records))
PY
    # memory_is_true NAME LARGE MODEL-FILE [OPTION...]: at most, besides that: the data (0.4 MB of CIFAR at most) and the buffers of reading or
    # writing (0.25 MB each), a copy of the weights in the order of the file while it is written; a block of 8 MB or more, of which the
    # model has LARGE, begins and ends on a large page of 2 MB.
    memory_is_true() {
        local name=$1 large=$2 model=$3
        shift 3
        check "memory: $name compiles" "$CNNC" "$@" "$model" -o memory_model || return
        check "memory: $name is checked" "$CNNC" --check --format=json "$@" "$model"
        cp "$WORK/out" checked.json
        HEAP_PEAK=peak LD_PRELOAD=./heap_peak.so ./memory_model train --data . --epochs 1 --threads 1 --lr 0.001 --quiet \
            --save memory.safetensors >out 2>err || fail "memory: $name trains" "$(cat err)"
        check "memory: $name takes what --check says" python3 -c '
import json, os, sys
said, large = json.load(open("checked.json"))["memory"]["training"], int(sys.argv[1])
took = int(open("peak").read())
most = said + os.path.getsize("memory.safetensors") + (900 << 10) + large * (4 << 20)
assert said <= took <= most, f"--check says {said}, {took} were allocated, {most} would do"' "$large"
    }
    # images FILE: the model with its data in the two small files.
    images() { sed -e 's/train-images-idx3-ubyte.gz/batch-images/; s/train-labels-idx1-ubyte.gz/batch-labels/' "$1"; }
    images "$ROOT/examples/keras_sequential.cnn" >memory_sequential.cnn
    memory_is_true keras_sequential 0 memory_sequential.cnn
    memory_is_true resnet20 3 "$ROOT/examples/resnet20.cnn"
    # Many layers, each with little to keep for its gradient: the probe is several times what training needs, and lies around what
    # the second convolution works in.
    cat >probed.cnn <<'CNN'
model probed {
  input(28, 28, 1)
  conv(8, 3, padding=same)
  repeat 60 { permute(1, 0, 2) }
  conv(16, 3, padding=same) -> maxpool(2)
  repeat 4 { permute(1, 0, 2) }
  flatten -> dense(10)
}
CNN
    images "$ROOT/examples/keras_sequential.cnn" | sed -n '/^data {/,$p' >>probed.cnn
    memory_is_true probed 0 probed.cnn --kernel=conv_2=winograd4
    check "memory: a layer of the probe" python3 -c '
import struct
header = b"{\x27descr\x27: \x27<f4\x27, \x27fortran_order\x27: False, \x27shape\x27: (5, 28, 28, 1)}"
header += b" " * (117 - len(header)) + b"\n"
values = struct.pack("<3920f", *(i % 97 / 97 for i in range(3920)))
open("five.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + values)'
    ./memory_model init --output memory.safetensors >out 2>err
    for layer in $(./memory_model summary --json | grep -o '"name": *"[a-z_0-9]*"' | grep -o '[a-z_]*_[0-9]*'); do
        check "memory: $layer" ./memory_model run --weights memory.safetensors --input five.npy --output $layer.npy --layer "$layer"
    done
    check "memory: run" ./memory_model run --weights memory.safetensors --input five.npy --output whole.npy
    same "memory: the probe's last layer is the output" whole.npy dense_1.npy
    same "memory: permuted twice is the same" permute_2.npy permute_60.npy
    differs "memory: permuted once is another" permute_1.npy permute_2.npy
fi
