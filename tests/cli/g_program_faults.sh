# The compiled model: what people ask of it that would do harm, and what it says instead.

expect 0 "compile normed" "$CNNC" normed.cnn
N=./normed

# Batch normalisation of one value a channel: no step of one sample, which would end the running variance.
expect 2 "a batch of one" $N train --batch 1 && says "a batch of one" "normed needs 2 samples a step"
expect 2 "one sample to train on" $N train --limit 1 && says "one sample to train on" "1 sample to train on"
expect 0 "a last batch of one sample" $N train --quiet --log normed.jsonl && says "a last batch of one sample" "it is left out"
check "the running variance stays" python3 -c '
import json, struct
lines = [json.loads(line) for line in open("normed.jsonl")]
assert len(lines) == 10, lines
data = open("normed.safetensors", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
begin, end = json.loads(data[8:8 + size])["batchnorm_1.running_var"]["data_offsets"]
variance = struct.unpack("<3f", data[8 + size + begin:8 + size + end])
assert all(0.001 < v < 100 for v in variance), variance'
expect 0 "a last batch of two samples" $N train --epochs 1 --batch 5 --save normed2.safetensors && is "nothing is said" "$(cat err)" ""
expect 0 "no last batch" $N train --epochs 1 --batch 8 --limit 16 --save normed2.safetensors && is "nothing is said" "$(cat err)" ""
expect 0 "a batch of one without such a layer" $M train --epochs 1 --batch 1 --limit 3 --save one.safetensors &&
    is "nothing is said" "$(cat err)" ""

# No output is the program or one of its inputs, under whatever name.
mkdir -p spare && cp tiny normed spare/ && cp w.safetensors x.npy t.npy normed-*.npy spare/ && cp -r data spare/ && cd spare || exit 1
ln -s tiny link && ln w.safetensors hard && cp data/train-labels.idx kept
spares() { # spares NAME WHAT COMMAND...: refused, with what would be overwritten
    local name=$1 what=$2
    shift 2
    expect 2 "$name is spared" "$@" && says "$name is spared" "would overwrite $what"
}
spares "the program" "the program itself" ./tiny train --save tiny
spares "the program, by a link" "the program itself" ./tiny init --output link
spares "the program, by the log" "the program itself" ./tiny train --log ./tiny
spares "the samples" "./normed-x.npy, which train reads" ./normed train --data . --save normed-x.npy
spares "the targets" "data/train-labels.idx, which train reads" ./tiny train --save data/train-labels.idx
spares "the test samples" "data/test-images.idx, which train reads" ./tiny train --log data/test-images.idx
spares "the first weights" "w.safetensors, which train reads" ./tiny train --init w.safetensors --save w.safetensors
cp w.safetensors tiny.safetensors
spares "the first weights, without --save" "tiny.safetensors, which train reads" ./tiny train --init tiny.safetensors
spares "the weights" "w.safetensors, which run reads" ./tiny run --weights w.safetensors --input x.npy --output hard
spares "the input" "x.npy, which run reads" ./tiny run --weights w.safetensors --input x.npy --output ./x.npy
spares "the gradients' targets" "t.npy, which gradients reads" \
    ./tiny gradients --weights w.safetensors --input x.npy --target t.npy --output t.npy
spares "the log" "what another option writes" ./tiny train --save both --log both
gzip data/train-labels.idx
spares "packed data" "data/train-labels.idx.gz, which train reads" ./tiny train --save data/train-labels.idx.gz
expect 0 "a device takes several outputs" ./tiny train --epochs 1 --save /dev/null --log /dev/null
gzip -d data/train-labels.idx.gz
same "what was spared" data/train-labels.idx kept && same "the program" tiny ../tiny && same "the samples" x.npy ../x.npy
cd .. || exit 1

# run takes numbers as they are, and says so where training scales them.
expect 0 "run of a model that scales" $M run --weights w.safetensors --input x.npy --output raw.npy &&
    says "run of a model that scales" "--scaled applies the data block's scale"
expect 0 "run --scaled" $M run --weights w.safetensors --input x.npy --output scaled.npy --scaled && is "nothing is said" "$(cat err)" ""
python3 -c 'import numpy as np; np.save("x255.npy", (np.load("x.npy") * np.float32(1 / 255)).astype(np.float32))
x = np.load("x.npy")[:, 0, :4, 0]; np.save("plain.npy", x); np.save("half.npy", (x * np.float32(0.5) - 1).astype(np.float32))'
expect 0 "run of scaled samples" $M run --weights w.safetensors --input x255.npy --output scaled2.npy && same "scale" scaled.npy scaled2.npy
differs "what is not scaled" raw.npy scaled.npy
expect 0 "run --scaled with a mean" $N run --weights normed.safetensors --input plain.npy --output scaled.npy --scaled
expect 0 "run of such samples" $N run --weights normed.safetensors --input half.npy --output scaled2.npy && same "mean" scaled.npy scaled2.npy
expect 0 "compile fixed" "$CNNC" fixed.cnn
python3 -c 'import numpy as np; np.save("one.npy", np.ones((1, 3, 3, 1), np.float32))'
expect 2 "run --scaled without a data block" ./fixed run --input one.npy --output y.npy --scaled && says "without a data block" "data block"
expect 0 "run of a model that does not scale" ./fixed run --input one.npy --output y.npy && is "nothing is said" "$(cat err)" ""

# Weights from elsewhere.
python3 - <<'PYTHON'
import json, struct
data = open("w.safetensors", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + size])
header = {name if name == "__metadata__" else "module." + name: value for name, value in header.items()}
text = json.dumps(header).encode()
open("module.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + data[8 + size:])
PYTHON
expect 0 "weights with a prefix" $M run --weights module.safetensors --input x.npy --output y.npy --scaled &&
    says "weights with a prefix" "note: module.safetensors: 'module.' before all its names is left out"
$M run --weights w.safetensors --input x.npy --output y2.npy --scaled && same "the prefix makes no difference" y.npy y2.npy
expect 0 "--init with a prefix" $M train --epochs 0 --init module.safetensors --save i.safetensors && says "--init with a prefix" "'module.'"
python3 -c 'import zipfile; z = zipfile.ZipFile("w.pth", "w"); z.writestr("archive/data.pkl", b"x" * 99)'
expect 3 "weights of PyTorch" $M eval --weights w.pth && says "weights of PyTorch" "w.pth: a PyTorch file" &&
    says "weights of PyTorch" "safetensors.torch.save_file("
expect 3 "an array as weights" $M eval --weights x.npy && says "an array as weights" "a NumPy array"

# Data that is not where it was looked for.
mkdir -p near && cp data/train-labels.idx near/ && cp data/train-images.idx near/train_images.idx
expect 4 "data under another name" $M train --data near && says "data under another name" "is it 'train_images.idx'?" &&
    says "data under another name" "--data DIR" && says "data under another name" "'near'"
expect 4 "data of eval" $M eval --weights w.safetensors --data nowhere && says "data of eval" "--data DIR"
cp -r data padded && gzip padded/*.idx && for f in padded/*.gz; do head -c 512 /dev/zero >>"$f"; done
expect 0 "gzip data with zeros behind" $M train --epochs 1 --data padded --save padded.safetensors

# An output of several axes is for run.
cat >map.cnn <<'CNN'
model map { input(6, 6, 1); conv(2, 3) }
CNN
expect 0 "compile map" "$CNNC" map.cnn
expect 2 "predict of a map" ./map predict light.pgm && says "predict of a map" "4x4x2" && says "predict of a map" "run"
