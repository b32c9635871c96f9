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
